"""The deliverer that has a message in hand."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0009'
down_revision: str | None = '0008'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column('dispatches', sa.Column('held_by', sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column('dispatches', 'held_by')
