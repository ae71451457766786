"""The demo department that keeps the Jiefangbei underground loop: positions by arc and minute, what happened on it, its garages."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import sqlalchemy as sa

from data_sources.departments import loop_garages as parking
from data_sources.departments import loop_schema as schema
from data_sources.departments import loop_traffic as traffic
from data_sources.departments.building import Row, add_rows, bulk_insert, local_text, local_texts, replace_rows, rows_of
from data_sources.departments.life import Department, Floats
from data_sources.departments.loop_traffic import FREE, HOUR, LENGTHS, LINKS, MINUTE, RING
from data_sources.departments.sensors_shapes import Indexes
from data_sources.loop_ring import arcs, place_at

HISTORY = timedelta(days=396)  # of events
KEPT_HOURLY = timedelta(days=28)
KEPT_MINUTES = timedelta(hours=26)
KEPT_GUIDANCE = timedelta(days=35)
_FIVE, _EVENT_S, _DELAY_S = 300.0, 10.0, 2.0
_HOME = "解放碑街道"
ARC_NUMBERS = [*(a.id for a in arcs()), *(f"LJ-{i + 1}" for i in range(len(LINKS)))]


def build(engine: sa.Engine, now: datetime, seed: int) -> None:
    """Make the schema and the history."""
    schema.metadata.create_all(engine)
    end = now.timestamp()
    with engine.begin() as conn:
        bulk_insert(conn, schema.arcs, _arc_rows(end - HISTORY.total_seconds()))
        for table, step, rows in ((schema.minutes, MINUTE, minute_rows), (schema.counts, _FIVE, count_rows)):
            bulk_insert(conn, table, rows(_history(end, step), seed))
        bulk_insert(conn, schema.garages, garage_rows(_last(end), seed))
        bulk_insert(conn, schema.events, event_rows(end - HISTORY.total_seconds(), end, seed))
        bulk_insert(conn, schema.guidance, guidance_rows(end - KEPT_GUIDANCE.total_seconds(), end, seed))


def live(engine: sa.Engine, since: datetime, until: datetime, seed: int) -> None:
    """Write what happened after `since` up to `until`."""
    start, end = since.timestamp(), until.timestamp()
    with engine.begin() as conn:
        add_rows(conn, schema.minutes, minute_rows(_ticks(start, end, MINUTE), seed))
        add_rows(conn, schema.counts, count_rows(_ticks(start, end, _FIVE), seed))
        replace_rows(conn, schema.events, event_rows(start, end, seed))
        replace_rows(conn, schema.guidance, guidance_rows(start, end, seed))
        if len(_ticks(start, end, _FIVE)):
            replace_rows(conn, schema.garages, garage_rows(_last(end), seed))
        if len(_ticks(start, end, HOUR)):
            _thin(conn, np.floor(end / HOUR) * HOUR)


def _last(until: float) -> float:
    """The newest five minutes that came in."""
    return float(np.floor((until - _DELAY_S) / _FIVE) * _FIVE)


def _ticks(since: float, until: float, step: float) -> Floats:
    """Every multiple of a step that came in, two seconds after it, in (since, until]."""
    first, last = (np.floor((t - _DELAY_S) / step) for t in (since, until))
    return np.asarray(np.arange(first + 1, last + 1) * step, dtype=np.float64)


def _history(end: float, step: float) -> Floats:
    """What is still there of the past: every step of the last day or so, whole hours before."""
    fine = np.floor(end / HOUR) * HOUR - KEPT_MINUTES.total_seconds()
    return np.concatenate([_ticks(end - KEPT_HOURLY.total_seconds(), fine - 1, HOUR), _ticks(fine - 1, end, step)])


def _thin(conn: sa.Connection, end: float) -> None:
    """Leave whole hours of what is a day old, and nothing of what is four weeks old."""
    fine, gone = (local_text(end - kept.total_seconds()) for kept in (KEPT_MINUTES, KEPT_HOURLY))
    for table in (schema.minutes, schema.counts):
        told = table.c.统计时间
        conn.execute(table.delete().where(sa.or_(sa.and_(told < fine, sa.func.substr(told, 15, 2) != "00"), told <= gone)))
    conn.execute(schema.guidance.delete().where(schema.guidance.c.小时 <= local_text(end - KEPT_GUIDANCE.total_seconds())))


def _arc_rows(changed: float) -> list[Row]:
    stamp = local_text(changed)
    ring = [
        (
            a.id,
            a.zh,
            1,
            f"K{int(a.start // 1000)}+{int(a.start % 1000):03d}",
            a.length,
            FREE[i],
            *_text(place_at((a.start + a.end) / 2)),
            _HOME,
            "公开",
            stamp,
        )
        for i, a in enumerate(arcs())
    ]
    links = [
        (
            ARC_NUMBERS[RING + i],
            name,
            2,
            "",
            LENGTHS[RING + i],
            FREE[RING + i],
            *_text((lon, lat)),
            _HOME,
            "示例" if "未公布" in name else "公开",
            stamp,
        )
        for i, (name, lon, lat) in enumerate(LINKS)
    ]
    return [tuple(float(v) if isinstance(v, np.floating) else v for v in row) for row in (*ring, *links)]


def _text(place: tuple[float, float]) -> tuple[str, str]:
    return f"{place[0]:.6f}", f"{place[1]:.6f}"


def _all_at(count: int, at: Floats) -> tuple[Indexes, Floats]:
    return np.tile(np.arange(count), len(at)), np.repeat(at, count)


def minute_rows(at: Floats, seed: int) -> list[Row]:
    """The minutes that ended at these moments, every arc; nothing is said of speed where nobody drove."""
    if not len(at):
        return []
    arc, when = _all_at(len(ARC_NUMBERS), at)
    found, stops = traffic.flow(arc, when, seed), traffic.longest_stops(arc, when, seed)
    empty, ring = (found.due == 0).tolist(), (arc < RING).tolist()
    speed = np.round(found.speed, 1)
    through = np.round(LENGTHS[arc] / (found.speed / 3.6), 1)
    return rows_of(
        [ARC_NUMBERS[a] for a in arc.tolist()],
        local_texts(when),
        found.due,
        found.got,
        [None if e else int(v) for v, e in zip(found.error_cm.tolist(), empty, strict=True)],
        [None if e else v for v, e in zip(speed.tolist(), empty, strict=True)],
        [v if r and not e else None for v, e, r in zip(through.tolist(), empty, ring, strict=True)],
        [v if r else None for v, r in zip(stops.tolist(), ring, strict=True)],
        local_texts(when + _DELAY_S),
    )


def count_rows(at: Floats, seed: int) -> list[Row]:
    """How many cars every garage's counter came to."""
    if not len(at):
        return []
    who, when = _all_at(len(parking.garages()), at)
    heard = ~parking.silent(who, when, seed)
    who, when = who[heard], when[heard]
    names = [parking.garages()[g].number for g in who.tolist()]
    return rows_of(names, local_texts(when), parking.counted(who, when, seed), local_texts(when + _DELAY_S)) if names else []


