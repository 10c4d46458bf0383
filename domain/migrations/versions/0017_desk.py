"""The desk counts faster: indexes for what is open, came back, is closed or was missed, and where tickets moved."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0017'
down_revision: str | None = '0016'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

OPEN = sa.text("state IN ('found', 'assigned', 'fixed')")
CLOSED = sa.text("state IN ('verified', 'cancelled')")
DUE = sa.literal_column("coalesce(due_at, 'infinity'::timestamptz)")

# Whatever writes tickets, and whatever of them is counted: the unit they counted in before, and the one they count in now.
COUNTED = ("campaign_id", "unit_id", "category", "standing", "found_on", "verified_on", "fix_days")
FUNCTION = """
CREATE FUNCTION note_ticket_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO ticket_moves (campaign_id, unit_id) VALUES (OLD.campaign_id, OLD.unit_id);
    END IF;
    IF TG_OP = 'INSERT' OR TG_OP = 'UPDATE' AND (OLD.campaign_id, OLD.unit_id) <> (NEW.campaign_id, NEW.unit_id) THEN
        INSERT INTO ticket_moves (campaign_id, unit_id) VALUES (NEW.campaign_id, NEW.unit_id);
    END IF;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.create_table('ticket_moves',
    sa.Column('xid', sa.BigInteger(), server_default=sa.text('pg_current_xact_id()::text::bigint'), nullable=False),
    sa.Column('campaign_id', sa.Uuid(), nullable=False),
    sa.Column('unit_id', sa.Uuid(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False)
    )
    op.create_index('ix_ticket_moves', 'ticket_moves', ['campaign_id', 'xid'], unique=False, postgresql_include=['unit_id'])
    op.execute(FUNCTION)
    changed = " OR ".join(f"OLD.{name} IS DISTINCT FROM NEW.{name}" for name in COUNTED)
    op.execute(
        "CREATE TRIGGER ticket_moves_noted AFTER INSERT OR DELETE ON tickets"
        " FOR EACH ROW EXECUTE FUNCTION note_ticket_move()"
    )
    op.execute(
        f"CREATE TRIGGER ticket_moves_noted_of_changes AFTER UPDATE ON tickets FOR EACH ROW WHEN ({changed})"
        " EXECUTE FUNCTION note_ticket_move()"
    )
    op.create_index('ix_tickets_open_work', 'tickets', ['campaign_id', 'unit_id'], unique=False, postgresql_include=['id', 'state', 'level', 'category', 'due_at', 'found_at', 'acknowledged_at', 'return_count', 'assignee_id', 'finder_id', 'fixer_id'], postgresql_where=OPEN)
    op.create_index('ix_tickets_returned', 'tickets', [sa.literal_column('recorded_at DESC'), sa.literal_column('id DESC')], unique=False, postgresql_where=sa.text('return_count > 0'))
    op.create_index('ix_tickets_closed_due', 'tickets', [DUE, 'id'], unique=False, postgresql_where=CLOSED)
    op.create_index('ix_inspections_missed', 'inspections', ['campaign_id', 'planned_on'], unique=False, postgresql_where=sa.text("state = 'missed'"))


def downgrade() -> None:
    op.execute("DROP TRIGGER ticket_moves_noted_of_changes ON tickets")
    op.execute("DROP TRIGGER ticket_moves_noted ON tickets")
    op.execute("DROP FUNCTION note_ticket_move()")
    op.drop_index('ix_ticket_moves', table_name='ticket_moves')
    op.drop_table('ticket_moves')
    op.drop_index('ix_inspections_missed', table_name='inspections', postgresql_where=sa.text("state = 'missed'"))
    op.drop_index('ix_tickets_closed_due', table_name='tickets', postgresql_where=CLOSED)
    op.drop_index('ix_tickets_returned', table_name='tickets', postgresql_where=sa.text('return_count > 0'))
    op.drop_index('ix_tickets_open_work', table_name='tickets', postgresql_where=OPEN)
