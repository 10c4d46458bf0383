"""From when a plan counts, and a silence; ladders and calendars after whose change is planned once more."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0016'
down_revision: str | None = '0015'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table('replannings',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('campaign_id', sa.Uuid(), nullable=True),
    sa.Column('unit_id', sa.Uuid(), nullable=True),
    sa.Column('calendar_id', sa.Uuid(), nullable=True),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('num_nonnulls(campaign_id, unit_id, calendar_id) = 1', name=op.f('ck_replannings_one_scope')),
    sa.ForeignKeyConstraint(['calendar_id'], ['calendars.id'], name=op.f('fk_replannings_calendar_id')),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaigns.id'], name=op.f('fk_replannings_campaign_id')),
    sa.ForeignKeyConstraint(['unit_id'], ['units.id'], name=op.f('fk_replannings_unit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_replannings'))
    )
    op.add_column('heartbeats', sa.Column('expected_at', sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False))
    # With a default: processes of the release before go on while they are replaced.
    op.add_column('chases', sa.Column('planned_from', sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False))
    # What is planned before the next step was climbed or left out; an hour is what a row may have been put off by.
    op.execute("UPDATE chases SET planned_from = least(next_step_at, now()) - interval '1 hour'")


def downgrade() -> None:
    op.drop_column('heartbeats', 'expected_at')
    op.drop_column('chases', 'planned_from')
    op.drop_table('replannings')
