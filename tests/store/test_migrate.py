"""Migrations: a store is brought up to date by one call, whatever it was, and domains need no hand-written step."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from dashboard.core.errors import ConfigurationError
from dashboard.core.tables import metadata
from dashboard.core.times import UtcDateTime
from dashboard.store import schema
from dashboard.store.engine import writing
from dashboard.store.migrate import ENGINE_TABLES, migrate, require_current, revision, safe_address
from dashboard.store.schema import schema_change, topic


def domain(*extra: sa.Column[object]) -> sa.MetaData:
    """A domain's declaration, as it is in one release."""
    declared = sa.MetaData(naming_convention=metadata.naming_convention)
    sa.Table("sluice", declared, sa.Column("asset_id", sa.String(96), primary_key=True), *extra)
    return declared


def test_an_empty_database_becomes_a_store_and_a_second_call_changes_nothing(empty_store: sa.Engine) -> None:
    assert migrate(empty_store, domain()) == ["sluice"]
    assert migrate(empty_store, domain()) == []
    with empty_store.connect() as conn:
        assert set(sa.inspect(conn).get_table_names()) == ENGINE_TABLES | {"sluice", "alembic_version"}
        assert revision(conn)


def test_every_declared_column_and_index_of_the_engine_has_its_migration(empty_store: sa.Engine) -> None:
    migrate(empty_store, domain())
    with empty_store.connect() as conn:
        options = {"include_name": lambda name, kind, _: kind != "table" or name in ENGINE_TABLES, "compare_type": False}
        differences = compare_metadata(MigrationContext.configure(conn, opts=options), schema.metadata)
    own = [difference for difference in differences if _table(difference) in ENGINE_TABLES]
    assert own == [], 'run python -m dashboard.store.migrate "what is new"'


def _table(difference: tuple[object, ...] | list[tuple[object, ...]]) -> str:
    """The table a difference is about: add_table and add_index carry the thing, add_column names the table, changes come as lists."""
    first = difference[0] if isinstance(difference, list) else difference
    about = first[1] if not isinstance(first[1], str | None) else first[2]
    return about if isinstance(about, str) else str(getattr(getattr(about, "table", about), "name", about))


def test_a_domains_new_column_is_added_and_its_rows_are_kept(empty_store: sa.Engine) -> None:
    migrate(empty_store, domain())
    with writing(empty_store).begin() as conn:
        conn.execute(sa.text("INSERT INTO sluice (asset_id) VALUES ('S1')"))
    newer = domain(
        sa.Column("gates", sa.Integer, nullable=False, default=2),
        sa.Column("opened_at", UtcDateTime, index=True),
        sa.Column("keeper", sa.String(20), nullable=False),
    )
    assert migrate(empty_store, newer) == ["sluice.gates", "sluice.opened_at", "sluice.keeper"]
    with empty_store.connect() as conn:
        assert conn.execute(sa.text("SELECT asset_id, gates, opened_at, keeper FROM sluice")).all() == [("S1", 2, None, None)]
        assert [index["name"] for index in sa.inspect(conn).get_indexes("sluice")] == ["ix_sluice_opened_at"]
        change = schema_change.c
        recorded = conn.execute(sa.select(change.table_name, change.column_name).order_by(change.change_id)).all()
    assert recorded == [("sluice", ""), ("sluice", "gates"), ("sluice", "opened_at"), ("sluice", "keeper")]


def test_a_column_no_longer_declared_is_left_where_it_is(empty_store: sa.Engine) -> None:
    migrate(empty_store, domain(sa.Column("keeper", sa.String(20))))
    migrate(empty_store, domain())
    with empty_store.connect() as conn:
        assert "keeper" in {column["name"] for column in sa.inspect(conn).get_columns("sluice")}


def test_what_the_store_held_survives_a_migration(store: sa.Engine) -> None:
    with writing(store).begin() as conn:
        conn.execute(sa.insert(topic).values(topic="alerts", version=7, at=datetime(2025, 6, 1, tzinfo=UTC)))
    migrate(store, domain())
    with store.connect() as conn:
        assert conn.scalar(sa.select(topic.c.version)) == 7
    with writing(store).begin() as conn:
        conn.exec_driver_sql("DROP TABLE sluice")


def test_a_store_that_was_not_migrated_is_refused_with_what_it_lacks_and_what_to_do(empty_store: sa.Engine) -> None:
    with pytest.raises(ConfigurationError, match=r"nothing has been set up in it \(run cockpit migrate\)"):
        require_current(empty_store, domain())
    migrate(empty_store, domain())
    require_current(empty_store, domain())
    with pytest.raises(ConfigurationError, match=r"it lacks sluice\.gates \(run cockpit migrate\)"):
        require_current(empty_store, domain(sa.Column("gates", sa.Integer)))
    newer = domain()
    for number in range(7):
        sa.Table(f"weir_{number}", newer, sa.Column("asset_id", sa.String(96), primary_key=True))
    with pytest.raises(ConfigurationError, match=r"it lacks weir_0, weir_1, weir_2, weir_3, weir_4 and 2 more"):
        require_current(empty_store, newer)


def test_a_refused_store_is_named_without_what_opens_it() -> None:
    engine = sa.create_engine("postgresql+psycopg://cockpit:geheim@db/cockpit?sslpassword=geheim")
    assert safe_address(engine) == "postgresql+psycopg://cockpit:***@db/cockpit"