def garage_rows(at: float, seed: int) -> list[Row]:
    """The register of garages as its screen at the mouths shows it; a counter that hangs keeps its last number and says so."""
    who = np.arange(len(parking.garages()))
    now = np.full(len(who), at)
    lost = parking.silent(who, now, seed)
    inside = np.clip(parking.counted(who, now, seed), 0, None)
    full = inside >= 0.98 * parking.SPACES
    state = np.select([lost, full], [9, 2], 1)
    return [
        (
            g.number,
            g.name,
            g.spaces,
            int(inside[i]),
            int(state[i]),
            g.chainage,
            *_text(place_at(g.chainage)),
            _HOME,
            "示例" if g.made_up else "公开",
            local_text(at),
        )
        for i, g in enumerate(parking.garages())
    ]


def event_rows(since: float, until: float, seed: int) -> list[Row]:
    """Stops and wrong ways that began, went on or ended in (since, until], as of their last ten seconds."""
    found = traffic.events(since - _EVENT_S, until, seed)
    mark = np.minimum(np.maximum(np.floor(until / _EVENT_S) * _EVENT_S, found.begin), found.end)
    over = found.end <= until
    keep = mark > since
    found, mark, over = found.only(keep), mark[keep], over[keep]
    if not len(mark):
        return []
    words = zip(local_texts(found.end), over.tolist(), strict=True)
    return rows_of(
        [f"SJ{n}-{k}{a:02d}" for n, k, a in zip(found.number.tolist(), found.kind.tolist(), found.arc.tolist(), strict=True)],
        found.kind,
        [f"5G-{d:08d}" for d in found.device.tolist()],
        found.chainage,
        np.round(found.chainage_at(mark), 1),
        local_texts(found.begin),
        [text if done else None for text, done in words],
        np.floor(mark - found.begin).astype(np.int64),
        local_texts(mark),
    )


def guidance_rows(since: float, until: float, seed: int) -> list[Row]:
    """Hours of guidance that went on in (since, until], as of their last five minutes."""
    ticks = np.unique(np.floor((np.unique(_ticks(since, until, _FIVE)) - 1) / HOUR) * HOUR)
    if not len(ticks):
        return []
    who, hour = _all_at(len(parking.garages()), ticks)
    mark = np.minimum(_last(until), hour + HOUR)
    sent, came = parking.guided(who, hour, (mark - hour) / HOUR, seed)
    names, texts = [parking.garages()[g].number for g in who.tolist()], local_texts(hour)
    numbers = [f"{name}-{text[:13].replace('-', '').replace(' ', '')}" for name, text in zip(names, texts, strict=True)]
    return rows_of(numbers, names, texts, sent, came, local_texts(mark))


DEPARTMENT = Department(key="loop", title="环道定位与车库库", build=build, live=live)
