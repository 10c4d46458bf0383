"""An index for the question whether a hazard came back."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0014'
down_revision: str | None = '0013'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_index('ix_tickets_recurrence', 'tickets', ['recurrence_of_id'], unique=False, postgresql_where=sa.text('recurrence_of_id IS NOT NULL'))


def downgrade() -> None:
    op.drop_index('ix_tickets_recurrence', table_name='tickets', postgresql_where=sa.text('recurrence_of_id IS NOT NULL'))
