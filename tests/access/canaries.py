"""A store in which every fact says whose it is: of which domain, in which street; and who may come across it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from dashboard.core.catalog import Catalog
from dashboard.core.declare import Domain, Judged
from dashboard.core.sight import Mask, Sight
from dashboard.core.tables import metadata
from dashboard.core.times import to_micros
from dashboard.kpi.index import DISTRICT_INDEX
from dashboard.store.engine import writing
from dashboard.store.rows import row_key
from dashboard.store.schema import (
    alert,
    alert_transition,
    finding,
    handling,
    kpi_h1,
    kpi_history,
    kpi_latest,
    notice,
    notice_message,
    photo,
    pull_run,
    pull_state,
    quarantine,
    row_past,
)
from dashboard.store.schema_linkage import playbook_run, playbook_step, work_order
from dashboard.store.schema_noise import hush, silence, situation, situation_member
from dashboard.store.topics import bump
from data_sources.notices import cap_words
from tests.whole_city import EAST, MIDDLE, NOON, WEST, Town, open_town

PLACES: tuple[str | None, ...] = (None, EAST.code, MIDDLE.code, WEST.code)  # the first: the district's own
_TOKEN = re.compile(r"zq(\d\d)s(\d)qz")
_NUMBER = re.compile(r"(?<![\w.:-])9(\d\d)([0-3])\d{3}(?![\w:-])")
_VITALS = 80  # where indices stand among the domains' numbers
_SAID = {"staffzq": Mask.STAFF, "notezq": Mask.NOTES, "doorzq": Mask.DOORS}
_JPEG = b"\xff\xd8\xff canary "


@dataclass(frozen=True)
class Canaries:
    """The town, and how to read whose a fact is."""

    town: Town
    domains: tuple[str, ...]
    indices: tuple[str, ...]

    def found(self, text: str) -> set[tuple[int, int]]:
        """(whose, where) of every fact in an answer."""
        plain = text.replace(",", "")
        return {(int(d), int(s)) for pattern in (_TOKEN, _NUMBER) for d, s in pattern.findall(plain) if self._is(int(d))}

    def _is(self, whose: int) -> bool:
        return whose < len(self.domains) or _VITALS <= whose < _VITALS + len(self.indices)

    def leaks(self, text: str, sight: Sight, *, public: bool = False) -> list[str]:
        """What of an answer is not the viewer's; `public`: an alert anybody may be told of is."""
        open_ = self.town.catalog.figures_seen_by(sight)
        wrong = [f"{whose} in {where}" for whose, where in sorted(self.found(text)) if not self._open(whose, where, sight, open_, public)]
        return wrong + [prefix for prefix, mask in _SAID.items() if mask in sight.masks and prefix in text]

    def _open(self, whose: int, where: int, sight: Sight, figures: list[str] | None, public: bool) -> bool:
        place = sight.holds_street(PLACES[where])
        if whose >= _VITALS:
            return place and (figures is None or self.indices[whose - _VITALS] in figures)
        told = public and not cap_words(self.domains[whose], "red").restriction
        return told or (place and sight.holds_domain(self.domains[whose]))


def fill(home: Path) -> Canaries:
    """A store with something of everything, in each of three streets and in none."""
    town = open_town(home)
    made = Canaries(town, tuple(town.catalog.domains), (DISTRICT_INDEX, *(f"vital.{v}" for v in town.catalog.vitals)))
    town.heard(NOON)
    for number, domain in enumerate(town.catalog.domains.values()):
        for where in range(len(PLACES)):
            _domain(town, domain, number, where)
    with writing(town.engine).begin() as conn:
        _figures(conn, made)
        _sources(conn, town.catalog, made)
        for number, domain in enumerate(town.catalog.domains.values()):
            for where in range(len(PLACES)):
                _alert(conn, domain, number, where)
        _noise(conn, made)
        bump(conn, ["alerts", "notices", "geo"], NOON)
    return made


def token(whose: int, where: int) -> str:
    return f"zq{whose:02}s{where}qz"


