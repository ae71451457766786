"""Playbooks under way: runs, their steps, and the work orders that wait for a department, are sent to it, and are answered."""

from __future__ import annotations

import sqlalchemy as sa

from dashboard.core.tables import metadata
from dashboard.core.times import UtcDateTime

_Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")

playbook_run = sa.Table(  # a playbook set going by an alert; once for each time the alert was raised
    "playbook_run",
    metadata,
    sa.Column("run_id", _Id, primary_key=True, autoincrement=True),
    sa.Column("playbook", sa.String(48), nullable=False),
    sa.Column("alert_id", sa.BigInteger, nullable=False),
    sa.Column("raised_at", UtcDateTime, nullable=False),  # the alert's opening, or when it was raised again
    sa.Column("drill", sa.Boolean, nullable=False, default=False),
    sa.Column("level", sa.String(8), nullable=False),  # the worst so far: its numbers hold
    sa.Column("state", sa.String(10), nullable=False),  # running | done | failed | stopped
    sa.Column("reason", sa.Text, nullable=False, default=""),  # why it ended so, in both languages
    sa.Column("fault", sa.Text),  # why it cannot be looked after, in the error's own words; NULL: it can
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime, index=True),  # NULL: under way, or done and the alert not closed yet
    sa.UniqueConstraint("alert_id", "playbook", "raised_at", name="uq_playbook_run_raised"),
    sa.Index("ix_playbook_run_playbook_started", "playbook", "started_at"),
)
playbook_step = sa.Table(
    "playbook_step",
    metadata,
    sa.Column("run_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("step", sa.String(48), primary_key=True),
    sa.Column("state", sa.String(10), nullable=False),  # of casework/linkage/machine.py
    sa.Column("since", UtcDateTime, nullable=False),  # of this state
    sa.Column("begun_at", UtcDateTime),  # when it was asked of its unit
    sa.Column("ended_at", UtcDateTime),
    sa.Column("due_at", UtcDateTime, index=True),
    sa.Column("limit_s", sa.Integer),  # what its playbook allows it
    sa.Column("tries", sa.Integer, nullable=False, default=0),
    sa.Column("escalations", sa.Integer, nullable=False, default=0),
    sa.Column("late", sa.Boolean, nullable=False, default=False),  # a limit of it has passed
    sa.Column("order_no", sa.String(64)),  # the order that is alive, or was last
    sa.Column("reason", sa.Text, nullable=False, default=""),  # what was seen, answered or decided, in both languages
)
work_order = sa.Table(  # what is asked of a department; delivered by dashboard/notify/orders.py
    "work_order",
    metadata,
    sa.Column("order_no", sa.String(64), primary_key=True),  # the alert's number and a count: departments know it by this
    sa.Column("run_id", sa.BigInteger, nullable=False, index=True),
    sa.Column("step", sa.String(48), nullable=False),
    sa.Column("alert_id", sa.BigInteger, nullable=False, index=True),
    sa.Column("outbox", sa.String(64), nullable=False),
    sa.Column("kind", sa.String(32), nullable=False),  # the step's action
    sa.Column("playbook", sa.String(48), nullable=False),
    sa.Column("alert_no", sa.String(32), nullable=False),
    sa.Column("asset_id", sa.String(96), nullable=False),
    sa.Column("place", sa.String(191), nullable=False),
    sa.Column("instruction", sa.Text, nullable=False),
    sa.Column("priority", sa.SmallInteger, nullable=False),  # 4 for red down to 1 for blue
    sa.Column("issued_at", UtcDateTime, nullable=False),
    sa.Column("due_at", UtcDateTime, nullable=False),
    sa.Column("drill", sa.Boolean, nullable=False, default=False),
    sa.Column("watermark", sa.String(16), nullable=False, default=""),
    sa.Column("live", sa.Boolean, nullable=False, default=True),  # its step still waits for it
    sa.Column("accepted_at", UtcDateTime),  # as the department's receipts say
    sa.Column("arrived_at", UtcDateTime),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("answer", sa.String(10)),  # done | refused
    sa.Column("by_unit", sa.String(64), nullable=False, default=""),
    sa.Column("note", sa.String(600), nullable=False, default=""),
    # delivery: claimed, written, marked, as messages are
    sa.Column("state", sa.String(8), nullable=False),  # waiting | sent | given_up
    sa.Column("made_at", UtcDateTime, nullable=False),
    sa.Column("next_at", UtcDateTime, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("lease_until", UtcDateTime),
    sa.Column("fence", sa.BigInteger, nullable=False, default=0),
    sa.Column("tried_at", UtcDateTime),
    sa.Column("sent_at", UtcDateTime),
    sa.Column("error", sa.Text),
    sa.Index("ix_work_order_outbox_state_next", "outbox", "state", "next_at"),
)
