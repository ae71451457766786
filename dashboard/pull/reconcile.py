"""What is no longer at the source leaves our tables too: keys held against keys, rows taken away with what they said kept.

Tables read whole are compared at every turn, from what that turn read. Others every `reconcile` interval: only the keys are
read, in short statements, after ours were noted, so that a row which comes meanwhile is never missed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import numpy as np
import orjson
import sqlalchemy as sa

from dashboard.core.catalog import Catalog
from dashboard.core.errors import SourceError
from dashboard.core.times import UtcDateTime, from_micros, to_micros
from dashboard.pull import cursor as marks
from dashboard.pull import state
from dashboard.pull.batch import Keys
from dashboard.pull.convert import source_keys
from dashboard.pull.gone import SHARE, Held, decide
from dashboard.pull.mapping import Plan, plan_pull
from dashboard.pull.readers.connect import deadline, guarded, open_source, require_address
from dashboard.pull.readers.page import Page, fetch
from dashboard.pull.readers.statement import KEYLESS, Statement, bound, position_after, prepare
from dashboard.pull.reconcile_readings import missing_readings
from dashboard.settings import PullConfig, Settings
from dashboard.store import bulk
from dashboard.store.engine import writing
from dashboard.store.forget import forget_readings
from dashboard.store.lease import check_fence
from dashboard.store.rows import remove_rows
from dashboard.store.schema import pull_run, pull_state
from dashboard.store.topics import bump

Hashes: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]  # of keys, in this process: a million keys in eight megabytes

_PAGE = 50_000  # keys a statement
_SOONEST = timedelta(minutes=5)
_TURNS = 10  # intervals between comparisons, where the mapping does not say


@dataclass(frozen=True)
class Missing:
    """What we hold and the source does not: our keys, out of how many, and how many it has."""

    keys: Sequence[tuple[Any, ...]]  # of a table its key; of readings (channel, microseconds)
    ours: int
    theirs: int


@dataclass(frozen=True)
class Compared:
    """What a comparison did."""

    gone: int = 0
    held: int = 0


def every(pull: PullConfig) -> timedelta | None:
    """How often a pull's keys are compared; None: never."""
    if pull.reconcile is None:
        return max(_TURNS * pull.interval, _SOONEST)
    return pull.reconcile or None


def compare(engine: sa.Engine, catalog: Catalog, settings: Settings, pull_key: str, now: datetime, fence: int = 0) -> Compared:
    """Compare now, whatever the interval. A source that fails says nothing about its rows; the pull's own turn tells of it.

    Raises ConfigurationError for a mapping that cannot be right, StaleWriterError where another worker took over.
    """
    plan = plan_pull(catalog, settings, pull_key)
    if plan.source.kind != "sql" or (plan.table is not None and not plan.pull.watermark and len(_together(catalog, settings, plan)) == 1):
        return Compared()  # a table read whole is compared by its own turns
    with engine.connect() as conn:
        before = state.comparing(conn, plan)
    if before.get("of", _key_of(plan)) != _key_of(plan):
        _read_anew(engine, plan, now, fence)
        return Compared()
    try:
        require_address(plan.source)
        missing = _missing_rows(engine, _together(catalog, settings, plan), now) if plan.table is not None else _readings(engine, plan, now)
    except SourceError:
        return Compared()
    return Compared() if missing is None else settle(engine, plan, missing, before, now, fence)


def compare_if_due(engine: sa.Engine, catalog: Catalog, settings: Settings, pull_key: str, now: datetime, fence: int = 0) -> Compared:
    """Compare if the interval is over. The first comparison comes an interval after the first turn."""
    interval = every(settings.pulls[pull_key])
    if interval is None:
        return Compared()
    with engine.connect() as conn:
        last = conn.scalar(sa.select(pull_state.c.compared_at).where(pull_state.c.pull == pull_key))
    if last is not None and now < last + interval:
        return Compared()
    if last is None:
        with writing(engine).begin() as conn:
            check_fence(conn, fence)
            conn.execute(sa.update(pull_state).where(pull_state.c.pull == pull_key).values(compared_at=now))
        return Compared()
    return compare(engine, catalog, settings, pull_key, now, fence)


def _together(catalog: Catalog, settings: Settings, plan: Plan) -> list[Plan]:
    """All pulls that fill the same table from the same source: a row of ours may be any one's."""
    keys = [k for k, p in settings.pulls.items() if (p.source, p.into) == (plan.pull.source, plan.pull.into)]
    return [plan_pull(catalog, settings, key) for key in keys]


def alone(settings: Settings, plan: Plan) -> bool:
    """Whether no other pull fills the same table from the same source."""
    return sum((p.source, p.into) == (plan.pull.source, plan.pull.into) for p in settings.pulls.values()) == 1


