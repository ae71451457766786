"""The shapes of tables that scopes, maps and drill-downs rely on, and the shared metadata they live in."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from dashboard.core.times import UtcDateTime

metadata = sa.MetaData(
    naming_convention={"ix": "ix_%(column_0_label)s", "uq": "uq_%(table_name)s_%(column_0_name)s", "pk": "pk_%(table_name)s"}
)


def _origin() -> list[sa.Column[Any]]:
    """Where a row came from: its source, its key there, the turn that brought it, and when we learned it."""
    return [
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("source_key", sa.String(191), nullable=False),
        sa.Column("pull_run", sa.BigInteger, nullable=False),
        sa.Column("learned_at", UtcDateTime, nullable=False),
        sa.Column("row_hash", sa.String(32), nullable=False),
    ]


ORIGIN = tuple(column.name for column in _origin())  # filled in by the pull, never by a mapping


def asset_table(name: str, *extra: sa.Column[Any]) -> sa.Table:
    """A physical thing each: id, kind, name, place, street, state, and when that was so. Key: asset_id."""
    return sa.Table(
        name,
        metadata,
        sa.Column("asset_id", sa.String(96), primary_key=True),
        sa.Column("kind", sa.String(32), nullable=False, default=""),
        sa.Column("name", sa.String(191), nullable=False),
        sa.Column("street", sa.String(12), index=True),
        sa.Column("lon", sa.Float),
        sa.Column("lat", sa.Float),
        sa.Column("state", sa.String(32)),
        sa.Column("observed_at", UtcDateTime),
        *extra,
        *_origin(),
    )


def case_table(name: str, *extra: sa.Column[Any]) -> sa.Table:
    """A matter or happening each, with its life in time. Key: case_id."""
    return sa.Table(
        name,
        metadata,
        sa.Column("case_id", sa.String(96), primary_key=True),
        sa.Column("category", sa.String(64)),
        sa.Column("title", sa.String(255)),
        sa.Column("asset_id", sa.String(96), index=True),
        sa.Column("street", sa.String(12), index=True),
        sa.Column("lon", sa.Float),
        sa.Column("lat", sa.Float),
        sa.Column("state", sa.String(32)),
        sa.Column("opened_at", UtcDateTime, nullable=False, index=True),
        sa.Column("due_at", UtcDateTime),
        sa.Column("closed_at", UtcDateTime, index=True),
        sa.Column("updated_at", UtcDateTime, index=True),
        *extra,
        *_origin(),
    )
