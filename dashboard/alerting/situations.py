"""Situations (事件群): each alert just raised joins those it belongs to, or begins a situation of its own. Costs what was raised."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from dashboard.alerting.joining import Board, Joined, Raised
from dashboard.core.catalog import Catalog
from dashboard.core.declare import Level
from dashboard.core.noise import NoiseLimits
from dashboard.core.scope import DISTRICT
from dashboard.core.times import city_day, to_micros
from dashboard.settings import Settings
from dashboard.store import bulk
from dashboard.store.drills import REAL
from dashboard.store.engine import writing
from dashboard.store.lease import check_fence
from dashboard.store.schema import alert, alert_transition
from dashboard.store.schema_noise import situation, situation_mark, situation_member
from dashboard.store.topics import bump

_MARK = 1  # the mark's only row
_SLICE = 5000  # transitions a transaction
_SOME = 500  # keys in one statement
_RECTANGLES = 50  # places looked around one by one
_M_PER_DEGREE = 110_500.0  # of latitude, at least
_RAISED, _MOVED = "open", "level"
_COLUMNS = ("alert_id", "situation_id", "joined_at", "why", "own", "whole", "life_safety")


def gather(engine: sa.Engine, catalog: Catalog, settings: Settings, now: datetime, fence: int | None = None) -> int:
    """Place every alert raised since the mark, close situations that are over; how many alerts were placed."""
    with engine.connect() as conn:
        newest = conn.scalar(sa.select(sa.func.max(alert_transition.c.transition_id))) or 0
        mark = conn.execute(sa.select(situation_mark)).first()
    if mark and mark.looked_at and newest <= mark.transition_id:
        return 0
    placed = 0
    with writing(engine).begin() as conn:
        if fence is not None:
            check_fence(conn, fence)
        seen = mark.transition_id if mark else 0
        while rows := _since(conn, seen):
            placed += _place(conn, catalog, settings, rows, now)
            seen = rows[-1].transition_id
        _end(conn, now)
        bulk.insert(conn, situation_mark, ("mark_id", "transition_id", "looked_at"), [(_MARK, newest, to_micros(now))], update=_ADVANCED)
        if placed:
            bump(conn, ["alerts"], now)
    return placed


_ADVANCED = ("transition_id", "looked_at")


def _since(conn: sa.Connection, mark: int) -> list[Any]:
    """What was raised or changed its level since the mark, with the alerts."""
    told = alert_transition.c
    about = (alert.c.number, alert.c.rule, alert.c.domain, alert.c.asset_id, alert.c.asset_name, alert.c.street, alert.c.lon, alert.c.lat)
    columns = (told.transition_id, told.alert_id, told.what, told.new, alert.c.opened_at, alert.c.worst_level, *about)
    query = sa.select(*columns).join(alert, alert.c.alert_id == told.alert_id)
    due = query.where(REAL, told.transition_id > mark, told.what.in_((_RAISED, _MOVED)))
    return list(conn.execute(due.order_by(told.transition_id).limit(_SLICE)).all())


def _place(conn: sa.Connection, catalog: Catalog, settings: Settings, rows: list[Any], now: datetime) -> int:
    """New alerts are joined; those known already, raised again or worse, have their situation follow."""
    known = _memberships(conn, {row.alert_id for row in rows})
    new = list({row.alert_id: row for row in rows if row.what == _RAISED and row.alert_id not in known}.values())
    limits = catalog.noise_on(city_day(now).isoformat())
    if new and limits:
        known |= _join(conn, catalog, settings, new, limits, now)
    _follow(conn, rows, known)
    return len(new)


def _memberships(conn: sa.Connection, alerts: Iterable[int]) -> dict[int, int]:
    """The situation each alert is in; 0: a person took it out."""
    found: dict[int, int] = {}
    member = situation_member.c
    for ids in _sliced(sorted(alerts)):
        query = sa.select(member.alert_id, member.situation_id, member.left_at).where(member.alert_id.in_(ids))
        found |= {row.alert_id: 0 if row.left_at else row.situation_id for row in conn.execute(query)}
    return found


def _join(conn: sa.Connection, catalog: Catalog, settings: Settings, new: list[Any], limits: NoiseLimits, now: datetime) -> dict[int, int]:
    """One alert after another, in the order they were raised."""
    wholes = _wholes(conn, catalog, new)
    board = _board(conn, limits, new, wholes)
    day, last = _numbers(conn, settings, now)
    found: dict[int, int] = {}
    members = []
    for row in sorted(new, key=lambda row: (row.opened_at, row.alert_id)):
        one = _raised(row, wholes.get((row.domain, row.asset_id), ""))
        joined = board.join(one)
        if joined is None:
            last += 1
            found[row.alert_id] = _begin(conn, row, f"{day}{last:04d}")
        else:
            found[row.alert_id] = joined.situation
        board.put(found[row.alert_id], one)
        grave = (catalog.rules[row.rule][1].life_safety) if row.rule in catalog.rules else False
        members.append((row.alert_id, found[row.alert_id], to_micros(now), _why(joined), one.own, one.whole, grave))
    bulk.insert(conn, situation_member, _COLUMNS, members)
    _widen(conn, board, set(found.values()))
    return found


def _raised(row: Any, whole: str) -> Raised:
    """A scope is no place: the point its name stands at on the map says nothing about what is near."""
    placed = row.asset_id not in (DISTRICT, row.street)
    lon, lat = (row.lon, row.lat) if placed else (None, None)
    own = f"{row.domain}/{row.asset_id}"
    return Raised(alert_id=row.alert_id, number=row.number, at=row.opened_at, own=own, whole=whole, lon=lon, lat=lat)


def _why(joined: Joined | None) -> str:
    if joined is None:
        return ""
    return json.dumps({k: v for k, v in asdict(joined).items() if k != "situation" and v not in (None, "")}, ensure_ascii=False)


def _wholes(conn: sa.Connection, catalog: Catalog, new: list[Any]) -> Mapping[tuple[str, str], str]:
    """What the assets of new alerts are part of, by their domains' registers."""
    found: dict[tuple[str, str], str] = {}
    for domain in {row.domain for row in new} & set(catalog.domains):
        assets = sorted({row.asset_id for row in new if row.domain == domain})
        for column in catalog.domains[domain].part_of:
            register = column.table
            for ids in _sliced(assets):
                query = sa.select(register.c.asset_id, column).where(register.c.asset_id.in_(ids), column.is_not(None))
                found |= {(domain, asset): f"{domain}/{whole}" for asset, whole in conn.execute(query) if whole}
    return found


