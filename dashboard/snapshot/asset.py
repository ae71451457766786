"""One asset: found by `domain/asset` as it stood at the moment of the picture, and told in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa

from dashboard.core.catalog import words
from dashboard.core.declare import Domain
from dashboard.core.errors import NotFoundError
from dashboard.core.times import CITY_ZONE
from dashboard.snapshot.alerts import Alert, street_name
from dashboard.snapshot.channels import Newest, channels_of
from dashboard.snapshot.maps import asset_tables
from dashboard.snapshot.picture import Picture
from dashboard.snapshot.view import View
from dashboard.snapshot.vitals import query_of, vital_body, worst_level
from dashboard.snapshot.words import UNKNOWN, moment, number, say, together, unit_words
from dashboard.store.past import row_as_of
from data_sources.column_words import CODES, COLUMNS, Column


@dataclass(frozen=True, kw_only=True)
class Subject:
    """The asset looked at, as we knew it at the moment of the picture."""

    domain: Domain
    asset_id: str
    table: sa.Table | None
    row: Mapping[str, Any]  # empty: in no register
    channels: Sequence[Newest]

    @property
    def ident(self) -> str:
        """How addresses name it."""
        return f"{self.domain.key}/{self.asset_id}"

    @property
    def name(self) -> str:
        """Its name, or its number where no register has it."""
        return self.row.get("name") or self.asset_id

    @property
    def street(self) -> str | None:
        """The street it is in, by its register or its channels."""
        return self.row.get("street") or next((c.street for c in self.channels if c.street), None)

    def kind(self, lang: str) -> str:
        """What it is, in words."""
        return words(self.domain.asset_kinds.get(self.row.get("kind") or "") or self.domain.title, lang)


def find(picture: Picture, ident: str) -> Subject:
    """The asset `domain/asset`. Raises NotFoundError."""
    key, _, asset_id = ident.partition("/")
    domain = picture.catalog.domains.get(key)
    if domain is None:
        raise NotFoundError(f"no domain {key!r}")
    channels = channels_of(picture, key, asset_id)
    table, row = _registered(picture, domain, asset_id)
    if table is None and not channels:
        raise NotFoundError(f"no asset {ident!r}")
    return Subject(domain=domain, asset_id=asset_id, table=table, row=row, channels=channels)


def _registered(picture: Picture, domain: Domain, asset_id: str) -> tuple[sa.Table | None, Mapping[str, Any]]:
    with picture.reading() as conn:
        for table in asset_tables(domain):
            row = conn.execute(sa.select(table).where(table.c.asset_id == asset_id)).mappings().first()
            then = row_as_of(conn, table, asset_id, picture.at) if picture.replay else None
            if row is not None or then is not None:
                return table, dict(then or row or {})
    return None, {}


def page_link(ident: str, view: View) -> str:
    """The address of an asset's page."""
    return f"/asset{query_of(view) or '?'}{'&' if query_of(view) else ''}asset={quote(ident, safe='')}"


def alerts_on(picture: Picture, subject: Subject) -> list[Alert]:
    """Its alerts of this moment's screens."""
    return [a for a in picture.alerts if a.asset_id == subject.asset_id and a.domain == subject.domain.key]


# ---- what it is
def card(picture: Picture, view: View, ident: str) -> dict[str, Any]:
    """Name, kind, place, responsible unit, state, origin, and what its register says."""
    subject, lang = find(picture, ident), view.lang
    vital = picture.catalog.vitals[subject.domain.vital]
    worst = worst_level([a for a in alerts_on(picture, subject) if a.stands])
    return {
        "vital": vital_body(picture, vital, view, lines=0, with_line=False),
        "name": subject.name,
        "subtitle": together(lang, (subject.kind(lang), street_name(subject.street, lang), subject.domain.department(lang))),
        "worst": worst,
        "state": _state(subject, lang),
        "facts": facts(picture, subject, lang),
        "links": _links(subject, vital.path, view),
    }


def _links(subject: Subject, path_of_vital: str, view: View) -> list[dict[str, str]]:
    lang, query = view.lang, query_of(view)
    links = [{"text": subject.domain.title(lang), "href": path_of_vital + (f"{query}&" if query else "?") + f"system={subject.domain.key}"}]
    if subject.street and street_name(subject.street, lang):
        text = say(lang, f"{street_name(subject.street, lang)}街道页", f"{street_name(subject.street, lang)} street page")
        links.append({"text": text, "href": f"/street?scope={subject.street}"})
    return links


def _state(subject: Subject, lang: str) -> str:
    code = subject.row.get("state") or ""
    return words(subject.domain.states.get(code), lang, code)


def facts(picture: Picture, subject: Subject, lang: str) -> list[tuple[str, str]]:
    """Its register's row in words; columns without words stay where they are."""
    row = subject.row
    known = [
        (say(lang, "编号", "No."), subject.asset_id),
        (say(lang, "类型", "Kind"), subject.kind(lang)),
        (say(lang, "街道", "Street"), street_name(subject.street, lang) or UNKNOWN),
        (say(lang, "责任单位", "Responsible"), subject.domain.department(lang)),
        (say(lang, "状态", "State"), _state(subject, lang) or UNKNOWN),
    ]
    if subject.table is None:
        return known
    source = picture.settings.sources.get(row["source"])
    origin = together(lang, (source.title if source else row["source"], str(row["source_key"])))
    known += [fact for name, value in row.items() if (fact := in_words(subject.domain, subject.table, name, value, lang))]
    return [
        *known,
        (say(lang, "更新", "As of"), moment(row["observed_at"] or row["learned_at"], lang, picture.now)),
        (say(lang, "来源", "Source"), origin),
    ]


def in_words(domain: Domain, table: sa.Table, name: str, value: Any, lang: str) -> tuple[str, str] | None:
    """A column and its value in words; None for what is not told or not known."""
    column = COLUMNS.get(f"{table.name}.{name}") or COLUMNS.get(name)
    if column is None or value is None or value == "" or (column.only_yes and not value):
        return None
    return column.title(lang), _value(domain, column, name, value, lang)


def _value(domain: Domain, column: Column, name: str, value: Any, lang: str) -> str:
    if column.yes_no:
        return say(lang, "是", "yes") if value else say(lang, "否", "no")
    if isinstance(value, datetime):
        return f"{value.astimezone(CITY_ZONE):%Y-%m-%d %H:%M}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int | float):
        text = str(value) if name == "built" else number(float(value), column.decimals if float(value) % 1 else 0)
        return f"{text} {unit_words(column.unit, lang)}".strip()
    code = CODES.get(f"{name}.{value}") or domain.category_words.get(value) or domain.states.get(value) or domain.asset_kinds.get(value)
    return words(code, lang, str(value))
