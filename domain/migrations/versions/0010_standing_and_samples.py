"""What a ticket counts as, kept beside it and indexed; the step a matter climbed last; samples for the re-check."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = '0010'
down_revision: str | None = '0009'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


STANDING = """
    CASE WHEN state = 'found' THEN 1 ELSE 0 END
    | CASE WHEN state = 'assigned' THEN 2 ELSE 0 END
    | CASE WHEN state = 'fixed' THEN 4 ELSE 0 END
    | CASE WHEN state = 'verified' THEN 8 ELSE 0 END
    | CASE WHEN state = 'cancelled' THEN 16 ELSE 0 END
    | CASE WHEN level = 'general' THEN 32 ELSE 0 END
    | CASE WHEN level = 'serious' THEN 64 ELSE 0 END
    | CASE WHEN level = 'major' THEN 128 ELSE 0 END
    | CASE WHEN state IN ('fixed', 'verified') AND fixed_at <= first_due_at THEN 256 ELSE 0 END
    | CASE WHEN state IN ('fixed', 'verified') AND fixed_at <= due_at THEN 512 ELSE 0 END
    | CASE WHEN return_count > 0 THEN 1024 ELSE 0 END
    | CASE WHEN return_count > 1 THEN 2048 ELSE 0 END
    | CASE WHEN on_the_spot AND state <> 'cancelled' THEN 4096 ELSE 0 END
    | CASE WHEN supervised_at IS NOT NULL THEN 8192 ELSE 0 END
    | CASE WHEN origin_campaign_id <> campaign_id THEN 16384 ELSE 0 END
"""
FOUND_ON = "((found_at AT TIME ZONE 'UTC') + interval '8 hours')::date"
VERIFIED_ON = "((verified_at AT TIME ZONE 'UTC') + interval '8 hours')::date"
FIX_DAYS = """
    CASE WHEN state IN ('fixed', 'verified') THEN ((fixed_at AT TIME ZONE 'UTC') + interval '8 hours')::date - ((found_at AT TIME ZONE 'UTC') + interval '8 hours')::date END
