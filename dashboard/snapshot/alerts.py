"""Alerts as screens show them: numbered once for feed, map and matrix, worded by their rule."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from dashboard.core import places
from dashboard.core.catalog import Catalog, words
from dashboard.core.declare import Text
from dashboard.core.noise import is_life_safety
from dashboard.core.times import city_day, iso
from dashboard.snapshot.fold import numbered
from dashboard.snapshot.words import LEVEL_WORDS, clock_time, number, say, span, unit_words
from dashboard.store import alert_reads, noise_reads
from dashboard.store.noise_reads import HushRow
from dashboard.store.rule_faults import is_itself

_RECENT = timedelta(hours=24)
_PAST = timedelta(days=366)  # of one asset


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One alert at the moment of the picture."""

    alert_id: int
    number: int | str  # on this moment's screens; '' once closed
    code: str
    rule: str
    domain: str
    vital: str
    asset_id: str
    asset_name: str
    rule_title: Text
    level: str
    state: str  # new | in_hand | closed
    value: float | None
    threshold: float | None
    unit: str
    street: str | None
    lon: float | None
    lat: float | None
    owner: str
    opened: datetime
    closed: datetime | None
    no_data: bool
    given_to: str = ""  # the unit people or a playbook gave it to
    drill: bool = False
    back_at: datetime | None  # since when the reading is back inside its limits, while people still have the matter
    life_safety: bool
    situation: int = 0  # what it belongs together with; 0: nothing
    hush: HushRow | None = None  # why it tells nobody of its own

    @property
    def is_open(self) -> bool:
        """Not closed yet, whether somebody is on it or not."""
        return self.state != "closed"

    @property
    def stands(self) -> bool:
        """Open, and what raised it still holds: this is what colours maps and systems."""
        return self.is_open and self.back_at is None


def open_and_recent(conn: sa.Connection, catalog: Catalog, at: datetime, *, replay: bool) -> list[Alert]:
    """Open alerts, the most pressing first, each with the number of its line; then those closed lately."""
    then = at if replay else None
    opened = alert_reads.open_alerts(conn, then, reasons=False)
    ids = [row.alert_id for row in opened]
    crowds, hushed = noise_reads.members_of(conn, ids, then), noise_reads.hushes(conn, ids, then)
    made = [_alert(r, 0, catalog, crowds.get(r.alert_id, 0), hushed.get(r.alert_id)) for r in opened]
    cleared = alert_reads.closed_alerts(conn, at - _RECENT, at)
    return numbered(made) + [_alert(r, "", catalog) for r in cleared]


def closed_of_asset(conn: sa.Connection, catalog: Catalog, domain: str, asset_id: str, at: datetime) -> list[Alert]:
    """An asset's past alerts up to a moment, the latest first."""
    only = alert_reads.AlertFilter(domain=domain, asset=asset_id)
    return [_alert(row, "", catalog) for row in alert_reads.closed_alerts(conn, at - _PAST, at, only)]


def one_alert(conn: sa.Connection, catalog: Catalog, alert_id: str, at: datetime) -> Alert | None:
    """An alert that is in no picture any more."""
    row = alert_reads.one_alert(conn, int(alert_id), at) if alert_id.isdigit() else None
    return _alert(row, "", catalog) if row else None


_AS_STORED = ("alert_id", "rule", "domain", "vital", "asset_id", "asset_name", "level", "value", "threshold", "unit")
_PLACE = ("street", "lon", "lat", "owner", "no_data")


def _alert(row: alert_reads.AlertRow, no: int | str, catalog: Catalog, situation: int = 0, hush: HushRow | None = None) -> Alert:
    rule = catalog.rules.get(row.rule)
    return Alert(
        **{name: getattr(row, name) for name in _AS_STORED + _PLACE},
        number=no,
        code=row.number,
        rule_title=rule[1].title if rule else Text(row.rule, row.rule),
        state=row.stage,
        opened=row.opened_at,
        closed=row.ended_at,
        given_to=row.given_to,
        drill=row.drill,
        back_at=row.cleared_at if row.ended_at is None else None,
        life_safety=is_life_safety(rule[1] if rule else None, row.level),
        situation=situation,
        hush=hush,
    )


@dataclass(frozen=True, kw_only=True)
class AlertCard:
    """An alert in words."""

    alert_id: int
    number: int | str
    code: str
    level: str
    state: str
    stands: bool  # what raised it still holds
    title: str
    short: str  # the phenomenon alone, where there is one line: the number ties it to its place
    grounds: str
    place: str
    street: str
    street_code: str
    owner: str
    opened_at: str
    opened_text: str
    lasted: str
    vital: str
    domain: str
    asset_name: str
    drawer: str  # what opens when it is touched
    count: int = 1  # how many alerts it stands for
    note: str = ""  # what stands under it, or why it tells nobody
    silenced: bool = False


