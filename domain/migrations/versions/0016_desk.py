"""Indexes of the desk: what is open counted without reading its tickets, what came back, what is closed, missed visits."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0016_desk'
down_revision: str | None = '0015'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

OPEN = sa.text("state IN ('found', 'assigned', 'fixed')")
CLOSED = sa.text("state IN ('verified', 'cancelled')")
DUE = sa.literal_column("coalesce(due_at, 'infinity'::timestamptz)")


def upgrade() -> None:
    op.create_index('ix_tickets_open_work', 'tickets', ['campaign_id', 'unit_id'], unique=False, postgresql_include=['id', 'state', 'level', 'category', 'due_at', 'found_at', 'acknowledged_at', 'return_count', 'assignee_id', 'finder_id', 'fixer_id'], postgresql_where=OPEN)
    op.create_index('ix_tickets_returned', 'tickets', [sa.literal_column('recorded_at DESC'), sa.literal_column('id DESC')], unique=False, postgresql_where=sa.text('return_count > 0'))
    op.create_index('ix_tickets_closed_due', 'tickets', [DUE, 'id'], unique=False, postgresql_where=CLOSED)
    op.create_index('ix_inspections_missed', 'inspections', ['campaign_id', 'planned_on'], unique=False, postgresql_where=sa.text("state = 'missed'"))


def downgrade() -> None:
    op.drop_index('ix_inspections_missed', table_name='inspections', postgresql_where=sa.text("state = 'missed'"))
    op.drop_index('ix_tickets_closed_due', table_name='tickets', postgresql_where=CLOSED)
    op.drop_index('ix_tickets_returned', table_name='tickets', postgresql_where=sa.text('return_count > 0'))
    op.drop_index('ix_tickets_open_work', table_name='tickets', postgresql_where=OPEN)
