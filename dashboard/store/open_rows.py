"""Which rows of each table a sight opens, and which of their columns are masked. A table that is not told of here is closed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from dashboard.core.catalog import Catalog
from dashboard.core.errors import NotAllowedError
from dashboard.core.places import streets
from dashboard.core.sight import WITHHELD, Action, Mask, Sight
from dashboard.store.schema import metadata

_MACHINES = ("open", "level", "no_data", "data_back", "clear")  # transitions whose reason the engine wrote
_SYSTEM = "system"  # as actor: nobody's name

Conditions = list[sa.ColumnElement[bool]]
Columns = sa.ColumnCollection[str, Any]

# Nothing of the city stands in these.
OF_NOTHING = frozenset(
    ("topic", "geo_layer", "lease", "schema_change", "reading_boundary", "kpi_turn", "dirty_day", "notice_mark", "situation_mark")
)
# How departments' databases are read, and what was done: all of it for those whose duty it is.
OF_DUTY: Mapping[Action, frozenset[str]] = {
    Action.SOURCES: frozenset(("pull_state", "pull_run", "source_state", "quarantine")),
    Action.AUDIT: frozenset(("audit", "audit_head", "audit_check")),
}
# Who may come in: read by rooms of their own, never for a screen of the city.
CLOSED = frozenset(("account", "password_past", "recovery_code", "session", "wall", "api_token", "sign_in_failure"))
# What belongs to a row of another table is open where that row is: table → (the other, their column in common).
PARENT: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(("alert_transition", "handling", "photo", "notice", "playbook_run", "work_order", "hush"), ("alert", "alert_id")),
    **dict.fromkeys(("reading_hot", "reading_cold", "reading_h1", "reading_past"), ("channel", "channel_id")),
    **dict.fromkeys(("reading_touched", "reading_late"), ("channel", "channel_id")),
    **dict.fromkeys(("pull_run", "quarantine"), ("pull_state", "pull")),
    "source_state": ("pull_state", "source"),
    "situation_member": ("situation", "situation_id"),
    "playbook_step": ("playbook_run", "run_id"),
    "notice_message": ("notice", "message"),
}
# Where a table says which domain and which street a row is of: by its key before the point, or in a column of its own.
DOMAIN_IN: Mapping[str, str] = {
    **dict.fromkeys(("alert", "channel", "reading_latest", "reading_scope_h1", "derived_mark", "derived_model"), "domain"),
    **dict.fromkeys(("finding", "rule_state", "rule_fault"), "rule"),
    "pull_state": "feed",
}
STREET_IN: Mapping[str, str] = {
    **dict.fromkeys(("alert", "channel", "reading_latest", "finding", "kpi_day"), "street"),
    **dict.fromkeys(("reading_scope_h1", "kpi_latest", "kpi_history", "kpi_h1"), "scope"),
}
FIGURES = frozenset(("kpi_latest", "kpi_history", "kpi_h1", "kpi_day"))
EVERYWHERE = frozenset(("pull_state", "rule_fault"))  # they say how the engine runs, not what is where


class OpenRows:
    """The rows and columns of one sight."""

    def __init__(self, catalog: Catalog, sight: Sight) -> None:
        self._catalog, self._sight = catalog, sight
        self._owners: dict[str, set[str]] = {}
        for domain in catalog.domains.values():
            for feed in domain.feeds:
                if feed.table is not None:
                    self._owners.setdefault(feed.table.name, set()).add(domain.key)

    def of(self, table: sa.Table, c: Columns) -> Conditions:
        """What a row must fulfil. Raises NotAllowedError for a table no sight opens."""
        name = table.name
        if name in OF_NOTHING or any(name in tables and self._sight.may(action) for action, tables in OF_DUTY.items()):
            return []
        if name == "photo" and Mask.PHOTOS in self._sight.masks:
            return [sa.false()]
        if name in PARENT:
            return self._as_its_parent(table, c, *PARENT[name])
        if name in _OWN:
            return _OWN[name](self, c)
        if name in FIGURES:
            return [*self._figure(c), *self._street(c[STREET_IN[name]])]
        if name in DOMAIN_IN:
            street = self._street(c[STREET_IN[name]]) if name in STREET_IN else self._nowhere(name)
            return [*self._of_domain(c[DOMAIN_IN[name]]), *street]
        if name in self._owners:
            return [*self._of_owner(name, c), *(self._street(c.street) if "street" in c else self._nowhere(name))]
        raise NotAllowedError(f"table {name} is not told of in store/open_rows.py")

    def masked(self, table: sa.Table, c: Columns) -> dict[str, sa.ColumnElement[Any]]:
        """Columns that say less than is kept."""
        masks, found = self._sight.masks, dict[str, sa.ColumnElement[Any]]()
        if Mask.STAFF in masks:
            found |= {column: _unnamed(c[column]) for column in _ACTORS.get(table.name, ())}
        if Mask.NOTES in masks and table.name in _WRITTEN:
            found |= {column: _unread(table.name, c, column) for column in _WRITTEN[table.name]}
        if not self._sight.may(Action.SOURCES):
            found |= {column: sa.literal("", sa.Text).label(column) for column in _OF_DATABASES.get(table.name, ())}
        if Mask.DOORS in masks:
            found |= self._doors(table.name, c)
        return found

    # ---- rows
    def _street(self, column: sa.ColumnElement[Any]) -> Conditions:
        return [column.in_(self._sight.streets)] if self._sight.streets else []

    def _nowhere(self, name: str) -> Conditions:
        """What says no street is the district's."""
        return [sa.false()] if self._sight.streets and name not in EVERYWHERE else []

    def _of_domain(self, column: sa.ColumnElement[Any]) -> Conditions:
        """A domain by its key, or by a longer key that begins with it and a point."""
        known = self._sight.domains
        if known is None:
            return []
        return [column.in_(sorted(known)) if column.key == "domain" else _begins_with(column, known)]

    def _of_owner(self, name: str, c: Columns) -> Conditions:
        """A domain's own table, or one that several fill: there a number begins with its domain and a colon."""
        owners, known = self._owners[name], self._sight.domains
        if known is None or owners <= known:
            return []
        shared = [c.case_id.startswith(f"{key}:", autoescape=True) for key in sorted(owners & known)] if len(owners) > 1 else []
        return [sa.or_(sa.false(), *shared)]

    def _figure(self, c: Columns) -> Conditions:
        known = self._catalog.figures_seen_by(self._sight)
        return [] if known is None else [c.kpi.in_(known)]

    def _as_its_parent(self, table: sa.Table, c: Columns, parent: str, by: str) -> Conditions:
        other = metadata.tables[parent].alias(f"open_{parent}")
        open_ = self.of(metadata.tables[parent], other.c)
        if not open_:
            return []
        return [sa.exists(sa.select(sa.literal(1)).select_from(other).where(other.c[by] == c[by], *open_).correlate(c[by].table))]

    def _past(self, c: Columns) -> Conditions:
        """Earlier versions of rows, by the table they stood in; where people live only for those who may know it."""
        if self._sight.whole and not self._sight.masks:
            return []
        homes = self._homes if Mask.DOORS in self._sight.masks else frozenset()
        tables = [t for t, owners in self._owners.items() if any(map(self._sight.holds_domain, owners)) and not owners & homes]
        return [c.table_name.in_(sorted(tables)), *self._street(c.body["street"].as_string())]

    def _situation(self, c: Columns) -> Conditions:
        """One is shown whole or not at all: of what lies outside, not even that it is there may be told."""
        if self._sight.whole:
            return []
        alerts = metadata.tables["alert"]
        member, other = metadata.tables["situation_member"].alias("member"), alerts.alias("open_alert")
        open_ = sa.exists(sa.select(sa.literal(1)).where(other.c.alert_id == member.c.alert_id, *self.of(alerts, other.c)))
        mine = sa.select(sa.literal(1)).select_from(member).where(member.c.situation_id == c.situation_id)
        return [sa.exists(mine.correlate(c.situation_id.table)), ~sa.exists(mine.where(~open_).correlate(c.situation_id.table))]

    def _silence(self, c: Columns) -> Conditions:
        """Those that name nothing closed."""
        domains, streets_ = self._sight.domains, self._sight.streets
        found: Conditions = []
        if domains is not None:
            found += [c.domain.in_(["", *sorted(domains)]), sa.or_(c.rule == "", _begins_with(c.rule, domains))]
        if streets_:
            found.append(c.street.in_(["", *streets_]))
        if found:
            alert = metadata.tables["alert"].alias("open_alert")
            known = sa.select(sa.literal(1)).where(alert.c.asset_id == c.asset_id, *self.of(metadata.tables["alert"], alert.c))
            found.append(sa.or_(c.asset_id == "", sa.exists(known.correlate(c.asset_id.table))))
        return found

    # ---- columns
    @cached_property
    def _homes(self) -> frozenset[str]:
        return frozenset(d.key for d in self._catalog.domains.values() if d.homes)

    def _doors(self, name: str, c: Columns) -> dict[str, sa.ColumnElement[Any]]:
        """Of homes the street's own place and the number, where the address would stand."""
        if not self._homes:
            return {}
        home = sa.true() if self._owners.get(name, set()) & self._homes else self._said_of_home(name, c)
        if home is None:
            return {}
        names = [column for column in ("name", "asset_name") if column in c]
        found: dict[str, sa.ColumnElement[Any]] = {column: sa.case((home, c.asset_id), else_=c[column]) for column in names}
        if "lon" in c:
            found |= {axis: sa.case((home, _centre(c.street, i)), else_=c[axis]) for i, axis in enumerate(("lon", "lat"))}
        return found

    def _said_of_home(self, name: str, c: Columns) -> sa.ColumnElement[bool] | None:
        if name == "alert":
            homes: sa.ColumnElement[bool] = c.domain.in_(sorted(self._homes))
            return homes
        return _begins_with(c.rule, self._homes) if name == "finding" else None


