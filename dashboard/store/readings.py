"""Readings as they arrive: channels opened, new ones appended, corrections kept with what they replaced, late ones counted in.

New readings go to a hot table keyed by time, where a tick touches few pages; `compact` moves them to a cold one keyed by
channel. A boundary in time divides the two, so a reading is in exactly one of them. What is read: series.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from dashboard.core.readings import latest
from dashboard.core.times import to_micros
from dashboard.store import bulk, late, rollups, still, touched
from dashboard.store.block import Block, Reading
from dashboard.store.engine import writing
from dashboard.store.rollups import HOUR
from dashboard.store.rows import Written
from dashboard.store.schema import channel, derived_mark, reading_boundary, reading_cold, reading_hot, reading_past
from dashboard.store.series import expected_range, latest_values, newer_readings, scope_series, series

__all__ = [
    "append_block",
    "append_readings",
    "compact",
    "expected_range",
    "latest_values",
    "newer_readings",
    "open_channels",
    "scope_series",
    "series",
]

Wanted = tuple[str, str, str | None, int]  # asset, metric, street, cadence in seconds

_SLICE = 600_000_000  # compaction moves ten minutes of readings in one transaction
_HOT_FOR = timedelta(minutes=20)  # longer than the usual look-back, so that repeats and corrections meet hot rows
_HOT_ROWS = 20_000  # kept hot at most, however fast they come: a line of one channel looks through all of them
_HOT_LEAST = timedelta(seconds=10)  # kept hot in any case: what is dated in the future must not push out what comes now
_MOVED_ROWS = 50_000  # moved at most in one transaction
_READING = ("channel_id", "ts", "value", "quality", "pull_run")


def open_channels(
    conn: sa.Connection, *, domain: str, pull: str, source: str, wanted: Iterable[Wanted], now: datetime
) -> dict[tuple[str, str], int]:
    """The channel number of each (asset, metric), made where there is none; street and cadence follow the newest word."""
    asked = {(asset, metric): (street, cadence) for asset, metric, street, cadence in wanted}
    known = _channels(conn, domain, asked)
    missing = [key for key in asked if key not in known]
    if missing:
        _open(conn, domain, pull, source, [(*key, *asked[key]) for key in missing], now)
        known = _channels(conn, domain, asked)
    for key, (channel_id, street, cadence) in known.items():
        if (asked[key][0] or street, asked[key][1]) != (street, cadence):
            _move(conn, channel_id, asked[key][0] or street, asked[key][1])
    return {key: found[0] for key, found in known.items()}


def _channels(conn: sa.Connection, domain: str, asked: Iterable[tuple[str, str]]) -> dict[tuple[str, str], tuple[int, str | None, int]]:
    keys = [(domain, *key) for key in asked]
    columns = ("asset_id", "metric", "channel_id", "street", "cadence_s")
    found = bulk.matching(conn, channel, ("domain", "asset_id", "metric"), keys, columns)
    return {(asset, metric): (number, street, cadence) for asset, metric, number, street, cadence in found}


def _open(conn: sa.Connection, domain: str, pull: str, source: str, wanted: Sequence[Wanted], now: datetime) -> None:
    common = {"domain": domain, "pull": pull, "source": source, "first_seen": now}
    own = ("asset_id", "metric", "street", "cadence_s")
    conn.execute(sa.insert(channel), [common | dict(zip(own, one, strict=True)) for one in wanted])
    opened = _channels(conn, domain, [(asset, metric) for asset, metric, _, _ in wanted])
    names = ("channel_id", "domain", "metric", "asset_id", "street", "cadence_s", "quality")
    rows = [(number, domain, metric, asset, street, cadence, 0) for (asset, metric), (number, street, cadence) in opened.items()]
    bulk.insert(conn, latest, names, rows)


def _move(conn: sa.Connection, channel_id: int, street: str | None, cadence: int) -> None:
    for table in (channel, latest):
        conn.execute(sa.update(table).where(table.c.channel_id == channel_id).values(street=street, cadence_s=cadence))


def append_readings(conn: sa.Connection, rows: Iterable[Reading], *, run_id: int, now: datetime) -> Written:
    """Take in readings (channel, microseconds, value, quality); repeats are ignored, corrections keep what they replace."""
    return append_block(conn, Block.of(rows), run_id=run_id, now=now)


def append_block(conn: sa.Connection, readings: Block, *, run_id: int, now: datetime, history: bool = False) -> Written:
    """`append_readings` for many at once. Those older than the boundary go straight to the cold table, and their hours are put right.

    What is read as `history`, after what came later, corrects nothing: a reading already there is the later word.
    """
    if not len(readings):
        return Written()
    batch = readings.settled()
    boundary = _boundary(conn, now)
    past = batch.times < boundary
    cold, hot = batch[past], batch[~past].by_time()
    before = touched.newest_times(conn, batch)
    new_hot, corrected_hot, changed_hot = _take(conn, reading_hot, hot, run_id, now, history)
    new_cold, corrected_cold, changed_cold = _take(conn, reading_cold, cold, run_id, now, history)
    if not history or _worked_out(conn, batch):
        for block in (changed_hot, changed_cold):
            touched.note(conn, block, before)
            late.note_late(conn, block, before, now)
    if new_cold == len(cold):
        rollups.add(conn, cold)
    elif new_cold or corrected_cold:  # which of them were new is not known: take their hours again
        rollups.retake(conn, zip(cold.channels.tolist(), (cold.times // HOUR).tolist(), strict=True))
    newest = touched.newest_beside(batch, before)
    _refresh_latest(conn, batch[batch.times > newest if history else batch.times >= newest], now)
    for block in (changed_hot, changed_cold):
        still.follow(conn, block, before)
    new, changed = new_hot + new_cold, corrected_hot + corrected_cold
    return Written(new, changed, len(batch) - new - changed)


def _worked_out(conn: sa.Connection, batch: Block) -> bool:
    """Whether metrics of the readings' domain were worked out before; if not, whoever begins reads all there is."""
    mine = derived_mark.join(channel, channel.c.domain == derived_mark.c.domain)
    wanted = sa.select(sa.literal(1)).select_from(mine).where(channel.c.channel_id == int(batch.channels[0])).limit(1)
    return conn.execute(wanted).first() is not None


