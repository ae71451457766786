"""Readings and laboratory results as rows of the water platform, with what goes wrong in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa

from data_sources.departments import water_schema as schema
from data_sources.departments import water_shapes as shapes
from data_sources.departments.building import Row, local_text, local_texts, rows_of
from data_sources.departments.life import Floats
from data_sources.departments.sensors_shapes import DAY, HOUR, Indexes, dice
from data_sources.departments.water_events import DEAD_SENSOR, MINUTE, OFFSET, TICK
from data_sources.departments.water_places import AUTOMATIC, GAUGES, SECTIONS, SPOTS, YELLOW_SEA, rain_gauge_rows

_WATER_HOURS = 4 * HOUR
FAST_CLOCK_SPOT = 6  # its logger is an hour ahead
STUCK_SECTION = 1  # its phosphorus analyser froze
_FROZEN_TP = 0.061
_CLASSES = ("Ⅰ", "Ⅱ", "Ⅲ", "Ⅳ", "Ⅴ", "劣Ⅴ")
_TOTAL_NITROGEN = (0.2, 0.5, 1.0, 1.5, 2.0)
_LIMITS_OF_DETECTION = {"石油类": 0.01, "氨氮": 0.025, "氟化物": 0.05}
_RAIN_CODES = [row[0] for row in rain_gauge_rows("")]


@dataclass(frozen=True)
class Series:
    """Instruments of one kind: how many, how often, and how late each is heard in its cadence."""

    table: sa.Table
    count: int
    cadence_s: float
    spread_s: float
    make: Callable[[int, Indexes, Floats, Floats], list[Row]]
    thinned: bool = False  # older than four weeks: by the hour
    short_lived: bool = False  # older than four weeks: gone
    silent: frozenset[int] = frozenset()  # instruments that no longer answer

    def rows(self, seed: int, since: float, until: float, *, hourly: bool = False, among: Iterable[int] | None = None) -> list[Row]:
        """Everything heard after `since` up to `until`, of those that still answer or of the ones named; by the hour for an archive."""
        step = HOUR if hourly else self.cadence_s
        pairs = []
        for one in sorted(set(range(self.count)) - self.silent if among is None else among):
            late = (one + 1) * self.spread_s
            ticks = np.arange(np.floor((since - late) / step) + 1, np.floor((until - late) / step) + 1) * step
            pairs.append((np.full(len(ticks), one, dtype=np.int64), ticks, ticks + late))
        who, at, came = (np.concatenate(part) for part in zip(*pairs, strict=True))
        order = np.argsort(came, kind="stable")
        return self.make(seed, who[order], at[order], came[order]) if len(who) else []


def _level_rows(seed: int, who: Indexes, at: Floats, came: Floats) -> list[Row]:
    return _levels(seed, who, at, came, shapes.in_wrong_datum(seed, who, at) > 0)


def _levels(seed: int, who: Indexes, at: Floats, came: Floats, wrong: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> list[Row]:
    """A gateway that was reset sends the first gauge's levels in the Yellow Sea datum, and says so."""
    levels = shapes.river_levels(seed, who, shapes.last_moved(seed, who, at)) - np.where(wrong, shapes.YELLOW_SEA_BELOW, 0)
    failed = shapes.telemetry_failed(seed, who, at) > 0
    texts = ["999.99 " if lost else f"{level:.2f} " for level, lost in zip(levels.tolist(), failed.tolist(), strict=True)]
    datums = [YELLOW_SEA if other else GAUGES[w].datum for w, other in zip(who.tolist(), wrong.tolist(), strict=True)]
    return rows_of([GAUGES[w].code for w in who.tolist()], local_texts(at), texts, datums, local_texts(came))


def corrected_rows(seed: int, since: float, until: float) -> list[Row]:
    """Levels in the wrong datum that somebody noticed: put right at nine the next morning."""
    mornings = np.arange(np.floor((since + OFFSET - 9 * HOUR) / DAY) + 1, np.floor((until + OFFSET - 9 * HOUR) / DAY) + 1)
    rows: list[Row] = []
    for morning in (mornings * DAY - OFFSET + 9 * HOUR).tolist():
        day = np.floor((morning + OFFSET) / DAY) * DAY - OFFSET
        at = day - DAY + np.arange(DAY / TICK) * TICK
        who = np.zeros(len(at), dtype=np.int64)
        noticed = shapes.in_wrong_datum(seed, who, at) == 1
        if noticed.any():
            at, who = at[noticed], who[noticed]
            rows += _levels(seed, who, at, np.full(len(at), morning), np.zeros(len(at), dtype=np.bool_))
    return rows


