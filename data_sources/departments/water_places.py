"""What the water platform watches: published gauges and ponding spots, and made-up sections, outfalls and spots marked as such."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data_sources.departments.building import Row
from data_sources.departments.life import STREETS

WUSONG, YELLOW_SEA, REPORTED = "吴淞", "黄海", "通报"
PUBLIC, MADE_UP = "公开", "模拟"
_NAME_OF = {short.removesuffix("街道"): short for _code, short, _lon, _lat in STREETS}


@dataclass(frozen=True, kw_only=True)
class Gauge:
    """A river gauge with its limits, all in one datum. A limit nobody published is None."""

    code: str
    name: str
    river: str
    datum: str
    warning: float | None
    guarantee: float | None
    record: float | None = None
    street: str | None = None
    lon: float | None = None
    lat: float | None = None


GAUGES = (
    Gauge(code="SW01", name="寸滩", river="长江", datum=WUSONG, warning=180.5, guarantee=183.5, record=191.62, lon=106.6, lat=29.617),
    Gauge(
        code="SW02",
        name="朝天门",
        river="两江汇口",
        datum=REPORTED,
        warning=None,
        guarantee=185.0,
        street="朝天门街道",
        lon=106.5845,
        lat=29.569,
    ),
    Gauge(
        code="SW03",
        name="菜园坝",
        river="长江",
        datum=REPORTED,
        warning=None,
        guarantee=185.0,
        street="菜园坝街道",
        lon=106.549,
        lat=29.5455,
    ),
    Gauge(code="SW04", name="磁器口", river="嘉陵江", datum=YELLOW_SEA, warning=181.0, guarantee=184.0),
)
_RAIN = (
    ("YL-FT", "佛图关", "大坪", 106.5285, 29.5485),
    ("YL-JF", "解放碑", "解放碑", 106.572, 29.5585),
    ("YL-CT", "朝天门", "朝天门", 106.582, 29.564),
)


@dataclass(frozen=True)
class Spot:
    """A place that ponds: how much rain in an hour it swallows, and how fast it fills beyond that."""

    code: str
    name: str
    kind: int
    street: str
    lon: float
    lat: float
    origin: str
    swallows_mm: float
    cm_per_mm: float


SPOTS = (
    Spot("YL01", "长滨路（交巡警支队段）", 3, "南纪门街道", 106.5688, 29.5505, PUBLIC, 13.5, 1.3),
    Spot("YL02", "四新路牛角沱立交桥下", 1, "上清寺街道", 106.5412, 29.5628, PUBLIC, 11.5, 1.8),
    Spot("YL03", "嘉滨路远见中心段", 3, "大溪沟街道", 106.5565, 29.5662, PUBLIC, 13.0, 1.4),
    Spot("YL04", "解放西路", 2, "南纪门街道", 106.5665, 29.5527, PUBLIC, 12.5, 1.5),
    Spot("YL05", "医学院路", 2, "大坪街道", 106.5205, 29.5405, PUBLIC, 12.0, 1.6),
    Spot("YL06", "瑞天路下穿道", 1, "化龙桥街道", 106.514, 29.5535, MADE_UP, 12.5, 1.7),
    Spot("YL07", "经纬大道低洼段", 2, "石油路街道", 106.5068, 29.5457, MADE_UP, 14.0, 1.2),
    Spot("YL08", "长江一路低洼段", 2, "两路口街道", 106.5428, 29.5552, MADE_UP, 14.0, 1.3),
    Spot("YL09", "菜袁路下穿道", 1, "菜园坝街道", 106.5452, 29.5495, MADE_UP, 12.0, 1.7),
    Spot("YL10", "中山一路低洼段", 2, "七星岗街道", 106.5608, 29.5575, MADE_UP, 14.5, 1.2),
    Spot("YL11", "民生路地下通道口", 1, "解放碑街道", 106.5705, 29.5588, MADE_UP, 13.5, 1.4),
    Spot("YL12", "陕西路低洼段", 2, "朝天门街道", 106.5812, 29.5618, MADE_UP, 13.0, 1.4),
)
BUREAUS = (
    "区应急管理局",
    "区住房城乡建委",
    "区城市管理局",
    "区公安分局",
    "区交通局",
    "区规划自然资源局",
    "区生态环境局",
    "区卫生健康委",
    "区教委",
    "区商务委",
    "区文化旅游委",
    "区消防救援支队",
)


@dataclass(frozen=True)
class Section:
    """A place where water is sampled. `load` is how much heavier than the rivers it is polluted."""

    code: str
    name: str
    water: str
    body: str
    target: str
    automatic: bool
    street: str
    lon: float
    lat: float
    load: float


SECTIONS = (
    Section("SZ01", "长江菜园坝", "长江", "河流", "Ⅱ", True, "菜园坝街道", 106.5475, 29.5468, 0.1),
    Section("SZ02", "长江珊瑚坝", "长江", "河流", "Ⅱ", True, "南纪门街道", 106.5655, 29.549, 0.0),
    Section("SZ03", "长江东水门", "长江", "河流", "Ⅱ", False, "朝天门街道", 106.5835, 29.5605, 0.2),
    Section("SZ04", "嘉陵江化龙桥", "嘉陵江", "河流", "Ⅱ", True, "化龙桥街道", 106.5145, 29.556, 0.1),
    Section("SZ05", "嘉陵江大溪沟", "嘉陵江", "河流", "Ⅱ", True, "大溪沟街道", 106.5575, 29.5668, 0.3),
    Section("SZ06", "两江汇口", "长江", "河流", "Ⅲ", True, "朝天门街道", 106.584, 29.5672, 0.2),
    Section("SZ07", "天地湖公园湖", "天地湖", "湖库", "Ⅳ", False, "化龙桥街道", 106.516, 29.5545, 1.0),
)
AUTOMATIC = tuple(section for section in SECTIONS if section.automatic)

_JIALING = ((106.5015, 29.5575), (106.5145, 29.5585), (106.5385, 29.565), (106.557, 29.5685), (106.573, 29.5658), (106.584, 29.5688))
_YANGTZE = ((106.586, 29.5655), (106.5845, 29.559), (106.5745, 29.551), (106.5665, 29.548), (106.549, 29.5462), (106.5405, 29.545))
OUTFALL_COUNT = 24


def gauge_rows(changed: str) -> list[Row]:
    """The register of river gauges."""
    return [(g.code, g.name, g.river, g.datum, g.warning, g.guarantee, g.record, g.street, g.lon, g.lat, changed) for g in GAUGES]


def rain_gauge_rows(changed: str) -> list[Row]:
    """The register of rain gauges."""
    return [(code, name, _NAME_OF[street], lon, lat, changed) for code, name, street, lon, lat in _RAIN]


def spot_rows(changed: str) -> list[Row]:
    """The register of ponding spots."""
    return [(s.code, s.name, s.kind, s.street, s.lon, s.lat, s.origin, changed) for s in SPOTS]


def responder_rows(changed: str) -> list[Row]:
    """Whom a warning is called out to: departments, then the eleven streets."""
    bureaus = [(f"DX{i:02d}", name, 1, None, None, None, f"023-6300{i:04d}", changed) for i, name in enumerate(BUREAUS, 1)]
    streets = [
        (f"DX{i:02d}", name, 2, name, lon, lat, f"023-6301{i:04d}", changed)
        for i, (_code, name, lon, lat) in enumerate(STREETS, len(BUREAUS) + 1)
    ]
    return [*bureaus, *streets]


def section_rows(changed: str) -> list[Row]:
    """The register of water sections, all made up."""
    return [
        (s.code, s.name, s.water, s.body, f"{s.target}类", "是" if s.automatic else "否", s.street, s.lon, s.lat, MADE_UP, changed)
        for s in SECTIONS
    ]


def outfall_places() -> list[tuple[str, str, int, str, float, float]]:
    """Code, name, kind, street, lon and lat of the made-up outfalls, spread along both banks."""
    found = []
    for river, bank, first in (("嘉陵江", _JIALING, 1), ("长江", _YANGTZE, 1 + OUTFALL_COUNT // 2)):
        lons, lats = np.array(bank).T
        steps = np.linspace(0, len(bank) - 1, OUTFALL_COUNT // 2)
        lon, lat = np.interp(steps, np.arange(len(bank)), lons), np.interp(steps, np.arange(len(bank)), lats)
        for i, (x, y) in enumerate(zip(lon.tolist(), lat.tolist(), strict=True), first):
            kind = 3 if i in (9, 20) else 2 if i % 3 == 0 else 1
            street = min(STREETS, key=lambda s: (s[2] - x) ** 2 + (s[3] - y) ** 2)[1]
            found.append((f"PK{i:02d}", f"{street.removesuffix('街道')}{river}{i}号排口", kind, street, round(x, 6), round(y, 6)))
    return found
