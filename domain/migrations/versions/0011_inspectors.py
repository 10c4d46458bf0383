"""The register of inspectors: appointments and trainings."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0011'
down_revision: str | None = '0010'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table('appointments',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Enum('full_time', 'part_time', 'group', name='known_inspectorkind', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('certificate', sa.Text(), nullable=False),
    sa.Column('document', sa.Text(), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('ends_on', sa.Date(), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('recorded_by_id', sa.Uuid(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("document <> ''", name=op.f('ck_appointments_document_given')),
    sa.CheckConstraint('ends_on >= starts_on', name=op.f('ck_appointments_ends_after_start')),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_appointments_person_id')),
    sa.ForeignKeyConstraint(['recorded_by_id'], ['people.id'], name=op.f('fk_appointments_recorded_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_appointments'))
    )
    op.create_index('uq_appointments_current', 'appointments', ['person_id'], unique=True, postgresql_where=sa.text('ended_at IS NULL'))
    op.create_table('trainings',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('held_on', sa.Date(), nullable=False),
    sa.Column('subject', sa.Text(), nullable=False),
    sa.Column('hours', sa.Numeric(precision=5, scale=1), nullable=False),
    sa.Column('score', sa.Numeric(precision=5, scale=1), nullable=True),
    sa.Column('recorded_by_id', sa.Uuid(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("subject <> ''", name=op.f('ck_trainings_subject_given')),
    sa.CheckConstraint('hours > 0', name=op.f('ck_trainings_hours_positive')),
    sa.CheckConstraint('score BETWEEN 0 AND 100', name=op.f('ck_trainings_score_of_a_hundred')),
    sa.ForeignKeyConstraint(['person_id'], ['people.id'], name=op.f('fk_trainings_person_id')),
    sa.ForeignKeyConstraint(['recorded_by_id'], ['people.id'], name=op.f('fk_trainings_recorded_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_trainings'))
    )
    op.create_index(op.f('ix_trainings_person_id'), 'trainings', ['person_id'], unique=False)


def downgrade() -> None:
    op.drop_index(op.f('ix_trainings_person_id'), table_name='trainings')
    op.drop_table('trainings')
    op.drop_index('uq_appointments_current', table_name='appointments', postgresql_where=sa.text('ended_at IS NULL'))
    op.drop_table('appointments')
