"""The command line: `cockpit`, or `python -m dashboard`. Each command loads only what it needs."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dashboard import __version__
from dashboard.account_commands import accounts_of, tell_first_account
from dashboard.core.errors import CockpitError
from dashboard.playbook_commands import playbook_commands

if TYPE_CHECKING:
    import sqlalchemy as sa

    from dashboard.access.desk import Desk
    from dashboard.core.catalog import Catalog
    from dashboard.settings import Settings


class Commands(click.Group):
    """Errors of ours are sentences for people, not traces."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except CockpitError as wrong:
            raise click.ClickException(str(wrong)) from wrong
        except BrokenPipeError:
            sys.exit(0)  # the reader of our output has seen enough


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="cockpit")
def main() -> None:
    """城市生命体 City Organism: departments' databases as one living picture."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    logging.getLogger("alembic").setLevel(logging.WARNING)


def _settings() -> Settings:
    from dashboard.settings import load_settings

    return load_settings()


def _catalog() -> Catalog:
    from dashboard.core.catalog import load_catalog

    return load_catalog()


def _store(settings: Settings) -> sa.Engine:
    from dashboard.store.engine import open_store

    return open_store(settings.store_url, settings.audit_key)


def _current_store(settings: Settings) -> sa.Engine:
    """The store, once it is certain that this release can work on it."""
    from sqlalchemy.exc import DBAPIError

    from dashboard.core.errors import ConfigurationError
    from dashboard.store.migrate import require_current, safe_address

    _catalog()  # domains' tables are declared by importing them
    engine = _store(settings)
    try:
        require_current(engine)
    except DBAPIError as away:
        said = " ".join(str(away.orig).split())
        raise ConfigurationError("store", safe_address(engine), said, "is COCKPIT_STORE_URL right, and does it answer?") from away
    return engine


def _now() -> datetime:
    from dashboard.core.clock import SystemClock

    return SystemClock().now()


def _desk() -> tuple[Desk, datetime]:
    """What accounts are made and changed with."""
    from dashboard.access.lodge import open_lodge
    from dashboard.core.times import city_day

    settings, now = _settings(), _now()
    return open_lodge(settings, _catalog(), _current_store(settings), city_day(now)).desk, now


main.add_command(accounts_of(_desk), "account")


def _until_stopped(work: Callable[[threading.Event], None]) -> None:
    from dashboard.run import stopping_on_signals

    stop = threading.Event()
    with stopping_on_signals(stop):
        work(stop)


@main.command()
def check() -> None:
    """Load every declaration and mapping, and say what does not fit."""
    from dashboard.app import found_pages
    from dashboard.checking import findings, notes
    from dashboard.panels.screens import CityPanels

    settings, catalog, pages = _settings(), _catalog(), found_pages()
    for note in notes(settings, catalog):
        click.echo(f"note: {note}")
    found = findings(settings, catalog, CityPanels(settings, catalog, _store(settings)), pages)
    for line in found:
        click.echo(line)
    if found:
        raise click.ClickException(f"{len(found)} findings")
    pulls, kpis, rules = len(settings.pulls), len(catalog.kpis), len(catalog.rules)
    click.echo(f"{len(catalog.domains)} domains, {len(settings.sources)} sources, {pulls} pulls, {kpis} KPIs, {rules} rules: all fit")


@main.command()
def migrate() -> None:
    """Bring the store up to this version: engine tables step by step, domains' tables as declared."""
    _migrate(_settings())


def _migrate(settings: Settings) -> None:
    from dashboard.store.migrate import migrate as bring_up

    _catalog()  # domains' tables are declared by importing them
    added = bring_up(_store(settings), now=_now())
    click.echo("store is up to date" + (f"; added {', '.join(added)}" if added else ""))
    tell_first_account(settings, _desk)


# ---- demo


@main.group()
def demo() -> None:
    """The simulated departments."""


@demo.command("build")
@click.option("--seed", default=7, show_default=True, help="the same seed gives the same city")
@click.option("--fresh", is_flag=True, help="make departments anew that are there already")
@click.option("--only", "departments", multiple=True, help="only this department; may be given several times")
def demo_build(seed: int, fresh: bool, departments: tuple[str, ...]) -> None:
    """Make the departments' databases with thirteen months of history."""
    from dashboard.demo import build_demo

    build_demo(_settings(), _now(), seed, fresh, only=departments or None, report=click.echo)


