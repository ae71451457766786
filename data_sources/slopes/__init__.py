"""Slopes and dangerous rocks: how fast they move, how much it rained, who was called and moved, who has been to look."""

from __future__ import annotations

from dashboard import city
from dashboard.city import Text
from data_sources.slopes.derived import DERIVED
from data_sources.slopes.kpis import KPIS
from data_sources.slopes.rules import RULES
from data_sources.slopes.tables import FEEDS

DOMAIN = city.Domain(
    key="slopes",
    title=Text("边坡危岩", "Slopes and rocks"),
    department=Text("区规划自然资源局", "District Planning and Natural Resources Bureau"),
    vital="skeleton",
    feeds=FEEDS,
    kpis=KPIS,
    rules=RULES,
    derived=DERIVED,
    asset_kinds={
        "rock": Text("危岩", "Dangerous rock"),
        "landslide": Text("滑坡", "Landslide"),
        "slope": Text("斜坡", "Slope"),
        "rain_gauge": Text("雨量站", "Rain gauge"),
    },
    states={
        **{"normal": Text("正常监测", "Watched"), "blue": Text("注意", "Attention"), "yellow": Text("警示", "Caution")},
        **{"orange": Text("警戒", "Alert"), "red": Text("警报", "Alarm")},
        **{"warned": Text("已预警", "Warned"), "called": Text("已叫应", "Called"), "responded": Text("已响应", "Responded")},
        **{"evacuating": Text("转移中", "Evacuating"), "safe": Text("已安置", "Safe"), "observing": Text("观察中", "Observed")},
        **{"lifted": Text("已解除", "Lifted"), "answered": Text("已应答", "Answered")},
        **{"open": Text("待巡查", "To walk"), "sound": Text("正常", "Sound"), "abnormal": Text("异常", "Abnormal")},
    },
    category_words={
        **{"blue": Text("蓝色预警", "Blue warning"), "yellow": Text("黄色预警", "Yellow warning")},
        **{"orange": Text("橙色预警", "Orange warning"), "red": Text("红色预警", "Red warning")},
        **{"observer": Text("群测群防员", "Community observer"), "leader": Text("片区负责人", "Area leader")},
        **{"geologist": Text("驻守地质员", "Stationed geologist"), "technician": Text("区县技术员", "District technician")},
        **{"before": Text("雨前", "Before rain"), "during": Text("雨中", "During rain"), "after": Text("雨后", "After rain")},
    },
)
