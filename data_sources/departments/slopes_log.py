"""The part of the sensor platform's database that is about slopes and rain: written once, then lived on."""

from __future__ import annotations

import sqlalchemy as sa

from data_sources.departments import slopes_orders
from data_sources.departments import slopes_rows as rows
from data_sources.departments import slopes_schema as schema
from data_sources.departments.building import bulk_insert, local_text, replace_rows
from data_sources.departments.registers import change_row, ticked
from data_sources.departments.sensors_shapes import DAY
from data_sources.departments.slopes_asked import Asked
from data_sources.departments.slopes_life import MINUTE, THINGS

_LOG_S, _GAUGES_SET_UP_S = 395 * DAY, 300 * DAY
_ACTED_ON = ((schema.warnings, rows.warning_rows), (schema.calls, rows.call_rows))


def build(conn: sa.Connection, seed: int, at: float) -> None:
    """Registers, and thirteen months of warnings, calls and patrols."""
    set_up = local_text(at - _GAUGES_SET_UP_S)
    bulk_insert(conn, schema.hazards, rows.register_rows(seed, at))
    bulk_insert(conn, schema.gauges, [(g.number, g.name, g.street, g.lon, g.lat, set_up) for g in rows.GAUGES])
    for table, written in _ACTED_ON:
        bulk_insert(conn, table, written(seed, at - _LOG_S, at))
    bulk_insert(conn, schema.patrols, rows.patrol_rows(seed, at - _LOG_S, at))


def live(conn: sa.Connection, seed: int, since: float, until: float, asked: Asked) -> None:
    """What the bureau and its four-fold grid did after `since` up to `until`; warnings move on whole minutes."""
    slopes_orders.write_answers(conn, asked, since, until, seed)
    if not ticked(since, until, MINUTE):
        return
    for table, written in _ACTED_ON:
        replace_rows(conn, table, written(seed, since, until, asked))
    replace_rows(conn, schema.patrols, rows.patrol_rows(seed, since, until))
    _move(conn, seed, since, until, asked)


def _move(conn: sa.Connection, seed: int, since: float, until: float, asked: Asked) -> None:
    """Levels held and rounds walked, in the register."""
    held = rows.levels_at(seed, until, asked)
    for who, at in rows.level_changes(seed, since, until, asked).items():
        change_row(conn, schema.hazards, "隐患点编号", THINGS[who].number, {"预警等级": held[who]}, at)
    before, after = (rows.last_walked(seed, at).tolist() for at in (since, until))
    for thing, old, new in zip(THINGS, before, after, strict=True):
        if new > old:
            change_row(conn, schema.hazards, "隐患点编号", thing.number, {"最近巡查": local_text(new)}, new)
