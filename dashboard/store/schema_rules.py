"""What rules need kept besides the alerts they raise: when they could not judge, and readings that came late."""

from __future__ import annotations

import sqlalchemy as sa

from dashboard.core.tables import metadata
from dashboard.core.times import UtcDateTime

rule_fault = sa.Table(  # stretches of time in which a rule could not judge: it is not calm, it is blind
    "rule_fault",
    metadata,
    sa.Column("rule", sa.String(96), primary_key=True),
    sa.Column("since", UtcDateTime, primary_key=True),
    sa.Column("kind", sa.String(64), nullable=False),  # the error's class
    sa.Column("error", sa.Text, nullable=False),
    sa.Column("place", sa.String(160), nullable=False),  # file and line of ours where it was raised
    sa.Column("gone_at", UtcDateTime, index=True),  # when it judged again; NULL: it still cannot
)
reading_late = sa.Table(  # new readings behind their channel's newest one: rules look at that stretch once more
    "reading_late",
    metadata,
    sa.Column("channel_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("noted_at", UtcDateTime, primary_key=True),
    sa.Column("ts", sa.BigInteger, nullable=False),  # the oldest of them, microseconds since 1970
    sa.Index("ix_reading_late_noted_at", "noted_at"),
)