def card(a: Alert, catalog: Catalog, lang: str, now: datetime) -> AlertCard:
    """The alert as a card: object and phenomenon, grounds, place and responsible unit."""
    street, owner = street_name(a.street, lang), _owner(a, catalog, lang)
    domain, vital = catalog.domains.get(a.domain), catalog.vitals.get(a.vital)
    return AlertCard(
        alert_id=a.alert_id,
        number=a.number,
        code=a.code,
        level=a.level,
        state=a.state,
        stands=a.stands,
        title=headline(a, lang),
        short=a.rule_title(lang),
        grounds=grounds(a, lang),
        place="·".join(part for part in (street, owner) if part),
        street=street,
        street_code=a.street or "",
        owner=owner,
        opened_at=iso(a.opened),
        opened_text=_opened_text(a.opened, now),
        lasted=span((a.closed or now) - a.opened, lang),
        vital=words(vital.title if vital else None, lang, a.vital),
        domain=words(domain.title if domain else None, lang, a.domain),
        asset_name=a.asset_name,
        drawer=f"alert:{a.alert_id}",
        note=say(lang, "被抑制", "inhibited") if a.hush and a.hush.cause_id else "",
        silenced=bool(a.hush and a.hush.silence_id),
    )


def _opened_text(opened: datetime, now: datetime) -> str:
    """Today the time, else the date before it."""
    day = city_day(opened)
    return clock_time(opened) if day == city_day(now) else f"{day.month}-{day.day} {clock_time(opened)}"


def _owner(a: Alert, catalog: Catalog, lang: str) -> str:
    """Who has it: the unit it was given to, else the one its rule names."""
    if a.given_to:
        return unit_name(catalog, a.given_to, lang)
    rule = catalog.rules.get(a.rule)
    if rule is None:
        return a.owner
    domain, declared = rule
    return (declared.owner or domain.department)(lang)


def unit_name(catalog: Catalog, unit: str, lang: str) -> str:
    """A unit as it was written, in the screen's language where it is one that is declared."""
    declared = [step.by for playbook in catalog.playbooks.values() for step in playbook.steps]
    known = [*declared, *(domain.department for domain in catalog.domains.values())]
    return next((words(lang) for words in known if words.zh == unit), unit)


def headline(a: Alert, lang: str) -> str:
    """Object + phenomenon. A rule that names its object itself is not given another."""
    phenomenon = a.rule_title(lang)
    if is_itself(a.asset_id):
        return say(lang, f"规则“{phenomenon}”判定出错", f"Rule “{phenomenon}” cannot judge")
    where = "" if a.asset_id in ("district", a.street, "") or a.asset_name in phenomenon else a.asset_name
    if lang == "en":
        return f"{where}: {phenomenon}" if where else phenomenon
    said_twice = next((n for n in range(min(len(where), len(phenomenon)), 1, -1) if where.endswith(phenomenon[:n])), 0)
    return f"{where}{phenomenon[said_twice:]}"


def width(text: str) -> float:
    """How wide a text is, in Chinese characters."""
    return sum(1.0 if ord(ch) > 0x2E80 else 0.56 for ch in text)


def grounds(a: Alert, lang: str) -> str:
    """The value and the line it crossed."""
    if a.back_at:
        return say(lang, f"{clock_time(a.back_at)}恢复正常，待闭环", f"back to normal at {clock_time(a.back_at)}, to be closed")
    if a.no_data:
        return say(lang, "数据中断，按最后状态保持", "No fresh data; kept as it was")
    if a.value is None:
        return ""
    value = _measured(a.value, a.unit, lang)
    if a.threshold is None:
        return value
    level = LEVEL_WORDS[a.level](lang)
    line = _measured(a.threshold, a.unit, lang) if a.unit == "min" else _short(a.threshold)
    return say(lang, f"{value}，{level}色线 {line}", f"{value}, {level.lower()} line {line}")


def _measured(value: float, unit: str, lang: str) -> str:
    """A value with its unit; minutes as people say them."""
    if unit == "min":
        return span(timedelta(minutes=value), lang)
    return _short(value) + (f" {unit_words(unit, lang)}" if unit and unit != "%" else unit)


def _short(value: float) -> str:
    return number(value, 0 if abs(value) >= 100 or value == int(value) else (1 if abs(value) >= 10 else 2))


def street_name(code: str | None, lang: str) -> str:
    """A street's short name."""
    found = places.street(code) if code else None
    return found.title(lang) if found else ""
