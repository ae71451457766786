"""Septic tanks: gas that can explode or poison, how full they are, and whether pumping and crews did their work."""

from __future__ import annotations

from dashboard import city
from dashboard.city import Text
from data_sources.septic_tanks.kpis import KPIS
from data_sources.septic_tanks.rules import RULES
from data_sources.septic_tanks.tables import FEEDS

DOMAIN = city.Domain(
    key="septic_tanks",
    title=Text("化粪池", "Septic tanks"),
    department=Text("区城市管理局", "District Urban Management Bureau"),
    vital="metabolism",
    feeds=FEEDS,
    kpis=KPIS,
    rules=RULES,
    asset_kinds={"septic_tank": Text("化粪池", "Septic tank")},
    states={
        **{"normal": Text("正常", "Normal"), "pre_alarm": Text("预警", "Warning"), "alarm": Text("报警", "Alarm")},
        **{"ventilating": Text("通风中", "Ventilating"), "pumping": Text("抽排中", "Pumping"), "verifying": Text("核验中", "Verifying")},
        **{"sensor_fault": Text("仪表故障", "Instrument fault"), "maintenance": Text("检修锁定", "Locked for repair")},
        **{"manual_dispatch": Text("人工处置", "Crew sent"), "offline": Text("失联", "Lost")},
        **{"running": Text("抽排中", "Pumping"), "verified": Text("核验通过", "Verified"), "failed": Text("核验未过", "Not verified")},
        **{"ended": Text("待核验", "To be verified"), "unseen": Text("无从佐证", "Unseen")},
        **{"dispatched": Text("已派单", "Dispatched"), "arrived": Text("已到场", "On site"), "closed": Text("已闭环", "Closed")},
        **{"open": Text("待清掏", "To be cleaned"), "done": Text("已清掏", "Cleaned out")},
    },
    category_words={
        **{"auto": Text("报警自动抽排", "By its own alarm"), "scheduled": Text("定时自动抽排", "By timetable")},
        **{"manual": Text("人工抽排", "By hand"), "gas": Text("气体报警", "Gas alarm"), "level": Text("液位报警", "Level alarm")},
        **{"handling": Text("自动处置失败", "Handling failed"), "clean": Text("清掏", "Clean-out")},
        **{"normal": Text("转正常", "Back to normal"), "pre_alarm": Text("转预警", "To warning"), "alarm": Text("转报警", "To alarm")},
        **{
            "ventilating": Text("转通风", "To ventilating"),
            "pumping": Text("转抽排", "To pumping"),
            "verifying": Text("转核验", "To verifying"),
        },
        **{"sensor_fault": Text("转仪表故障", "To instrument fault"), "maintenance": Text("转检修", "To repair")},
        **{"manual_dispatch": Text("转人工", "To crew"), "offline": Text("转失联", "To lost")},
    },
)