def _take(conn: sa.Connection, table: sa.Table, block: Block, run_id: int, now: datetime, history: bool) -> tuple[int, int, Block]:
    """Insert what is new; where fewer went in than came, look which of the others say something else. (new, corrected, both)"""
    new = bulk.insert(conn, table, _READING, block.stored(run_id))
    if new == len(block):
        return new, 0, block
    rows = block.rows()
    there = bulk.matching(conn, table, ("channel_id", "ts"), [row[:2] for row in rows], _READING)
    before = {(row[0], row[1]): row for row in there}
    corrections = [] if history else [row for row in rows if (row[2], row[3]) != before[row[0], row[1]][2:4]]
    entered = [row for row in rows if before[row[0], row[1]][4] == run_id] if new else []
    past = [(*before[row[0], row[1]], to_micros(now)) for row in corrections]
    bulk.insert(conn, reading_past, (*_READING, "replaced_at"), past)
    bulk.insert(conn, table, _READING, [(*row, run_id) for row in corrections], update=("value", "quality", "pull_run"))
    return new, len(corrections), Block.of([*entered, *corrections])


_NEWEST = {
    "ts": "bigint",
    "value": "float8",
    "quality": "smallint",
    "learned_at": "bigint",
    "since": "bigint",
    "whole": "boolean",
    "number": "integer",
}
_UPDATE_LATEST = """
UPDATE reading_latest SET ts = k.ts, value = k.value, quality = k.quality, learned_at = k.learned_at,
  same_since = CASE WHEN k.whole AND reading_latest.value = k.value THEN coalesce(reading_latest.same_since, k.since) ELSE k.since END
FROM {newest}
WHERE reading_latest.channel_id = k.number AND (reading_latest.ts IS NULL OR reading_latest.ts < k.ts
  OR (reading_latest.ts = k.ts AND (reading_latest.value <> k.value OR reading_latest.quality <> k.quality)))
"""
_UPDATE_ONE = _UPDATE_LATEST.format(newest=f"(SELECT {', '.join(f'? AS {name}' for name in _NEWEST)}) AS k")
_UPDATE_ALL = _UPDATE_LATEST.format(newest=f"unnest({', '.join(f'%s::{t}[]' for t in _NEWEST.values())}) AS k({', '.join(_NEWEST)})")


