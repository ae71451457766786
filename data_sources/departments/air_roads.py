"""The demo city's roads to sweep, stretch by stretch, and what is planned on each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data_sources.departments.building import Row
from data_sources.departments.life import STREETS, noise

_ROADS = 660  # noise stream of this file
CLASSES = {"主": ("主干", 22.0), "次": ("次干", 15.0), "支": ("支路", 9.0), "步": ("步行街", 18.0), "背": ("背街", 4.5)}
# name, class, grade, streets it runs through (first characters of the street's name)
ROADS = (
    "长滨路 主 1 菜园坝 南纪门 解放碑 朝天门", "嘉滨路 主 1 化龙桥 上清寺 大溪沟 朝天门", "长江一路 主 1 两路口 大坪",
    "长江二路 主 2 大坪 石油路", "中山一路 主 1 七星岗 两路口", "中山二路 主 1 两路口",
    "中山三路 主 1 两路口 上清寺", "中山四路 次 1 上清寺", "人民路 主 1 上清寺 大溪沟",
    "北区路 主 2 大溪沟 七星岗", "南区路 主 2 菜园坝 南纪门", "民生路 次 1 七星岗 解放碑",
    "民权路 步 1 解放碑", "民族路 次 1 解放碑 朝天门", "邹容路 步 1 解放碑",
    "八一路 步 1 解放碑", "五四路 次 1 解放碑", "新华路 次 1 解放碑 朝天门",
    "中华路 支 2 解放碑", "五一路 支 2 解放碑", "和平路 次 2 七星岗 南纪门",
    "解放东路 主 2 朝天门", "解放西路 主 2 南纪门", "凯旋路 支 2 南纪门",
    "中兴路 次 2 南纪门", "沧白路 次 1 朝天门", "临江路 次 1 解放碑 大溪沟",
    "上清寺路 主 1 上清寺", "菜袁路 主 2 菜园坝 大坪", "大坪正街 主 1 大坪",
    "石油路 次 2 石油路", "经纬大道 主 2 石油路 大坪", "医学院路 支 2 大坪",
    "李子坝正街 次 2 上清寺 化龙桥", "长和路 次 3 化龙桥", "红云路 次 3 化龙桥",
)
PLANS = {  # grade → operations: (how, times a day, hours of the city's day it is due at)
    1: (("洗扫", 2.0, (5.2, 13.5)), ("洒水", 2.0, (10.0, 15.0)), ("冲洗", 1.0, (3.5,)), ("人工保洁", 16.0, ())),
    2: (("机扫", 1.0, (5.6,)), ("洒水", 1.0, (10.5,)), ("人工保洁", 14.0, ())),
    3: (("机扫", 1.0, (6.0,)), ("人工保洁", 12.0, ())),
    4: (("普扫", 2.0, ()),),
}
LITTER = {1: 16.0, 2: 28.0, 3: 43.0, 4: 52.0}  # pieces per 1000 m² all told
DUST_LIMIT = {1: 5.0, 2: 5.0, 3: 8.0, 4: 10.0}


@dataclass(frozen=True)
class Segment:
    """A stretch of road cleaned as one."""

    code: str
    name: str
    grade: int
    kind: str
    street: str
    lon: float
    lat: float
    length: float
    width: float
    number: int
    made_up: bool

    @property
    def area(self) -> float:
        """Carriageway and pavements, m²."""
        return round(self.length * self.width)

    @property
    def has_machines(self) -> bool:
        """Stairs and alleys are swept by hand."""
        return self.kind != "背街"


def _segments() -> tuple[Segment, ...]:
    named = [line.split(" ") for line in ROADS]
    streets = [name.removesuffix("街道") for _, name, _, _ in STREETS]
    rows = [(f"{n}{part}段", k, int(g), s, False) for n, k, g, *through in named for s in through for part in ("东", "西")]
    rows += [(f"{street}{turn}号支路", "支", 3, street, True) for street in streets for turn in range(1, 5)]
    rows += [(f"{street}{turn}号背街", "背", 4, street, True) for street in streets for turn in range(1, 4)]
    return tuple(_segment(i, *row) for i, row in enumerate(rows, 1))


def _segment(number: int, name: str, kind: str, grade: int, street: str, made_up: bool) -> Segment:
    place = next(s for s in STREETS if s[1].startswith(street))
    a, b, c = noise(20, _ROADS, np.array([number, number + 5000, number + 9000])).tolist()
    title, width = CLASSES[kind]
    lon, lat = round(place[2] + (a - 0.5) * 0.008, 5), round(place[3] + (b - 0.5) * 0.005, 5)
    return Segment(f"LD{number:04d}", name, grade, title, place[1], lon, lat, round(180 + 620 * c), width, number, made_up)


SEGMENTS = _segments()


def segment_rows(now_text: str) -> list[Row]:
    """The road register, numbers written as people write them in spreadsheets."""
    return [_segment_row(s, now_text) for s in SEGMENTS]


def _segment_row(s: Segment, now_text: str) -> Row:
    size = (f"{s.length:,.0f}", f"{s.width}", f"{s.area:,.0f} ", int(s.has_machines))
    return (s.code, s.name, s.grade, s.kind, *size, s.street, s.lon, s.lat, "示例" if s.made_up else "", now_text)


def operations(segment: Segment) -> list[tuple[str, float, tuple[float, ...]]]:
    """What is planned on a stretch: a few branch roads are still swept by hand alone."""
    by_hand = not segment.has_machines or (segment.grade == 3 and segment.number % 4 == 0)
    return [plan for plan in PLANS[segment.grade] if not by_hand or plan[0] in ("普扫", "人工保洁")]


def plan_rows() -> list[Row]:
    """What is to be done on each segment every day."""
    found: list[Row] = []
    for s in SEGMENTS:
        for how, times, at in operations(s):
            hours = "、".join(f"{int(h):02d}:{int(h % 1 * 60):02d}" for h in at)
            found.append((f"{s.code}-{how}", s.code, how, times, hours or "全天"))
    return found
