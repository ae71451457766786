"""The demo city's alley minibuses: eight lines with their stops, the vehicles, and the places they serve.

Three lines are public knowledge; the other five were drawn up for the demo and are marked so in the department's own tables.
Walks are given as the surveyor measured them: metres of path and metres of climb. What they are worth on foot is the reader's matter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data_sources.departments.building import Row
from data_sources.departments.life import STREETS, Floats, noise

_NET = 700  # noise streams of this file
SERVICES = {"daily": range(7), "school": range(5), "late": range(4, 7)}  # weekdays of each pattern; schools are out in summer
HOLIDAYS = (7, 8)  # months without school
KINDS = {"alley": "小巷", "health": "就医", "school": "通学", "tour": "观光"}
COMMUNITIES, HOSPITALS, SCHOOLS = (79, 28), (41, 30), (52, 35)  # in the district, of them within reach
LINKS, COVERED_SHARE = 420, 0.91
CELLS = 900
REACH_M = 500.0
SHAPE_POINTS = 80


@dataclass(frozen=True)
class Line:
    """A line and its timetable. A trip is a round from the first stop to the last and back."""

    code: str
    name: str
    stops: tuple[tuple[str, float, float], ...]
    km: float
    run_min: float  # one way
    peak_min: float  # scheduled headway
    off_min: float
    hours: tuple[tuple[str, float, float], ...]  # service, first and last departure of the city's day
    vehicles: int
    made_up: bool
    number: int
    kind: str = "alley"  # alley | health | school | tour

    @property
    def rounds(self) -> tuple[tuple[float, str], ...]:
        """Departures of a day in hours of the city's day, each with the service it belongs to."""
        found = []
        for service, first, last in self.hours:
            hour = first
            while hour < last:
                found.append((hour, service))
                hour += (self.peak_min if 7 <= hour < 9 or 17 <= hour < 19 else self.off_min) / 60
        return tuple(found)

    @property
    def timing_stop(self) -> int:
        """The stop at which headways are watched."""
        return len(self.stops) // 2

    @property
    def street(self) -> str:
        """Where the line starts."""
        return street_near(self.stops[0][1], self.stops[0][2])


def street_near(lon: float, lat: float) -> str:
    """The street whose centre is nearest."""
    return min(STREETS, key=lambda s: (s[2] - lon) ** 2 + (s[3] - lat) ** 2)[1]


def _along(names: str, *bends: tuple[float, float]) -> tuple[tuple[str, float, float], ...]:
    """Stops spread evenly along a bent line."""
    stops = names.split(" ")
    at = np.linspace(0, len(bends) - 1, len(stops))
    lon, lat = (np.interp(at, range(len(bends)), [b[i] for b in bends]).round(5).tolist() for i in (0, 1))
    return tuple(zip(stops, lon, lat, strict=True))