def _refresh_latest(conn: sa.Connection, batch: Block, now: datetime) -> None:
    """The newest reading of each channel into reading_latest, unless a newer one is there already."""
    if not len(batch):
        return
    learned = to_micros(now)
    newest = [(ts, value, quality, learned, since, whole, number) for number, ts, value, quality, since, whole in batch.newest()]
    if bulk.on_sqlite(conn):
        conn.exec_driver_sql(_UPDATE_ONE, newest)
    else:
        conn.exec_driver_sql(_UPDATE_ALL, tuple(map(list, zip(*newest, strict=True))))


def _boundary(conn: sa.Connection, now: datetime) -> int:
    """Where hot begins. Set at the first reading ever, so that a long backfill goes straight to the cold table."""
    boundary = conn.scalar(sa.select(reading_boundary.c.ts))
    if boundary is None:
        boundary = _target(now)
        conn.execute(sa.insert(reading_boundary).values(boundary_id=1, ts=boundary))
    return int(boundary)


def _target(now: datetime) -> int:
    return to_micros(now - _HOT_FOR) // _SLICE * _SLICE


def compact(engine: sa.Engine, now: datetime) -> int:
    """Move hot readings to the cold table and count them into their hours, ten minutes of them a transaction."""
    moved = 0
    with engine.connect() as conn:
        target = max(_target(now), _crowded(conn, now))
        if (conn.scalar(sa.select(reading_boundary.c.ts)) or 0) >= target:
            return moved
    while True:
        with writing(engine).begin() as conn:
            boundary = _boundary(conn, now)
            if boundary >= target:
                return moved
            moved += _move_to_cold(conn, _slice_end(conn, boundary, target))


def _crowded(conn: sa.Connection, now: datetime) -> int:
    """The moment from which on no more than the most are hot; 0 where there are fewer."""
    found = conn.scalar(sa.select(reading_hot.c.ts).order_by(reading_hot.c.ts.desc()).limit(1).offset(_HOT_ROWS))
    return 0 if found is None else min(int(found), to_micros(now - _HOT_LEAST))


def _slice_end(conn: sa.Connection, boundary: int, target: int) -> int:
    """Up to where one transaction moves readings: ten minutes of them, less where they are many."""
    hot = sa.select(reading_hot.c.ts).order_by(reading_hot.c.ts).limit(1)
    oldest, full = conn.scalar(hot), conn.scalar(hot.offset(_MOVED_ROWS))
    if oldest is None:
        return target
    end = min(target, max(boundary, int(oldest) // _SLICE * _SLICE) + _SLICE)
    return min(end, int(full)) if full is not None and full > max(oldest, boundary) else end


def _move_to_cold(conn: sa.Connection, end: int) -> int:
    columns = [reading_hot.c[name] for name in _READING]
    rows = conn.execute(sa.select(*columns).where(reading_hot.c.ts < end).order_by(reading_hot.c.channel_id, reading_hot.c.ts))
    readings = [tuple(row) for row in rows]
    bulk.insert(conn, reading_cold, _READING, readings)
    rollups.add(conn, Block.of(row[:4] for row in readings))
    conn.execute(sa.delete(reading_hot).where(reading_hot.c.ts < end))
    conn.execute(sa.update(reading_boundary).values(ts=end))
    return len(readings)