def _board(conn: sa.Connection, limits: NoiseLimits, new: list[Any], wholes: Mapping[tuple[str, str], str]) -> Board:
    """The open situations that may take any of these, with the members that may be beside them."""
    earliest = min(row.opened_at for row in new)
    member, s = situation_member.c, situation.c
    columns = (s.situation_id, s.opened_at.label("begun"), s.west, s.south, s.east, s.north, member.whole)
    about = (
        alert.c.alert_id,
        alert.c.number,
        alert.c.opened_at,
        alert.c.lon,
        alert.c.lat,
        alert.c.street,
        alert.c.asset_id,
        alert.c.domain,
    )
    joined = situation_member.join(situation, s.situation_id == member.situation_id).join(alert, alert.c.alert_id == member.alert_id)
    recent = sa.and_(s.closed_at.is_(None), s.opened_at >= earliest - limits.span, member.left_at.is_(None))
    names = sorted({f"{row.domain}/{row.asset_id}" for row in new} | set(wholes.values()))
    lately = alert.c.opened_at >= earliest - timedelta(minutes=limits.within_min)
    beside = sa.or_(member.own.in_(names), member.whole.in_(names), sa.and_(lately, sa.or_(*_about(new, limits))))
    board = Board(limits)
    query = sa.select(*columns, *about).select_from(joined).where(recent, beside)
    for row in conn.execute(query.order_by(alert.c.opened_at, alert.c.alert_id)):
        board.put(row.situation_id, _raised(row, row.whole))
        board.situations[row.situation_id].opened = row.begun
        board.situations[row.situation_id].box = None if row.west is None else (row.west, row.south, row.east, row.north)
    return board