def _rain_rows(seed: int, who: Indexes, at: Floats, came: Floats) -> list[Row]:
    sums = [np.round(shapes.rainfall(seed, who, at, hours), 1) for hours in (1, 2, 3, 6, 12)]
    return rows_of([_RAIN_CODES[w] for w in who.tolist()], local_texts(at), *sums, local_texts(came))


def _depth_rows(seed: int, who: Indexes, at: Floats, came: Floats) -> list[Row]:
    """Depths in millimetres. One logger's clock is an hour ahead."""
    moments, back = np.unique(at, return_inverse=True)
    depths = shapes.spot_depths(seed, moments)[who, back]
    told = np.where(who == FAST_CLOCK_SPOT, at + HOUR, at)
    return rows_of([SPOTS[w].code for w in who.tolist()], local_texts(told), depths, local_texts(came))


def _quality_rows(seed: int, who: Indexes, at: Floats, came: Floats) -> list[Row]:
    """An automatic station's round. Once in a while it is being serviced and says nothing but that it is there."""
    sections = shapes.section_number(who)
    read = shapes.water_values(seed, sections, at)
    serviced = dice(seed, 3200, who, (at // _WATER_HOURS).astype(np.int64)) < 0.012
    places = {"水温": 1, "酸碱度": 2, "溶解氧": 2, "高锰酸盐指数": 1, "氨氮": 3, "总磷": 3, "总氮": 2, "浊度": 1}
    columns = [np.round(read[name], digits) for name, digits in places.items()]
    columns[5] = np.where(sections == STUCK_SECTION, _FROZEN_TP, columns[5])
    shown = [[None if out else value for value, out in zip(c.tolist(), serviced.tolist(), strict=True)] for c in columns]
    said = [f"{_CLASSES[int(n)]}类" for n in np.searchsorted(_TOTAL_NITROGEN, columns[6])]
    return rows_of([AUTOMATIC[w].code for w in who.tolist()], local_texts(at), *shown, said, local_texts(came))


def sample_rows(seed: int, since: float, until: float) -> list[Row]:
    """Samples taken by hand once a month at each section, reported five days later."""
    first, last = ((int(t + OFFSET) // int(DAY)) for t in (since - 40 * DAY, until))
    days = np.arange(first, last + 1)
    dates = days.astype("datetime64[D]")
    of_month = (dates - dates.astype("datetime64[M]")).astype(int) + 1
    rows: list[Row] = []
    for who, section in enumerate(SECTIONS):
        for day in days[of_month == 3 + who].tolist():
            taken = day * DAY - OFFSET + (9 + who % 3) * HOUR + 20 * MINUTE
            reported = day * DAY - OFFSET + 5 * DAY + 16 * HOUR
            if since < reported <= until:
                rows.append(_sample_row(seed, who, section.code, taken, reported))
    return rows


def _sample_row(seed: int, who: int, code: str, taken: float, reported: float) -> Row:
    places = {
        **{"酸碱度": 1, "溶解氧": 1, "高锰酸盐指数": 1, "化学需氧量": 0, "五日生化需氧量": 1},
        **{"氨氮": 3, "总磷": 3, "总氮": 2, "石油类": 3, "氟化物": 2},
    }
    found = shapes.water_values(seed, np.array([who]), np.array([taken]))
    texts = [_as_reported(name, float(found[name][0]), digits) for name, digits in places.items()]
    return (f"SY{code[2:]}{local_text(taken)[:7].replace('-', '')}", code, local_text(taken), *texts, local_text(reported))


def _as_reported(name: str, value: float, digits: int) -> str:
    limit = _LIMITS_OF_DETECTION.get(name, 0.0)
    return f"{limit:g}L" if value < limit else f"{value:.{digits}f}"


LEVELS = Series(schema.levels, len(GAUGES), TICK, 11, _level_rows, thinned=True)
RAIN = Series(schema.rain, len(_RAIN_CODES), TICK, 17, _rain_rows, short_lived=True)
DEPTHS = Series(schema.depths, len(SPOTS), TICK, 9, _depth_rows, short_lived=True, silent=frozenset({DEAD_SENSOR}))
QUALITY = Series(schema.automatic, len(AUTOMATIC), _WATER_HOURS, 420, _quality_rows)