def _key_of(plan: Plan) -> str:
    """What keys are read from: another mapping's keys cannot be compared."""
    return "|".join((plan.source.key, *plan.key))


def _read_anew(engine: sa.Engine, plan: Plan, now: datetime, fence: int) -> None:
    """The mapping names rows by another key: they are read again, which renames ours, before anything is compared."""
    with writing(engine).begin() as conn:
        check_fence(conn, fence)
        state.save(conn, plan, {"watermark": None, "next_due_at": now, "compared_at": now, "comparing": _kept(plan, None)})


def _kept(plan: Plan, held: Held | None) -> str:
    return orjson.dumps({"of": _key_of(plan), "held": held.stored() if held else None}).decode()


# ---- settling


def settle(engine: sa.Engine, plan: Plan, missing: Missing, before: dict[str, Any], now: datetime, fence: int, run_id: int = 0) -> Compared:
    """Take away what is gone, or hold it back, in one transaction."""
    earlier = Held.read(before.get("held"))
    share = float(plan.pull.options.get("vanish_share", SHARE))
    held = decide(earlier, len(missing.keys), missing.ours, missing.theirs, now, share)
    with writing(engine).begin() as conn:
        check_fence(conn, fence)
        gone = 0 if held or not missing.keys else _take_away(conn, plan, missing.keys, now, fence, run_id)
        kept = {"compared_at": now, "comparing": _kept(plan, held)}
        state.save(conn, plan, kept)
        conn.execute(sa.update(pull_state).where(pull_state.c.pull == plan.pull.key).values(gone_total=pull_state.c.gone_total + gone))
        if gone or (held is None) != (earlier is None) or (held and earlier and held.rows != earlier.rows):
            bump(conn, topics_of(plan) if gone else {"sources"}, now)
    return Compared(gone, held.rows if held else 0)


def topics_of(plan: Plan) -> set[str]:
    """What moves when a pull's rows do."""
    return {"sources", f"table:{plan.table.name}" if plan.table is not None else f"readings:{plan.domain.key}"}


def _take_away(conn: sa.Connection, plan: Plan, keys: Sequence[tuple[Any, ...]], now: datetime, fence: int, run_id: int) -> int:
    gone = remove_rows(conn, plan.table, keys, now=now) if plan.table is not None else forget_readings(conn, keys, now=now)  # type: ignore[arg-type]
    if run_id:
        conn.execute(sa.update(pull_run).where(pull_run.c.run_id == run_id).values(rows_gone=gone))
    elif gone:
        run = {"pull": plan.pull.key, "started_at": now, "finished_at": now, "outcome": "ok", "rows_gone": gone, "fence": fence}
        conn.execute(sa.insert(pull_run).values(**run))
    return gone


# ---- rows


def hashed(keys: Iterable[str], count: int) -> Hashes:
    """Keys as numbers: what a million of them can be compared by at once."""
    return np.fromiter(map(hash, keys), np.int64, count)


def missing_of(conn: sa.Connection, plan: Plan, theirs: Hashes) -> Missing:
    """Rows of ours whose source key is not among theirs, of a table that was read whole."""
    ours = _ours(conn, plan)
    rows = _rows_of(conn, plan, _absent(ours, theirs))
    return Missing([row[: _width(plan)] for row in rows], len(ours), len(theirs))


def _ours(conn: sa.Connection, plan: Plan) -> Hashes:
    assert plan.table is not None
    found = conn.scalars(sa.select(plan.table.c.source_key).where(plan.table.c.source == plan.source.key)).all()
    return hashed(found, len(found))


def _absent(ours: Hashes, theirs: Hashes) -> set[int]:
    return set(ours[~np.isin(ours, theirs)].tolist())


def _width(plan: Plan) -> int:
    assert plan.table is not None
    return len(plan.table.primary_key)


def _rows_of(conn: sa.Connection, plan: Plan, absent: set[int]) -> list[tuple[Any, ...]]:
    """Our keys of these rows as the database holds them, then their moments."""
    if not absent or plan.table is None:
        return []
    names = bulk.quoted(conn, [*(c.name for c in plan.table.primary_key), *_moments(plan), "source_key"])
    (table,), mark = bulk.quoted(conn, [plan.table.name]), "?" if bulk.on_sqlite(conn) else "%s"
    found = conn.exec_driver_sql(f"SELECT {', '.join(names)} FROM {table} WHERE source = {mark}", (plan.source.key,))
    return [tuple(row) for row in found if hash(row[-1]) in absent]


