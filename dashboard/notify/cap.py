"""Our alerts as CAP 1.2 messages (OASIS): one for the opening, one for each change of level, one for the end of an alert."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from lxml import etree

from dashboard.alerting.reasons import in_language
from dashboard.core.catalog import Catalog
from dashboard.core.declare import Level, Text
from dashboard.core.duty import CapFeed
from dashboard.core.errors import NotFoundError
from dashboard.core.places import street
from dashboard.core.times import CITY_ZONE
from dashboard.settings import Settings
from dashboard.store.schema import alert, alert_transition
from data_sources.notices import cap_words

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
_TOLD = ("open", "level", "clear")  # what becomes a message
_LANGUAGES = (("zh-CN", "zh"), ("en-US", "en"))
_HEADLINE = 160  # characters, as the standard advises
_GEOCODE = "CN-admin"


@dataclass(frozen=True, kw_only=True)
class CapMessage:
    """One message; later messages of the same alert refer to it."""

    identifier: str  # the alert's number, and which message of it this is
    kind: Literal["Alert", "Update", "Cancel"]
    sent: datetime
    level: str
    reason: str
    value: float | None
    references: tuple[str, ...]
    of: Any  # the alert's row

    @property
    def restriction(self) -> str:
        """Who alone may read it; empty: anybody."""
        return cap_words(self.of.domain, self.level).restriction

    def headline(self, catalog: Catalog, lang: str) -> str:
        """One line: 红色预警：解放碑街道 3号桥 …."""
        named, word = _title(self.of, catalog)(lang), Level(self.level).words
        over = Text("（解除）", " (cleared)")(lang) if self.kind == "Cancel" else ""
        line = f"{word.zh}预警：{self.of.asset_name} {named}" if lang == "zh" else f"{word.en.capitalize()}: {named}, {self.of.asset_name}"
        return line[: _HEADLINE - len(over)] + over


def newest_messages(conn: sa.Connection, settings: Settings, now: datetime, limit: int) -> list[CapMessage]:
    """The last message of every alert that is open, or was until lately; the newest first."""
    standing = sa.or_(alert.c.state == "open", alert.c.cleared_at >= now - settings.notify.cap.keep)
    rows = conn.execute(sa.select(alert).where(standing).order_by(alert.c.updated_at.desc()).limit(limit)).all()
    found = [messages[-1] for messages in _messages(conn, settings.notify.cap, rows).values() if messages]
    return sorted(found, key=lambda message: (message.sent, message.identifier), reverse=True)


def message(conn: sa.Connection, settings: Settings, identifier: str) -> CapMessage:
    """A message by its identifier, as it was sent. Raises NotFoundError."""
    number = identifier.rpartition(".")[0]
    rows = conn.execute(sa.select(alert).where(alert.c.number == number)).all()
    for found in _messages(conn, settings.notify.cap, rows).values():
        for one in found:
            if one.identifier == identifier:
                return one
    raise NotFoundError(f"no message {identifier!r}")


def _messages(conn: sa.Connection, feed: CapFeed, rows: Sequence[Any]) -> dict[int, list[CapMessage]]:
    """Each alert's messages, oldest first."""
    told, lives = alert_transition.c, {row.alert_id: list[Any]() for row in rows}
    query = sa.select(told.alert_id, told.what, told.noticed_at, told.old, told.new, told.reason, told.value)
    for life in conn.execute(query.where(told.alert_id.in_(lives), told.what.in_(_TOLD)).order_by(told.transition_id)):
        lives[life.alert_id].append(life)
    return {row.alert_id: list(_of_alert(feed, row, lives[row.alert_id])) for row in rows}


def _of_alert(feed: CapFeed, row: Any, life: Sequence[Any]) -> Iterator[CapMessage]:
    earlier: list[str] = []
    for number, step in enumerate(life, 1):
        identifier = f"{row.number}.{number}"
        yield CapMessage(
            identifier=identifier,
            kind="Cancel" if step.what == "clear" else "Update" if earlier else "Alert",
            sent=step.noticed_at,
            level=(step.old if step.what == "clear" else step.new) or row.level,
            reason=step.reason,
            value=step.value,
            references=tuple(earlier),
            of=row,
        )
        earlier.append(f"{feed.sender},{identifier},{stamp(step.noticed_at)}")


