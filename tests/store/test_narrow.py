"""A sight opens rows, never tables: however a statement is put together, it reads what is open."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from dashboard.core.errors import NotAllowedError
from dashboard.core.sight import EVERYTHING, NOTHING, WITHHELD, Action, Mask, Sight
from dashboard.core.tables import metadata
from dashboard.store.engine import open_store
from dashboard.store.narrow import seen_by
from dashboard.store.open_rows import CLOSED, OF_DUTY, OF_NOTHING, OpenRows
from dashboard.store.past import rows_as_of
from dashboard.store.schema import alert, alert_transition, channel, kpi_latest, latest, photo, reading_hot
from tests.whole_city import EAST, MIDDLE, NOON, Town, copy_of_town

ON_EAST, BRIDGES = Sight(streets=(EAST.code,)), Sight(domains=frozenset({"bridges"}))
MASKED = Sight(masks=frozenset(Mask))
OF_TESTS = ("small_", "trial_", "pulltest_", "store_")  # tables that tests declare for themselves


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    made = copy_of_town(tmp_path_factory.mktemp("town"))
    yield made
    made.engine.dispose()


def rows(town: Town, sight: Sight, query: sa.Select[tuple[object, ...]]) -> list[sa.Row[tuple[object, ...]]]:
    with seen_by(town.engine, town.catalog, sight).connect() as conn:
        return list(conn.execute(query))


def test_every_table_of_the_store_is_told_of(town: Town) -> None:
    """A new table opens to nobody until somebody says to whom: this fails, and so does every read of it."""
    part = OpenRows(town.catalog, Sight(frozenset({"air"}), (EAST.code,), frozenset(Mask), frozenset()))
    told = {t.name for t in metadata.tables.values() if t.name not in CLOSED | OF_DUTY[Action.AUDIT] and not t.name.startswith(OF_TESTS)}
    for name in sorted(told):
        table = metadata.tables[name]
        assert part.of(table, table.c) or name in OF_NOTHING | {"rule_fault"}, name


@pytest.mark.parametrize("name", sorted(CLOSED & set(metadata.tables)))
def test_who_may_come_in_is_read_through_no_sight(town: Town, name: str) -> None:
    with pytest.raises(NotAllowedError):
        rows(town, ON_EAST, sa.select(metadata.tables[name]))


@pytest.mark.parametrize("name", sorted(OF_DUTY[Action.AUDIT]))
def test_the_audit_log_is_the_auditors_alone(town: Town, name: str) -> None:
    assert rows(town, town.catalog.roles["auditor"].sight(), sa.select(metadata.tables[name])) == []
    with pytest.raises(NotAllowedError):
        rows(town, town.catalog.roles["viewer"].sight(), sa.select(metadata.tables[name]))


def test_streets_and_domains_narrow_alerts_readings_and_figures(town: Town) -> None:
    assert {r.street for r in rows(town, ON_EAST, sa.select(alert))} == {EAST.code}
    assert {r.domain for r in rows(town, BRIDGES, sa.select(alert))} == {"bridges"}
    assert {r.street for r in rows(town, ON_EAST, sa.select(latest))} == {EAST.code}
    assert {r.scope for r in rows(town, ON_EAST, sa.select(kpi_latest))} == {EAST.code}
    keys = {r.kpi for r in rows(town, BRIDGES, sa.select(kpi_latest))}
    assert keys and all(key.startswith("bridges.") for key in keys)
    whole = Sight(domains=frozenset(d.key for d in town.catalog.of_vital("skeleton")))
    assert "vital.skeleton" in {r.kpi for r in rows(town, whole, sa.select(kpi_latest))}
    assert rows(town, NOTHING, sa.select(alert)) == rows(town, NOTHING, sa.select(kpi_latest)) == []


def test_what_belongs_to_a_row_is_open_where_the_row_is(town: Town) -> None:
    ids = {r.alert_id for r in rows(town, ON_EAST, sa.select(alert))}
    assert {r.alert_id for r in rows(town, ON_EAST, sa.select(alert_transition))} == ids
    mine = {r.channel_id for r in rows(town, ON_EAST, sa.select(channel))}
    assert {r.channel_id for r in rows(town, ON_EAST, sa.select(reading_hot))} == mine != set()


SHAPES = {
    "alias": lambda a: sa.select(a.alias("x").c.street),
    "count": lambda a: sa.select(sa.func.count()).select_from(a),
    "subquery": lambda a: sa.select(sa.select(a.c.street).subquery().c.street),
    "cte": lambda a: sa.select(sa.select(a.c.street).cte("w").c.street),
    "union": lambda a: sa.union_all(sa.select(a.c.street), sa.select(a.c.street)),
    "scalar": lambda a: sa.select(sa.select(sa.func.max(a.c.street)).where(a.c.street != EAST.code).scalar_subquery()),
    "exists": lambda a: sa.select(sa.literal(1)).where(sa.exists(sa.select(a.c.alert_id).where(a.c.street == MIDDLE.code))),
    "outer join": lambda a: sa.select(a.c.street).select_from(alert_transition.outerjoin(a, a.c.alert_id == alert_transition.c.alert_id)),
    "self join": lambda a: sa.select(a.c.street).select_from(a.join(a.alias("b"), a.c.street == a.alias("b").c.street)),
    "in": lambda a: sa.select(alert_transition.c.alert_id).where(
        alert_transition.c.alert_id.in_(sa.select(a.c.alert_id).where(a.c.street == MIDDLE.code))
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_no_shape_of_a_statement_gets_round_it(town: Town, shape: str) -> None:
    found = {value for row in rows(town, ON_EAST, SHAPES[shape](alert)) for value in row}
    assert MIDDLE.code not in found and found <= {EAST.code, None, len(rows(town, ON_EAST, sa.select(alert)))}


def test_earlier_versions_of_rows_are_narrowed_as_the_rows_are(town: Town) -> None:
    bridge = town.catalog.feeds["bridges.structures"][1].table
    assert bridge is not None
    with seen_by(town.engine, town.catalog, ON_EAST).connect() as conn:
        assert {row["street"] for row in rows_as_of(conn, bridge, NOON)} == {EAST.code}


def test_masks_leave_that_something_was_said_and_no_more(town: Town) -> None:
    told = {"alert_id": 1, "at": NOON, "noticed_at": NOON, "what": "comment", "reason": "家住三楼", "actor": "王工", "unit": "城管"}
    with town.engine.begin() as conn:
        conn.execute(sa.insert(alert_transition).values(**told))
    query = sa.select(alert_transition).where(alert_transition.c.what.in_(("comment", "open")))
    found = {r.what: r for r in rows(town, MASKED, query)}
    assert (found["comment"].actor, found["comment"].unit, found["comment"].reason) == ("", "城管", WITHHELD)
    assert found["open"].reason and found["open"].actor == "system"
    assert rows(town, MASKED, sa.select(photo)) == []


def test_of_homes_only_the_street_is_told(town: Town) -> None:
    room = metadata.tables["rentals_room"]
    for row in rows(town, MASKED, sa.select(room)):
        assert row.name == row.asset_id
    assert any(row.name != row.asset_id for row in rows(town, EVERYTHING, sa.select(room)))


def test_a_narrowed_store_is_only_read_and_takes_no_written_sql(town: Town) -> None:
    with seen_by(town.engine, town.catalog, ON_EAST).connect() as conn:
        with pytest.raises(NotAllowedError):
            conn.execute(sa.delete(alert))
        with pytest.raises(NotAllowedError):
            conn.execute(sa.text("select * from alert"))
        with pytest.raises(NotAllowedError):
            conn.exec_driver_sql("select * from alert")


@pytest.mark.postgresql
def test_postgresql_narrows_alike(postgresql_url: str, town: Town) -> None:
    engine = open_store(postgresql_url)
    metadata.create_all(engine)
    row = {
        "rule": "bridges.x",
        "vital": "skeleton",
        "asset_id": "b",
        "asset_name": "桥",
        "level": "red",
        "worst_level": "red",
        "state": "open",
    }
    moments = dict.fromkeys(("opened_at", "level_at", "updated_at"), NOON)
    needed = {"rule_version": "1", "domain": "bridges", "unit": "", "owner": "", "no_data": False}
    with engine.begin() as conn:
        for i, street in enumerate((EAST.code, MIDDLE.code), 1):
            conn.execute(sa.insert(alert).values(alert_id=i, number=f"n{i}", open_key=f"k{i}", street=street, **row, **moments, **needed))
    with seen_by(engine, town.catalog, Sight(frozenset({"bridges"}), (EAST.code,), frozenset(Mask))).connect() as conn:
        assert [r.street for r in conn.execute(sa.select(alert))] == [EAST.code]
        assert conn.execute(sa.select(alert_transition)).all() == []
        for table in sorted(metadata.tables.values(), key=lambda t: t.name):
            if table.name not in CLOSED and not table.name.startswith(OF_TESTS):
                conn.execute(sa.select(table))
    engine.dispose()
