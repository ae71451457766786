"""The newest reading of every channel, as a domain's KPIs see it: one row per channel."""

from __future__ import annotations

import sqlalchemy as sa

from dashboard.core.tables import metadata
from dashboard.core.times import UtcDateTime

# One row per channel, upserted with every reading. It repeats the channel's place so that a KPI over the newest
# readings is one grouped scan of a few thousand rows, whatever the history holds.
latest = sa.Table(
    "reading_latest",
    metadata,
    sa.Column("channel_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("domain", sa.String(32), nullable=False),
    sa.Column("metric", sa.String(48), nullable=False),
    sa.Column("asset_id", sa.String(96), nullable=False),
    sa.Column("street", sa.String(12)),
    sa.Column("cadence_s", sa.Integer, nullable=False),
    sa.Column("ts", UtcDateTime),  # event time of the newest reading; NULL: the channel exists and never spoke
    sa.Column("value", sa.Float),
    sa.Column("quality", sa.SmallInteger, nullable=False, default=0),  # 0 good, 1 suspect (range, stuck, clock), 2 not usable
    sa.Column("learned_at", UtcDateTime),
    sa.Column("same_since", UtcDateTime),  # since when the value has not moved: a stuck sensor looks calm
    sa.Index("ix_reading_latest_domain_metric", "domain", "metric"),
)
