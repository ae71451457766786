"""Alerts of the real rules put into a store, as many as are wanted, and the turn that follows: hushed, joined, told."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from dashboard.alerting.hush import quieten
from dashboard.alerting.situations import gather
from dashboard.casework.silences import expire
from dashboard.core.catalog import Catalog, load_catalog
from dashboard.core.duty import Notify
from dashboard.notify.route import route
from dashboard.settings import PullConfig, Settings
from dashboard.store.engine import writing
from dashboard.store.schema import alert, alert_transition, notice
from dashboard.store.schema_noise import hush, situation, situation_member
from tests.small_city import EAST, SmallCity, settings

LON, LAT = 106.57, 29.56
EAST_M = 1 / (111_320 * math.cos(math.radians(LAT)))  # degrees a metre
GAP, OVERDUE, GAS = "minibuses.gap_out", "hotline.overdue", "septic_tanks.gas"  # never a cause; never placed; a matter of life
STUCK, SILENT = "septic_tanks.gas_stuck", "septic_tanks.silent"  # a consequence and its cause, on the same tank
LEVELS = ("blue", "yellow", "orange", "red")
_CATALOG = load_catalog()  # at once: a store made from now on has the tables of all domains


def catalog() -> Catalog:
    return _CATALOG


@dataclass
class Crowd:
    """A store with alerts in it."""

    city: SmallCity
    notify: Notify = field(default_factory=Notify)
    pulls: dict[str, PullConfig] = field(default_factory=dict)
    number: int = 0

    @property
    def engine(self) -> sa.Engine:
        return self.city.engine

    @property
    def now(self) -> datetime:
        return self.city.now

    @property
    def settings(self) -> Settings:
        return replace(settings(self.city.home), notify=self.notify, pulls=self.pulls)

    def raised(
        self,
        rule: str = GAP,
        level: str = "yellow",
        asset: str = "",
        east: float = 0.0,
        *,
        north: float = 0.0,
        street: str | None = EAST,
        ago: float = 0.0,
    ) -> int:
        """An alert so many metres east of the first place, raised so many minutes ago."""
        with writing(self.engine).begin() as conn:
            return self.put(conn, rule, level, asset, (LON + east * EAST_M, LAT + north / 111_320), street, ago)

    def put(
        self, conn: sa.Connection, rule: str, level: str, asset: str, place: tuple[float, float], street: str | None, ago: float = 0.0
    ) -> int:
        self.number += 1
        domain, rule_, at = *rule.split("."), self.now - timedelta(minutes=ago)
        asset = asset or f"X{self.number}"
        row = {
            "number": f"YZ-XX-260520-{self.number:04}", "rule": rule, "rule_version": "1", "domain": domain,
            "vital": catalog().domains[domain].vital, "asset_id": asset, "asset_name": f"{asset}号", "street": street,
            "lon": place[0], "lat": place[1], "level": level, "worst_level": level, "state": "open", "value": 5.0, "threshold": 3.0,
            "unit": "", "opened_at": at, "level_at": at, "updated_at": at, "no_data": False, "owner": "区应急管理局",
            "open_key": f"{rule_}|{asset}|{self.number}",
        }  # fmt: skip
        key = int(conn.execute(sa.insert(alert).values(row).returning(alert.c.alert_id)).scalar_one())
        self._tell(conn, key, "open", None, level, at)
        return key

    def _tell(self, conn: sa.Connection, key: int, what: str, old: str | None, new: str, at: datetime) -> None:
        row = {"alert_id": key, "at": at, "noticed_at": self.now, "what": what, "old": old, "new": new, "reason": "为何 / why"}
        conn.execute(sa.insert(alert_transition).values(row | {"value": 5.0, "actor": "system"}))

    def worse(self, key: int, level: str) -> None:
        """An alert changes its level."""
        with writing(self.engine).begin() as conn:
            row = conn.execute(sa.select(alert.c.level, alert.c.worst_level).where(alert.c.alert_id == key)).one()
            worst = max(level, row.worst_level, key=LEVELS.index)
            conn.execute(sa.update(alert).where(alert.c.alert_id == key).values(level=level, worst_level=worst))
            self._tell(conn, key, "level", row.level, level, self.now)

    def cleared(self, *keys: int) -> None:
        """What raised them is over, and nobody has anything left to do."""
        with writing(self.engine).begin() as conn:
            for key in keys:
                values = {"state": "clear", "cleared_at": self.now, "closed_at": self.now, "open_key": None}
                conn.execute(sa.update(alert).where(alert.c.alert_id == key).values(values))
                self._tell(conn, key, "clear", "yellow", "clear", self.now)

    def turn(self, **later: float) -> None:
        """What the worker does after its rules, in its order."""
        if later:
            self.city.clock.step(timedelta(**later))
        expire(self.engine, self.now)
        quieten(self.engine, catalog(), self.settings, self.now)
        gather(self.engine, catalog(), self.settings, self.now)

    def routed(self) -> None:
        route(self.engine, self.settings, self.now)

    # ---- what is there
    def together(self) -> list[list[int]]:
        """The alerts of each situation that is open, the first to join first."""
        m = situation_member.c
        query = sa.select(m.situation_id, m.alert_id).join(situation, situation.c.situation_id == m.situation_id)
        found: dict[int, list[int]] = {}
        with self.engine.connect() as conn:
            open_ = query.where(m.left_at.is_(None), situation.c.closed_at.is_(None))
            for key, one in conn.execute(open_.order_by(m.situation_id, m.alert_id)):
                found.setdefault(key, []).append(one)
        return list(found.values())

    def rows(self, table: sa.Table, *where: Any) -> Sequence[Any]:
        with self.engine.connect() as conn:
            return conn.execute(sa.select(table).where(*where).order_by(*table.primary_key)).all()

    def hushed(self) -> set[int]:
        """Who tells nobody now."""
        return {row.alert_id for row in self.rows(hush, hush.c.until.is_(None))}

    def notices(self, channel: str = "hook") -> list[Any]:
        """What was or will be told over a channel."""
        return [row for row in self.rows(notice) if row.channel == channel]