def number_of(whose: int, where: int, kind: int) -> float:
    return float(9_000_000 + whose * 10_000 + where * 1000 + kind)


def asset_of(whose: int, where: int) -> str:
    return f"a{token(whose, where)}"


def alert_of(whose: int, where: int) -> int:
    return 1 + whose * len(PLACES) + where


# ---- what departments have
def _domain(town: Town, domain: Domain, whose: int, where: int) -> None:
    for feed in domain.feeds:
        if feed.table is None:
            for metric in feed.metrics:
                values = [
                    (asset_of(whose, where), PLACES[where], NOON - timedelta(minutes=10 * i), number_of(whose, where, 1)) for i in (1, 0)
                ]
                town.read(domain.key, metric.key, values, NOON)
        elif "small" not in feed.table.name:
            town.write(feed.table, [_row(domain, feed.table, whose, where)], NOON)
            _earlier(town, domain, feed.table, whose, where)


def _row(domain: Domain, table: sa.Table, whose: int, where: int) -> dict[str, Any]:
    mine, lon_lat = token(whose, where), (EAST.label, EAST.label, MIDDLE.label, WEST.label)[where]
    found: dict[str, Any] = {}
    for column in table.columns:
        if column.name in ("pull_run", "learned_at", "row_hash", "source"):
            continue
        if isinstance(column.type, sa.String):
            found[column.name] = f"{column.name}{mine}"
        elif isinstance(column.type, sa.Integer | sa.Float):
            found[column.name] = number_of(whose, where, 2)
    known = {"street": PLACES[where], "asset_id": asset_of(whose, where), "closed_at": None}
    known |= {"lon": lon_lat[0] + whose * 1e-5, "lat": lon_lat[1], "opened_at": NOON - timedelta(hours=1), "observed_at": NOON}
    known |= {"case_id": f"{domain.key}:{mine}"} if table.name == "order_receipt" else {}
    known |= {"name": f"door{mine}" if domain.homes else f"name{mine}"}
    return found | {name: value for name, value in known.items() if name in table.c}


def _earlier(town: Town, domain: Domain, table: sa.Table, whose: int, where: int) -> None:
    """What was believed of the row before."""
    row = _row(domain, table, whose, where) | {"learned_at": NOON - timedelta(days=1), "pull_run": 1, "row_hash": "old", "source": "test"}
    body = {name: to_micros(value) if isinstance(value, datetime) else value for name, value in row.items()}
    key = row_key([body["case_id" if "case_id" in table.c else "asset_id"]])
    told = {"table_name": table.name, "row_key": key, "replaced_at": NOON, "learned_at": NOON - timedelta(days=1), "pull_run": 1}
    with writing(town.engine).begin() as conn:
        conn.execute(sa.insert(row_past).values(**told, body=body))


# ---- what the engine makes of it
def _figures(conn: sa.Connection, made: Canaries) -> None:
    kpis = {f"{d.key}.{k.key}": i for i, d in enumerate(made.town.catalog.domains.values()) for k in d.kpis}
    keys = [*((key, i) for key, i in kpis.items()), *((key, _VITALS + i) for i, key in enumerate(made.indices))]
    for key, whose in keys:
        for where, street in enumerate(PLACES):
            scope, value = street or "district", number_of(whose, where, 3)
            parts = None if key in kpis else _contributions(whose, where)
            same = {"kpi": key, "scope": scope, "value": value, "completeness": 1.0, "freshness": "fresh"}
            conn.execute(sa.insert(kpi_latest).values(**same, score=50.0, grade="poor", parts=parts, computed_at=NOON, yesterday=value))
            conn.execute(sa.insert(kpi_history).values(**same, at=NOON - timedelta(hours=1)))
            hour = to_micros(NOON) // 3_600_000_000
            means = {"mean": value, "low": value, "high": value, "last": value}
            conn.execute(sa.insert(kpi_h1), [{"kpi": key, "scope": scope, "hour": hour - i, "n": 1, **means} for i in range(3)])
    bump(conn, [f"kpi:{d}" for d in (*made.domains, *made.town.catalog.vitals, "district")], NOON)