def stamp(at: datetime) -> str:
    """A time as CAP wants it: to the second, with a numeric offset, never Z."""
    return at.astimezone(CITY_ZONE).isoformat(timespec="seconds")


def _title(row: Any, catalog: Catalog) -> Text:
    declared = catalog.rules.get(row.rule)
    return declared[1].title if declared else Text(row.rule, row.rule)


# ---- XML


def document(told: CapMessage, catalog: Catalog, settings: Settings) -> Any:
    """The message as an XML tree, not signed yet."""
    feed, root = settings.notify.cap, etree.Element(f"{{{NAMESPACE}}}alert", nsmap={None: NAMESPACE})
    for name, text in (
        ("identifier", told.identifier),
        ("sender", feed.sender),
        ("sent", stamp(told.sent)),
        ("status", "Exercise" if told.of.drill else feed.status),
        ("msgType", told.kind),
        ("scope", "Restricted" if told.restriction else "Public"),
        ("restriction", told.restriction),
        ("references", " ".join(told.references)),
        ("incidents", told.of.number),
    ):
        _put(root, name, text)
    for language, lang in _LANGUAGES:
        _info(_put(root, "info", None), told, catalog, settings, language, lang)
    return root


def _put(parent: Any, name: str, text: str | None = "") -> Any:
    """A child with a text; none for an empty one, as CAP wants what is not known left out."""
    if text == "":
        return None
    child = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
    if text is not None:
        child.text = "".join(c for c in text if c in "\t\n" or ord(c) >= 32)  # what XML cannot hold
    return child


def _info(info: Any, told: CapMessage, catalog: Catalog, settings: Settings, language: str, lang: str) -> None:
    row, words, over = told.of, cap_words(told.of.domain, told.level), told.kind == "Cancel"
    _put(info, "language", language)
    for category in words.category:
        _put(info, "category", category)
    _put(info, "event", _title(row, catalog)(lang))
    _put(info, "responseType", "AllClear" if over else "Monitor")
    _put(info, "urgency", "Past" if over else words.urgency)
    _put(info, "severity", words.severity)
    _put(info, "certainty", "Observed")  # a measured value stands behind each; forecasts are none of ours
    _pair(info, "eventCode", "cockpit-rule", row.rule)
    for name, at in (("effective", told.sent), ("onset", row.opened_at), ("expires", told.sent + settings.notify.cap.expires)):
        _put(info, name, stamp(at))
    _put(info, "senderName", row.owner)
    _put(info, "headline", told.headline(catalog, lang))
    _put(info, "description", in_language(told.reason, lang))
    if settings.notify.web:
        _put(info, "web", f"{settings.notify.web}/alerts?drawer=alert:{row.alert_id}")
    _pair(info, "parameter", "level", told.level)
    if told.value is not None:
        _pair(info, "parameter", "value", f"{told.value:g} {row.unit}".strip())
    _area(_put(info, "area", None), row, settings, lang)


def _pair(parent: Any, name: str, key: str, value: str) -> None:
    pair = _put(parent, name, None)
    _put(pair, "valueName", key)
    _put(pair, "value", value)


def _area(area: Any, row: Any, settings: Settings, lang: str) -> None:
    """Where it is: in words, a circle around the asset or the outline of the street, and the street's code."""
    where = street(row.street) if row.street else None
    _put(area, "areaDesc", " ".join(part for part in (where.title(lang) if where else "", row.asset_name) if part))
    if row.lon is not None and row.lat is not None:
        _put(area, "circle", f"{row.lat:.6f},{row.lon:.6f} {settings.notify.cap.radius_km:g}")
    elif where:
        for ring in where.polygon:
            closed = ring if ring[0] == ring[-1] else (*ring, ring[0])
            _put(area, "polygon", " ".join(f"{lat:.6f},{lon:.6f}" for lon, lat in closed))
    if where:
        _pair(area, "geocode", _GEOCODE, where.code)