@demo.command("live")
@click.option("--step", default=3.0, show_default=True, help="seconds between writes")
def demo_live(step: float) -> None:
    """Let the departments go on living in their databases."""
    from dashboard.core.clock import SystemClock
    from dashboard.demo import live_demo

    settings = _settings()
    _until_stopped(lambda stop: live_demo(settings, SystemClock(), stop, step, people=_people_on_duty(settings)))


@demo.command("provoke")
@click.argument("what")
def demo_provoke(what: str) -> None:
    """Let dust, gas, a rock or a gap happen now: written into its department's database only. `demo live` must be running."""
    from dashboard.demo import provoke

    click.echo(provoke(_settings(), what, _now()))


def _people_on_duty(settings: Settings) -> Callable[[datetime], object]:
    """The demo's duty desk, as soon as there is a store to work on."""
    from sqlalchemy.exc import SQLAlchemyError

    from dashboard.demo_duty import on_duty
    from dashboard.store.migrate import require_current

    catalog, engine = _catalog(), _store(settings)

    def look(now: datetime) -> None:
        try:
            require_current(engine)
            on_duty(engine, catalog, now)
        except (CockpitError, SQLAlchemyError) as wrong:
            logging.getLogger(__name__).debug("nobody on duty: %s", wrong)

    return look


# ---- pulling


@main.command()
@click.argument("key", required=False)
@click.option("--all", "everything", is_flag=True, help="every pull, one after the other")
def pull(key: str | None, everything: bool) -> None:
    """Take one turn of a pull now."""
    from dashboard.pull.run import run_pull

    settings, catalog = _settings(), _catalog()
    if bool(key) == everything:
        raise click.UsageError("give a pull's key, or --all; keys: " + ", ".join(sorted(settings.pulls)))
    if key and key not in settings.pulls:
        raise click.UsageError(f"no pull {key!r}; there are: {', '.join(sorted(settings.pulls))}")
    engine, failed = _current_store(settings), 0
    for each in [key] if key else sorted(settings.pulls):
        outcome = run_pull(engine, catalog, settings, each, _now(), 0)
        failed += outcome.outcome != "ok"
        click.echo(_told(each, outcome))
    if failed:
        raise SystemExit(1)


def _told(key: str, outcome: Any) -> str:
    counts = f"{outcome.rows_read} read, {outcome.rows_new} new, {outcome.rows_changed} changed, {outcome.rows_quarantined} quarantined"
    return f"{key}: {outcome.outcome}: {counts}" + (f": {outcome.error}" if outcome.error else "")


@main.group()
def source() -> None:
    """The departments' databases."""


@source.command("list")
def source_list() -> None:
    """Every source with its pulls."""
    settings = _settings()
    for key, config in sorted(settings.sources.items()):
        address = f"no address: {config.unset} is not set" if config.unset else config.safe_url
        click.echo(f"{key}  {config.title} · {config.department} · {config.kind} · {address}")
        for each in sorted(settings.pulls):
            if settings.pulls[each].source == key:
                click.echo(f"  {each} → {settings.pulls[each].into} every {settings.pulls[each].interval.total_seconds():g} s")


@source.command("test")
@click.argument("key")
def source_test(key: str) -> None:
    """Explain a source's mappings: connection, columns, first rows as we would read them, findings."""
    from dashboard.pull.probe import probe

    settings = _settings()
    if key not in settings.sources and key not in settings.pulls:
        raise click.UsageError(f"no source or pull {key!r}; sources: {', '.join(sorted(settings.sources))}")
    report = probe(_catalog(), settings, key, _now())
    click.echo(str(report))
    if not report.ok:
        raise SystemExit(1)


# ---- KPIs


@main.group()
def kpi() -> None:
    """The city's numbers."""