LINES = (
    Line(
        "3200",
        "3200路 大坪新世纪—企业天地",
        _along(
            "大坪新世纪 大坪眼视光眼科医院 大坪医院 九坑子 石油路口 重庆国际商务区 企业天地",
            *((106.5225, 29.5425), (106.5105, 29.5455), (106.5125, 29.5535)),
        ),
        km=6.45,
        run_min=30,
        peak_min=14,
        off_min=15,
        hours=(("daily", 7.0, 20.0),),
        vehicles=5,
        made_up=False,
        number=0,
    ),
    Line(
        "3208",
        "3208路 大坪新世纪—交通街",
        _along("大坪新世纪 大坪正街 七牌坊 肖家湾 交通街", (106.5225, 29.5425), (106.5290, 29.5462), (106.5335, 29.5475)),
        km=3.0,
        run_min=15,
        peak_min=8,
        off_min=12,
        hours=(("daily", 7.0, 20.0),),
        vehicles=5,
        made_up=False,
        number=1,
    ),
    Line(
        "3238",
        "3238路 重医附一院5号楼—马家堡",
        _along("重医附一院5号楼 重医附一院2号楼 医学院路 时代大道 马家堡", (106.5178, 29.5410), (106.5155, 29.5432), (106.5190, 29.5462)),
        km=2.0,
        run_min=15,
        peak_min=12,
        off_min=18.6,
        hours=(("daily", 7.0, 19.0),),
        vehicles=3,
        made_up=False,
        number=2,
        kind="health",
    ),
    Line(
        "3291",
        "3291路 解放碑—朝天门观光（示例线）",
        _along("临江门 解放碑 小什字 千厮门 洪崖洞 朝天门", (106.5705, 29.5600), (106.5760, 29.5585), (106.5835, 29.5655)),
        km=3.4,
        run_min=18,
        peak_min=10,
        off_min=13,
        hours=(("daily", 8.0, 21.5), ("late", 21.5, 22.6)),
        vehicles=4,
        made_up=True,
        number=3,
        kind="tour",
    ),
    Line(
        "3292",
        "3292路 七星岗—南纪门（示例线）",
        _along("七星岗 通远门 和平路 十八梯 凤凰台 南纪门", (106.5600, 29.5574), (106.5655, 29.5550), (106.5680, 29.5518)),
        km=3.1,
        run_min=16,
        peak_min=10,
        off_min=14,
        hours=(("daily", 6.5, 20.5),),
        vehicles=4,
        made_up=True,
        number=4,
    ),
    Line(
        "3293",
        "3293路 大礼堂—大溪沟通学（示例线）",
        _along("人民大礼堂 曾家岩 学田湾 大溪沟 双钢路 黄花园", (106.5520, 29.5622), (106.5545, 29.5650), (106.5620, 29.5632)),
        km=2.9,
        run_min=15,
        peak_min=10,
        off_min=14,
        hours=(("school", 6.5, 8.75), ("school", 11.5, 13.75), ("school", 15.75, 19.0)),
        vehicles=4,
        made_up=True,
        number=5,
        kind="school",
    ),
    Line(
        "3294",
        "3294路 两路口—菜园坝（示例线）",
        _along("两路口 儿童医院 鹅岭 王家坡 重庆站 菜园坝", (106.5460, 29.5570), (106.5415, 29.5540), (106.5465, 29.5498)),
        km=3.2,
        run_min=16,
        peak_min=11,
        off_min=14,
        hours=(("daily", 6.5, 20.5),),
        vehicles=4,
        made_up=True,
        number=6,
    ),
    Line(
        "3295",
        "3295路 李子坝—化龙桥（示例线）",
        _along("李子坝 佛图关 红岩村 重庆天地 化龙桥", (106.5365, 29.5552), (106.5240, 29.5530), (106.5130, 29.5532)),
        km=3.3,
        run_min=17,
        peak_min=12,
        off_min=16,
        hours=(("daily", 6.5, 20.5),),
        vehicles=4,
        made_up=True,
        number=7,
    ),
)


def vehicles() -> list[tuple[str, Line]]:
    """Every vehicle with its line."""
    return [(f"渝A{line.number + 1}{i:02d}D", line) for line in LINES for i in range(1, line.vehicles + 1)]


def shape(line: Line) -> tuple[Floats, Floats]:
    """Longitudes and latitudes of a line from first stop to last, evenly spaced in running time."""
    at = np.linspace(0, len(line.stops) - 1, SHAPE_POINTS)
    index = np.arange(len(line.stops))
    lon, lat = (np.interp(at, index, axis) for axis in ([stop[1] for stop in line.stops], [stop[2] for stop in line.stops]))
    bend = 0.0004 * np.sin(at * np.pi * 2.0)  # alleys wind between their stops
    return np.asarray(lon + bend), np.asarray(lat + 0.7 * bend)


def line_rows(changed: str) -> list[Row]:
    """The register of lines."""
    return [_line_row(line, changed) for line in LINES]


def _line_row(line: Line, changed: str) -> Row:
    headways, nature = f"{line.peak_min:g}-{line.off_min:g}", "示例" if line.made_up else "公开"
    return (line.code, line.name, KINDS[line.kind], line.street, f"{line.km:g}", headways, len(line.rounds), nature, changed)


