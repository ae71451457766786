"""`cockpit check`: whether declarations, mappings, thresholds and pages fit together, told before anything runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from dashboard.access.who import check_access
from dashboard.core.catalog import Catalog
from dashboard.core.declare import Absence
from dashboard.core.errors import ConfigurationError, NotFoundError
from dashboard.core.places import known_streets
from dashboard.panels.policy import NEEDS
from dashboard.pull.mapping import plan_pull
from dashboard.settings import Settings
from dashboard.web.content import Panels

SURFACES = ("wall", "desk", "phone")


def findings(settings: Settings, catalog: Catalog, panels: Panels, pages: Sequence[Any]) -> list[str]:
    """What does not fit, a sentence each; none when all is well."""
    of_files = [*_of_sources(settings), *_of_pulls(settings, catalog), *_of_notify(settings, catalog), *_of_outboxes(settings, catalog)]
    of_files += _of_access(settings, catalog)
    return [*of_files, *_of_rules(catalog), *_of_pages(panels, pages)]


def notes(settings: Settings, catalog: Catalog) -> list[str]:
    """Worth knowing, nothing wrong: feeds this deployment maps nothing to, orders of its playbooks that people must tell by hand."""
    unfilled = sorted(set(catalog.feeds) - {pull.into for pull in settings.pulls.values()})
    return [*(f"no pull fills {feed}; its numbers stay empty" for feed in unfilled), *_by_hand(settings, catalog)]


def _by_hand(settings: Settings, catalog: Catalog) -> Iterator[str]:
    connected = {pull.into.partition(".")[0] for pull in settings.pulls.values()}
    for key, playbook in _orderers(catalog).items():
        if key not in settings.outboxes and connected & {rule.partition(".")[0] for rule in catalog.playbooks[playbook].on}:
            yield f"playbook {playbook}: no outbox {key!r}, so its orders are told by hand; [outbox.{key}] in cockpit.d sends them"


def _orderers(catalog: Catalog) -> dict[str, str]:
    """By outbox, a playbook that orders there."""
    return {step.to: playbook.key for playbook in catalog.playbooks.values() for step in playbook.steps if step.kind == "order"}


def _of_sources(settings: Settings) -> Iterator[str]:
    """Addresses no driver here can open. Nothing is connected to: `cockpit source test` does that."""
    for key, source in sorted(settings.sources.items()):
        where, advice = source.file or settings.file, "set that environment variable, or write url"
        if source.unset:
            yield str(ConfigurationError(where, f"source.{key}.url_env", f"no address: {source.unset} is not set", advice))
            continue
        if source.kind != "sql":
            continue
        try:
            sa.make_url(source.url).get_dialect().import_dbapi()
        except (sa.exc.ArgumentError, ImportError) as wrong:
            advice = "write postgresql+psycopg://, mysql+pymysql:// or sqlite:///, or install the driver"
            yield str(ConfigurationError(where, f"source.{key}.url", f"no such database or driver: {wrong}", advice))


def _of_pulls(settings: Settings, catalog: Catalog) -> Iterator[str]:
    for key in sorted(settings.pulls):
        try:
            plan_pull(catalog, settings, key)
        except ConfigurationError as wrong:
            yield str(wrong)


def _of_rules(catalog: Catalog) -> Iterator[str]:
    with_thresholds = {threshold.rule for threshold in catalog.thresholds}
    for key, (_, rule) in sorted(catalog.rules.items()):
        if key not in with_thresholds and not isinstance(rule.watches, Absence):
            yield f"rule {key}: no threshold, so it can never ring; add rows to data_sources/thresholds"


def _of_notify(settings: Settings, catalog: Catalog) -> Iterator[str]:
    """Routes that can never take anything, recipients nobody leads to, channels without an address."""
    notify = settings.notify
    for way in (notify.screens, *notify.routes):
        for unknown in sorted(way.domains - set(catalog.domains)):
            yield f"notify route {way.key}: no domain {unknown!r}; known: {', '.join(sorted(catalog.domains))}"
        for unknown in sorted(way.streets - known_streets()):
            yield f"notify route {way.key}: no street {unknown!r}; streets are 9-digit codes, such as {min(known_streets())}"
    led_to = {key for way in notify.routes for key in way.to} | {key for key, recipient in notify.recipients.items() if recipient.units}
    for key in sorted(set(notify.recipients) - led_to):
        yield f"notify recipient {key}: no route leads to it, and it answers for no unit"
    for key, channel in sorted(notify.channels.items()):
        if channel.unset:
            yield f"notify channel {key}: {channel.unset} is not set; its notices wait"


def _of_access(settings: Settings, catalog: Catalog) -> Iterator[str]:
    """Personas and groups of roles or domains that are not there; a provider's secret that is not set."""
    try:
        check_access(settings.access, catalog.roles, catalog.domains)
    except ConfigurationError as wrong:
        yield str(wrong)
    if settings.access.oidc and settings.access.oidc.unset:
        yield f"access oidc: {settings.access.oidc.unset} is not set; nobody comes in through the provider"


def _of_outboxes(settings: Settings, catalog: Catalog) -> Iterator[str]:
    """Credentials not set, and inboxes that are no inboxes: tables a pull reads are a department's own."""
    used = _orderers(catalog)
    read = {(pull.source, pull.table): pull.key for pull in settings.pulls.values() if pull.table}
    for key, outbox in sorted(settings.outboxes.items()):
        if key not in used:
            yield f"outbox {key}: no playbook orders anything there"
        if outbox.unset:
            yield f"outbox {key}: {outbox.unset} is not set; its orders wait"
        if other := read.get((outbox.source, outbox.table)):
            yield f"outbox {key}: {outbox.table} is what pull {other} reads; an inbox takes orders and nothing else"


def _of_pages(panels: Panels, pages: Sequence[Any]) -> Iterator[str]:
    for page in pages:
        if not page.needs:
            yield f"page {page.path}: needs is empty, so that it opens to everybody who is signed in; name an Action"
        for panel in sorted({panel for surface in SURFACES for panel in page.panels(surface)}):
            if panel.partition(":")[0] not in NEEDS:
                yield f"page {page.path}: panel {panel} is shown to nobody; add a line to dashboard/panels/policy.py"
                continue
            try:
                panels.topics(panel)
            except NotFoundError as unknown:
                yield f"page {page.path}: {unknown}"
