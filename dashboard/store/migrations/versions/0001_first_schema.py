"""First schema."""

import sqlalchemy as sa
from alembic import op

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('acknowledgement',
    sa.Column('alert_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.Column('actor', sa.String(length=64), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('alert_id', name=op.f('pk_acknowledgement'))
    )
    op.create_table('alert',
    sa.Column('alert_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('number', sa.String(length=32), nullable=False),
    sa.Column('rule', sa.String(length=96), nullable=False),
    sa.Column('rule_version', sa.String(length=16), nullable=False),
    sa.Column('domain', sa.String(length=32), nullable=False),
    sa.Column('vital', sa.String(length=16), nullable=False),
    sa.Column('asset_id', sa.String(length=96), nullable=False),
    sa.Column('asset_name', sa.String(length=191), nullable=False),
    sa.Column('street', sa.String(length=12), nullable=True),
    sa.Column('lon', sa.Float(), nullable=True),
    sa.Column('lat', sa.Float(), nullable=True),
    sa.Column('level', sa.String(length=8), nullable=False),
    sa.Column('worst_level', sa.String(length=8), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('value', sa.Float(), nullable=True),
    sa.Column('threshold', sa.Float(), nullable=True),
    sa.Column('unit', sa.String(length=32), nullable=False),
    sa.Column('opened_at', sa.BigInteger(), nullable=False),
    sa.Column('level_at', sa.BigInteger(), nullable=False),
    sa.Column('cleared_at', sa.BigInteger(), nullable=True),
    sa.Column('updated_at', sa.BigInteger(), nullable=False),
    sa.Column('no_data', sa.Boolean(), nullable=False),
    sa.Column('owner', sa.String(length=64), nullable=False),
    sa.Column('open_key', sa.String(length=200), nullable=True),
    sa.PrimaryKeyConstraint('alert_id', name=op.f('pk_alert')),
    sa.UniqueConstraint('number', name=op.f('uq_alert_number')),
    sa.UniqueConstraint('open_key', name=op.f('uq_alert_open_key'))
    )
    op.create_index('ix_alert_state_opened', 'alert', ['state', 'opened_at'], unique=False)
    op.create_table('alert_transition',
    sa.Column('transition_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('alert_id', sa.BigInteger(), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.Column('noticed_at', sa.BigInteger(), nullable=False),
    sa.Column('what', sa.String(length=16), nullable=False),
    sa.Column('old', sa.String(length=16), nullable=True),
    sa.Column('new', sa.String(length=16), nullable=True),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('value', sa.Float(), nullable=True),
    sa.Column('actor', sa.String(length=64), nullable=False),
    sa.PrimaryKeyConstraint('transition_id', name=op.f('pk_alert_transition'))
    )
    op.create_index(op.f('ix_alert_transition_alert_id'), 'alert_transition', ['alert_id'], unique=False)
    op.create_index(op.f('ix_alert_transition_at'), 'alert_transition', ['at'], unique=False)
    op.create_table('audit',
    sa.Column('audit_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.Column('actor', sa.String(length=64), nullable=False),
    sa.Column('action', sa.String(length=48), nullable=False),
    sa.Column('object', sa.String(length=128), nullable=False),
    sa.Column('detail', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('audit_id', name=op.f('pk_audit'))
    )
    op.create_table('channel',
    sa.Column('channel_id', sa.Integer(), autoincrement=True, nullable=False),
    sa.Column('domain', sa.String(length=32), nullable=False),
    sa.Column('asset_id', sa.String(length=96), nullable=False),
    sa.Column('metric', sa.String(length=48), nullable=False),
    sa.Column('street', sa.String(length=12), nullable=True),
    sa.Column('cadence_s', sa.Integer(), nullable=False),
    sa.Column('source', sa.String(length=64), nullable=False),
    sa.Column('pull', sa.String(length=96), nullable=False),
    sa.Column('first_seen', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('channel_id', name=op.f('pk_channel')),
    sa.UniqueConstraint('domain', 'asset_id', 'metric', name='uq_channel_natural')
    )
    op.create_table('dirty_day',
    sa.Column('table_name', sa.String(length=64), nullable=False),
    sa.Column('day', sa.Integer(), autoincrement=False, nullable=False),
    sa.PrimaryKeyConstraint('table_name', 'day', name=op.f('pk_dirty_day'))
    )
    op.create_table('geo_layer',
    sa.Column('layer', sa.String(length=32), nullable=False),
    sa.Column('geojson', sa.Text(), nullable=False),
    sa.Column('datum', sa.String(length=16), nullable=False),
    sa.Column('review_no', sa.String(length=64), nullable=False),
    sa.Column('imported_at', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('layer', name=op.f('pk_geo_layer'))
    )
    op.create_table('kpi_day',
    sa.Column('kpi', sa.String(length=96), nullable=False),
    sa.Column('street', sa.String(length=12), nullable=False),
    sa.Column('day', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('p1', sa.Float(), nullable=True),
    sa.Column('p2', sa.Float(), nullable=True),
    sa.Column('p3', sa.Float(), nullable=True),
    sa.Column('p4', sa.Float(), nullable=True),
    sa.PrimaryKeyConstraint('kpi', 'street', 'day', name=op.f('pk_kpi_day')),
    sqlite_with_rowid=False
    )
    op.create_table('kpi_h1',
    sa.Column('kpi', sa.String(length=96), nullable=False),
    sa.Column('scope', sa.String(length=12), nullable=False),
    sa.Column('hour', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('mean', sa.Float(), nullable=True),
    sa.Column('low', sa.Float(), nullable=True),
    sa.Column('high', sa.Float(), nullable=True),
    sa.Column('last', sa.Float(), nullable=True),
    sa.Column('n', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('kpi', 'scope', 'hour', name=op.f('pk_kpi_h1')),
    sqlite_with_rowid=False
    )
    op.create_table('kpi_history',
    sa.Column('kpi', sa.String(length=96), nullable=False),
    sa.Column('scope', sa.String(length=12), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.Column('value', sa.Float(), nullable=True),
    sa.Column('score', sa.Float(), nullable=True),
    sa.Column('completeness', sa.Float(), nullable=False),
    sa.Column('grade', sa.String(length=8), nullable=True),
    sa.Column('freshness', sa.String(length=8), nullable=True),
    sa.PrimaryKeyConstraint('kpi', 'scope', 'at', name=op.f('pk_kpi_history')),
    sqlite_with_rowid=False
    )
    op.create_table('kpi_latest',
    sa.Column('kpi', sa.String(length=96), nullable=False),
    sa.Column('scope', sa.String(length=12), nullable=False),
    sa.Column('value', sa.Float(), nullable=True),
    sa.Column('low', sa.Float(), nullable=True),
    sa.Column('high', sa.Float(), nullable=True),
    sa.Column('score', sa.Float(), nullable=True),
    sa.Column('grade', sa.String(length=8), nullable=True),
    sa.Column('parts', sa.Text(), nullable=True),
    sa.Column('yesterday', sa.Float(), nullable=True),
    sa.Column('last_year', sa.Float(), nullable=True),
    sa.Column('completeness', sa.Float(), nullable=False),
    sa.Column('freshness', sa.String(length=8), nullable=False),
    sa.Column('as_of', sa.BigInteger(), nullable=True),
    sa.Column('computed_at', sa.BigInteger(), nullable=False),
    sa.Column('kept_at', sa.BigInteger(), nullable=True),
    sa.Column('kept_value', sa.Float(), nullable=True),
    sa.PrimaryKeyConstraint('kpi', 'scope', name=op.f('pk_kpi_latest'))
    )
    op.create_table('kpi_turn',
    sa.Column('kpi', sa.String(length=96), nullable=False),
    sa.Column('seen', sa.Text(), nullable=False),
    sa.Column('due_days', sa.Text(), nullable=False),
    sa.Column('filled_to', sa.Integer(), nullable=True),
    sa.PrimaryKeyConstraint('kpi', name=op.f('pk_kpi_turn'))
    )
    op.create_table('lease',
    sa.Column('name', sa.String(length=32), nullable=False),
    sa.Column('holder', sa.String(length=96), nullable=False),
    sa.Column('fence', sa.BigInteger(), nullable=False),
    sa.Column('beat_at', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_lease'))
    )
    op.create_table('pull_run',
    sa.Column('run_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('pull', sa.String(length=96), nullable=False),
    sa.Column('started_at', sa.BigInteger(), nullable=False),
    sa.Column('finished_at', sa.BigInteger(), nullable=True),
    sa.Column('rows_read', sa.Integer(), nullable=False),
    sa.Column('rows_new', sa.Integer(), nullable=False),
    sa.Column('rows_changed', sa.Integer(), nullable=False),
    sa.Column('rows_quarantined', sa.Integer(), nullable=False),
    sa.Column('outcome', sa.String(length=16), nullable=False),
    sa.Column('error', sa.Text(), nullable=True),
    sa.Column('fence', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('run_id', name=op.f('pk_pull_run'))
    )
    op.create_index(op.f('ix_pull_run_pull'), 'pull_run', ['pull'], unique=False)
    op.create_index(op.f('ix_pull_run_started_at'), 'pull_run', ['started_at'], unique=False)
    op.create_table('pull_state',
    sa.Column('pull', sa.String(length=96), nullable=False),
    sa.Column('source', sa.String(length=64), nullable=False),
    sa.Column('feed', sa.String(length=96), nullable=False),
    sa.Column('cadence_s', sa.Integer(), nullable=False),
    sa.Column('watermark', sa.Text(), nullable=True),
    sa.Column('newest_event_at', sa.BigInteger(), nullable=True),
    sa.Column('judged_by', sa.String(length=8), nullable=False),
    sa.Column('last_try_at', sa.BigInteger(), nullable=True),
    sa.Column('last_ok_at', sa.BigInteger(), nullable=True),
    sa.Column('next_due_at', sa.BigInteger(), nullable=True),
    sa.Column('failures', sa.Integer(), nullable=False),
    sa.Column('error_kind', sa.String(length=16), nullable=True),
    sa.Column('last_error', sa.Text(), nullable=True),
    sa.Column('rows_total', sa.BigInteger(), nullable=False),
    sa.Column('quarantined_total', sa.BigInteger(), nullable=False),
    sa.Column('clock_skew_s', sa.Integer(), nullable=True),
    sa.PrimaryKeyConstraint('pull', name=op.f('pk_pull_state'))
    )
    op.create_table('quarantine',
    sa.Column('quarantine_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('pull', sa.String(length=96), nullable=False),
    sa.Column('source_key', sa.String(length=191), nullable=False),
    sa.Column('row_hash', sa.String(length=32), nullable=False),
    sa.Column('reason_code', sa.String(length=32), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('row', sa.Text(), nullable=False),
    sa.Column('first_seen_at', sa.BigInteger(), nullable=False),
    sa.Column('last_seen_at', sa.BigInteger(), nullable=False),
    sa.Column('times', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.PrimaryKeyConstraint('quarantine_id', name=op.f('pk_quarantine')),
    sa.UniqueConstraint('pull', 'source_key', 'row_hash', name='uq_quarantine_natural')
    )
    op.create_index(op.f('ix_quarantine_pull'), 'quarantine', ['pull'], unique=False)
    op.create_table('reading_boundary',
    sa.Column('boundary_id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('ts', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('boundary_id', name=op.f('pk_reading_boundary'))
    )
    op.create_table('reading_cold',
    sa.Column('channel_id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('ts', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('value', sa.Float(), nullable=False),
    sa.Column('quality', sa.SmallInteger(), nullable=False),
    sa.Column('pull_run', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('channel_id', 'ts', name=op.f('pk_reading_cold'), postgresql_include=['value', 'quality']),
    sqlite_with_rowid=False
    )
    op.create_table('reading_h1',
    sa.Column('channel_id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('hour', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('n', sa.Integer(), nullable=False),
    sa.Column('total', sa.Float(), nullable=False),
    sa.Column('low', sa.Float(), nullable=False),
    sa.Column('high', sa.Float(), nullable=False),
    sa.Column('last', sa.Float(), nullable=False),
    sa.Column('last_ts', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('channel_id', 'hour', name=op.f('pk_reading_h1')),
    sqlite_with_rowid=False
    )
    op.create_table('reading_hot',
    sa.Column('ts', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('channel_id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('value', sa.Float(), nullable=False),
    sa.Column('quality', sa.SmallInteger(), nullable=False),
    sa.Column('pull_run', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('ts', 'channel_id', name=op.f('pk_reading_hot')),
    sqlite_with_rowid=False
    )
    op.create_table('reading_latest',
    sa.Column('channel_id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('domain', sa.String(length=32), nullable=False),
    sa.Column('metric', sa.String(length=48), nullable=False),
    sa.Column('asset_id', sa.String(length=96), nullable=False),
    sa.Column('street', sa.String(length=12), nullable=True),
    sa.Column('cadence_s', sa.Integer(), nullable=False),
    sa.Column('ts', sa.BigInteger(), nullable=True),
    sa.Column('value', sa.Float(), nullable=True),
    sa.Column('quality', sa.SmallInteger(), nullable=False),
    sa.Column('learned_at', sa.BigInteger(), nullable=True),
    sa.Column('same_since', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('channel_id', name=op.f('pk_reading_latest'))
    )
    op.create_index('ix_reading_latest_domain_metric', 'reading_latest', ['domain', 'metric'], unique=False)
    op.create_table('reading_past',
    sa.Column('channel_id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('ts', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('replaced_at', sa.BigInteger(), nullable=False),
    sa.Column('value', sa.Float(), nullable=False),
    sa.Column('quality', sa.SmallInteger(), nullable=False),
    sa.Column('pull_run', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('channel_id', 'ts', 'replaced_at', name=op.f('pk_reading_past'))
    )
    op.create_table('reading_scope_h1',
    sa.Column('domain', sa.String(length=32), nullable=False),
    sa.Column('metric', sa.String(length=48), nullable=False),
    sa.Column('scope', sa.String(length=12), nullable=False),
    sa.Column('hour', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('n', sa.Integer(), nullable=False),
    sa.Column('total', sa.Float(), nullable=False),
    sa.Column('low', sa.Float(), nullable=False),
    sa.Column('high', sa.Float(), nullable=False),
    sa.PrimaryKeyConstraint('domain', 'metric', 'scope', 'hour', name=op.f('pk_reading_scope_h1')),
    sqlite_with_rowid=False
    )
    op.create_table('row_past',
    sa.Column('table_name', sa.String(length=64), nullable=False),
    sa.Column('row_key', sa.String(length=191), nullable=False),
    sa.Column('replaced_at', sa.BigInteger(), nullable=False),
    sa.Column('learned_at', sa.BigInteger(), nullable=False),
    sa.Column('pull_run', sa.BigInteger(), nullable=False),
    sa.Column('body', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('table_name', 'row_key', 'replaced_at', name=op.f('pk_row_past'))
    )
    op.create_index('ix_row_past_believed', 'row_past', ['table_name', 'replaced_at'], unique=False)
    op.create_table('rule_state',
    sa.Column('rule', sa.String(length=96), nullable=False),
    sa.Column('asset_id', sa.String(length=96), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('level', sa.String(length=8), nullable=True),
    sa.Column('since', sa.BigInteger(), nullable=False),
    sa.Column('seen_ts', sa.BigInteger(), nullable=True),
    sa.Column('value', sa.Float(), nullable=True),
    sa.Column('latches', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('rule', 'asset_id', name=op.f('pk_rule_state'))
    )
    op.create_table('schema_change',
    sa.Column('change_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('table_name', sa.String(length=64), nullable=False),
    sa.Column('column_name', sa.String(length=64), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('change_id', name=op.f('pk_schema_change'))
    )
    op.create_table('source_state',
    sa.Column('source', sa.String(length=64), nullable=False),
    sa.Column('last_try_at', sa.BigInteger(), nullable=True),
    sa.Column('last_ok_at', sa.BigInteger(), nullable=True),
    sa.Column('failing_since', sa.BigInteger(), nullable=True),
    sa.Column('error_kind', sa.String(length=16), nullable=True),
    sa.Column('last_error', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('source', name=op.f('pk_source_state'))
    )
    op.create_table('topic',
    sa.Column('topic', sa.String(length=96), nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('topic', name=op.f('pk_topic'))
    )


def downgrade() -> None:
    op.drop_table('topic')
    op.drop_table('source_state')
    op.drop_table('schema_change')
    op.drop_table('rule_state')
    op.drop_index('ix_row_past_believed', table_name='row_past')
    op.drop_table('row_past')
    op.drop_table('reading_scope_h1')
    op.drop_table('reading_past')
    op.drop_index('ix_reading_latest_domain_metric', table_name='reading_latest')
    op.drop_table('reading_latest')
    op.drop_table('reading_hot')
    op.drop_table('reading_h1')
    op.drop_table('reading_cold')
    op.drop_table('reading_boundary')
    op.drop_index(op.f('ix_quarantine_pull'), table_name='quarantine')
    op.drop_table('quarantine')
    op.drop_table('pull_state')
    op.drop_index(op.f('ix_pull_run_started_at'), table_name='pull_run')
    op.drop_index(op.f('ix_pull_run_pull'), table_name='pull_run')
    op.drop_table('pull_run')
    op.drop_table('lease')
    op.drop_table('kpi_turn')
    op.drop_table('kpi_latest')
    op.drop_table('kpi_history')
    op.drop_table('kpi_h1')
    op.drop_table('kpi_day')
    op.drop_table('geo_layer')
    op.drop_table('dirty_day')
    op.drop_table('channel')
    op.drop_table('audit')
    op.drop_index(op.f('ix_alert_transition_at'), table_name='alert_transition')
    op.drop_index(op.f('ix_alert_transition_alert_id'), table_name='alert_transition')
    op.drop_table('alert_transition')
    op.drop_index('ix_alert_state_opened', table_name='alert')
    op.drop_table('alert')
    op.drop_table('acknowledgement')
