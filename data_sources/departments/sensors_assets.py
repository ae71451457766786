"""What the sensor platform watches: named bridges and tunnels, and made-up ones marked as such, slopes, gauges and septic tanks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from dashboard.core.datum import wgs84_to_gcj02
from data_sources.departments.life import STREETS, noise

SEED_OF_PLACES = 7  # the city's things stand where they stand, whatever happens in them

# Local names to call made-up things by, per street in the order of STREETS.
PLACES: tuple[tuple[str, ...], ...] = (
    ("化龙桥", "嘉陵村", "瑞天路", "交农村"),
    ("石油路", "经纬大道", "虎头岩", "大黄路"),
    ("大坪正街", "长江二路", "九坑子", "肖家湾", "浮图关"),
    ("上清寺", "牛角沱", "李子坝", "曾家岩", "学田湾"),
    ("两路口", "鹅岭", "桂花园", "中山二路", "重庆村"),
    ("菜园坝", "铁路村", "菜袁路", "平安街"),
    ("大溪沟", "人民村", "黄花园", "北区路", "双钢路"),
    ("七星岗", "通远门", "金汤街", "捍卫路", "一号桥"),
    ("南纪门", "石板坡", "厚慈街", "凤凰台", "十八梯"),
    ("解放碑", "临江门", "较场口", "沧白路", "民生路"),
    ("朝天门", "小什字", "望龙门", "储奇门", "陕西路"),
)
AREA_OF = {code: number + 1 for number, (code, *_rest) in enumerate(STREETS)}


@dataclass(frozen=True, kw_only=True)
class Thing:
    """A bridge, tunnel, slope, gauge or tank as the platform's register has it. Places are GCJ-02."""

    number: str
    name: str
    kind: int | str
    area: int  # 1–11: position of its street in STREETS, plus one
    lon: float
    lat: float
    made_up: bool = True
    managed: str = "直管"
    form: str = ""
    length: float = 0.0
    span: float = 0.0
    built: int = 0
    iot: bool = True

    @property
    def street(self) -> str:
        """The street's name, as people write it."""
        return STREETS[self.area - 1][1]


