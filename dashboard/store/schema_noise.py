"""Tables of what belongs together, what is not told for a while, and who asked for that."""

from __future__ import annotations

import sqlalchemy as sa

from dashboard.core.tables import metadata
from dashboard.core.times import UtcDateTime

_Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")

situation = sa.Table(  # 事件群: alerts that belong together; one alone is a situation that others may still join
    "situation",
    metadata,
    sa.Column("situation_id", _Id, primary_key=True, autoincrement=True),
    sa.Column("number", sa.String(32), nullable=False, unique=True),  # YZ-SJQ-yymmdd-nnnn
    sa.Column("opened_at", UtcDateTime, nullable=False),  # when its first member was raised
    sa.Column("closed_at", UtcDateTime),  # when people were done with the last one
    sa.Column("asset_name", sa.String(191), nullable=False),  # of its first member
    sa.Column("street", sa.String(12)),
    sa.Column("west", sa.Float),  # the rectangle around all members that have a place
    sa.Column("south", sa.Float),
    sa.Column("east", sa.Float),
    sa.Column("north", sa.Float),
    sa.Column("worst_level", sa.String(8), nullable=False),
    sa.Index("ix_situation_closed_opened", "closed_at", "opened_at"),
)
situation_member = sa.Table(
    "situation_member",
    metadata,
    sa.Column("alert_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("situation_id", sa.BigInteger, nullable=False, index=True),
    sa.Column("joined_at", UtcDateTime, nullable=False),
    sa.Column("why", sa.Text, nullable=False),  # JSON: by which rule, beside which alert, how far, how long apart; empty: the first
    sa.Column("own", sa.String(140), nullable=False),  # domain/asset
    sa.Column("whole", sa.String(140), nullable=False, default=""),  # domain/asset that its asset is part of
    sa.Column("life_safety", sa.Boolean, nullable=False),  # by its rule; a red one is, whatever the rule
    sa.Column("left_at", UtcDateTime),  # a person took it out: it is not joined to anything again
    sa.Column("left_by", sa.String(64)),
)
situation_mark = sa.Table(  # one row: transitions up to here have been looked at
    "situation_mark",
    metadata,
    sa.Column("mark_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("transition_id", sa.BigInteger, nullable=False),
    sa.Column("looked_at", UtcDateTime),  # NULL: nobody has looked in this store yet
)
silence = sa.Table(  # 静默: what a person wants nobody told of, always for a while
    "silence",
    metadata,
    sa.Column("silence_id", _Id, primary_key=True, autoincrement=True),
    sa.Column("rule", sa.String(96), nullable=False, default=""),  # what it takes; empty: any
    sa.Column("domain", sa.String(32), nullable=False, default=""),
    sa.Column("asset_id", sa.String(96), nullable=False, default=""),
    sa.Column("street", sa.String(12), nullable=False, default=""),
    sa.Column("levels", sa.String(32), nullable=False, default=""),  # joined by commas
    sa.Column("owner", sa.String(64), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("made_at", UtcDateTime, nullable=False),
    sa.Column("ends_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime, index=True),  # NULL: it holds
    sa.Column("ended_by", sa.String(64)),
)
hush = sa.Table(  # a stretch of time in which an alert told nobody of its own: inhibited by another, or silenced
    "hush",
    metadata,
    sa.Column("hush_id", _Id, primary_key=True, autoincrement=True),
    sa.Column("alert_id", sa.BigInteger, nullable=False),
    sa.Column("cause_id", sa.BigInteger),  # the alert it follows from
    sa.Column("inhibition", sa.String(48)),
    sa.Column("silence_id", sa.BigInteger),
    sa.Column("level", sa.String(8), nullable=False),  # the alert's own, as last seen
    sa.Column("since", UtcDateTime, nullable=False, index=True),
    sa.Column("until", UtcDateTime, index=True),  # NULL: now
    sa.Index("ix_hush_alert", "alert_id", "since"),
)