@kpi.command("list")
@click.option("--scope", default="district", show_default=True)
def kpi_list(scope: str) -> None:
    """Every KPI and index as it stands."""
    from dashboard.web.reads import kpis
    from dashboard.web.told import kpi_out

    catalog = _catalog()
    with _current_store(_settings()).connect() as conn:
        for row in kpis(conn, [scope], None, 10_000):
            told = kpi_out(row, catalog)
            value = "—" if told.value is None else f"{told.value:g}"
            click.echo(f"{told.key:44} {value:>12} {told.unit:10} {told.grade or '':8} {told.freshness or '':8} {told.title.zh}")


@kpi.command("explain")
@click.argument("key")
@click.option("--scope", default="district", show_default=True)
def kpi_explain(key: str, scope: str) -> None:
    """Open a number: its formula, parts, rows, sources and their age."""
    from dashboard.kpi.explain import explain, explanation_text

    catalog, settings = _catalog(), _settings()
    with _current_store(settings).connect() as conn:
        click.echo(explanation_text(explain(conn, catalog, settings, key, scope, _now())))


@main.group()
def rule() -> None:
    """The rules that raise alerts."""


@rule.command("list")
def rule_list() -> None:
    """Every rule with its thresholds of today."""
    from dashboard.core.times import city_day

    catalog = _catalog()
    for key, (_, declared) in sorted(catalog.rules.items()):
        limits = catalog.rule_thresholds(key, city_day(_now()).isoformat())
        told = " ".join(f"{t.level}{t.op}{t.value:g}" for t in limits)
        click.echo(f"{key:36} {declared.title.zh:14} {told} {declared.unit}")


@rule.command("test")
@click.argument("key")
@click.option("--days", type=click.IntRange(1, 400), default=30, show_default=True)
@click.option("--limit", multiple=True, metavar="LEVEL=VALUE", help="A threshold to try instead of the one in force: orange=72.5.")
def rule_test(key: str, days: int, limit: tuple[str, ...]) -> None:
    """What a rule would have done over the last days, beside what is on record."""
    from datetime import timedelta

    from dashboard.alerting.backtest import backtest
    from dashboard.alerting.backtest_text import moved, trial_text
    from dashboard.core.times import city_day

    catalog, now = _catalog(), _now()
    instead = moved(catalog.rule_thresholds(key, city_day(now).isoformat()), limit) if limit else None
    with _current_store(_settings()).connect() as conn:
        for line in trial_text(backtest(conn, catalog, key, now - timedelta(days=days), now, instead)):
            click.echo(line)


# ---- telling people


@main.group()
def notify() -> None:
    """Who is told of alerts, and how."""


@notify.command("test")
@click.argument("channel", required=False)
@click.option("--to", "recipient", default="", help="the recipient; default: the first one reached by the channel")
def notify_test(channel: str | None, recipient: str) -> None:
    """Send a test notice over a channel now; without one, say which there are."""
    from dashboard.notify.trial import channels_told, send_trial

    settings = _settings()
    if channel is None:
        click.echo(channels_told(settings.notify))
        return
    click.echo(send_trial(settings.notify, channel, recipient, _now()))


# ---- linkages

main.add_command(playbook_commands(lambda: (_current_store(settings := _settings()), _catalog(), settings, _now())))


# ---- processes


@main.command()
def work() -> None:
    """The worker: pull on schedule, compute, raise alerts."""
    from dashboard.core.clock import SystemClock
    from dashboard.worker import Worker, leave

    settings = _settings()
    worker = Worker(settings, _catalog(), _current_store(settings), SystemClock())
    _until_stopped(worker.run)
    leave(3 if worker.lost else 0)


@main.command()
@click.option("--port", type=int, help="instead of PORT or cockpit.toml")
@click.option("--host", help="instead of HOST or cockpit.toml")
def serve(port: int | None, host: str | None) -> None:
    """The web server: pages, live channel, API."""
    from dataclasses import replace

    from dashboard.serving import serve as serve_on

    settings = _settings()
    serve_on(replace(settings, port=port or settings.port, host=host or settings.host))


@main.command()
def run() -> None:
    """Everything on this machine: demo city, worker, web."""
    from dashboard.demo import demo_departments
    from dashboard.run import run as run_all

    settings = _settings()
    raise SystemExit(run_all(settings, demo_departments(settings), click.echo))  # a real department is pulled, never built


# ---- backups