# number, name, area, lon, lat (WGS84), form, length, main span, opened: published, see the city's facts
_RIVER_BRIDGES = (
    ("BR01", "千厮门嘉陵江大桥", 11, 106.5755, 29.567, "部分斜拉桥", 878.0, 312.0, 2015),
    ("BR02", "东水门长江大桥", 11, 106.5845, 29.5585, "部分斜拉桥", 1124.947, 445.0, 2014),
    ("BR03", "黄花园嘉陵江大桥", 7, 106.564, 29.5693, "连续刚构", 1208.0, 250.0, 1999),
    ("BR04", "曾家岩嘉陵江大桥", 4, 106.5505, 29.5695, "拱梁组合", 0.0, 270.0, 2021),
    ("BR05", "嘉陵江大桥（牛角沱）", 4, 106.5397, 29.5658, "连续钢桁梁", 625.71, 88.0, 1966),
    ("BR06", "渝澳嘉陵江大桥", 4, 106.5377, 29.5651, "连续梁", 1106.312, 0.0, 2002),
    ("BR08", "嘉华嘉陵江大桥", 1, 106.5195, 29.556, "连续刚构", 528.0, 252.0, 2007),
    ("BR10", "红岩村嘉陵江大桥", 1, 106.5005, 29.5575, "斜拉桥", 720.0, 375.0, 2022),
    ("BR11", "重庆长江大桥（石板坡）", 9, 106.5682, 29.5463, "T形刚构", 0.0, 174.0, 1980),
    ("BR12", "重庆长江大桥复线桥", 9, 106.5679, 29.5463, "混合刚构", 0.0, 330.0, 2006),
    ("BR13", "菜园坝长江大桥", 6, 106.55, 29.544, "提篮拱桥", 800.0, 420.0, 2007),
)
CABLE_STAYED = ("BR01", "BR02", "BR04", "BR10", "BR13")
_TUNNELS = (
    ("TN01", "八一隧道", 5, 106.5452, 29.5565, 7),
    ("TN02", "向阳隧道", 5, 106.5445, 29.556, 7),
    ("TN03", "大坪隧道", 3, 106.524, 29.548, 7),
    ("TN04", "长和路螺旋隧道", 1, 106.516, 29.551, 7),
    ("TN05", "红岩村隧道", 2, 106.504, 29.552, 7),
    ("TN06", "虎头岩隧道", 2, 106.508, 29.553, 7),
    ("TN07", "两江大桥渝中连接隧道", 11, 106.5795, 29.5615, 7),
    ("TN08", "石黄隧道", 8, 106.5655, 29.557, 7),
    ("TN09", "曾家岩大桥南引隧道", 4, 106.55, 29.561, 7),
    ("TN10", "解放碑地下环道", 10, 106.5735, 29.5577, 8),
)
_SLOPES = (
    ("李子坝3号", 4, "危岩"),
    ("李子坝1号", 4, "危岩"),
    ("虎头岩", 2, "危岩"),
    ("佛图关", 3, "危岩"),
    ("鹅岭北坡", 5, "危岩"),
    ("红岩村", 1, "斜坡"),
    ("瑞天路", 1, "斜坡"),
    ("桂花园", 5, "斜坡"),
    ("铁路村", 6, "滑坡"),
    ("菜袁路", 6, "斜坡"),
    ("石板坡", 9, "滑坡"),
    ("枣子岚垭", 8, "斜坡"),
    ("黄花园", 7, "危岩"),
    ("望龙门", 11, "滑坡"),
    ("一号桥", 8, "危岩"),
)
_RIVER, _VIADUCT, _RAMP, _FLYOVER, _FOOTBRIDGE, _UNDERPASS = 1, 2, 3, 4, 5, 6
_WORD = {_VIADUCT: "高架桥", _RAMP: "匝道桥", _FLYOVER: "跨线桥", _FOOTBRIDGE: "人行天桥", _UNDERPASS: "人行地通道"}
# what else the district manages directly with sensors (40), and what others manage under video only (37)
_DIRECT = ((_VIADUCT, 8), (_RAMP, 10), (_FLYOVER, 6), (_FOOTBRIDGE, 16))
_VIDEO_ONLY = ((_FOOTBRIDGE, 13), (_UNDERPASS, 18), (_RAMP, 6))


def _dice(stream: int, count: int) -> list[float]:
    return [float(u) for u in noise(SEED_OF_PLACES, stream, np.arange(count))]


def _near(area: int, stream: int, index: int) -> tuple[float, float]:
    """Somewhere within about 200 m of a street's middle, GCJ-02."""
    _code, _name, lon, lat = STREETS[area - 1]
    east, north = _dice(stream, index + 1)[index], _dice(stream + 1, index + 1)[index]
    return _gcj(lon + (east - 0.5) * 0.004, lat + (north - 0.5) * 0.003)


def _gcj(lon: float, lat: float) -> tuple[float, float]:
    there = wgs84_to_gcj02(lon, lat)
    return round(float(there[0]), 6), round(float(there[1]), 6)


def _local_name(area: int, turn: int, word: str) -> str:
    """`鹅岭人行天桥`, and once the names of a street are used up `鹅岭2号人行天桥`."""
    names = PLACES[area - 1]
    again = turn // len(names)
    return f"{names[turn % len(names)]}{f'{again + 1}号' if again else ''}{word}"


