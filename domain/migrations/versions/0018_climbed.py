"""How many matters of a campaign stand on which step of their ladders is counted from an index."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0018'
down_revision: str | None = '0017'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_index('ix_chases_climbed', 'chases', ['campaign_id', 'matter', 'last_step'], unique=False, postgresql_include=['unit_id'], postgresql_where=sa.text('last_turn = turn AND ticket_id IS NOT NULL'))


def downgrade() -> None:
    op.drop_index('ix_chases_climbed', table_name='chases', postgresql_include=['unit_id'], postgresql_where=sa.text('last_turn = turn AND ticket_id IS NOT NULL'))
