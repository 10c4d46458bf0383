"""Places, reports from anybody, calls; what may be chased now includes a report."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0006'
down_revision: str | None = '0005'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BEFORE = "matter IN ('unassigned', 'unacknowledged', 'deadline', 'unchecked', 'extension', 'inspection', 'suggestion', 'tool', 'supervision')"
AFTER = BEFORE.replace("'supervision'", "'supervision', 'report'")
CHASED = ('chases', 'step_records')


def upgrade() -> None:
    for table in CHASED:
        op.drop_constraint(op.f(f'ck_{table}_known_matter'), table, type_='check')
        op.create_check_constraint(op.f(f'ck_{table}_known_matter'), table, AFTER)
    op.create_table('call_counters',
    sa.Column('year', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('last', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('year', name=op.f('pk_call_counters'))
    )
    op.create_table('places',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('unit_id', sa.Uuid(), nullable=False),
    sa.Column('lat', sa.Float(), nullable=True),
    sa.Column('lon', sa.Float(), nullable=True),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('retired_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("code ~ '^[A-Za-z0-9][A-Za-z0-9-]{0,31}$'", name=op.f('ck_places_code_form')),
    sa.CheckConstraint("name <> ''", name=op.f('ck_places_named')),
    sa.CheckConstraint('(lat IS NULL) = (lon IS NULL)', name=op.f('ck_places_position_whole')),
    sa.CheckConstraint('lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180', name=op.f('ck_places_position_on_earth')),
    sa.ForeignKeyConstraint(['unit_id'], ['units.id'], name=op.f('fk_places_unit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_places')),
    sa.UniqueConstraint('code', name=op.f('uq_places_code'))
    )
    op.create_index(op.f('ix_places_unit_id'), 'places', ['unit_id'], unique=False)
    op.create_table('knocks',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('door', sa.Enum('report', 'lookup', name='known_doorkind', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('address', sa.LargeBinary(), nullable=False),
    sa.Column('place_id', sa.Uuid(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['place_id'], ['places.id'], name=op.f('fk_knocks_place_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_knocks'))
    )
    op.create_index('ix_knocks_address', 'knocks', ['door', 'address', 'at'], unique=False)
    op.create_index(op.f('ix_knocks_at'), 'knocks', ['at'], unique=False)
    op.create_index('ix_knocks_place', 'knocks', ['place_id', 'at'], unique=False)
    op.create_table('hotline_calls',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Text(), nullable=False),
    sa.Column('way', sa.Enum('phone', 'visit', 'letter', name='known_callway', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('unit_id', sa.Uuid(), nullable=False),
    sa.Column('campaign_id', sa.Uuid(), nullable=True),
    sa.Column('caller_name', sa.Text(), nullable=False),
    sa.Column('caller_phone', sa.Text(), nullable=False),
    sa.Column('content', sa.Text(), nullable=False),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('recorded_by_id', sa.Uuid(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('state', sa.Enum('open', 'settled', name='known_callstate', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('answer', sa.Text(), nullable=True),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('callback_wanted', sa.Boolean(), nullable=False),
    sa.Column('called_back_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('satisfied', sa.Boolean(), nullable=True),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ticket_id', sa.Uuid(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("(answer <> '') IS TRUE OR answered_at IS NULL", name=op.f('ck_hotline_calls_answered_with_words')),
    sa.CheckConstraint("content <> ''", name=op.f('ck_hotline_calls_content_given')),
    sa.CheckConstraint("state <> 'settled' OR (settled_at IS NOT NULL AND answered_at IS NOT NULL AND (called_back_at IS NOT NULL OR NOT callback_wanted))", name=op.f('ck_hotline_calls_settled_when_done')),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaigns.id'], name=op.f('fk_hotline_calls_campaign_id')),
    sa.ForeignKeyConstraint(['recorded_by_id'], ['people.id'], name=op.f('fk_hotline_calls_recorded_by_id')),
    sa.ForeignKeyConstraint(['ticket_id'], ['tickets.id'], name=op.f('fk_hotline_calls_ticket_id')),
    sa.ForeignKeyConstraint(['unit_id'], ['units.id'], name=op.f('fk_hotline_calls_unit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_hotline_calls')),
    sa.UniqueConstraint('number', name=op.f('uq_hotline_calls_number'))
    )
    op.create_index('ix_hotline_calls_campaign', 'hotline_calls', ['campaign_id', 'received_at'], unique=False)
    op.create_index(op.f('ix_hotline_calls_ticket_id'), 'hotline_calls', ['ticket_id'], unique=False)
    op.create_index(op.f('ix_hotline_calls_unit_id'), 'hotline_calls', ['unit_id'], unique=False)
    op.create_table('reports',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('place_id', sa.Uuid(), nullable=False),
    sa.Column('unit_id', sa.Uuid(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('location', sa.Text(), nullable=False),
    sa.Column('reporter_name', sa.Text(), nullable=False),
    sa.Column('reporter_phone', sa.Text(), nullable=False),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('reply_hash', sa.LargeBinary(), nullable=False),
    sa.Column('state', sa.Enum('received', 'accepted', 'declined', name='known_reportstate', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('decided_by_id', sa.Uuid(), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('ticket_id', sa.Uuid(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("state <> 'accepted' OR ticket_id IS NOT NULL", name=op.f('ck_reports_accepted_has_ticket')),
    sa.CheckConstraint("state <> 'declined' OR (reason <> '') IS TRUE", name=op.f('ck_reports_declined_with_reason')),
    sa.CheckConstraint("state = 'received' OR (decided_by_id IS NOT NULL AND decided_at IS NOT NULL)", name=op.f('ck_reports_decided')),
    sa.CheckConstraint("text <> ''", name=op.f('ck_reports_text_given')),
    sa.ForeignKeyConstraint(['decided_by_id'], ['people.id'], name=op.f('fk_reports_decided_by_id')),
    sa.ForeignKeyConstraint(['place_id'], ['places.id'], name=op.f('fk_reports_place_id')),
    sa.ForeignKeyConstraint(['ticket_id'], ['tickets.id'], name=op.f('fk_reports_ticket_id')),
    sa.ForeignKeyConstraint(['unit_id'], ['units.id'], name=op.f('fk_reports_unit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reports')),
    sa.UniqueConstraint('reply_hash', name=op.f('uq_reports_reply_hash'))
    )
    op.create_index(op.f('ix_reports_ticket_id'), 'reports', ['ticket_id'], unique=False)
    op.create_index('ix_reports_unit', 'reports', ['unit_id', 'state', 'received_at'], unique=False)
    op.create_table('report_files',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('report_id', sa.Uuid(), nullable=False),
    sa.Column('sha256', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['report_id'], ['reports.id'], name=op.f('fk_report_files_report_id')),
    sa.ForeignKeyConstraint(['sha256'], ['stored_files.sha256'], name=op.f('fk_report_files_sha256')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_report_files')),
    sa.UniqueConstraint('report_id', 'sha256', name=op.f('uq_report_files_report_id_sha256'))
    )
    op.create_index(op.f('ix_report_files_sha256'), 'report_files', ['sha256'], unique=False)
    op.add_column('notices', sa.Column('path', sa.Text(), nullable=True))
    op.add_column('tickets', sa.Column('place_id', sa.Uuid(), nullable=True))
    op.create_index('ix_tickets_place', 'tickets', ['place_id'], unique=False, postgresql_where=sa.text('place_id IS NOT NULL'))
    op.create_index('ix_tickets_unit', 'tickets', ['unit_id', sa.literal_column('recorded_at DESC')], unique=False)
    op.create_foreign_key(op.f('fk_tickets_place_id'), 'tickets', 'places', ['place_id'], ['id'])


def downgrade() -> None:
    for table in CHASED:
        op.execute(f"DELETE FROM {table} WHERE matter = 'report'")
        op.drop_constraint(op.f(f'ck_{table}_known_matter'), table, type_='check')
        op.create_check_constraint(op.f(f'ck_{table}_known_matter'), table, BEFORE)
    op.drop_constraint(op.f('fk_tickets_place_id'), 'tickets', type_='foreignkey')
    op.drop_index('ix_tickets_unit', table_name='tickets')
    op.drop_index('ix_tickets_place', table_name='tickets', postgresql_where=sa.text('place_id IS NOT NULL'))
    op.drop_column('tickets', 'place_id')
    op.drop_column('notices', 'path')
    op.drop_index(op.f('ix_report_files_sha256'), table_name='report_files')
    op.drop_table('report_files')
    op.drop_index('ix_reports_unit', table_name='reports')
    op.drop_index(op.f('ix_reports_ticket_id'), table_name='reports')
    op.drop_table('reports')
    op.drop_index(op.f('ix_hotline_calls_unit_id'), table_name='hotline_calls')
    op.drop_index(op.f('ix_hotline_calls_ticket_id'), table_name='hotline_calls')
    op.drop_index('ix_hotline_calls_campaign', table_name='hotline_calls')
    op.drop_table('hotline_calls')
    op.drop_index('ix_knocks_place', table_name='knocks')
    op.drop_index(op.f('ix_knocks_at'), table_name='knocks')
    op.drop_index('ix_knocks_address', table_name='knocks')
    op.drop_table('knocks')
    op.drop_index(op.f('ix_places_unit_id'), table_name='places')
    op.drop_table('places')
    op.drop_table('call_counters')
