"""A message as it is read: its notices with what happened, worst first, in the recipient's language."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from dashboard.alerting.reasons import in_language
from dashboard.casework import life
from dashboard.core.catalog import Catalog
from dashboard.core.declare import Level, Text
from dashboard.core.duty import EVENTS, MACHINE_EVENTS, Recipient
from dashboard.core.places import streets
from dashboard.core.times import CITY_ZONE, iso
from dashboard.settings import Settings
from dashboard.store.schema import alert, alert_transition, notice

_MACHINE_WORDS = {
    "open": Text("发生", "raised"),
    "up": Text("升级", "raised to a higher level"),
    "down": Text("降级", "lowered"),
    "no_data": Text("数据中断", "no data"),
    "data_back": Text("数据恢复", "data are back"),
    "clear": Text("解除", "cleared"),
}
EVENT_WORDS = {event: _MACHINE_WORDS.get(event) or life.EVENT_WORDS[life.Event(event)] for event in EVENTS}
DRILL = Text("演练", "EXERCISE")


@dataclass(frozen=True, kw_only=True)
class Item:
    """One notice, in words."""

    transition_id: int
    alert_id: int
    number: str
    event: str
    level: str
    domain: str
    rule: str
    title: str
    asset_id: str
    asset: str
    street: str  # its name
    street_code: str
    owner: str
    at: datetime
    value: float | None
    unit: str
    why: str
    link: str


@dataclass(frozen=True)
class Letter:
    """A message: who it is for, under which key, what it says."""

    key: str
    recipient: str
    lang: str
    drill: bool  # nothing of it is real: every text of it says so first
    items: tuple[Item, ...]

    @property
    def level(self) -> str:
        """The worst level in it."""
        return max((item.level for item in self.items), key=lambda level: Level(level).severity)

    @property
    def subject(self) -> str:
        """One line, without line breaks."""
        first = self.items[0]
        line = self._say(
            f"{self._worst(first.level)}预警{EVENT_WORDS[first.event].zh}：{first.street}{first.asset} {first.title}",
            f"{self._worst(first.level).capitalize()} alert {EVENT_WORDS[first.event].en}: {first.title}, {first.asset}",
        )
        if len(self.items) > 1:
            count, worst = len(self.items), self._worst(self.level)
            line = self._say(f"{count} 条预警动态，最高{worst}", f"{count} notices, the worst {worst}")
        return " ".join((self._mark + line).split())

    def _worst(self, level: str) -> str:
        return Level(level).words(self.lang)

    @property
    def _mark(self) -> str:
        return self._say(f"【{DRILL.zh}】", f"[{DRILL.en}] ") if self.drill else ""

    def lines(self) -> list[str]:
        """Each notice in one paragraph of plain text."""
        return [self._line(item, str) for item in self.items]

    def markdown(self, limit: int) -> str:
        """For robots, within so many bytes of UTF-8; what has no room is counted."""
        foot = f"\n\n> {self._say('通知编号', 'notice')} {self.key[:8]}"
        text = f"### {_plain(self.subject)}"
        room = limit - len((text + foot).encode()) - 60
        for number, item in enumerate(self.items):
            line = f"\n- {self._line(item, _plain)}" + (f" [{self._say('查看', 'open')}]({item.link})" if item.link else "")
            room -= len(line.encode())
            if room < 0:
                left = len(self.items) - number
                return text + f"\n- {self._say(f'另有 {left} 条，请在驾驶舱查看', f'{left} more: see the cockpit')}" + foot
            text += line
        return text + foot

    def body(self) -> dict[str, Any]:
        """For programs: everything, as JSON takes it."""
        items = [{**item.__dict__, "at": iso(item.at)} for item in self.items]
        told = {"key": self.key, "recipient": self.recipient, "exercise": self.drill, "level": self.level, "subject": self.subject}
        return {**told, "items": items}

    def _line(self, item: Item, fit: Callable[[str], str]) -> str:
        local = item.at.astimezone(CITY_ZONE)
        head = f"{local.month}月{local.day}日 {local:%H:%M}" if self.lang == "zh" else f"{local:%d %b %H:%M}"
        said = f"{self._worst(item.level)}{self._say('', ' ')}{EVENT_WORDS[item.event](self.lang)}"
        told = (head, said, f"{item.street} {item.asset}".strip(), item.title, item.why, item.owner, item.number)
        return self._say("，", ", ").join(fit(part) for part in told if part)

    def _say(self, zh: str, en: str) -> str:
        return en if self.lang == "en" else zh


def _plain(text: str) -> str:
    """A department's words without what markdown would take for its own signs."""
    return "".join("\\" + c if c in "\\`*_[]<>#|" else c for c in text)


def letter(conn: sa.Connection, catalog: Catalog, settings: Settings, recipient: Recipient, message: str) -> Letter:
    """A message as its recipient reads it."""
    told = alert_transition.c
    moment = (
        notice.c.event,
        notice.c.level.label("told"),
        told.transition_id,
        told.at,
        told.value,
        told.reason,
        told.unit.label("given_to"),
    )
    about = (alert.c.alert_id, alert.c.number, alert.c.domain, alert.c.rule, alert.c.asset_id, alert.c.asset_name)
    place = (alert.c.street, alert.c.owner, alert.c.unit, alert.c.drill)
    joined = notice.join(alert_transition, told.transition_id == notice.c.transition_id).join(alert, alert.c.alert_id == notice.c.alert_id)
    query = sa.select(*moment, *about, *place).select_from(joined).where(notice.c.message == message)
    rows = conn.execute(query.order_by(notice.c.transition_id)).all()
    items = [_item(row, catalog, settings, recipient.lang) for row in rows]
    items.sort(key=lambda item: (-Level(item.level).severity, item.at))
    drill = settings.notify.cap.status != "Actual" or any(row.drill for row in rows)
    return Letter(message, recipient.key, recipient.lang, drill, tuple(items))


def _item(row: Any, catalog: Catalog, settings: Settings, lang: str) -> Item:
    declared = catalog.rules.get(row.rule)
    street = next((s for s in streets() if s.code == row.street), None)
    web = settings.notify.web
    return Item(
        transition_id=row.transition_id,
        alert_id=row.alert_id,
        number=row.number,
        event=row.event,
        level=row.told,
        domain=row.domain,
        rule=row.rule,
        title=declared[1].title(lang) if declared else row.rule,
        asset_id=row.asset_id,
        asset=row.asset_name,
        street=(street.title(lang) if street else ""),
        street_code=row.street or "",
        owner=row.owner,
        at=row.at,
        value=row.value,
        unit=row.unit,
        why=_why(row, lang),
        link=f"{web}/alerts?drawer=alert:{row.alert_id}" if web else "",
    )


def _why(row: Any, lang: str) -> str:
    """The machine's sentence, or the unit a matter goes to. What people wrote stays in the house: it may hold anything."""
    if row.event in MACHINE_EVENTS:
        return in_language(row.reason, lang)
    if not row.given_to:
        return ""
    return f"to {row.given_to}" if lang == "en" else f"→ {row.given_to}"
