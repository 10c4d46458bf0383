"""Standard hazards; versions, conflicts and photos of answers; evidence rules copied to tickets; readings of tool tests."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = '0008'
down_revision: str | None = '0007'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table('standard_hazards',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('category', sa.Text(), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('criterion', sa.Text(), nullable=False),
    sa.Column('level', sa.Enum('general', 'serious', 'major', name='known_level', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('measure', sa.Text(), nullable=False),
    sa.Column('deadline_days', sa.Integer(), nullable=False),
    sa.Column('pinyin', sa.Text(), nullable=False),
    sa.Column('initials', sa.Text(), nullable=False),
    sa.Column('photo_required', sa.Boolean(), nullable=False),
    sa.Column('after_photo_required', sa.Boolean(), nullable=False),
    sa.Column('guidance_photo', sa.Text(), nullable=True),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('recorded_by_id', sa.Uuid(), nullable=True),
    sa.Column('superseded_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('deadline_days >= 0', name=op.f('ck_standard_hazards_deadline_not_negative')),
    sa.ForeignKeyConstraint(['guidance_photo'], ['stored_files.sha256'], name=op.f('fk_standard_hazards_guidance_photo')),
    sa.ForeignKeyConstraint(['recorded_by_id'], ['people.id'], name=op.f('fk_standard_hazards_recorded_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_standard_hazards')),
    sa.UniqueConstraint('code', 'version', name=op.f('uq_standard_hazards_code_version'))
    )
    op.create_index('uq_standard_hazards_current', 'standard_hazards', ['code'], unique=True, postgresql_where=sa.text('superseded_at IS NULL'))
    op.create_table('answer_conflicts',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('answer_id', sa.Uuid(), nullable=False),
    sa.Column('base_version', sa.Integer(), nullable=False),
    sa.Column('value', sa.Enum('pass', 'fail', 'na', 'unchecked', name='known_answervalue', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('location', sa.Text(), nullable=False),
    sa.Column('level', sa.Enum('general', 'serious', 'major', name='known_level', native_enum=False, create_constraint=True, length=24), nullable=True),
    sa.Column('measure', sa.Text(), nullable=True),
    sa.Column('deadline_days', sa.Integer(), nullable=True),
    sa.Column('answered_by_id', sa.Uuid(), nullable=False),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('branch', sa.Uuid(), nullable=True),
    sa.Column('step', sa.Integer(), nullable=True),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('settled_by_id', sa.Uuid(), nullable=True),
    sa.CheckConstraint('(settled_at IS NULL) = (settled_by_id IS NULL)', name=op.f('ck_answer_conflicts_settled_by_somebody')),
    sa.ForeignKeyConstraint(['answer_id'], ['answers.id'], name=op.f('fk_answer_conflicts_answer_id')),
    sa.ForeignKeyConstraint(['answered_by_id'], ['people.id'], name=op.f('fk_answer_conflicts_answered_by_id')),
    sa.ForeignKeyConstraint(['settled_by_id'], ['people.id'], name=op.f('fk_answer_conflicts_settled_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_answer_conflicts'))
    )
    op.create_index('ix_answer_conflicts_answer_id', 'answer_conflicts', ['answer_id'], unique=False, postgresql_where=sa.text('settled_at IS NULL'))
    op.create_table('photo_listings',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('answer_id', sa.Uuid(), nullable=True),
    sa.Column('tool_test_id', sa.Uuid(), nullable=True),
    sa.Column('sha256', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('said', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('listed_by_id', sa.Uuid(), nullable=False),
    sa.Column('listed_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name=op.f('ck_photo_listings_sha256_form')),
    sa.CheckConstraint('num_nonnulls(answer_id, tool_test_id) = 1', name=op.f('ck_photo_listings_of_one_record')),
    sa.CheckConstraint('size > 0', name=op.f('ck_photo_listings_size_positive')),
    sa.ForeignKeyConstraint(['answer_id'], ['answers.id'], name=op.f('fk_photo_listings_answer_id')),
    sa.ForeignKeyConstraint(['listed_by_id'], ['people.id'], name=op.f('fk_photo_listings_listed_by_id')),
    sa.ForeignKeyConstraint(['tool_test_id'], ['tool_tests.id'], name=op.f('fk_photo_listings_tool_test_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_photo_listings')),
    sa.UniqueConstraint('answer_id', 'sha256', name=op.f('uq_photo_listings_answer_id_sha256')),
    sa.UniqueConstraint('tool_test_id', 'sha256', name=op.f('uq_photo_listings_tool_test_id_sha256'))
    )
    op.create_index(op.f('ix_photo_listings_sha256'), 'photo_listings', ['sha256'], unique=False)
    op.add_column('answers', sa.Column('measure', sa.Text(), nullable=True))
    op.add_column('answers', sa.Column('deadline_days', sa.Integer(), nullable=True))
    op.add_column('answers', sa.Column('version', sa.Integer(), server_default=sa.text('1'), nullable=False))
    op.add_column('answers', sa.Column('branch', sa.Uuid(), nullable=True))
    op.add_column('answers', sa.Column('step', sa.Integer(), nullable=True))
    op.create_check_constraint(op.f('ck_answers_deadline_not_negative'), 'answers', 'deadline_days >= 0')
    op.add_column('checklist_items', sa.Column('photo_required', sa.Boolean(), server_default=sa.text('false'), nullable=False))
    op.add_column('checklist_items', sa.Column('after_photo_required', sa.Boolean(), server_default=sa.text('false'), nullable=False))
    op.add_column('checklist_items', sa.Column('guidance_photo', sa.Text(), nullable=True))
    op.create_foreign_key(op.f('fk_checklist_items_guidance_photo'), 'checklist_items', 'stored_files', ['guidance_photo'], ['sha256'])
    op.add_column('notices', sa.Column('inspection_id', sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f('fk_notices_inspection_id'), 'notices', 'inspections', ['inspection_id'], ['id'])
    op.add_column('tickets', sa.Column('standard_hazard_id', sa.Uuid(), nullable=True))
    op.add_column('tickets', sa.Column('proposed_measure', sa.Text(), nullable=True))
    op.add_column('tickets', sa.Column('proposed_days', sa.Integer(), nullable=True))
    op.add_column('tickets', sa.Column('photo_required', sa.Boolean(), server_default=sa.text('false'), nullable=False))
    op.add_column('tickets', sa.Column('after_photo_required', sa.Boolean(), server_default=sa.text('false'), nullable=False))
    op.create_check_constraint(op.f('ck_tickets_proposed_days_not_negative'), 'tickets', 'proposed_days >= 0')
    op.create_foreign_key(op.f('fk_tickets_standard_hazard_id'), 'tickets', 'standard_hazards', ['standard_hazard_id'], ['id'])
    op.add_column('tool_tests', sa.Column('readings', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False))


def downgrade() -> None:
    op.drop_column('tool_tests', 'readings')
    op.drop_constraint(op.f('fk_tickets_standard_hazard_id'), 'tickets', type_='foreignkey')
    op.drop_column('tickets', 'after_photo_required')
    op.drop_column('tickets', 'photo_required')
    op.drop_column('tickets', 'proposed_days')
    op.drop_column('tickets', 'proposed_measure')
    op.drop_column('tickets', 'standard_hazard_id')
    op.drop_constraint(op.f('fk_notices_inspection_id'), 'notices', type_='foreignkey')
    op.drop_column('notices', 'inspection_id')
    op.drop_constraint(op.f('fk_checklist_items_guidance_photo'), 'checklist_items', type_='foreignkey')
    op.drop_column('checklist_items', 'guidance_photo')
    op.drop_column('checklist_items', 'after_photo_required')
    op.drop_column('checklist_items', 'photo_required')
    op.drop_column('answers', 'step')
    op.drop_column('answers', 'branch')
    op.drop_column('answers', 'version')
    op.drop_column('answers', 'deadline_days')
    op.drop_column('answers', 'measure')
    op.drop_index(op.f('ix_photo_listings_sha256'), table_name='photo_listings')
    op.drop_table('photo_listings')
    op.drop_index('ix_answer_conflicts_answer_id', table_name='answer_conflicts', postgresql_where=sa.text('settled_at IS NULL'))
    op.drop_table('answer_conflicts')
    op.drop_index('uq_standard_hazards_current', table_name='standard_hazards', postgresql_where=sa.text('superseded_at IS NULL'))
    op.drop_table('standard_hazards')
