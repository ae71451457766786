"""Alley minibuses: where they are, whether they come when they should, whom they carry and whom they reach."""

from __future__ import annotations

from dashboard import city
from dashboard.city import Text
from data_sources.minibuses.kpis import KPIS
from data_sources.minibuses.rules import RULES
from data_sources.minibuses.tables import FEEDS, vehicle

DOMAIN = city.Domain(
    key="minibuses",
    title=Text("小巷公交", "Alley minibuses"),
    department=Text("区交通局", "Transport bureau"),
    vital="circulation",
    feeds=FEEDS,
    part_of=(vehicle.c.line,),
    kpis=KPIS,
    rules=RULES,
    asset_kinds={
        **{"alley": Text("小巷线路", "Alley line"), "health": Text("就医专线", "Health line")},
        **{"pupils": Text("通学专线", "School line"), "tour": Text("观光专线", "Tour line")},
        **{"stop": Text("站点", "Stop"), "vehicle": Text("车辆", "Vehicle"), "link": Text("道路", "Road")},
        **{"community": Text("社区", "Community"), "hospital": Text("医院", "Hospital"), "school": Text("学校", "School")},
        "cell": Text("人口网格", "Population square"),
    },
    resting_states=("idle",),  # at the charger for the night
    states={
        **{"in_service": Text("运营", "In service"), "idle": Text("待命", "Idle")},
        **{"planned": Text("计划", "Planned"), "running": Text("运行", "Running"), "done": Text("完成", "Completed")},
        **{"cancelled": Text("取消", "Cancelled"), "broken": Text("中断", "Interrupted")},
    },
    category_words={
        **{"out": Text("上行", "Outbound"), "back": Text("下行", "Inbound")},
        **{"alley": Text("小巷", "Alley"), "health": Text("就医", "Health")},
        **{"school": Text("通学", "School"), "tour": Text("观光", "Tour")},
    },
)
