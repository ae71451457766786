"""Drills: an alert that never was sets a playbook going, every order and notice marked so, and nothing of it is counted."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from dashboard.casework.linkage.facts import asset_tables
from dashboard.casework.linkage.machine import both
from dashboard.casework.linkage.orders import DRILL
from dashboard.core.catalog import Catalog
from dashboard.core.declare import Level, Text
from dashboard.core.errors import NotFoundError, NotNowError
from dashboard.core.playbooks import Playbook
from dashboard.core.times import city_day
from dashboard.store.audit_log import NOWHERE, Origin, note_action
from dashboard.store.engine import writing
from dashboard.store.schema import alert, alert_transition
from dashboard.store.topics import bump


def begin_drill(
    engine: sa.Engine, catalog: Catalog, playbook: str, asset: str, actor: str, now: datetime, level: str = "", origin: Origin = NOWHERE
) -> int:
    """Raise a drill's alert for an asset; the next turn sets its playbook going. Its id.

    Raises NotFoundError for a playbook or asset there is not, NotNowError where a drill for the asset is under way.
    """
    book = find_playbook(catalog, playbook)
    at_level = Level(level) if level in book.levels else book.levels[-1]
    with writing(engine).begin() as conn:
        row = _row(conn, catalog, book, asset, at_level, now)
        if conn.scalar(sa.select(sa.exists().where(alert.c.open_key == row["open_key"]))):
            raise NotNowError("这个对象正在演练 (a drill for this asset is under way)")
        alert_id = int(conn.execute(sa.insert(alert).values(row).returning(alert.c.alert_id)).scalar_one())
        told = {"alert_id": alert_id, "at": now, "noticed_at": now, "what": "open", "new": at_level.value, "actor": actor}
        reason = both(Text(f"【{DRILL}】{book.title.zh}，由{actor}发起", f"[EXERCISE] {book.title.en}, begun by {actor}"))
        conn.execute(sa.insert(alert_transition).values(**told, reason=reason))
        note_action(conn, actor=actor, action="playbook.drill", about=row["number"], detail=f"{playbook} {asset}", now=now, origin=origin)
        bump(conn, ["alerts"], now)
    return alert_id


def find_playbook(catalog: Catalog, key: str) -> Playbook:
    """A declared playbook. Raises NotFoundError."""
    if key not in catalog.playbooks:
        raise NotFoundError(f"no playbook {key!r}; there are: {', '.join(sorted(catalog.playbooks))}")
    return catalog.playbooks[key]


def assets(conn: sa.Connection, playbook: Playbook, limit: int = 60) -> list[tuple[str, str]]:
    """Assets a playbook may be drilled for: (id, name) of those its rules watch or rang for."""
    at = alert.c
    rang = sa.select(at.asset_id, at.asset_name).where(at.rule.in_(playbook.on)).order_by(at.alert_id.desc()).limit(5 * limit)
    found = dict(reversed([(row.asset_id, row.asset_name) for row in conn.execute(rang)]))
    return sorted(found.items(), key=lambda one: one[1])[:limit]


def _row(conn: sa.Connection, catalog: Catalog, book: Playbook, asset: str, level: Level, now: datetime) -> dict[str, Any]:
    rule = book.on[0]
    domain, declared = catalog.rules[rule]
    thing = _asset(conn, catalog, domain.key, asset)
    limit = next((t.value for t in catalog.rule_thresholds(rule, city_day(now).isoformat()) if t.level is level), None)
    what = {"rule": rule, "rule_version": "drill", "domain": domain.key, "vital": domain.vital, "unit": declared.unit}
    where = {"asset_id": asset, "asset_name": thing.name, "street": thing.street, "lon": thing.lon, "lat": thing.lat}
    bad = {"level": level.value, "worst_level": level.value, "state": "open", "threshold": limit, "value": limit, "no_data": False}
    when = {"opened_at": now, "level_at": now, "updated_at": now}
    owner = (declared.owner or domain.department).zh
    return {
        "number": _number(conn, now),
        **what,
        **where,
        **bad,
        **when,
        "owner": owner,
        "drill": True,
        "open_key": f"drill|{rule}|{asset}",
    }


def _asset(conn: sa.Connection, catalog: Catalog, domain: str, asset: str) -> Any:
    """The thing in a register: its own domain's first, for a rule may watch what another department owns."""
    for key in (domain, *(key for key in catalog.domains if key != domain)):
        for table in asset_tables(catalog, key):
            columns = (table.c[name] for name in ("name", "street", "lon", "lat"))
            found = conn.execute(sa.select(*columns).where(table.c.asset_id == asset)).first()
            if found is not None:
                return found
    raise NotFoundError(f"no asset {asset!r}")


def _number(conn: sa.Connection, now: datetime) -> str:
    """演练-260520-0001: nobody reads it for a real one."""
    day = f"{DRILL}-{city_day(now):%y%m%d}-"
    known = conn.scalar(sa.select(sa.func.count()).where(alert.c.number.startswith(day, autoescape=True))) or 0
    return f"{day}{known + 1:04d}"