def _made_up(kind: int, count: int, first: int, *, managed: str, iot: bool, seen: dict[tuple[int, int], int]) -> list[Thing]:
    things = []
    for i in range(count):
        area = (i * 5 + kind * 3) % 11 + 1
        turn = seen.get((kind, area), 0)
        seen[kind, area] = turn + 1
        lon, lat = _near(area, 100 + kind * 2, first + i)
        length = {_VIADUCT: 260.0, _RAMP: 140.0, _FLYOVER: 90.0, _FOOTBRIDGE: 48.0, _UNDERPASS: 36.0}[kind] * (
            0.7 + 0.6 * _dice(5, first + i + 1)[-1]
        )
        things.append(
            Thing(
                number=f"QS{first + i:03d}",
                name=_local_name(area, turn, _WORD[kind]),
                kind=kind,
                area=area,
                lon=lon,
                lat=lat,
                managed=managed,
                form="箱涵" if kind == _UNDERPASS else "钢箱梁" if kind == _FOOTBRIDGE else "连续梁",
                length=round(length, 2),
                span=round(length / 3, 2),
                built=1985 + int(_dice(6, first + i + 1)[-1] * 36),
                iot=iot,
            )
        )
    return things


@cache
def bridges() -> list[Thing]:
    """88 bridges: 11 river bridges and 40 others managed directly with sensors (51), 37 under video only."""
    found = []
    for number, name, area, lon, lat, form, length, span, built in _RIVER_BRIDGES:
        east, north = _gcj(lon, lat)
        found.append(
            Thing(
                number=number,
                name=name,
                kind=_RIVER,
                area=area,
                lon=east,
                lat=north,
                made_up=False,
                form=form,
                length=length,
                span=span,
                built=built,
            )
        )
    seen: dict[tuple[int, int], int] = {}
    for kind, count in _DIRECT:
        found += _made_up(kind, count, len(found), managed="直管", iot=True, seen=seen)
    for kind, count in _VIDEO_ONLY:
        found += _made_up(kind, count, len(found), managed="街道" if kind == _FOOTBRIDGE else "社会", iot=False, seen=seen)
    return found


@cache
def tunnels() -> list[Thing]:
    """13 directly managed tunnels: ten named ones and three made up."""
    found = []
    for number, name, area, lon, lat, kind in _TUNNELS:
        east, north = _gcj(lon, lat)
        found.append(Thing(number=number, name=name, kind=kind, area=area, lon=east, lat=north, made_up=False))
    for i, (name, area) in enumerate((("枇杷山隧道", 8), ("鹅岭下穿隧道", 5), ("佛图关隧道", 3))):
        lon, lat = _near(area, 40, i)
        found.append(
            Thing(number=f"TN{11 + i}", name=name, kind=7, area=area, lon=lon, lat=lat, length=620.0 + 140 * i, built=1996 + 9 * i)
        )
    return found


@cache
def slopes() -> list[Thing]:
    """15 hazard points, all made up: rocks over the Jialing bank, landslides and cut slopes."""
    found = []
    for i, (name, area, kind) in enumerate(_SLOPES):
        lon, lat = _near(area, 60, i)
        found.append(Thing(number=f"DZ{i + 1:02d}", name=name + kind, kind=kind, area=area, lon=lon, lat=lat))
    return found


@cache
def gauges() -> list[Thing]:
    """The three rain gauges a public page of the district names."""
    found = []
    for i, (name, area) in enumerate((("佛图关雨量站", 3), ("解放碑雨量站", 10), ("朝天门雨量站", 11))):
        lon, lat = _near(area, 80, i)
        found.append(Thing(number=f"YL{i + 1:02d}", name=name, kind="雨量站", area=area, lon=lon, lat=lat, made_up=False))
    return found


def septic_tanks() -> list[Thing]:
    """150 tanks of old compounds, 18 managed directly, 12 nobody owns; all made up."""
    found = []
    for i in range(180):
        area = (i * 7) % 11 + 1
        names = PLACES[area - 1]
        turn = i // 11
        lon, lat = _near(area, 90, i)
        owner = "老旧小区" if i < 150 else "直管" if i < 168 else "无主"
        what = (
            f"{names[turn % len(names)]}{turn + 1}号院"
            if i < 150
            else f"{names[turn % len(names)]}{'公厕' if i < 168 else f'{turn + 1}号'}"
        )
        found.append(
            Thing(number=f"HFC{i + 1:04d}", name=f"{what}化粪池", kind=owner, area=area, lon=lon, lat=lat, form=what if i < 150 else "")
        )
    return found
