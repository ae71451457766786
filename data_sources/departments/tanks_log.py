"""The part of the sensor platform's database that is about septic tanks: written once, then lived on."""

from __future__ import annotations

import numpy as np
import sqlalchemy as sa

from data_sources.departments import tanks_orders
from data_sources.departments import tanks_rows as rows
from data_sources.departments import tanks_schema as schema
from data_sources.departments.building import Row, add_rows, bulk_insert, replace_rows
from data_sources.departments.registers import change_row, ticked
from data_sources.departments.sensors_shapes import DAY, HOUR
from data_sources.departments.tanks_asked import Asked
from data_sources.departments.tanks_life import MINUTE

_LOG_S, _ORDERS_S = 39 * DAY, 395 * DAY  # controllers keep their log for five weeks, orders are kept on paper


def build(conn: sa.Connection, seed: int, at: float) -> None:
    """Register, log and orders up to a moment, and the readings that are evidence of the runs in the log."""
    network, since = rows.NETWORK, at - _LOG_S
    add_rows(conn, network.table, network.rows(seed, network.things, *rows.evidence(seed, network, at)))
    bulk_insert(conn, schema.tanks, rows.register_rows(seed, at))
    bulk_insert(conn, schema.control_steps, rows.step_rows(seed, since, at))
    bulk_insert(conn, schema.pump_runs, _with_slips(rows.run_rows(seed, since, at)))
    bulk_insert(conn, schema.callouts, rows.callout_rows(seed, since, at))
    bulk_insert(conn, schema.clean_orders, rows.clean_rows(seed, at - _ORDERS_S, at))


def live(conn: sa.Connection, seed: int, since: float, until: float, asked: Asked) -> None:
    """What controllers and crews did after `since` up to `until`; all of it but what people answer happens on whole minutes."""
    tanks_orders.write_answers(conn, asked, since, until, seed)
    if not ticked(since, until, MINUTE):
        return
    add_rows(conn, schema.control_steps, rows.step_rows(seed, since, until, asked))
    replace_rows(conn, schema.pump_runs, rows.run_rows(seed, since, until, asked))
    replace_rows(conn, schema.callouts, rows.callout_rows(seed, since, until, asked))
    tanks_orders.keep_evidence(conn, asked, since, until, seed)
    for who, (at, state) in rows.last_steps(seed, since, until, asked).items():
        change_row(conn, schema.tanks, "池编号", rows.THINGS[who].number, {"状态码": state}, at)
    if ticked(since, until, HOUR):
        replace_rows(conn, schema.clean_orders, rows.clean_rows(seed, since, until))
        _measure(conn, seed, since, until)


def _measure(conn: sa.Connection, seed: int, since: float, until: float) -> None:
    """Scum and sludge of the tanks that were measured or cleaned out, hour by hour."""
    for hour in np.arange(since // HOUR + 1, until // HOUR + 1) * HOUR:
        before, after = (rows.layers(seed, float(at)) for at in (hour - HOUR, hour))
        for thing, old, new in zip(rows.THINGS, before, after, strict=True):
            if old != new:
                change_row(conn, schema.tanks, "池编号", thing.number, {"浮渣厚": new[0], "污泥厚": new[1]}, float(hour))


def _with_slips(runs: list[Row]) -> list[Row]:
    """Two runs as a tired hand typed them: a zero date and words for a number. Both of last month, both checked."""
    ended = [i for i, row in enumerate(runs) if row[13]]
    zero, wordy = ended[len(ended) // 3], ended[len(ended) // 2]
    runs[zero] = (*runs[zero][:5], "0000-00-00 00:00:00", *runs[zero][6:])
    runs[wordy] = (*runs[wordy][:6], "约三车", *runs[wordy][7:])
    return runs
