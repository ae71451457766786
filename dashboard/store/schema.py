"""The engine's own tables. Domain tables live in the same metadata; how readings are tiered: docs/architecture.md, Store."""

from __future__ import annotations

import sqlalchemy as sa

from dashboard.core.readings import latest
from dashboard.core.tables import metadata
from dashboard.core.times import UtcDateTime

# SQLite only autoincrements INTEGER; PostgreSQL wants BIGINT.
_Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")

# ---- readings: hot (by time, cheap to append) → cold (by channel, cheap to read) + rollups; see `latest` in core
channel = sa.Table(
    "channel",
    metadata,
    sa.Column("channel_id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("domain", sa.String(32), nullable=False),
    sa.Column("asset_id", sa.String(96), nullable=False),
    sa.Column("metric", sa.String(48), nullable=False),
    sa.Column("street", sa.String(12)),
    sa.Column("cadence_s", sa.Integer, nullable=False),
    sa.Column("source", sa.String(64), nullable=False),
    sa.Column("pull", sa.String(96), nullable=False),
    sa.Column("first_seen", UtcDateTime, nullable=False),
    sa.UniqueConstraint("domain", "asset_id", "metric", name="uq_channel_natural"),
)
reading_hot = sa.Table(
    "reading_hot",
    metadata,
    sa.Column("ts", sa.BigInteger, primary_key=True, autoincrement=False),  # microseconds since 1970, UTC
    sa.Column("channel_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("value", sa.Float, nullable=False),
    sa.Column("quality", sa.SmallInteger, nullable=False),
    sa.Column("pull_run", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
reading_cold = sa.Table(
    "reading_cold",
    metadata,
    sa.Column("channel_id", sa.Integer, autoincrement=False),
    sa.Column("ts", sa.BigInteger, autoincrement=False),
    sa.Column("value", sa.Float, nullable=False),
    sa.Column("quality", sa.SmallInteger, nullable=False),
    sa.Column("pull_run", sa.BigInteger, nullable=False),
    # SQLite keeps the rows in this order; PostgreSQL answers from the index alone
    sa.PrimaryKeyConstraint("channel_id", "ts", postgresql_include=["value", "quality"]),
    sqlite_with_rowid=False,
)
reading_past = sa.Table(  # a corrected reading's earlier values, with when we believed them
    "reading_past",
    metadata,
    sa.Column("channel_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("ts", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("replaced_at", UtcDateTime, primary_key=True),
    sa.Column("value", sa.Float, nullable=False),
    sa.Column("quality", sa.SmallInteger, nullable=False),
    sa.Column("pull_run", sa.BigInteger, nullable=False),
    sa.Index("ix_reading_past_replaced_at", "replaced_at"),
)
reading_h1 = sa.Table(  # per channel and hour; made at compaction
    "reading_h1",
    metadata,
    sa.Column("channel_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("hour", sa.Integer, primary_key=True, autoincrement=False),  # whole hours since 1970, UTC
    sa.Column("n", sa.Integer, nullable=False),
    sa.Column("total", sa.Float, nullable=False),
    sa.Column("low", sa.Float, nullable=False),
    sa.Column("high", sa.Float, nullable=False),
    sa.Column("last", sa.Float, nullable=False),
    sa.Column("last_ts", sa.BigInteger, nullable=False),  # so that hours can be put together in any order
    sqlite_with_rowid=False,
)
reading_boundary = sa.Table(  # one row: readings from here on are hot, earlier ones cold; a reading is never in both
    "reading_boundary",
    metadata,
    sa.Column("boundary_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("ts", sa.BigInteger, nullable=False),
)
reading_scope_h1 = sa.Table(  # per metric, street ('district' for all) and hour: city-wide averages without touching channels
    "reading_scope_h1",
    metadata,
    sa.Column("domain", sa.String(32), primary_key=True),
    sa.Column("metric", sa.String(48), primary_key=True),
    sa.Column("scope", sa.String(12), primary_key=True),
    sa.Column("hour", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("n", sa.Integer, nullable=False),
    sa.Column("total", sa.Float, nullable=False),
    sa.Column("low", sa.Float, nullable=False),
    sa.Column("high", sa.Float, nullable=False),
    sqlite_with_rowid=False,
)

# ---- derived metrics: readings of ours, worked out from readings of theirs
derived_model = sa.Table(  # what was learned of one asset's past; earlier models stay: a number shown last month keeps its own
    "derived_model",
    metadata,
    sa.Column("domain", sa.String(32), primary_key=True),
    sa.Column("metric", sa.String(48), primary_key=True),
    sa.Column("asset_id", sa.String(96), primary_key=True),
    sa.Column("fitted_at", UtcDateTime, primary_key=True),
    sa.Column("stretch_from", UtcDateTime),  # first and last hour learned from
    sa.Column("stretch_to", UtcDateTime),
    sa.Column("hours", sa.Integer, nullable=False),
    sa.Column("numbers", sa.Text),  # JSON; NULL: too little to learn from
)
derived_mark = sa.Table(  # how far each derived metric of an asset has been worked out, whether or not it gave a value there
    "derived_mark",
    metadata,
    sa.Column("domain", sa.String(32), primary_key=True),
    sa.Column("metric", sa.String(48), primary_key=True),
    sa.Column("asset_id", sa.String(96), primary_key=True),
    sa.Column("ts", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
reading_touched = sa.Table(  # stretches of a channel where a reading came late or was corrected, until what is derived follows
    "reading_touched",
    metadata,
    sa.Column("channel_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("ts_from", sa.BigInteger, nullable=False),
    sa.Column("ts_to", sa.BigInteger, nullable=False),
)

# ---- pull
source_state = sa.Table(
    "source_state",
    metadata,
    sa.Column("source", sa.String(64), primary_key=True),
    sa.Column("last_try_at", UtcDateTime),
    sa.Column("last_ok_at", UtcDateTime),
    sa.Column("failing_since", UtcDateTime),
    sa.Column("error_kind", sa.String(16)),  # down | slow | changed | error; NULL: well
    sa.Column("last_error", sa.Text),
)
pull_state = sa.Table(
    "pull_state",
    metadata,
    sa.Column("pull", sa.String(96), primary_key=True),
    sa.Column("source", sa.String(64), nullable=False),
    sa.Column("feed", sa.String(96), nullable=False),  # domain.feed it fills
    sa.Column("cadence_s", sa.Integer, nullable=False),  # late after one of these, silent after three
    sa.Column("watermark", sa.Text),  # highest cursor value safely stored, in the source's own terms (JSON)
    sa.Column("newest_event_at", UtcDateTime),  # event time of the newest row
    # event: fresh as newest_event_at is; contact: as last_ok_at is, for registers, which need not change
    sa.Column("judged_by", sa.String(8), nullable=False, default="event"),
    sa.Column("last_try_at", UtcDateTime),
    sa.Column("last_ok_at", UtcDateTime),
    sa.Column("next_due_at", UtcDateTime),
    sa.Column("failures", sa.Integer, nullable=False, default=0),
    sa.Column("error_kind", sa.String(16)),
    sa.Column("last_error", sa.Text),
    sa.Column("rows_total", sa.BigInteger, nullable=False, default=0),
    sa.Column("quarantined_total", sa.BigInteger, nullable=False, default=0),
    sa.Column("clock_skew_s", sa.Integer),  # their clock against ours: above 0 newest event ahead by this much, below 0 steadily behind
    sa.Column("lags", sa.Text),  # JSON: how old the newest row was in the turns lately that brought one, in seconds
    sa.Column("gone_total", sa.BigInteger, nullable=False, default=0),  # rows removed because they are no longer at the source
    sa.Column("compared_at", UtcDateTime),  # when our keys were last held against theirs
    sa.Column("comparing", sa.Text),  # JSON: what their keys are read from, and rows missed but not yet removed
)
pull_run = sa.Table(  # one turn of one pull that brought or broke something
    "pull_run",
    metadata,
    sa.Column("run_id", _Id, primary_key=True, autoincrement=True),
    sa.Column("pull", sa.String(96), nullable=False, index=True),
    sa.Column("started_at", UtcDateTime, nullable=False, index=True),
    sa.Column("finished_at", UtcDateTime),
    sa.Column("rows_read", sa.Integer, nullable=False, default=0),
    sa.Column("rows_new", sa.Integer, nullable=False, default=0),
    sa.Column("rows_changed", sa.Integer, nullable=False, default=0),
    sa.Column("rows_quarantined", sa.Integer, nullable=False, default=0),
    sa.Column("rows_gone", sa.Integer, nullable=False, default=0),
    sa.Column("outcome", sa.String(16), nullable=False),  # ok | down | slow | changed | error
    sa.Column("error", sa.Text),
    sa.Column("fence", sa.BigInteger, nullable=False, default=0),
)
quarantine = sa.Table(
    "quarantine",
    metadata,
    sa.Column("quarantine_id", _Id, primary_key=True, autoincrement=True),
    sa.Column("pull", sa.String(96), nullable=False, index=True),
    sa.Column("source_key", sa.String(191), nullable=False),
    sa.Column("row_hash", sa.String(32), nullable=False),
    sa.Column("reason_code", sa.String(32), nullable=False),  # missing | type | range | date | place | duplicate | code | too_big | clean
    sa.Column("reason", sa.Text, nullable=False),  # a sentence: field, what was found, what is wanted
    sa.Column("reason_zh", sa.Text),  # the same in Chinese; NULL: set aside by a release that said it in English only
    sa.Column("row", sa.Text, nullable=False),  # JSON; personal fields already tokenised or dropped
    sa.Column("first_seen_at", UtcDateTime, nullable=False),
    sa.Column("last_seen_at", UtcDateTime, nullable=False),
    sa.Column("times", sa.Integer, nullable=False, default=1),
    sa.Column("state", sa.String(16), nullable=False, default="open"),  # open | repaired | dismissed
    sa.UniqueConstraint("pull", "source_key", "row_hash", name="uq_quarantine_natural"),
)
row_past = sa.Table(  # earlier versions of mutable rows: what we believed, and until when
    "row_past",
    metadata,
    sa.Column("table_name", sa.String(64), primary_key=True),
    sa.Column("row_key", sa.String(191), primary_key=True),
    sa.Column("replaced_at", UtcDateTime, primary_key=True),
    sa.Column("learned_at", UtcDateTime, nullable=False),
    sa.Column("pull_run", sa.BigInteger, nullable=False),
    sa.Column("body", sa.JSON, nullable=False),  # the whole row, as the database had it
    sa.Index("ix_row_past_believed", "table_name", "replaced_at"),  # what was believed at a moment, whatever the history
)

# ---- KPIs
dirty_day = sa.Table(  # days of a table in which rows came or changed since KPIs were last taken
    "dirty_day",
    metadata,
    sa.Column("table_name", sa.String(64), primary_key=True),
    sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),  # city days since 1970
)
kpi_day = sa.Table(  # a flow KPI's parts per street and city day: any window is a sum of these
    "kpi_day",
    metadata,
    sa.Column("kpi", sa.String(96), primary_key=True),
    sa.Column("street", sa.String(12), primary_key=True),  # '' : rows whose street is not known
    sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("p1", sa.Float),
    sa.Column("p2", sa.Float),
    sa.Column("p3", sa.Float),
    sa.Column("p4", sa.Float),
    sqlite_with_rowid=False,
)
kpi_turn = sa.Table(  # what each KPI was last computed from: how a turn knows what has moved since
    "kpi_turn",
    metadata,
    sa.Column("kpi", sa.String(96), primary_key=True),
    sa.Column("seen", sa.Text, nullable=False),  # JSON: topic versions, freshness of feeds, clock, definition
    sa.Column("due_days", sa.Text, nullable=False, default=""),  # JSON list of city days to take again; "all": never taken
    sa.Column("filled_to", sa.Integer),  # hour since 1970 up to which history was filled in afterwards; NULL: not yet
)
kpi_latest = sa.Table(
    "kpi_latest",
    metadata,
    sa.Column("kpi", sa.String(96), primary_key=True),  # domain.kpi; vital.<key>; district
    sa.Column("scope", sa.String(12), primary_key=True),  # 'district' or a street code
    sa.Column("value", sa.Float),  # NULL: unknown
    sa.Column("low", sa.Float),  # for indexes: range once missing inputs are allowed to be anything
    sa.Column("high", sa.Float),
    sa.Column("score", sa.Float),  # 0-100 against the target
    sa.Column("grade", sa.String(8)),  # good | fair | poor; NULL unknown
    sa.Column("parts", sa.Text),  # JSON list: so that several streets can be put together
    sa.Column("yesterday", sa.Float),  # same hour yesterday (level) or the window a day earlier (flow)
    sa.Column("last_year", sa.Float),
    sa.Column("completeness", sa.Float, nullable=False),  # 0-1: share of the inputs that are fresh
    sa.Column("freshness", sa.String(8), nullable=False),
    sa.Column("as_of", UtcDateTime),  # event time of the newest input
    sa.Column("computed_at", UtcDateTime, nullable=False),
    sa.Column("kept_at", UtcDateTime),  # when history last took a row, and which value
    sa.Column("kept_value", sa.Float),
)
kpi_history = sa.Table(  # one row whenever a value changed, and at least one an hour
    "kpi_history",
    metadata,
    sa.Column("kpi", sa.String(96), primary_key=True),
    sa.Column("scope", sa.String(12), primary_key=True),
    sa.Column("at", UtcDateTime, primary_key=True),
    sa.Column("value", sa.Float),
    sa.Column("score", sa.Float),
    sa.Column("completeness", sa.Float, nullable=False),
    sa.Column("grade", sa.String(8)),
    sa.Column("freshness", sa.String(8)),
    sqlite_with_rowid=False,
)
kpi_h1 = sa.Table(  # hourly: what 24-hour lines and expected ranges are drawn from
    "kpi_h1",
    metadata,
    sa.Column("kpi", sa.String(96), primary_key=True),
    sa.Column("scope", sa.String(12), primary_key=True),
    sa.Column("hour", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("mean", sa.Float),
    sa.Column("low", sa.Float),
    sa.Column("high", sa.Float),
    sa.Column("last", sa.Float),
    sa.Column("n", sa.Integer, nullable=False),
    sqlite_with_rowid=False,
)

# ---- alerts
alert = sa.Table(
    "alert",
    metadata,
    sa.Column("alert_id", _Id, primary_key=True, autoincrement=True),
    sa.Column("number", sa.String(32), nullable=False, unique=True),  # YZ-<domain>-yymmdd-nnnn
    sa.Column("rule", sa.String(96), nullable=False),
    sa.Column("rule_version", sa.String(16), nullable=False),
    sa.Column("limits", sa.Text),  # JSON: the thresholds and holds of that version; NULL: raised before they were kept
    sa.Column("domain", sa.String(32), nullable=False),
    sa.Column("vital", sa.String(16), nullable=False),
    sa.Column("asset_id", sa.String(96), nullable=False),  # or the scope key for rules over KPIs, or the feed for absence
    sa.Column("asset_name", sa.String(191), nullable=False),
    sa.Column("street", sa.String(12)),
    sa.Column("lon", sa.Float),
    sa.Column("lat", sa.Float),
    sa.Column("level", sa.String(8), nullable=False),
    sa.Column("worst_level", sa.String(8), nullable=False),
    sa.Column("state", sa.String(12), nullable=False),  # open | clear
    sa.Column("value", sa.Float),
    sa.Column("threshold", sa.Float),
    sa.Column("unit", sa.String(32), nullable=False, default=""),
    sa.Column("opened_at", UtcDateTime, nullable=False),  # true moment the condition began to hold long enough
    sa.Column("level_at", UtcDateTime, nullable=False),  # since when at this level
    sa.Column("cleared_at", UtcDateTime),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Column("no_data", sa.Boolean, nullable=False, default=False),  # still open, but nothing fresh says so
    sa.Column("owner", sa.String(64), nullable=False),
    sa.Column("open_key", sa.String(200), unique=True),  # rule|asset while open, NULL once clear: one open alert per rule and asset
    sa.Column("refired_at", UtcDateTime),  # raised again while people still had it, or soon after: the newest such moment
    sa.Column("closed_at", UtcDateTime, index=True),  # people are done with it; beside `state`, which is the machine's
    sa.Column("drill", sa.Boolean, nullable=False, server_default=sa.false()),  # 演练: never counted, never published as real
    sa.Index("ix_alert_state_opened", "state", "opened_at"),
    sa.Index("ix_alert_rule_asset", "rule", "asset_id"),
)
alert_transition = sa.Table(
    "alert_transition",
    metadata,
    sa.Column("transition_id", _Id, primary_key=True, autoincrement=True),
    sa.Column("alert_id", sa.BigInteger, nullable=False, index=True),
    sa.Column("at", UtcDateTime, nullable=False, index=True),  # when it became so
    sa.Column("noticed_at", UtcDateTime, nullable=False),
    sa.Column(
        "what", sa.String(16), nullable=False
    ),  # the machine's: open | level | no_data | data_back | clear; people's: casework/life.py
    sa.Column("old", sa.String(16)),
    sa.Column("new", sa.String(16)),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("value", sa.Float),
    sa.Column("actor", sa.String(64), nullable=False, default="system"),
    sa.Column("unit", sa.String(64)),  # a person's step: the unit it was given to, or that escalation tells
    sa.Column("code", sa.String(32)),  # why it was a false alarm; which photograph
    sa.Column("took_s", sa.Integer),  # from the step before
    sa.Column("limit_s", sa.Integer),  # what the plan allowed for it
)
handling = sa.Table(  # where people stand with an alert; their steps are transitions. Written by casework alone
    "handling",
    metadata,
    sa.Column("alert_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("stage", sa.String(16), nullable=False),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("due_at", UtcDateTime, index=True),  # when the next step must be done
    sa.Column("unit", sa.String(64), nullable=False, default=""),  # who was given it; empty: the unit the rule names
    sa.Column("escalations", sa.Integer, nullable=False, default=0),
    sa.Column("reopened", sa.Integer, nullable=False, default=0),
    sa.Column("acknowledged_at", UtcDateTime),
    sa.Column("acknowledged_by", sa.String(64)),
    sa.Column("refired_at", UtcDateTime),  # the alert's own, as last looked at
    sa.Column(
        "level", sa.String(8)
    ),  # the alert's worst when `due_at` was set; NULL: kept by a release that did not say
    sa.Column("version", sa.Integer, nullable=False, default=0),  # two people at once: one of them is told to look again
)
photo = sa.Table(  # of the site, without what a camera adds about place and owner
    "photo",
    metadata,
    sa.Column("photo_id", sa.String(64), primary_key=True),  # SHA-256 of its bytes
    sa.Column("alert_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("actor", sa.String(64), nullable=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)
rule_state = sa.Table(  # where the state machine of each rule × asset stands between turns
    "rule_state",
    metadata,
    sa.Column("rule", sa.String(96), primary_key=True),
    sa.Column("asset_id", sa.String(96), primary_key=True),
    sa.Column("state", sa.String(12), nullable=False),  # normal | pending | firing | recovering
    sa.Column("level", sa.String(8)),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("seen_ts", UtcDateTime),  # event time evaluated up to
    sa.Column("value", sa.Float),
    sa.Column("latches", sa.Text, nullable=False, default=""),  # JSON: each level's own state and since when; empty: all normal
)
finding = sa.Table(  # what a judged rule found about an asset, with its grounds: a row each time what is found changes
    "finding",
    metadata,
    sa.Column("finding_id", _Id, primary_key=True, autoincrement=True),
    sa.Column("rule", sa.String(96), nullable=False),
    sa.Column("asset_id", sa.String(96), nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),  # since when it is so, as the judge dates it
    sa.Column("value", sa.Float, nullable=False),
    sa.Column("because", sa.Text, nullable=False),  # JSON: [what in Chinese, in English, what it said]…
    sa.Column("stopped", sa.Text),  # JSON: the stop rule that holds, in both languages; NULL: none
    sa.Column("name", sa.String(191), nullable=False, default=""),
    sa.Column("street", sa.String(12)),
    sa.Column("lon", sa.Float),
    sa.Column("lat", sa.Float),
    sa.Column("learned_at", UtcDateTime, nullable=False),
    sa.Column("gone_at", UtcDateTime, index=True),  # when something else was found, or nothing; NULL: found now
    sa.Index("ix_finding_rule_gone", "rule", "gone_at"),
    sa.Index("ix_finding_asset", "asset_id", "learned_at"),
)
audit = sa.Table(  # written by store/audit_log.py alone: rows without a gap, each sealed together with the one before
    "audit",
    metadata,
    sa.Column("audit_id", _Id, primary_key=True, autoincrement=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("actor", sa.String(64), nullable=False),
    sa.Column("action", sa.String(48), nullable=False),
    sa.Column("object", sa.String(128), nullable=False),
    sa.Column("detail", sa.Text, nullable=False, default=""),
    sa.Column("role", sa.String(32), nullable=False, server_default=""),
    sa.Column("session", sa.String(48), nullable=False, server_default=""),
    sa.Column("client", sa.String(48), nullable=False, server_default=""),
    sa.Column("outcome", sa.String(8), nullable=False, server_default="done"),  # done | denied | failed
    sa.Column("prev", sa.String(64), nullable=False, server_default=""),
    sa.Column("hash", sa.String(64), nullable=False, server_default=""),  # of all the above; '': written before there was a chain
)

# ---- telling people: what is to be told, gathered into messages, each sent at least once under a key of its own
notice = sa.Table(  # one transition, told to one recipient over one channel
    "notice",
    metadata,
    sa.Column("transition_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("channel", sa.String(64), primary_key=True),
    sa.Column("recipient", sa.String(64), primary_key=True),
    sa.Column("alert_id", sa.BigInteger, nullable=False),
    sa.Column("event", sa.String(16), nullable=False),  # of core/duty.py: a change of level is told as up or down
    sa.Column("level", sa.String(8), nullable=False),
    sa.Column("made_at", UtcDateTime, nullable=False),
    sa.Column("due_at", UtcDateTime, nullable=False),  # held back until then by a digest or by quiet hours
    sa.Column("alone", sa.Boolean, nullable=False),  # may be a message by itself; else told together with others
    sa.Column("message", sa.String(36)),  # the message it went into; NULL: waits. On our own screens it is there at once
    sa.Index("ix_notice_message_due", "message", "due_at"),
    sa.Index("ix_notice_channel_made", "channel", "made_at"),
    sa.Index("ix_notice_alert", "alert_id"),
)
notice_message = sa.Table(
    "notice_message",
    metadata,
    sa.Column("message", sa.String(36), primary_key=True),  # idempotency key: receivers drop what they have seen
    sa.Column("channel", sa.String(64), nullable=False),
    sa.Column("recipient", sa.String(64), nullable=False),
    sa.Column("severity", sa.SmallInteger, nullable=False),  # of the worst notice in it: worse ones go first
    sa.Column("state", sa.String(8), nullable=False),  # waiting | sent | given_up
    sa.Column("made_at", UtcDateTime, nullable=False),
    sa.Column("next_at", UtcDateTime, nullable=False),  # not tried again before
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("lease_until", UtcDateTime),  # claimed by a sender until then
    sa.Column("fence", sa.BigInteger, nullable=False, default=0),  # of that sender
    sa.Column("tried_at", UtcDateTime),
    sa.Column("sent_at", UtcDateTime),
    sa.Column("error", sa.Text),  # why the last try failed
    sa.Index("ix_notice_message_state_next", "state", "next_at"),
    sa.Index("ix_notice_message_channel_tried", "channel", "tried_at"),
)
notice_mark = sa.Table(  # one row: transitions up to here have been routed
    "notice_mark",
    metadata,
    sa.Column("mark_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("transition_id", sa.BigInteger, nullable=False),
)

# ---- publishing and running
topic = sa.Table(  # the pulse: each topic's version grows when anything under it changes
    "topic",
    metadata,
    sa.Column("topic", sa.String(96), primary_key=True),  # kpi | alerts | sources | readings:<domain> | table:<name> | geo
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
)
lease = sa.Table(
    "lease",
    metadata,
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("holder", sa.String(96), nullable=False),
    sa.Column("fence", sa.BigInteger, nullable=False),
    sa.Column("beat_at", UtcDateTime, nullable=False),
)
schema_change = sa.Table(  # tables and columns of domains, made when they were first declared; the engine's own are Alembic's
    "schema_change",
    metadata,
    sa.Column("change_id", _Id, primary_key=True, autoincrement=True),
    sa.Column("table_name", sa.String(64), nullable=False),
    sa.Column("column_name", sa.String(64), nullable=False, default=""),  # '': the whole table
    sa.Column("at", UtcDateTime),
)
geo_layer = sa.Table(
    "geo_layer",
    metadata,
    sa.Column("layer", sa.String(32), primary_key=True),
    sa.Column("geojson", sa.Text, nullable=False),
    sa.Column("datum", sa.String(16), nullable=False),
    sa.Column("review_no", sa.String(64), nullable=False, default=""),
    sa.Column("imported_at", UtcDateTime, nullable=False),
)

__all__ = [
    "alert",
    "alert_transition",
    "audit",
    "channel",
    "derived_mark",
    "derived_model",
    "dirty_day",
    "finding",
    "geo_layer",
    "handling",
    "kpi_day",
    "kpi_h1",
    "kpi_history",
    "kpi_latest",
    "kpi_turn",
    "latest",
    "lease",
    "metadata",
    "notice",
    "notice_mark",
    "notice_message",
    "photo",
    "pull_run",
    "pull_state",
    "quarantine",
    "reading_boundary",
    "reading_cold",
    "reading_h1",
    "reading_hot",
    "reading_past",
    "reading_scope_h1",
    "reading_touched",
    "row_past",
    "rule_state",
    "schema_change",
    "source_state",
    "topic",
]