def _contributions(whose: int, where: int) -> str:
    told = {"kpi": token(whose, where), "weight": 1, "score": 1, "lost": 1, "freshness": "fresh"}
    return json.dumps({"inputs": [told], "alerts": [], "missing": []})


def _sources(conn: sa.Connection, catalog: Catalog, made: Canaries) -> None:
    for number, domain in enumerate(catalog.domains.values()):
        mine = token(number, 0)
        conn.execute(
            sa.update(pull_state)
            .where(pull_state.c.feed.startswith(f"{domain.key}."))
            .values(error_kind="error", last_error=f"error{mine}")
        )
        for pull in conn.scalars(sa.select(pull_state.c.pull).where(pull_state.c.feed.startswith(f"{domain.key}."))).all():
            row = {"pull": pull, "reason_code": "type", "reason": mine, "reason_zh": mine, "row": mine, "times": 1, "state": "open"}
            conn.execute(sa.insert(quarantine).values(**_whole(quarantine, row, mine)))
            conn.execute(sa.insert(pull_run).values(**_whole(pull_run, {"pull": pull, "error": mine, "outcome": "error"}, mine)))


def _alert(conn: sa.Connection, domain: Domain, whose: int, where: int) -> None:
    mine, ident, rule = token(whose, where), alert_of(whose, where), next(iter(domain.rules), None)
    if rule is None:
        return
    key = next((r for r in domain.rules if isinstance(r.watches, Judged)), rule).key
    label = (EAST.label, EAST.label, MIDDLE.label, WEST.label)[where]
    about = {
        "rule": f"{domain.key}.{key}",
        "domain": domain.key,
        "vital": domain.vital,
        "asset_id": asset_of(whose, where),
        "asset_name": f"door{mine}" if domain.homes else f"thing{mine}",
        "street": PLACES[where],
        "lon": label[0] + 0.001,
        "lat": label[1],
        "level": "red",
        "worst_level": "red",
        "state": "open",
        "value": number_of(whose, where, 4),
        "threshold": 1.0,
        "owner": f"unit{mine}",
        "drill": False,
        "limits": None,
        "cleared_at": None,
        "refired_at": None,
        "closed_at": None,
    }
    conn.execute(sa.insert(alert).values(**_whole(alert, {"alert_id": ident, "number": f"YZ-{mine}", "open_key": mine, **about}, mine)))
    opened = {"what": "open", "old": None, "new": "red", "reason": f"because{mine} / because{mine}", "actor": "system"}
    noted = {"what": "comment", "old": "new", "new": "new", "reason": f"note{mine}", "actor": f"staff{mine}"}
    for step in (opened, noted):
        told = _whole(alert_transition, {**step, "alert_id": ident, "code": None, "value": None, "took_s": None, "limit_s": None}, mine)
        told.pop("transition_id", None)
        conn.execute(sa.insert(alert_transition).values(**told))
    stage = {"stage": "acknowledged", "unit": f"unit{mine}", "acknowledged_by": f"staff{mine}", "due_at": NOON + timedelta(hours=1)}
    conn.execute(sa.insert(handling).values(**_whole(handling, {**stage, "alert_id": ident, "refired_at": None}, mine)))
    picture = {"photo_id": f"{ident:064x}", "alert_id": ident, "actor": f"staff{mine}", "body": _JPEG + mine.encode()}
    conn.execute(sa.insert(photo).values(**_whole(photo, picture, mine)))
    found = {"rule": about["rule"], "asset_id": about["asset_id"], "street": PLACES[where], "name": about["asset_name"], "gone_at": None}
    because = json.dumps([["依据", "grounds", f"seen{mine}"]])
    conn.execute(sa.insert(finding).values(**_whole(finding, {**found, "because": because, "stopped": None}, mine)))
    _told(conn, ident, mine)