def _about(new: list[Any], limits: NoiseLimits) -> list[sa.ColumnElement[bool]]:
    """Rectangles that hold whatever is near these alerts: one for each, or one around all where they are many."""
    places = [(row.lon, row.lat) for row in new if row.lon is not None and row.lat is not None]
    if len(places) > _RECTANGLES:
        lons, lats = zip(*places, strict=True)
        places = [(min(lons), min(lats)), (max(lons), max(lats))]
        spans = [((places[0][0], places[1][0]), (places[0][1], places[1][1]))]
    else:
        spans = [((lon, lon), (lat, lat)) for lon, lat in places]
    found: list[sa.ColumnElement[bool]] = [sa.false()]
    for (west, east), (south, north) in spans:
        high = limits.near_m / _M_PER_DEGREE
        wide = high / math.cos(math.radians(min(max(abs(south), abs(north)) + high, 89)))
        found.append(sa.and_(alert.c.lon.between(west - wide, east + wide), alert.c.lat.between(south - high, north + high)))
    return found


def _numbers(conn: sa.Connection, settings: Settings, now: datetime) -> tuple[str, int]:
    """What today's numbers begin with, and the last one given."""
    day = f"{settings.city.get('code', 'YZ')}-SJQ-{city_day(now):%y%m%d}-"
    todays = sa.select(situation.c.number).where(situation.c.number.startswith(day, autoescape=True))
    last = conn.scalar(todays.order_by(sa.func.length(situation.c.number).desc(), situation.c.number.desc()).limit(1))
    return day, int(last.rsplit("-", 1)[1]) if last else 0


def _begin(conn: sa.Connection, row: Any, number: str) -> int:
    named = {"asset_name": row.asset_name, "street": row.street, "worst_level": row.worst_level}
    made = sa.insert(situation).values(number=number, opened_at=row.opened_at, **named).returning(situation.c.situation_id)
    return int(conn.execute(made).scalar_one())


def _widen(conn: sa.Connection, board: Board, touched: set[int]) -> None:
    """The rectangles of situations that took somebody."""
    for key in sorted(touched):
        if box := board.situations[key].box:
            values = dict(zip(("west", "south", "east", "north"), box, strict=True))
            conn.execute(sa.update(situation).where(situation.c.situation_id == key).values(values))


def _follow(conn: sa.Connection, rows: list[Any], known: Mapping[int, int]) -> None:
    """A situation is as bad as its worst member ever was; raised again, one that was over is open again."""
    worst: dict[int, Level] = {}
    for row in rows:
        if key := known.get(row.alert_id, 0):
            worst[key] = max(worst.get(key, Level.BLUE), Level(row.worst_level), key=lambda level: level.severity)
    again = sorted({known[row.alert_id] for row in rows if row.what == _RAISED and known.get(row.alert_id)})
    for ids in _sliced(again):
        conn.execute(
            sa.update(situation).where(situation.c.situation_id.in_(ids), situation.c.closed_at.is_not(None)).values(closed_at=None)
        )
    for key, level in worst.items():
        milder = [other.value for other in Level if other.severity < level.severity]
        mine = sa.and_(situation.c.situation_id == key, situation.c.worst_level.in_(milder))
        conn.execute(sa.update(situation).where(mine).values(worst_level=level.value))


def _end(conn: sa.Connection, now: datetime) -> None:
    """Situations none of whose members anybody still has to deal with are over."""
    member = situation_member.c
    here = sa.and_(member.situation_id == situation.c.situation_id, member.left_at.is_(None), alert.c.closed_at.is_(None))
    living = sa.exists().where(here, alert.c.alert_id == member.alert_id)
    conn.execute(sa.update(situation).where(situation.c.closed_at.is_(None), sa.not_(living)).values(closed_at=now))


def _sliced(keys: list[Any]) -> Iterable[list[Any]]:
    return (keys[i : i + _SOME] for i in range(0, len(keys), _SOME))