def stop_rows(changed: str) -> list[Row]:
    """The register of stops, one row a line and stop; coordinates as text."""
    return [
        (f"{ln.code}-{i:02d}", ln.code, i, name, f"{lon:.6f}", f"{lat:.6f}", street_near(lon, lat), int(i == ln.timing_stop + 1), changed)
        for ln in LINES
        for i, (name, lon, lat) in enumerate(ln.stops, 1)
    ]


def _measured(walk: Floats, steep: Floats) -> tuple[Floats, Floats]:
    """Path and climb, in whole metres, of walks that are as long on foot as `walk` metres on the level: steeper means shorter."""
    slope = 0.3 * steep**1.5
    slower = np.exp(3.5 * slope) * np.cosh(0.175) / np.exp(0.175)
    slower = np.where(slope < 0.05, 1.0, slower)
    path = np.floor(walk / np.maximum(slower, 1.0))
    return path, np.floor(np.where(slope < 0.05, 0.0, slope) * path)


def place_rows(changed: str) -> list[Row]:
    """Communities, hospitals and schools with the path to the nearest stop and what it climbs."""
    found: list[Row] = []
    for kind, (whole, reached) in (("社区", COMMUNITIES), ("医院", HOSPITALS), ("学校", SCHOOLS)):
        ticks = np.arange(whole) + 1000 * len(found)
        a, b, c = (noise(20, _NET + i, ticks).tolist() for i in range(3))
        for i in range(whole):
            _, street, lon, lat = STREETS[i % len(STREETS)]
            walk = 90 + 380 * c[i] if i < reached else REACH_M + 40 + 700 * c[i]
            path, climb = _measured(np.array([walk]), np.array([abs(a[i] - b[i])]))
            at = (f"{lon + (a[i] - 0.5) * 0.01:.6f}", f"{lat + (b[i] - 0.5) * 0.006:.6f}")
            name = f"{street.removesuffix('街道')}{kind}{i // len(STREETS) + 1}"
            found.append((f"FW{len(found) + 1:04d}", kind, name, *at, street, int(path[0]), int(climb[0]), "示例", changed))
    return found


def link_rows(changed: str) -> list[Row]:
    """Roads that buses can pass, stretch by stretch, with how many lines of any kind run there: 91 % of their length has one."""
    a, b, c, d = (noise(20, _NET + 10 + i, np.arange(LINKS)) for i in range(4))
    length = np.round(60 + 340 * a, 1)
    order = np.argsort(d)
    covered, room = np.zeros(LINKS, dtype=bool), COVERED_SHARE * length.sum()
    for i in order.tolist():
        if length[i] <= room:
            covered[i], room = True, room - length[i]
    lines = np.where(covered, 1 + (6 * b**2).astype(int), 0)
    rows: list[Row] = []
    for i in range(LINKS):
        _, street, lon, lat = STREETS[i % len(STREETS)]
        at = (f"{lon + (b[i] - 0.5) * 0.01:.6f}", f"{lat + (c[i] - 0.5) * 0.006:.6f}")
        rows.append((f"LW{i + 1:04d}", street, *at, float(length[i]), int(lines[i]), changed))
    return rows


def cell_rows(changed: str) -> list[Row]:
    """Squares of a hundred metres with people in them, and their path to the nearest stop of any line."""
    a, b, c, d, e = (noise(20, _NET + 20 + i, np.arange(CELLS)) for i in range(5))
    path, climb = (axis.astype(int).tolist() for axis in _measured(40 + 510 * d**1.3, e))
    rows: list[Row] = []
    for i in range(CELLS):
        _, street, lon, lat = STREETS[i % len(STREETS)]
        at = (f"{lon + (a[i] - 0.5) * 0.012:.6f}", f"{lat + (b[i] - 0.5) * 0.008:.6f}")
        rows.append((f"GZ{i + 1:04d}", street, *at, int(200 + 900 * c[i]), path[i], climb[i], changed))
    return rows
