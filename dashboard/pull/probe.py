"""`cockpit source test`: what a mapping finds at its source, said so that the person who wrote it knows what to do. Stores nothing."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import sqlalchemy as sa

from dashboard.core.catalog import Catalog
from dashboard.core.datum import DATUMS, to_wgs84
from dashboard.core.errors import ConfigurationError, SourceError
from dashboard.core.places import streets_at
from dashboard.core.times import CITY_ZONE
from dashboard.pull import cursor as marks
from dashboard.pull.batch import Batch
from dashboard.pull.clocks import AHEAD
from dashboard.pull.mapping import METRIC, Plan, near, plan_pull
from dashboard.pull.measured import Readings, to_readings
from dashboard.pull.readers import READERS
from dashboard.pull.readers.connect import deadline, guarded, open_source
from dashboard.pull.readers.statement import Statement, columns_there, prepare, source_of
from dashboard.pull.report import Finding, PullReport, Report
from dashboard.pull.rows import Rows, to_rows
from dashboard.pull.values import numbers
from dashboard.settings import Settings, SourceConfig

_SAMPLE = 2000  # rows looked at
_SHOWN = 5
_COUNTED_FOR = timedelta(seconds=3)  # a table that takes longer to count is said to be large


def probe(catalog: Catalog, settings: Settings, key: str, now: datetime) -> Report:
    """Try a source with all its pulls, or one pull. Raises ConfigurationError where there is neither by that key."""
    if key in settings.pulls:
        source, pulls = settings.sources[settings.pulls[key].source], [key]
    elif key in settings.sources:
        source, pulls = settings.sources[key], [p.key for p in settings.pulls.values() if p.source == key]
    else:
        raise ConfigurationError(settings.file, key, "no such source or pull", near(key, [*settings.sources, *settings.pulls]))
    report = Report(source.key, source.title, source.safe_url or "no address")
    if source.unset:
        report.connection.append(Finding("wrong", f"{source.unset} is not set", "set that environment variable, or write url"))
        return report
    if source.kind == "sql" and not _connects(source, report):
        return report
    report.pulls = [_try(catalog, settings, pull, now) for pull in pulls]
    return report


def _connects(source: SourceConfig, report: Report) -> bool:
    started = time.monotonic()
    try:
        engine = open_source(source)
        with guarded(source), engine.connect() as conn:
            took = (time.monotonic() - started) * 1000
            version = ".".join(map(str, conn.dialect.server_version_info or ()))
            report.connection.append(Finding("ok", f"connected in {took:.0f} ms: {conn.dialect.name} {version}, session read only"))
            _account(conn, report)
    except SourceError as wrong:
        report.connection.append(Finding("wrong", f"{wrong.kind}: {wrong}", _ADVICE.get(wrong.kind, "")))
        return False
    return True


_ADVICE = {
    "down": "check address, port, user and password (environment variable of url_env), and that the department lets this machine in",
    "slow": "ask the department for an index on the watermark, or raise statement_timeout",
    "changed": "compare the mapping with the department's tables",
}
_MAY_WRITE = {
    "postgresql": "SELECT rolsuper FROM pg_roles WHERE rolname = current_user",
    "mysql": "SELECT count(*) FROM information_schema.user_privileges WHERE privilege_type IN ('INSERT', 'DELETE', 'SUPER') "
    "AND grantee = concat('''', replace(current_user(), '@', '''@'''), '''')",
}


def _account(conn: sa.Connection, report: Report) -> None:
    """An account that could write is more than we need, even though our session cannot."""
    question = _MAY_WRITE.get("mysql" if conn.dialect.name == "mariadb" else conn.dialect.name)
    if question and conn.exec_driver_sql(question.replace("%", "%%")).scalar():
        report.connection.append(Finding("note", "the account itself may write", "ask for one with SELECT on these tables only"))


def _try(catalog: Catalog, settings: Settings, key: str, now: datetime) -> PullReport:
    report = PullReport(key, settings.pulls[key].into)
    try:
        plan = plan_pull(catalog, settings, key)
        if plan.source.kind == "sql":
            _look_at_table(plan, report, now)
        _look_at_rows(plan, report, now)
        if plan.source.kind == "folder":
            _look_at_files(plan, report, now)
    except ConfigurationError as wrong:
        report.say("wrong", f"{wrong.file}: {wrong.key}: {wrong.problem}", wrong.advice)
    except SourceError as wrong:
        report.say("wrong", f"{wrong.kind}: {wrong}", _ADVICE.get(wrong.kind, ""))
    return report


# ---- the table


def _look_at_table(plan: Plan, report: PullReport, now: datetime) -> None:
    with guarded(plan.source), open_source(plan.source).connect() as conn:
        there = columns_there(conn, plan, source_of(plan))
        conn.rollback()
        statement = prepare(conn, plan)
        used = {e for e in (*plan.expressions.values(), *plan.key, plan.pull.watermark) if e in there}
        report.say("ok", f"{plan.pull.table or 'the query'}: {len(there)} columns, all {len(plan.expressions)} mapped expressions found")
        unused = [c for c in there if c not in used]
        if unused:
            report.say("note", "not mapped: " + ", ".join(unused[:20]))
        conn.rollback()
        _count(conn, plan, statement, report)
        _watermark(conn, plan, statement, report, now)
        _keys(conn, plan, statement, report)


def _ask(conn: sa.Connection, plan: Plan, question: sa.Select[*tuple[Any, ...]]) -> Any:
    """One question with a short limit; None where it takes too long."""
    patient = replace(plan.source, statement_timeout=min(_COUNTED_FOR, plan.source.statement_timeout))
    try:
        with guarded(patient), deadline(conn, patient):
            return conn.execute(question).first()
    except SourceError:
        return None
    finally:
        conn.rollback()


def _count(conn: sa.Connection, plan: Plan, statement: Statement, report: PullReport) -> None:
    found = _ask(conn, plan, sa.select(sa.func.count()).select_from(statement.source))
    report.say("ok" if found else "note", f"{found[0]:,} rows" if found else f"more rows than can be counted in {_COUNTED_FOR.seconds} s")
    if found and not found[0]:
        report.say("note", "the table is empty", "nothing is wrong with the mapping; values could not be looked at")


def _watermark(conn: sa.Connection, plan: Plan, statement: Statement, report: PullReport, now: datetime) -> None:
    column = statement.watermark
    if column is None:
        report.say("note", "no watermark: the whole table is read every turn", "name a column that grows, if there is one")
        return
    found = _ask(conn, plan, sa.select(sa.func.count() - sa.func.count(column), sa.func.max(column)).select_from(statement.source))
    if not found:
        return
    if found[0]:
        report.say("note", f"{found[0]:,} rows have no watermark: they are read again every turn", "or name a column that is always filled")
    _age(plan, report, found[1], now)
    sample = conn.execute(sa.select(column).select_from(statement.source).where(column.is_not(None)).limit(_SAMPLE)).scalars().all()
    conn.rollback()
    if not marks.in_order(sample):
        report.say(
            "wrong",
            f"the watermark is text that does not sort as it grows (such as {sample[0]!r}): the whole table is read every turn",
            "convert it in the mapping, for example with a zero-padded date expression, or use another column",
        )


def _age(plan: Plan, report: PullReport, newest: Any, now: datetime) -> None:
    at = marks.instant(newest, plan.zone)
    if at is None:
        if newest is not None:
            report.say("ok", f"newest watermark: {newest}")
        return
    local = f"{at.astimezone(CITY_ZONE):%Y-%m-%d %H:%M:%S}"
    if at > now + AHEAD:
        hours = (at - now).total_seconds() / 3600
        advice = f"their clock is ahead, or their times are not {plan.zone.key}: set timezone"
        report.say("wrong", f"newest watermark {local} lies {hours:.1f} h ahead of our clock", advice)
    else:
        report.say("ok", f"newest watermark {local}, {_span(now - at)} old")


def _span(age: timedelta) -> str:
    seconds = age.total_seconds()
    for size, word in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {word}"
    return f"{max(seconds, 0):.0f} seconds"


def _keys(conn: sa.Connection, plan: Plan, statement: Statement, report: PullReport) -> None:
    """Keys that stand for several rows, among the newest ones."""
    if not statement.key:
        report.say("wrong", "no key: rows cannot be told apart", "set key to the columns that identify a row")
        return
    some = statement.select().limit(_SAMPLE).subquery()
    parts = statement.laid_out(list(some.c))[-len(statement.key) :]
    found = _ask(conn, plan, sa.select(*parts, sa.func.count()).group_by(*parts).having(sa.func.count() > 1).limit(1))
    if found:
        text = "|".join(map(str, found[:-1]))
        shown = "(personal)" if any(plan.personal_key) else text
        report.say("wrong", f"key {shown} stands for {found[-1]} rows", "add the column that tells them apart to key")


# ---- the rows


def _look_at_rows(plan: Plan, report: PullReport, now: datetime) -> None:
    batch = _sample(plan, now)
    if batch is None or not len(batch):
        return
    found: Rows | Readings = to_rows(plan, batch) if plan.table is not None else to_readings(plan, batch, now)
    _show(plan, report, batch, found)
    _rejects(report, batch, found)
    _datum(plan, report, batch)
    _clock(report, found, now)
    _unit(plan, report, batch, found)


def _sample(plan: Plan, now: datetime) -> Batch | None:
    """The newest rows of a database, the first ones of anything else."""
    if plan.source.kind != "sql":
        return next((b for b in _first(plan, now) if len(b) or b.rejects), None)
    with guarded(plan.source), open_source(plan.source).connect() as conn:
        statement = prepare(conn, plan)
        conn.rollback()
        wanted = statement.select().limit(_SAMPLE)
        if statement.watermark is not None:
            wanted = wanted.order_by(statement.watermark.desc())
        with deadline(conn, plan.source):
            rows = conn.execute(wanted).all()
    if not rows:
        return None
    cells = [list(c) for c in statement.laid_out(list(zip(*rows, strict=True)))]
    keys = list(zip(*cells[len(cells) - len(statement.key) :], strict=True)) if statement.key else [()] * len(rows)
    return Batch(dict(zip(statement.names, cells, strict=False)), keys)


def _first(plan: Plan, now: datetime) -> Iterator[Batch]:
    yield from READERS[plan.source.kind](plan, None, now)


def _look_at_files(plan: Plan, report: PullReport, now: datetime) -> None:
    """Every file to its end: one that will be refused is told here, not only at the first turn. Raises SourceChangedError."""
    rows = sum(len(batch) for batch in _first(plan, now))
    report.say("ok", f"{rows:,} rows in all files")


def _show(plan: Plan, report: PullReport, batch: Batch, found: Rows | Readings) -> None:
    """The first rows as we would keep them: personal fields as tokens, masked."""
    if isinstance(found, Rows):
        report.names = [n for n in plan.expressions if len(found) and n in found.columns]
        report.rows = [[_cell(plan, n, row[n]) for n in report.names] for row in found.first(_SHOWN)]
        return
    report.names = ["asset_id", "metric", "observed_at", "value", "quality"]
    for i in range(min(_SHOWN, len(found))):
        at, metric = datetime.fromtimestamp(int(found.times[i]) / 1e6, CITY_ZONE), found.kinds[found.metric[i]]
        value = f"{found.values[i]:g} {plan.metrics[metric].unit}"
        report.rows.append([found.names[found.asset[i]], metric, f"{at:%Y-%m-%d %H:%M:%S}", value, str(found.quality[i])])


def _cell(plan: Plan, name: str, value: Any) -> str:
    if name in plan.personal:
        return "(token)" if value else ""
    if isinstance(value, datetime):
        return f"{value.astimezone(CITY_ZONE):%Y-%m-%d %H:%M:%S}"
    text = "" if value is None else f"{value:.6g}" if isinstance(value, float) else " ".join(str(value).split())
    return text if len(text) <= 32 else text[:31] + "…"


def _rejects(report: PullReport, batch: Batch, found: Rows | Readings) -> None:
    """What would go to quarantine, by kind, with an example each."""
    for code, group in itertools.groupby(sorted(found.rejects, key=lambda r: r.problem.code), lambda r: r.problem.code):
        some = list(group)
        share = f"{len(some)} of {max(len(batch), len(some))} rows looked at"
        grade = "wrong" if len(some) * 2 > len(batch) else "note"
        report.say(
            grade, f"{share} would go to quarantine ({code}); key {some[0].source_key}: {some[0].problem.reason.en}", _HINTS.get(code, "")
        )


_HINTS = {
    "code": 'add the code to codes, or "*" for all others',
    "type": "convert it in the mapping, or let the department correct it",
    "date": 'if their dates are written another way, say so: options.formats.<field> = "%d/%m/%Y"',
    "range": 'check the unit: units.<field> = "from->to"',
    "missing": "map the field, or let the department fill it",
    "duplicate": "add the column that tells the rows apart to key",
}


def _datum(plan: Plan, report: PullReport, batch: Batch) -> None:
    """Points that lie in no street as configured, and would in another coordinate system."""
    if not {"lon", "lat"} <= set(batch.columns):
        return
    lon, lat = (np.where(np.isnan(v), 0, v) for v in (numbers(batch.columns[n])[0] for n in ("lon", "lat")))
    there = (np.abs(lon) > 0) & (np.abs(lat) > 0) & (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
    if not there.any():
        report.say(
            "wrong", "no row has a usable point", "check that lon is the longitude (about 106.5 here) and lat the latitude (about 29.5)"
        )
        return
    inside = {name: _inside(lon[there], lat[there], name) for name in DATUMS if name != "CGCS2000" or plan.datum == name}
    best = max(inside, key=lambda name: inside[name])
    share = inside[plan.datum]
    if inside[best] - share > 0.05:
        text = f"{share:.0%} of the points lie in a street as {plan.datum}, {inside[best]:.0%} would as {best}"
        report.say("wrong", text, f'the coordinates look like {best}: set datum = "{best}"')
    else:
        report.say(
            "ok" if share > 0.5 else "note", f"{share:.0%} of {int(there.sum())} points lie in a street of the district as {plan.datum}"
        )


def _inside(lon: Any, lat: Any, datum: str) -> float:
    found = streets_at(*to_wgs84(lon, lat, datum))
    return sum(s is not None for s in found) / len(found)


def _clock(report: PullReport, found: Rows | Readings, now: datetime) -> None:
    if found.newest is not None and found.newest > now + AHEAD:
        hours = (found.newest - now).total_seconds() / 3600
        report.say("wrong", f"the newest event lies {hours:.1f} h ahead of our clock", "their clock is ahead, or timezone is not theirs")


def _unit(plan: Plan, report: PullReport, batch: Batch, found: Rows | Readings) -> None:
    """Values that all lie at one edge of what the metric can be suggest another unit."""
    if not isinstance(found, Readings):
        return
    for key, metric in plan.metrics.items():
        raw = batch.columns.get(METRIC + key)
        taken = int((found.metric == found.kinds.index(key)).sum())
        refused = sum(r.problem.code == "range" and r.source_key.endswith(f"#{key}") for r in found.rejects)
        if raw is not None and refused > taken:
            report.say("wrong", f"{key}: most values lie outside what {metric.unit} can be", f"set units.{key}")