"""


def upgrade() -> None:
    op.create_table('sample_draws',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('campaign_id', sa.Uuid(), nullable=False),
    sa.Column('source_campaign_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Enum('recheck', 'look_back', name='known_samplekind', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('seed', sa.Text(), nullable=True),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('rules', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('pool', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('drawn_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('drawn_by_id', sa.Uuid(), nullable=False),
    sa.CheckConstraint("((seed <> '') IS TRUE) <> ((reason <> '') IS TRUE)", name=op.f('ck_sample_draws_by_chance_or_by_hand')),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaigns.id'], name=op.f('fk_sample_draws_campaign_id')),
    sa.ForeignKeyConstraint(['drawn_by_id'], ['people.id'], name=op.f('fk_sample_draws_drawn_by_id')),
    sa.ForeignKeyConstraint(['source_campaign_id'], ['campaigns.id'], name=op.f('fk_sample_draws_source_campaign_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sample_draws'))
    )
    op.create_index(op.f('ix_sample_draws_campaign_id'), 'sample_draws', ['campaign_id'], unique=False)
    op.create_table('sampled_tickets',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('draw_id', sa.Uuid(), nullable=False),
    sa.Column('campaign_id', sa.Uuid(), nullable=False),
    sa.Column('ticket_id', sa.Uuid(), nullable=False),
    sa.Column('unit_id', sa.Uuid(), nullable=False),
    sa.Column('level', sa.Enum('general', 'serious', 'major', name='known_level', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('passed', sa.Boolean(), nullable=True),
    sa.Column('checked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('checked_by_id', sa.Uuid(), nullable=True),
    sa.Column('opinion', sa.Text(), nullable=True),
    sa.Column('again_id', sa.Uuid(), nullable=True),
    sa.CheckConstraint('(passed IS NULL) = (checked_at IS NULL) AND (passed IS NULL) = (checked_by_id IS NULL)', name=op.f('ck_sampled_tickets_checked_by_somebody')),
    sa.CheckConstraint('again_id IS NULL OR passed IS FALSE', name=op.f('ck_sampled_tickets_again_when_failed')),
    sa.ForeignKeyConstraint(['again_id'], ['tickets.id'], name=op.f('fk_sampled_tickets_again_id')),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaigns.id'], name=op.f('fk_sampled_tickets_campaign_id')),
    sa.ForeignKeyConstraint(['checked_by_id'], ['people.id'], name=op.f('fk_sampled_tickets_checked_by_id')),
    sa.ForeignKeyConstraint(['draw_id'], ['sample_draws.id'], name=op.f('fk_sampled_tickets_draw_id')),
    sa.ForeignKeyConstraint(['ticket_id'], ['tickets.id'], name=op.f('fk_sampled_tickets_ticket_id')),
    sa.ForeignKeyConstraint(['unit_id'], ['units.id'], name=op.f('fk_sampled_tickets_unit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sampled_tickets')),
    sa.UniqueConstraint('campaign_id', 'ticket_id', name=op.f('uq_sampled_tickets_campaign_id_ticket_id'))
    )
    op.create_index(op.f('ix_sampled_tickets_draw_id'), 'sampled_tickets', ['draw_id'], unique=False)
    op.create_index('ix_sampled_tickets_waiting', 'sampled_tickets', ['ticket_id'], unique=False, postgresql_where=sa.text('passed IS NULL'))
    op.execute(
        """
        CREATE TRIGGER sample_draws_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON sample_draws
        FOR EACH STATEMENT EXECUTE FUNCTION history_is_append_only()
        """
    )
    # One statement: the table is written anew once, not four times.
    op.execute(
        f"""
        ALTER TABLE tickets
            ADD COLUMN standing integer GENERATED ALWAYS AS ({STANDING}) STORED,
            ADD COLUMN found_on date GENERATED ALWAYS AS ({FOUND_ON}) STORED,
            ADD COLUMN verified_on date GENERATED ALWAYS AS ({VERIFIED_ON}) STORED,
            ADD COLUMN fix_days integer GENERATED ALWAYS AS ({FIX_DAYS}) STORED
        """
    )
    op.drop_index(op.f('ix_tickets_status'), table_name='tickets')
    op.add_column('chases', sa.Column('last_step', sa.Text(), nullable=True))
    op.add_column('chases', sa.Column('last_turn', sa.BigInteger(), nullable=True))
    op.execute(
        """
        UPDATE chases SET last_step = split_part(climbed.step, '.', 1), last_turn = climbed.turn
        FROM (SELECT DISTINCT ON (subject_id, matter, turn) subject_id, matter, turn, step FROM step_records
              ORDER BY subject_id, matter, turn, done_at DESC, planned_at DESC) AS climbed
        WHERE (climbed.subject_id, climbed.matter, climbed.turn) = (chases.subject_id, chases.matter, chases.turn)
        """
    )
    op.create_index('ix_tickets_assignee', 'tickets', ['assignee_id'], unique=False, postgresql_where=sa.text('assignee_id IS NOT NULL'))
    op.create_index('ix_tickets_fixer', 'tickets', ['fixer_id'], unique=False, postgresql_where=sa.text('fixer_id IS NOT NULL'))
    op.create_index('ix_tickets_standing', 'tickets', ['campaign_id', 'unit_id', 'category', 'standing'], unique=False, postgresql_include=['found_on', 'verified_on', 'fix_days'])


def downgrade() -> None:
    op.drop_index('ix_tickets_standing', table_name='tickets', postgresql_include=['found_on', 'verified_on', 'fix_days'])
    op.drop_index('ix_tickets_fixer', table_name='tickets', postgresql_where=sa.text('fixer_id IS NOT NULL'))
    op.drop_index('ix_tickets_assignee', table_name='tickets', postgresql_where=sa.text('assignee_id IS NOT NULL'))
    op.create_index(op.f('ix_tickets_status'), 'tickets', ['campaign_id', 'unit_id', 'state', 'level'], unique=False)
    op.drop_column('chases', 'last_turn')
    op.drop_column('chases', 'last_step')
    op.drop_column('tickets', 'fix_days')
    op.drop_column('tickets', 'verified_on')
    op.drop_column('tickets', 'found_on')
    op.drop_column('tickets', 'standing')
    op.drop_index('ix_sampled_tickets_waiting', table_name='sampled_tickets', postgresql_where=sa.text('passed IS NULL'))
    op.drop_index(op.f('ix_sampled_tickets_draw_id'), table_name='sampled_tickets')
    op.drop_table('sampled_tickets')
    op.drop_index(op.f('ix_sample_draws_campaign_id'), table_name='sample_draws')
    op.drop_table('sample_draws')
