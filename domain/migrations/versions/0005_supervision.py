"""Orders of supervision, their reports, plans of treatment."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0005'
down_revision: str | None = '0004'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BEFORE = "matter IN ('unassigned', 'unacknowledged', 'deadline', 'unchecked', 'extension', 'inspection', 'suggestion', 'tool')"
AFTER = BEFORE.replace("'tool')", "'tool', 'supervision')")


def known_matters(which: str) -> None:
    for table in ('chases', 'step_records'):
        op.drop_constraint(op.f(f'ck_{table}_known_matter'), table, type_='check')
        op.create_check_constraint(op.f(f'ck_{table}_known_matter'), table, which)


def upgrade() -> None:
    op.create_table('supervision_counters',
    sa.Column('year', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('last', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('year', name=op.f('pk_supervision_counters'))
    )
    op.create_table('supervision_orders',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Text(), nullable=False),
    sa.Column('ticket_id', sa.Uuid(), nullable=False),
    sa.Column('level', sa.Enum('union', 'company', 'listed', name='known_supervisionlevel', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('state', sa.Enum('open', 'raised', 'delisted', name='known_supervisionstate', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('requirements', sa.Text(), nullable=False),
    sa.Column('supervisor_id', sa.Uuid(), nullable=False),
    sa.Column('listed_by_id', sa.Uuid(), nullable=False),
    sa.Column('listed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('report_every_days', sa.Integer(), nullable=True),
    sa.Column('next_report_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('delisted_by_id', sa.Uuid(), nullable=True),
    sa.Column('delisted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('delist_opinion', sa.Text(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("reason <> ''", name=op.f('ck_supervision_orders_reason_given')),
    sa.CheckConstraint("state <> 'delisted' OR (delisted_by_id IS NOT NULL AND delisted_at IS NOT NULL AND delist_opinion <> '') IS TRUE", name=op.f('ck_supervision_orders_delisted_with_opinion')),
    sa.CheckConstraint('report_every_days BETWEEN 1 AND 92', name=op.f('ck_supervision_orders_reports_at_least_quarterly')),
    sa.ForeignKeyConstraint(['delisted_by_id'], ['people.id'], name=op.f('fk_supervision_orders_delisted_by_id')),
    sa.ForeignKeyConstraint(['listed_by_id'], ['people.id'], name=op.f('fk_supervision_orders_listed_by_id')),
    sa.ForeignKeyConstraint(['supervisor_id'], ['people.id'], name=op.f('fk_supervision_orders_supervisor_id')),
    sa.ForeignKeyConstraint(['ticket_id'], ['tickets.id'], name=op.f('fk_supervision_orders_ticket_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_supervision_orders')),
    sa.UniqueConstraint('number', name=op.f('uq_supervision_orders_number'))
    )
    op.create_index(op.f('ix_supervision_orders_ticket_id'), 'supervision_orders', ['ticket_id'], unique=False)
    op.create_index('uq_supervision_orders_one_open', 'supervision_orders', ['ticket_id'], unique=True, postgresql_where=sa.text("state = 'open'"))
    op.create_table('treatment_plans',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('ticket_id', sa.Uuid(), nullable=False),
    sa.Column('state', sa.Enum('drafted', 'approved', 'refused', 'replaced', name='known_planstate', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('goals', sa.Text(), nullable=False),
    sa.Column('methods', sa.Text(), nullable=False),
    sa.Column('funds', sa.Text(), nullable=False),
    sa.Column('people', sa.Text(), nullable=False),
    sa.Column('schedule', sa.Text(), nullable=False),
    sa.Column('safety', sa.Text(), nullable=False),
    sa.Column('drafted_by_id', sa.Uuid(), nullable=False),
    sa.Column('drafted_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('decided_by_id', sa.Uuid(), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('opinion', sa.Text(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("goals <> '' AND methods <> '' AND funds <> '' AND people <> '' AND schedule <> '' AND safety <> ''", name=op.f('ck_treatment_plans_six_parts')),
    sa.CheckConstraint("state NOT IN ('approved', 'refused') OR (decided_by_id IS NOT NULL AND decided_at IS NOT NULL)", name=op.f('ck_treatment_plans_decided')),
    sa.CheckConstraint('decided_by_id <> drafted_by_id', name=op.f('ck_treatment_plans_not_own_plan')),
    sa.ForeignKeyConstraint(['decided_by_id'], ['people.id'], name=op.f('fk_treatment_plans_decided_by_id')),
    sa.ForeignKeyConstraint(['drafted_by_id'], ['people.id'], name=op.f('fk_treatment_plans_drafted_by_id')),
    sa.ForeignKeyConstraint(['ticket_id'], ['tickets.id'], name=op.f('fk_treatment_plans_ticket_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_treatment_plans'))
    )
    op.create_index(op.f('ix_treatment_plans_ticket_id'), 'treatment_plans', ['ticket_id'], unique=False)
    op.create_index('uq_treatment_plans_current', 'treatment_plans', ['ticket_id'], unique=True, postgresql_where=sa.text("state IN ('drafted', 'approved')"))
    op.create_table('supervision_reports',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('order_id', sa.Uuid(), nullable=False),
    sa.Column('reported_by_id', sa.Uuid(), nullable=False),
    sa.Column('reported_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.CheckConstraint("text <> ''", name=op.f('ck_supervision_reports_text_given')),
    sa.ForeignKeyConstraint(['order_id'], ['supervision_orders.id'], name=op.f('fk_supervision_reports_order_id')),
    sa.ForeignKeyConstraint(['reported_by_id'], ['people.id'], name=op.f('fk_supervision_reports_reported_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_supervision_reports'))
    )
    op.create_index(op.f('ix_supervision_reports_order_id'), 'supervision_reports', ['order_id'], unique=False)
    known_matters(AFTER)


def downgrade() -> None:
    for table in ('chases', 'step_records'):
        op.execute(f"DELETE FROM {table} WHERE matter = 'supervision'")
    known_matters(BEFORE)
    op.drop_index(op.f('ix_supervision_reports_order_id'), table_name='supervision_reports')
    op.drop_table('supervision_reports')
    op.drop_index('uq_treatment_plans_current', table_name='treatment_plans', postgresql_where=sa.text("state IN ('drafted', 'approved')"))
    op.drop_index(op.f('ix_treatment_plans_ticket_id'), table_name='treatment_plans')
    op.drop_table('treatment_plans')
    op.drop_index('uq_supervision_orders_one_open', table_name='supervision_orders', postgresql_where=sa.text("state = 'open'"))
    op.drop_index(op.f('ix_supervision_orders_ticket_id'), table_name='supervision_orders')
    op.drop_table('supervision_orders')
    op.drop_table('supervision_counters')