def _told(conn: sa.Connection, ident: int, mine: str) -> None:
    """Notices, a playbook's run and an order of one alert."""
    for channel, message in (("screens", None), ("mail", f"m{mine}")):
        told = {"transition_id": ident, "channel": channel, "recipient": "x", "alert_id": ident, "event": "open", "level": "red"}
        conn.execute(sa.insert(notice).values(**_whole(notice, {**told, "message": message, "made_at": NOON}, mine)))
    lost = {"message": f"m{mine}", "channel": f"mail{mine}", "state": "waiting", "error": f"error{mine}"}
    conn.execute(sa.insert(notice_message).values(**_whole(notice_message, lost, mine)))
    run = {"run_id": ident, "playbook": "dust", "alert_id": ident, "state": "running", "reason": "", "ended_at": None, "drill": False}
    conn.execute(sa.insert(playbook_run).values(**_whole(playbook_run, {**run, "level": "red"}, mine)))
    step = {"run_id": ident, "step": "sweep", "state": "open", "order_no": f"o{mine}", "reason": "", "ended_at": None}
    conn.execute(sa.insert(playbook_step).values(**_whole(playbook_step, step, mine)))
    order = {"order_no": f"o{mine}", "run_id": ident, "alert_id": ident, "note": f"note{mine}", "drill": False, "step": "sweep"}
    conn.execute(sa.insert(work_order).values(**_whole(work_order, order, mine)))


def _noise(conn: sa.Connection, made: Canaries) -> None:
    """A situation of each domain and street with another domain's alert in it, one all of its own, a silence and a hush."""
    for whose in range(len(made.domains) - 1):
        for where in range(1, len(PLACES)):
            mine, ident = token(whose, where), alert_of(whose, where)
            about = {"situation_id": ident, "number": f"SJ{mine}", "asset_name": f"crowd{mine}", "street": PLACES[where], "closed_at": None}
            conn.execute(sa.insert(situation).values(**_whole(situation, {**about, "worst_level": "red"}, mine)))
            for one in (ident, alert_of(whose + 1, where)) if whose % 2 == 0 else ():
                member = {
                    "alert_id": one,
                    "situation_id": ident,
                    "why": json.dumps({"rule": "near", "beside": f"YZ-{mine}", "metres": 1, "minutes": 1}),
                    "left_at": None,
                }
                conn.execute(sa.insert(situation_member).values(**_whole(situation_member, {**member, "left_by": None}, mine)))
            about = {"domain": made.domains[whose], "rule": "", "street": PLACES[where], "asset_id": asset_of(whose, where), "levels": ""}
            told = {
                "owner": f"staff{mine}",
                "reason": f"note{mine}",
                "ended_at": None,
                "ended_by": None,
                "ends_at": NOON + timedelta(hours=1),
            }
            conn.execute(sa.insert(silence).values(**_whole(silence, {**about, **told, "silence_id": ident, "made_at": NOON}, mine)))
            quiet = {
                "alert_id": ident,
                "cause_id": None,
                "inhibition": None,
                "silence_id": ident,
                "until": None,
                "since": NOON,
                "level": "red",
            }
            conn.execute(sa.insert(hush).values(**_whole(hush, quiet, mine)))


def _whole(table: sa.Table, known: dict[str, Any], mine: str) -> dict[str, Any]:
    """A row with every column told of."""
    found: dict[str, Any] = {}
    for column in table.columns:
        if column.name in known or (column.primary_key and column.autoincrement):
            continue
        if isinstance(column.type, sa.String):
            found[column.name] = f"{column.name[:4]}{mine}"
        elif isinstance(column.type, sa.Boolean):
            found[column.name] = False
        elif isinstance(column.type, sa.Integer | sa.Float):
            found[column.name] = 1
        elif not isinstance(column.type, sa.LargeBinary):
            found[column.name] = NOON - timedelta(minutes=30)
    return found | known


def streets_and_domains(made: Canaries) -> Iterator[tuple[int, int]]:
    """Every (domain, place)."""
    return ((whose, where) for whose in range(len(made.domains)) for where in range(len(PLACES)))


__all__ = ["PLACES", "Canaries", "alert_of", "asset_of", "fill", "metadata", "number_of", "streets_and_domains", "token"]