_OWN: Mapping[str, Callable[[OpenRows, Columns], Conditions]] = {
    "row_past": OpenRows._past,
    "situation": OpenRows._situation,
    "silence": OpenRows._silence,
}
_ACTORS: Mapping[str, Sequence[str]] = {
    "alert_transition": ("actor",),
    "handling": ("acknowledged_by",),
    "photo": ("actor",),
    "situation_member": ("left_by",),
    "silence": ("owner", "ended_by"),
}
_WRITTEN: Mapping[str, Sequence[str]] = {
    "alert_transition": ("reason",),
    "work_order": ("note",),
    "order_receipt": ("note",),
    "silence": ("reason",),
}

# what a department's database answered, and rows of it that did not fit: for who looks after that
_OF_DATABASES: Mapping[str, Sequence[str]] = {
    **dict.fromkeys(("pull_state", "source_state"), ("last_error",)),
    "pull_run": ("error",),
    "quarantine": ("row", "reason", "reason_zh"),
}


def _begins_with(column: sa.ColumnElement[Any], keys: Collection[str]) -> sa.ColumnElement[bool]:
    return sa.or_(sa.false(), *(column.startswith(f"{key}.", autoescape=True) for key in sorted(keys)))


def _unnamed(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return sa.case((sa.or_(column.is_(None), column == _SYSTEM), column), else_="")


def _unread(name: str, c: Columns, column: str) -> sa.ColumnElement[Any]:
    """That something was written. What the engine itself wrote stays."""
    ours = sa.or_(c.what.in_(_MACHINES), c.actor == _SYSTEM) if name == "alert_transition" else sa.false()
    return sa.case((sa.or_(ours, c[column].is_(None), c[column] == ""), c[column]), else_=WITHHELD)


def _centre(street: sa.ColumnElement[Any], axis: int) -> sa.ColumnElement[Any]:
    return sa.case({s.code: s.label[axis] for s in streets()}, value=street, else_=sa.null())
