"""Chases, calendars, ways out and messages, absences, suggestions, feeds, runs of flows."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = '0003'
down_revision: str | None = '0002'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table('absences',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('substitute_id', sa.Uuid(), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('ends_on', sa.Date(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('recorded_by_id', sa.Uuid(), nullable=True),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('ends_on >= starts_on', name=op.f('ck_absences_ends_after_start')),
    sa.CheckConstraint('person_id <> substitute_id', name=op.f('ck_absences_somebody_else')),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_absences_person_id')),
    sa.ForeignKeyConstraint(['recorded_by_id'], ['people.id'], name=op.f('fk_absences_recorded_by_id')),
    sa.ForeignKeyConstraint(['substitute_id'], ['people.id'], name=op.f('fk_absences_substitute_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_absences'))
    )
    op.create_index('ix_absences_person', 'absences', ['person_id', 'ends_on'], unique=False)
    op.create_table('calendar_feeds',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('unit_id', sa.Uuid(), nullable=True),
    sa.Column('secret_hash', sa.LargeBinary(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_read_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_calendar_feeds_person_id')),
    sa.ForeignKeyConstraint(['unit_id'], ['units.id'], name=op.f('fk_calendar_feeds_unit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_calendar_feeds')),
    sa.UniqueConstraint('secret_hash', name=op.f('uq_calendar_feeds_secret_hash'))
    )
    op.create_index(op.f('ix_calendar_feeds_person_id'), 'calendar_feeds', ['person_id'], unique=False)
    op.create_table('calendars',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('unit_id', sa.Uuid(), nullable=True),
    sa.Column('year', sa.Integer(), nullable=True),
    sa.Column('edition', sa.Integer(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('cycle', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    sa.Column('cycle_from', sa.Date(), nullable=True),
    sa.Column('imported_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('imported_by_id', sa.Uuid(), nullable=True),
    sa.Column('superseded_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('(cycle IS NULL) = (cycle_from IS NULL)', name=op.f('ck_calendars_cycle_has_start')),
    sa.CheckConstraint('unit_id IS NOT NULL OR year IS NOT NULL', name=op.f('ck_calendars_national_has_year')),
    sa.ForeignKeyConstraint(['imported_by_id'], ['people.id'], name=op.f('fk_calendars_imported_by_id')),
    sa.ForeignKeyConstraint(['unit_id'], ['units.id'], name=op.f('fk_calendars_unit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_calendars'))
    )
    op.create_index('uq_calendars_current', 'calendars', ['unit_id', 'year'], unique=True, postgresql_where=sa.text('superseded_at IS NULL'), postgresql_nulls_not_distinct=True)
    op.create_table('flow_runs',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('flow', sa.Text(), nullable=False),
    sa.Column('as_of', sa.DateTime(timezone=True), nullable=True),
    sa.Column('dry_run', sa.Boolean(), nullable=False),
    sa.Column('requested_by_id', sa.Uuid(), nullable=True),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('outcome', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('error', sa.Text(), nullable=True),
    sa.Column('host', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['requested_by_id'], ['people.id'], name=op.f('fk_flow_runs_requested_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_flow_runs'))
    )
    op.create_index('ix_flow_runs_flow', 'flow_runs', ['flow', 'started_at'], unique=False)
    op.create_table('outlets',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Enum('wecom', 'dingtalk', 'feishu', 'webhook', name='known_outletkind', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('unit_id', sa.Uuid(), nullable=False),
    sa.Column('owner_id', sa.Uuid(), nullable=False),
    sa.Column('url', sa.Text(), nullable=False),
    sa.Column('secrets', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('keyword', sa.Text(), nullable=False),
    sa.Column('private_allowed', sa.Boolean(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('failing_since', sa.DateTime(timezone=True), nullable=True),
    sa.Column('switched_off_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('switched_off_why', sa.Text(), nullable=True),
    sa.Column('blocked_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('read_up_to_xid', sa.BigInteger(), nullable=False),
    sa.Column('read_up_to_id', sa.BigInteger(), nullable=False),
    sa.CheckConstraint("name <> '' AND url ~ '^https?://'", name=op.f('ck_outlets_name_and_address')),
    sa.ForeignKeyConstraint(['owner_id'], ['people.id'], name=op.f('fk_outlets_owner_id')),
    sa.ForeignKeyConstraint(['unit_id'], ['units.id'], name=op.f('fk_outlets_unit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_outlets'))
    )
    op.create_table('calendar_days',
    sa.Column('calendar_id', sa.Uuid(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('working', sa.Boolean(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['calendar_id'], ['calendars.id'], name=op.f('fk_calendar_days_calendar_id')),
    sa.PrimaryKeyConstraint('calendar_id', 'day', name=op.f('pk_calendar_days'))
    )
    op.create_table('chases',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('matter', sa.Enum('unassigned', 'unacknowledged', 'deadline', 'unchecked', 'extension', 'inspection', 'suggestion', 'tool', name='known_matter', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('subject_id', sa.Uuid(), nullable=False),
    sa.Column('unit_id', sa.Uuid(), nullable=False),
    sa.Column('campaign_id', sa.Uuid(), nullable=True),
    sa.Column('ticket_id', sa.Uuid(), nullable=True),
    sa.Column('level', sa.Enum('general', 'serious', 'major', name='known_level', native_enum=False, create_constraint=True, length=24), nullable=True),
    sa.Column('anchor_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('turn', sa.BigInteger(), nullable=False),
    sa.Column('next_step_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaigns.id'], name=op.f('fk_chases_campaign_id')),
    sa.ForeignKeyConstraint(['ticket_id'], ['tickets.id'], name=op.f('fk_chases_ticket_id')),
    sa.ForeignKeyConstraint(['unit_id'], ['units.id'], name=op.f('fk_chases_unit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_chases'))
    )
    op.create_index('ix_chases_next_step', 'chases', ['next_step_at', 'id'], unique=False)
    op.create_index(op.f('ix_chases_ticket_id'), 'chases', ['ticket_id'], unique=False)
    op.create_index('uq_chases_matter', 'chases', ['matter', 'subject_id'], unique=True)
    op.create_table('dispatches',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('channel', sa.Enum('email', 'inbox', 'robot', 'webhook', name='known_channel', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=True),
    sa.Column('outlet_id', sa.Uuid(), nullable=True),
    sa.Column('address', sa.Text(), nullable=False),
    sa.Column('event', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('not_before', sa.DateTime(timezone=True), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('last_error', sa.Text(), nullable=True),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('answer', sa.Text(), nullable=True),
    sa.Column('gave_up_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(channel IN ('robot', 'webhook')) = (outlet_id IS NOT NULL)", name=op.f('ck_dispatches_outlet_named')),
    sa.CheckConstraint("channel <> 'inbox'", name=op.f('ck_dispatches_inbox_needs_no_sending')),
    sa.ForeignKeyConstraint(['outlet_id'], ['outlets.id'], name=op.f('fk_dispatches_outlet_id')),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_dispatches_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_dispatches'))
    )
    op.create_index(op.f('ix_dispatches_outlet_id'), 'dispatches', ['outlet_id'], unique=False)
    op.create_index('ix_dispatches_person', 'dispatches', ['person_id', 'id'], unique=False)
    op.create_index('ix_dispatches_waiting', 'dispatches', ['not_before'], unique=False, postgresql_where=sa.text('sent_at IS NULL AND gave_up_at IS NULL'))
    op.create_table('suggestion_counters',
    sa.Column('year', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('last', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('year', name=op.f('pk_suggestion_counters'))
    )
    op.create_table('suggestions',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Text(), nullable=False),
    sa.Column('campaign_id', sa.Uuid(), nullable=True),
    sa.Column('ticket_id', sa.Uuid(), nullable=True),
    sa.Column('unit_id', sa.Uuid(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('state', sa.Enum('issued', 'answered', 'disputed', 'settled', name='known_suggestionstate', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('issued_by_id', sa.Uuid(), nullable=False),
    sa.Column('issued_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('addressee_id', sa.Uuid(), nullable=False),
    sa.Column('answer_due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('adopted', sa.Boolean(), nullable=True),
    sa.Column('answer', sa.Text(), nullable=True),
    sa.Column('answered_by_id', sa.Uuid(), nullable=True),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('disputed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('dispute', sa.Text(), nullable=True),
    sa.Column('explanation', sa.Text(), nullable=True),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("adopted IS NOT FALSE OR (answer <> '') IS TRUE", name=op.f('ck_suggestions_refusal_has_reason')),
    sa.CheckConstraint("state <> 'disputed' OR (dispute <> '') IS TRUE", name=op.f('ck_suggestions_dispute_has_reason')),
    sa.CheckConstraint("state = 'issued' OR (adopted IS NOT NULL AND answered_by_id IS NOT NULL AND answered_at IS NOT NULL)", name=op.f('ck_suggestions_answered')),
    sa.CheckConstraint("text <> ''", name=op.f('ck_suggestions_text_given')),
    sa.ForeignKeyConstraint(['addressee_id'], ['people.id'], name=op.f('fk_suggestions_addressee_id')),
    sa.ForeignKeyConstraint(['answered_by_id'], ['people.id'], name=op.f('fk_suggestions_answered_by_id')),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaigns.id'], name=op.f('fk_suggestions_campaign_id')),
    sa.ForeignKeyConstraint(['issued_by_id'], ['people.id'], name=op.f('fk_suggestions_issued_by_id')),
    sa.ForeignKeyConstraint(['ticket_id'], ['tickets.id'], name=op.f('fk_suggestions_ticket_id')),
    sa.ForeignKeyConstraint(['unit_id'], ['units.id'], name=op.f('fk_suggestions_unit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_suggestions')),
    sa.UniqueConstraint('number', name=op.f('uq_suggestions_number'))
    )
    op.create_index('ix_suggestions_open', 'suggestions', ['answer_due_at'], unique=False)
    op.create_index(op.f('ix_suggestions_ticket_id'), 'suggestions', ['ticket_id'], unique=False)
    op.create_index(op.f('ix_suggestions_unit_id'), 'suggestions', ['unit_id'], unique=False)
    op.create_table('delivery_attempts',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('dispatch_id', sa.Uuid(), nullable=False),
    sa.Column('outlet_id', sa.Uuid(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('outcome', sa.Text(), nullable=False),
    sa.Column('answer', sa.Text(), nullable=False),
    sa.CheckConstraint("outcome IN ('sent', 'put_off', 'refused', 'down')", name=op.f('ck_delivery_attempts_known_outcome')),
    sa.ForeignKeyConstraint(['dispatch_id'], ['dispatches.id'], name=op.f('fk_delivery_attempts_dispatch_id')),
    sa.ForeignKeyConstraint(['outlet_id'], ['outlets.id'], name=op.f('fk_delivery_attempts_outlet_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_delivery_attempts'))
    )
    op.create_index(op.f('ix_delivery_attempts_dispatch_id'), 'delivery_attempts', ['dispatch_id'], unique=False)
    op.create_index('ix_delivery_attempts_outlet', 'delivery_attempts', ['outlet_id', 'at'], unique=False, postgresql_where=sa.text('outlet_id IS NOT NULL'))
    op.add_column('history', sa.Column('xid', sa.BigInteger(), server_default=sa.text('pg_current_xact_id()::text::bigint'), nullable=False))
    op.create_index('ix_history_commits', 'history', ['xid', 'id'], unique=False)
    op.drop_constraint(op.f('ck_notices_known_channel'), 'notices', type_='check')
    op.create_check_constraint(op.f('ck_notices_known_channel'), 'notices', "channel IN ('email', 'inbox', 'robot', 'webhook')")
    op.add_column('notices', sa.Column('instead_of_id', sa.Uuid(), nullable=True))
    op.add_column('notices', sa.Column('responsible', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.alter_column('notices', 'responsible', server_default=None)
    op.add_column('notices', sa.Column('shown', sa.Boolean(), server_default=sa.true(), nullable=False))
    op.alter_column('notices', 'shown', server_default=None)
    op.add_column('notices', sa.Column('outlet_id', sa.Uuid(), nullable=True))
    op.add_column('notices', sa.Column('dispatch_id', sa.Uuid(), nullable=True))
    op.add_column('notices', sa.Column('read_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('notices', sa.Column('acknowledged_at', sa.DateTime(timezone=True), nullable=True))
    op.create_index(op.f('ix_notices_dispatch_id'), 'notices', ['dispatch_id'], unique=False)
    op.create_index('ix_notices_unread', 'notices', ['person_id'], unique=False, postgresql_where=sa.text('shown AND read_at IS NULL'))
    op.create_foreign_key(op.f('fk_notices_instead_of_id'), 'notices', 'people', ['instead_of_id'], ['id'])
    op.create_foreign_key(op.f('fk_notices_outlet_id'), 'notices', 'outlets', ['outlet_id'], ['id'])
    op.create_foreign_key(op.f('fk_notices_dispatch_id'), 'notices', 'dispatches', ['dispatch_id'], ['id'])
    op.add_column('tickets', sa.Column('due_basis', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True))
    # What was tried keeps its Message-ID: the message takes over the notice's id. What was not tried is bundled later.
    op.execute("""
        INSERT INTO dispatches (id, channel, person_id, address, created_at, not_before, attempts, last_error, sent_at,
            answer, gave_up_at)
        SELECT id, channel, person_id, address, created_at, not_before, attempts, last_error, sent_at, answer, gave_up_at
        FROM notices
        WHERE channel = 'email' AND (attempts > 0 OR sent_at IS NOT NULL OR gave_up_at IS NOT NULL)
    """)
    op.execute("UPDATE notices SET dispatch_id = dispatches.id FROM dispatches WHERE dispatches.id = notices.id")
    op.execute("""
        INSERT INTO delivery_attempts (id, dispatch_id, at, outcome, answer)
        SELECT gen_random_uuid(), id, coalesce(sent_at, gave_up_at),
            CASE WHEN sent_at IS NULL THEN 'refused' ELSE 'sent' END, coalesce(answer, last_error, '')
        FROM dispatches WHERE sent_at IS NOT NULL OR gave_up_at IS NOT NULL
    """)
    op.drop_index('ix_notices_waiting', table_name='notices')
    for column in ('attempts', 'last_error', 'sent_at', 'answer', 'gave_up_at'):
        op.drop_column('notices', column)
    op.create_index('ix_notices_waiting', 'notices', ['not_before'], unique=False, postgresql_where=sa.text("dispatch_id IS NULL AND channel <> 'inbox'"))
    op.add_column('units', sa.Column('ladders', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True))
    op.drop_constraint(op.f('ck_inspections_known_inspectionstate'), 'inspections', type_='check')
    op.create_check_constraint(op.f('ck_inspections_known_inspectionstate'), 'inspections', "state IN ('planned', 'started', 'submitted', 'missed', 'withdrawn')")
    op.add_column('inspections', sa.Column('instead_of_id', sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f('fk_inspections_instead_of_id'), 'inspections', 'inspections', ['instead_of_id'], ['id'])
    op.create_unique_constraint(op.f('uq_inspections_instead_of_id'), 'inspections', ['instead_of_id'])
    op.drop_index('uq_inspections_rota_visit', table_name='inspections')
    op.create_index('uq_inspections_rota_visit', 'inspections', ['rota_id', 'unit_id', 'planned_on'], unique=True, postgresql_where=sa.text("rota_id IS NOT NULL AND state <> 'withdrawn'"))
    op.create_index('ix_inspections_planned', 'inspections', ['planned_on'], unique=False, postgresql_where=sa.text("state = 'planned'"))
    op.drop_constraint(op.f('uq_rotas_campaign_id_checklist_id_every_starts_on'), 'rotas', type_='unique')
    op.add_column('rotas', sa.Column('weekday', sa.Integer(), nullable=True))
    op.add_column('rotas', sa.Column('day_of_month', sa.Integer(), nullable=True))
    op.add_column('rotas', sa.Column('whole_scope', sa.Boolean(), server_default=sa.true(), nullable=False))
    op.alter_column('rotas', 'whole_scope', server_default=None)
    op.add_column('rotas', sa.Column('paused_from', sa.Date(), nullable=True))
    op.add_column('rotas', sa.Column('paused_until', sa.Date(), nullable=True))
    op.add_column('rotas', sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('rotas', sa.Column('version', sa.Integer(), server_default='1', nullable=False))
    op.alter_column('rotas', 'version', server_default=None)
    op.create_check_constraint(op.f('ck_rotas_weekday_known'), 'rotas', "weekday IS NULL OR (every = 'weekly' AND weekday BETWEEN 1 AND 7)")
    op.create_check_constraint(op.f('ck_rotas_day_of_month_known'), 'rotas', "day_of_month IS NULL OR (every = 'monthly' AND day_of_month BETWEEN 1 AND 31)")
    op.create_check_constraint(op.f('ck_rotas_pause_in_order'), 'rotas', 'paused_until IS NULL OR paused_until >= paused_from')
    op.create_index(op.f('ix_rotas_campaign_id'), 'rotas', ['campaign_id'], unique=False)
    op.create_table('rota_stops',
    sa.Column('rota_id', sa.Uuid(), nullable=False),
    sa.Column('unit_id', sa.Uuid(), nullable=False),
    sa.Column('inspector_id', sa.Uuid(), nullable=True),
    sa.ForeignKeyConstraint(['inspector_id'], ['people.id'], name=op.f('fk_rota_stops_inspector_id')),
    sa.ForeignKeyConstraint(['rota_id'], ['rotas.id'], name=op.f('fk_rota_stops_rota_id')),
    sa.ForeignKeyConstraint(['unit_id'], ['units.id'], name=op.f('fk_rota_stops_unit_id')),
    sa.PrimaryKeyConstraint('rota_id', 'unit_id', name=op.f('pk_rota_stops'))
    )
    op.drop_constraint(op.f('uq_step_records_ticket_id_step_due_version'), 'step_records', type_='unique')
    # Not renamed: the name of its NOT NULL would keep the old one where PostgreSQL gives it one.
    op.add_column('step_records', sa.Column('turn', sa.BigInteger(), nullable=True))
    op.execute("UPDATE step_records SET turn = due_version")
    op.alter_column('step_records', 'turn', nullable=False)
    op.drop_column('step_records', 'due_version')
    op.alter_column('step_records', 'ticket_id', nullable=True)
    op.add_column('step_records', sa.Column('matter', sa.String(length=24), server_default='deadline', nullable=False))
    op.alter_column('step_records', 'matter', server_default=None)
    op.create_check_constraint(op.f('ck_step_records_known_matter'), 'step_records', "matter IN ('unassigned', 'unacknowledged', 'deadline', 'unchecked', 'extension', 'inspection', 'suggestion', 'tool')")
    op.add_column('step_records', sa.Column('subject_id', sa.Uuid(), nullable=True))
    op.execute("UPDATE step_records SET subject_id = ticket_id")
    op.alter_column('step_records', 'subject_id', nullable=False)
    op.create_unique_constraint(op.f('uq_step_records_subject_id_matter_step_turn'), 'step_records', ['subject_id', 'matter', 'step', 'turn'])
    op.create_index(op.f('ix_step_records_ticket_id'), 'step_records', ['ticket_id'], unique=False)
    # What is open is chased from now on; a deadline keeps the step it was waiting for.
    op.execute("""
        INSERT INTO chases (id, matter, subject_id, unit_id, campaign_id, ticket_id, level, anchor_at, turn, next_step_at)
        SELECT gen_random_uuid(), matter, t.id, unit_id, campaign_id, t.id, level, anchor, turn, next
        FROM tickets t CROSS JOIN LATERAL (VALUES
            ('unassigned', 'found', true, recorded_at, extract(epoch FROM recorded_at)::bigint, now()),
            ('deadline', 'assigned', true, due_at, due_version::bigint, next_step_at),
            ('unacknowledged', 'assigned', acknowledged_at IS NULL, assigned_at, extract(epoch FROM assigned_at)::bigint, now()),
            ('unchecked', 'fixed', true, fixed_at, extract(epoch FROM fixed_at)::bigint, now())
        ) AS open (matter, in_state, when_so, anchor, turn, next)
        WHERE t.state = in_state AND when_so
    """)
    op.execute("""
        INSERT INTO chases (id, matter, subject_id, unit_id, campaign_id, ticket_id, level, anchor_at, turn, next_step_at)
        SELECT gen_random_uuid(), 'extension', e.id, t.unit_id, t.campaign_id, t.id, t.level, e.requested_at,
            extract(epoch FROM e.requested_at)::bigint, now()
        FROM extensions e JOIN tickets t ON t.id = e.ticket_id WHERE e.state = 'requested' AND t.state = 'assigned'
    """)
    op.execute("""
        INSERT INTO chases (id, matter, subject_id, unit_id, campaign_id, anchor_at, turn, next_step_at)
        SELECT gen_random_uuid(), matter, subject_id, unit_id, campaign_id, anchor, extract(epoch FROM anchor)::bigint, now()
        FROM (
            SELECT 'inspection' AS matter, id AS subject_id, unit_id, campaign_id,
                (planned_on + time '23:59:59') AT TIME ZONE 'Asia/Shanghai' AS anchor
            FROM inspections WHERE state IN ('planned', 'started')
            UNION ALL
            SELECT 'tool', id, unit_id, NULL, (next_test_on + time '23:59:59') AT TIME ZONE 'Asia/Shanghai'
            FROM tools WHERE status IN ('in_use', 'untested') AND next_test_on IS NOT NULL
        ) AS dated
    """)
    op.execute("""
        UPDATE campaigns SET settings = settings - 'ladder' || jsonb_build_object('ladders', jsonb_build_object('deadline', settings -> 'ladder'))
        WHERE settings ? 'ladder'
    """)
    op.drop_index('ix_tickets_next_step', table_name='tickets', postgresql_where=sa.text('next_step_at IS NOT NULL'))
    op.drop_column('tickets', 'next_step_at')


def downgrade() -> None:
    op.add_column('tickets', sa.Column('next_step_at', sa.DateTime(timezone=True), nullable=True))
    op.create_index('ix_tickets_next_step', 'tickets', ['next_step_at'], unique=False, postgresql_where=sa.text('next_step_at IS NOT NULL'))
    op.execute("UPDATE tickets SET next_step_at = c.next_step_at FROM chases c WHERE c.matter = 'deadline' AND c.subject_id = tickets.id")
    op.execute("""
        UPDATE campaigns SET settings = settings - 'ladders' || jsonb_build_object('ladder', settings -> 'ladders' -> 'deadline')
        WHERE settings ? 'ladders'
    """)
    op.execute("DELETE FROM step_records WHERE matter <> 'deadline'")
    op.drop_index(op.f('ix_step_records_ticket_id'), table_name='step_records')
    op.drop_constraint(op.f('uq_step_records_subject_id_matter_step_turn'), 'step_records', type_='unique')
    op.drop_column('step_records', 'subject_id')
    op.drop_constraint(op.f('ck_step_records_known_matter'), 'step_records', type_='check')
    op.drop_column('step_records', 'matter')
    op.alter_column('step_records', 'ticket_id', nullable=False)
    op.add_column('step_records', sa.Column('due_version', sa.Integer(), nullable=True))
    op.execute("UPDATE step_records SET due_version = turn")
    op.alter_column('step_records', 'due_version', nullable=False)
    op.drop_column('step_records', 'turn')
    op.create_unique_constraint(op.f('uq_step_records_ticket_id_step_due_version'), 'step_records', ['ticket_id', 'step', 'due_version'])
    op.drop_table('rota_stops')
    op.drop_index(op.f('ix_rotas_campaign_id'), table_name='rotas')
    for name in ('ck_rotas_pause_in_order', 'ck_rotas_day_of_month_known', 'ck_rotas_weekday_known'):
        op.drop_constraint(op.f(name), 'rotas', type_='check')
    for name in ('version', 'ended_at', 'paused_until', 'paused_from', 'whole_scope', 'day_of_month', 'weekday'):
        op.drop_column('rotas', name)
    op.create_unique_constraint(op.f('uq_rotas_campaign_id_checklist_id_every_starts_on'), 'rotas', ['campaign_id', 'checklist_id', 'every', 'starts_on'])
    op.drop_index('ix_inspections_planned', table_name='inspections')
    op.drop_index('uq_inspections_rota_visit', table_name='inspections')
    op.drop_constraint(op.f('uq_inspections_instead_of_id'), 'inspections', type_='unique')
    op.drop_constraint(op.f('fk_inspections_instead_of_id'), 'inspections', type_='foreignkey')
    op.drop_column('inspections', 'instead_of_id')
    # The release before knows no withdrawn visit: as the visits of a rota they would hold the day of their successor.
    op.execute("UPDATE inspections SET state = 'missed', rota_id = NULL WHERE state = 'withdrawn'")
    op.drop_constraint(op.f('ck_inspections_known_inspectionstate'), 'inspections', type_='check')
    op.create_check_constraint(op.f('ck_inspections_known_inspectionstate'), 'inspections', "state IN ('planned', 'started', 'submitted', 'missed')")
    op.create_index('uq_inspections_rota_visit', 'inspections', ['rota_id', 'unit_id', 'planned_on'], unique=True, postgresql_where=sa.text('rota_id IS NOT NULL'))
    op.drop_column('tickets', 'due_basis')
    op.drop_column('units', 'ladders')
    op.drop_index('ix_notices_waiting', table_name='notices')
    op.add_column('notices', sa.Column('attempts', sa.Integer(), server_default='0', nullable=False))
    op.alter_column('notices', 'attempts', server_default=None)
    op.add_column('notices', sa.Column('last_error', sa.Text(), nullable=True))
    op.add_column('notices', sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('notices', sa.Column('answer', sa.Text(), nullable=True))
    op.add_column('notices', sa.Column('gave_up_at', sa.DateTime(timezone=True), nullable=True))
    op.execute("""
        UPDATE notices SET attempts = d.attempts, last_error = d.last_error, sent_at = d.sent_at, answer = d.answer,
            gave_up_at = d.gave_up_at, not_before = d.not_before
        FROM dispatches d WHERE d.id = notices.dispatch_id
    """)
    # The older schema knows no robots: what they were to say is read on the pages.
    op.execute("UPDATE notices SET channel = 'inbox' WHERE channel IN ('robot', 'webhook')")
    op.execute("UPDATE notices SET sent_at = created_at, answer = 'in-box' WHERE channel = 'inbox'")
    op.create_index('ix_notices_waiting', 'notices', ['not_before'], unique=False, postgresql_where=sa.text('sent_at IS NULL AND gave_up_at IS NULL'))
    op.drop_constraint(op.f('ck_notices_known_channel'), 'notices', type_='check')
    op.create_check_constraint(op.f('ck_notices_known_channel'), 'notices', "channel IN ('email', 'inbox')")
    op.drop_constraint(op.f('fk_notices_dispatch_id'), 'notices', type_='foreignkey')
    op.drop_constraint(op.f('fk_notices_outlet_id'), 'notices', type_='foreignkey')
    op.drop_constraint(op.f('fk_notices_instead_of_id'), 'notices', type_='foreignkey')
    op.drop_index('ix_notices_unread', table_name='notices', postgresql_where=sa.text('shown AND read_at IS NULL'))
    op.drop_index(op.f('ix_notices_dispatch_id'), table_name='notices')
    op.drop_column('notices', 'acknowledged_at')
    op.drop_column('notices', 'read_at')
    op.drop_column('notices', 'dispatch_id')
    op.drop_column('notices', 'outlet_id')
    op.drop_column('notices', 'shown')
    op.drop_column('notices', 'responsible')
    op.drop_column('notices', 'instead_of_id')
    op.drop_index('ix_history_commits', table_name='history')
    op.drop_column('history', 'xid')
    op.drop_index('ix_delivery_attempts_outlet', table_name='delivery_attempts', postgresql_where=sa.text('outlet_id IS NOT NULL'))
    op.drop_index(op.f('ix_delivery_attempts_dispatch_id'), table_name='delivery_attempts')
    op.drop_table('delivery_attempts')
    op.drop_index(op.f('ix_suggestions_unit_id'), table_name='suggestions')
    op.drop_index(op.f('ix_suggestions_ticket_id'), table_name='suggestions')
    op.drop_index('ix_suggestions_open', table_name='suggestions')
    op.drop_table('suggestions')
    op.drop_table('suggestion_counters')
    op.drop_index('ix_dispatches_waiting', table_name='dispatches', postgresql_where=sa.text('sent_at IS NULL AND gave_up_at IS NULL'))
    op.drop_index('ix_dispatches_person', table_name='dispatches')
    op.drop_index(op.f('ix_dispatches_outlet_id'), table_name='dispatches')
    op.drop_table('dispatches')
    op.drop_index('uq_chases_matter', table_name='chases')
    op.drop_index(op.f('ix_chases_ticket_id'), table_name='chases')
    op.drop_index('ix_chases_next_step', table_name='chases')
    op.drop_table('chases')
    op.drop_table('calendar_days')
    op.drop_table('outlets')
    op.drop_index('ix_flow_runs_flow', table_name='flow_runs')
    op.drop_table('flow_runs')
    op.drop_index('uq_calendars_current', table_name='calendars', postgresql_where=sa.text('superseded_at IS NULL'), postgresql_nulls_not_distinct=True)
    op.drop_table('calendars')
    op.drop_index(op.f('ix_calendar_feeds_person_id'), table_name='calendar_feeds')
    op.drop_table('calendar_feeds')
    op.drop_index('ix_absences_person', table_name='absences')
    op.drop_table('absences')