def _missing_rows(engine: sa.Engine, plans: list[Plan], now: datetime) -> Missing | None:
    """Our rows that none of these pulls would find any more; without those from before the oldest their department keeps."""
    with engine.connect() as conn:
        ours = _ours(conn, plans[0])
    found = [_keys_there(plan) for plan in plans]
    if any(keys is None for keys in found):
        return None
    theirs = np.concatenate([keys for keys in found if keys is not None])
    absent = _absent(ours, theirs)
    oldest = _oldest_there(plans) if absent and _closes(plans[0]) else {}
    with engine.connect() as conn:
        rows = _rows_of(conn, plans[0], absent)
    width, moments = _width(plans[0]), _moments(plans[0])
    kept = [row[:width] for row in rows if not _filed_away(row[width:-1], moments, oldest)]
    return Missing(kept, len(ours) - (len(rows) - len(kept)), len(theirs))


def _closes(plan: Plan) -> bool:
    """Cases are filed away when they are old; a register is not."""
    return plan.table is not None and "opened_at" in plan.table.c


def _moments(plan: Plan) -> list[str]:
    """Our moments that are read straight from theirs."""
    table = plan.table
    assert table is not None
    return [n for n in plan.expressions if n in table.c and isinstance(table.c[n].type, UtcDateTime)]


def _filed_away(moments: Sequence[int | None], names: Sequence[str], oldest: dict[str, datetime]) -> bool:
    """Whether a row is older, by any of its moments, than the oldest there: departments delete what is years old, and we keep it."""
    return any(at is not None and n in oldest and from_micros(at) < oldest[n] for n, at in zip(names, moments, strict=True))


# ---- theirs


def _keys_there(plan: Plan) -> Hashes | None:
    """Every key the source has; None where too many rows have none. Raises SourceError."""
    with guarded(plan.source), open_source(plan.source).connect() as conn:
        whole = prepare(conn, plan)
        conn.rollback()
        statement = replace(whole, names=(), columns=(), watermark=None)
        if not statement.key:
            return None
        found = [_hashes(plan, page) for page in _pages(conn, plan, statement)]
        wanted = statement.select().where(sa.or_(*(k.is_(None) for k in statement.key))).limit(KEYLESS)
        keyless = fetch(conn, plan, statement, wanted)
    return None if len(keyless) == KEYLESS else np.concatenate([*found, _hashes(plan, keyless)])


def _hashes(plan: Plan, page: Page) -> Hashes:
    return hashed(source_keys(plan, Keys(page.columns, len(page))), len(page))


def _pages(conn: sa.Connection, plan: Plan, statement: Statement) -> Iterable[Page]:
    """Keys in their order, a page a statement; a page begins where the last ended, so that keys which sort alike are all seen."""
    position, limit = None, _PAGE
    present = [k.is_not(None) for k in statement.key]
    while True:
        after = position_after(statement.key, position)
        page = fetch(conn, plan, statement, statement.select().where(*present, *after).order_by(*statement.key).limit(limit))
        yield page
        if len(page) < limit:
            return
        limit = limit * 4 if page.place(-1) == position else limit
        position = page.place(-1)


def _oldest_there(plans: list[Plan]) -> dict[str, datetime]:
    """The oldest moment of each kind that the department still has, by our field. Raises SourceError."""
    oldest: dict[str, datetime] = {}
    for plan in plans:
        with guarded(plan.source), open_source(plan.source).connect() as conn:
            statement = prepare(conn, plan)
            conn.rollback()
            for name in _moments(plan):
                column = statement.columns[statement.names.index(name)]
                found = _oldest(conn, plan, statement, column)
                if found is not None:
                    oldest[name] = min(found, oldest.get(name, found))
    return oldest


def _oldest(conn: sa.Connection, plan: Plan, statement: Statement, column: sa.ColumnElement[Any]) -> datetime | None:
    """A column's oldest moment; signs of nothing such as '' or 0000-00-00 are passed over."""
    with deadline(conn, plan.source):
        some = conn.scalars(sa.select(column).select_from(statement.source).where(column.is_not(None)).limit(50)).all()
        sample = next((v for v in some if marks.instant(v, plan.zone) is not None), None)
        if sample is None:
            return None
        lowest = bound(marks.like(sample, _LONG_AGO, plan.zone))
        found = conn.scalar(sa.select(sa.func.min(column)).select_from(statement.source).where(column >= lowest))
    conn.rollback()
    return marks.instant(found, plan.zone)


_LONG_AGO = from_micros(to_micros(datetime.fromisoformat("1986-01-01T00:00:00+00:00")))


def _readings(engine: sa.Engine, plan: Plan, now: datetime) -> Missing | None:
    found = missing_readings(engine, plan, now)
    return None if found is None else Missing(*found)
