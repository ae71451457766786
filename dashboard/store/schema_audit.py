"""The audit log's head and the findings of looking it through; its rows are `audit` in schema.py."""

from __future__ import annotations

import sqlalchemy as sa

from dashboard.core.tables import metadata
from dashboard.core.times import UtcDateTime

audit_head = sa.Table(  # one row, signed: where the chain ends, and where what is still kept of it begins
    "audit_head",
    metadata,
    sa.Column("head_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),  # of the row `seq`
    sa.Column("first", sa.BigInteger, nullable=False),  # rows before this one may have been thinned
    sa.Column("before", sa.String(64), nullable=False),  # the hash of the row before `first`
    sa.Column("mac", sa.String(64), nullable=False),
)
audit_check = sa.Table(  # each time the whole log was looked through
    "audit_check",
    metadata,
    sa.Column("at", UtcDateTime, primary_key=True),
    sa.Column("first", sa.BigInteger, nullable=False),
    sa.Column("last", sa.BigInteger, nullable=False),
    sa.Column("looked", sa.BigInteger, nullable=False),  # rows looked at
    sa.Column("problems", sa.Integer, nullable=False),
    sa.Column("told", sa.Text, nullable=False),  # the first few, a line each
)

__all__ = ["audit_check", "audit_head"]
