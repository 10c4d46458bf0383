"""A person's desk: filters by name, columns, acts on many tickets; when a ticket was passed on."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = '0013'
down_revision: str | None = '0012'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table('saved_filters',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('query', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("name <> ''", name=op.f('ck_saved_filters_name_given')),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_saved_filters_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_saved_filters')),
    sa.UniqueConstraint('person_id', 'name', name=op.f('uq_saved_filters_person_id_name'))
    )
    op.create_table('desks',
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('columns', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_desks_person_id')),
    sa.PrimaryKeyConstraint('person_id', name=op.f('pk_desks'))
    )
    op.create_table('bulk_acts',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('act', sa.Text(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('rows', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_bulk_acts_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bulk_acts'))
    )
    op.create_index('ix_bulk_acts_at', 'bulk_acts', ['at'], unique=False)
    op.create_index('ix_tickets_recurrence', 'tickets', ['recurrence_of_id'], unique=False, postgresql_where=sa.text('recurrence_of_id IS NOT NULL'))
    op.create_index('ix_tickets_duplicate', 'tickets', ['duplicate_of_id'], unique=False, postgresql_where=sa.text('duplicate_of_id IS NOT NULL'))
    op.add_column('tickets', sa.Column('transferred_at', sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_index('ix_tickets_duplicate', table_name='tickets', postgresql_where=sa.text('duplicate_of_id IS NOT NULL'))
    op.drop_index('ix_tickets_recurrence', table_name='tickets', postgresql_where=sa.text('recurrence_of_id IS NOT NULL'))
    op.drop_column('tickets', 'transferred_at')
    op.drop_index('ix_bulk_acts_at', table_name='bulk_acts')
    op.drop_table('bulk_acts')
    op.drop_table('desks')
    op.drop_table('saved_filters')
