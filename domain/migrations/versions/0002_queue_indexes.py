"""Indexes for everybody's queue, newest first, and for what is open, by deadline."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0002'
down_revision: str | None = '0001'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.drop_index('ix_tickets_due', table_name='tickets')
    op.create_index('ix_tickets_newest', 'tickets', [sa.literal_column('recorded_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_tickets_open_due', 'tickets', [sa.literal_column("coalesce(due_at, 'infinity'::timestamptz)"), 'id'], unique=False, postgresql_where=sa.text("state IN ('found', 'assigned', 'fixed')"))


def downgrade() -> None:
    op.drop_index('ix_tickets_open_due', table_name='tickets', postgresql_where=sa.text("state IN ('found', 'assigned', 'fixed')"))
    op.drop_index('ix_tickets_newest', table_name='tickets')
    op.create_index('ix_tickets_due', 'tickets', ['campaign_id', sa.literal_column("coalesce(due_at, 'infinity'::timestamptz)"), 'id'], unique=False)