@main.command()
@click.argument("folder", required=False, type=click.Path(file_okay=False, path_type=Path))
@click.option("--keep", type=click.IntRange(1), help="let go of all but so many of the newest in that folder")
def backup(folder: Path | None, keep: int | None) -> None:
    """The whole store as of this moment in one file, while everything runs; default folder: var/backups."""
    from dashboard.store.backup import backup as back_up
    from dashboard.store.backup import read_manifest

    settings = _settings()
    to = folder or settings.home / "var" / "backups"
    file = back_up(_current_store(settings), settings.audit_key, settings.home, to, _now(), keep or 0)
    told = read_manifest(file, settings.audit_key)
    click.echo(f"{file}: {told.rows} rows in {len(told.tables)} tables, {file.stat().st_size / 1e6:.1f} MB")


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def restore(file: Path) -> None:
    """Make an empty store what a backup holds, compare every table, and bring it up to this version. Stop worker and web first."""
    from dashboard.store.backup import restore as bring_back

    settings = _settings()
    _catalog()
    told = bring_back(_store(settings), settings.audit_key, settings.home, file, _now())
    click.echo(f"{told.rows} rows in {len(told.tables)} tables as of {told.at}, each table as it was")
    _migrate(settings)


# ---- the audit log


@main.group("audit")
def audit_group() -> None:
    """Who did what: the log, and whether it is whole."""


@audit_group.command("verify")
@click.option("--from", "start", default=0, help="the row to begin with; default: all that is kept")
def audit_verify(start: int) -> None:
    """Look through the log: rows changed, removed, put in another order or inserted, and an end cut off, are named."""
    from dashboard.store.audit_check import head_file, lines_of, verify

    settings = _settings()
    found = verify(_current_store(settings), lines_of(head_file(settings.home)), start)
    for what in found.told:
        click.echo(what)
    told = f"{found.looked} rows, {found.first} to {found.last}"
    if not found.whole:
        raise click.ClickException(f"the audit log is not as it was written: {told}, {found.problems} findings")
    click.echo(f"the audit log is whole: {told}")


@audit_group.command("export")
@click.option("--from", "start", default=0, help="first row")
@click.option("--to", "end", type=int, help="last row")
def audit_export(start: int, end: int | None) -> None:
    """Rows as lines of JSON, with their seals, for an archive elsewhere."""
    from dashboard.store.audit_check import exported

    with _current_store(_settings()).connect() as conn:
        for line in exported(conn, start, end):
            click.echo(line)


# ---- geography, documents


@main.group()
def geo() -> None:
    """The map."""


@geo.command("import")
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@click.option("--layer", required=True, help="streets, rivers, bridges, tunnels, roads, loop, boundary, neighbours")
@click.option("--datum", default="", help="WGS84, CGCS2000, GCJ-02, BD-09 or a projection (EPSG:4544); without it, what the file says")
@click.option("--review-no", default="", help="审图号, shown on the map")
@click.option("--sure", is_flag=True, help="believe the datum even where the layer then misses the district")
def geo_import(file: Path, layer: str, datum: str, review_no: str, sure: bool) -> None:
    """Replace a layer of the map by an authority's GeoJSON or shapefile."""
    from dashboard.geo.imports import import_layer

    settings = _settings()
    _migrate(settings)
    told = import_layer(_store(settings), file, layer, datum, review_no, _now(), sure=sure)
    click.echo(f"{told.layer}: {told.features} features in force, given in {told.datum}, overlap with the map before {told.fit:.2f}")
    for finding in told.findings:
        click.echo(f"  note: {finding}")


@geo.command("drop")
@click.argument("layer")
def geo_drop(layer: str) -> None:
    """Go back to the sketch that ships with the product."""
    from dashboard.geo.layers import drop_layer
    from dashboard.store.engine import writing

    with writing(_current_store(_settings())).begin() as conn:
        gone = drop_layer(conn, layer, "operator", _now())
    click.echo(f"{layer}: {'the sketch is in force again' if gone else 'nothing was imported'}")


@main.command("catalog")
def catalog_text() -> None:
    """Every pull, KPI and rule as docs/catalog.md has them."""
    from dashboard.catalog_text import catalog_markdown

    click.echo(catalog_markdown(_catalog(), _settings()), nl=False)


if __name__ == "__main__":
    main()
