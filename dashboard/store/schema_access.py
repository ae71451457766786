"""Tables of who may come in: accounts, sessions, walls, programs' tokens. Secrets are kept as hashes, or sealed."""

from __future__ import annotations

import sqlalchemy as sa

from dashboard.core.tables import metadata
from dashboard.core.times import UtcDateTime

_Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")

account = sa.Table(
    "account",
    metadata,
    sa.Column("account_id", _Id, primary_key=True, autoincrement=True),
    sa.Column("name", sa.String(64), nullable=False, unique=True),  # a post's name, never a person's number
    sa.Column("subject", sa.String(128), unique=True),  # hash of issuer and subject; empty for local accounts
    sa.Column("role", sa.String(32), nullable=False),
    sa.Column("domains", sa.Text, nullable=False, default=""),  # comma-separated keys
    sa.Column("streets", sa.Text, nullable=False, default=""),  # comma-separated 9-digit codes
    sa.Column("locked", sa.Boolean, nullable=False, default=False),  # by the security administrator, until unlocked
    sa.Column("password", sa.String(160), nullable=False, default=""),  # argon2id; empty: cannot sign in with one
    sa.Column("password_at", UtcDateTime, nullable=False),
    sa.Column("must_change", sa.Boolean, nullable=False, default=True),
    sa.Column("totp", sa.String(160), nullable=False, default=""),  # sealed; empty: not enrolled
    sa.Column("totp_step", sa.BigInteger, nullable=False, default=0),  # the step of the last code taken: none counts twice
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("signed_in_at", UtcDateTime),
)
password_past = sa.Table(
    "password_past",
    metadata,
    sa.Column("account_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", UtcDateTime, primary_key=True),
    sa.Column("password", sa.String(160), nullable=False),
)
recovery_code = sa.Table(
    "recovery_code",
    metadata,
    sa.Column("account_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("code", sa.String(64), primary_key=True),  # hash
)
session = sa.Table(
    "session",
    metadata,
    sa.Column("session_id", _Id, primary_key=True, autoincrement=True),
    sa.Column("token", sa.String(64), nullable=False, unique=True),  # hash
    sa.Column("account_id", sa.BigInteger, nullable=False, index=True),
    sa.Column("stage", sa.String(16), nullable=False),  # full, or what is still to be done: code | password | enrol
    sa.Column("client", sa.String(64), nullable=False, default=""),
    sa.Column("begun_at", UtcDateTime, nullable=False),
    sa.Column("seen_at", UtcDateTime, nullable=False),
    sa.Column("ends_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime, index=True),
    sa.Column("ended_by", sa.String(64), nullable=False, default=""),
    sa.Column("provider", sa.Text, nullable=False, default=""),  # sealed: the OpenID provider's tokens
    sa.Column("renew_at", UtcDateTime),  # when the provider is to be asked again
)
failure = sa.Table(  # failed attempts, per account name and per address
    "sign_in_failure",
    metadata,
    sa.Column("about", sa.String(80), primary_key=True),  # name:<hash> | from:<address>
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("last_at", UtcDateTime, nullable=False),
    sa.Column("until", UtcDateTime),  # locked until
)
wall = sa.Table(
    "wall",
    metadata,
    sa.Column("wall_id", _Id, primary_key=True, autoincrement=True),
    sa.Column("title", sa.String(64), nullable=False),
    sa.Column("code", sa.String(64), unique=True),  # hash of the one-time code; gone once used
    sa.Column("code_until", UtcDateTime),
    sa.Column("token", sa.String(64), unique=True),  # hash; empty until the wall has enrolled
    sa.Column("made_at", UtcDateTime, nullable=False),
    sa.Column("seen_at", UtcDateTime),
    sa.Column("ended_at", UtcDateTime),
)
api_token = sa.Table(
    "api_token",
    metadata,
    sa.Column("token_id", _Id, primary_key=True, autoincrement=True),
    sa.Column("account_id", sa.BigInteger, nullable=False, index=True),
    sa.Column("title", sa.String(64), nullable=False),
    sa.Column("token", sa.String(64), nullable=False, unique=True),  # hash
    sa.Column("made_at", UtcDateTime, nullable=False),
    sa.Column("ends_at", UtcDateTime, nullable=False),
    sa.Column("seen_at", UtcDateTime),
    sa.Column("ended_at", UtcDateTime),
)

__all__ = ["account", "api_token", "failure", "password_past", "recovery_code", "session", "wall"]
