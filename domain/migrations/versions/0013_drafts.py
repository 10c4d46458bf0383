"""Drafts of findings, one copy for each device."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = '0013'
down_revision: str | None = '0012'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table('draft_copies',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('device', sa.Uuid(), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('device_name', sa.Text(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('base_version', sa.Integer(), nullable=False),
    sa.Column('body', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('saved_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('version > base_version AND base_version >= 0', name=op.f('ck_draft_copies_version_after_base')),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_draft_copies_person_id')),
    sa.PrimaryKeyConstraint('id', 'device', name=op.f('pk_draft_copies'))
    )
    op.create_index('ix_draft_copies_person_id', 'draft_copies', ['person_id', 'saved_at'], unique=False)


def downgrade() -> None:
    op.drop_index('ix_draft_copies_person_id', table_name='draft_copies')
    op.drop_table('draft_copies')
