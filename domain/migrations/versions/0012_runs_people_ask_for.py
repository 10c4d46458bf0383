"""Runs of flows that people ask for."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0012'
down_revision: str | None = '0011'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table('flow_requests',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('flow', sa.Text(), nullable=False),
    sa.Column('as_of', sa.DateTime(timezone=True), nullable=True),
    sa.Column('dry_run', sa.Boolean(), nullable=False),
    sa.Column('requested_by_id', sa.Uuid(), nullable=False),
    sa.Column('requested_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('handed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('error', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['requested_by_id'], ['people.id'], name=op.f('fk_flow_requests_requested_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_flow_requests'))
    )
    op.create_index('uq_flow_requests_waiting', 'flow_requests', ['flow', 'as_of', 'dry_run'], unique=True, postgresql_where=sa.text('ended_at IS NULL'), postgresql_nulls_not_distinct=True)
    op.add_column('flow_runs', sa.Column('request_id', sa.Uuid(), nullable=True))
    op.create_index(op.f('ix_flow_runs_request_id'), 'flow_runs', ['request_id'], unique=False)
    op.create_index('ix_flow_runs_latest', 'flow_runs', ['started_at'], unique=False)
    op.create_foreign_key(op.f('fk_flow_runs_request_id'), 'flow_runs', 'flow_requests', ['request_id'], ['id'], ondelete='SET NULL')


def downgrade() -> None:
    op.drop_constraint(op.f('fk_flow_runs_request_id'), 'flow_runs', type_='foreignkey')
    op.drop_index('ix_flow_runs_latest', table_name='flow_runs')
    op.drop_index(op.f('ix_flow_runs_request_id'), table_name='flow_runs')
    op.drop_column('flow_runs', 'request_id')
    op.drop_table('flow_requests')
