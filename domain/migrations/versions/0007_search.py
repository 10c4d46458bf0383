"""Search by pairs of characters, indexes for the work queue, two more reasons to strike a ticket."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0007'
down_revision: str | None = '0006'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# Bodies in standard SQL are bound when they are made: a dump can be restored whatever the search path is.
FUNCTIONS = (
    """
    CREATE FUNCTION search_form(told text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN lower(normalize(told, NFKC))
    """,
    # COST: dearer than reading a row, so that the index is asked first.
    """
    CREATE FUNCTION search_pairs(told text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 1000
    BEGIN ATOMIC
        SELECT coalesce(array_agg(DISTINCT pair), '{}') FROM (
            SELECT sign || lead(sign) OVER (ORDER BY place) AS pair
            FROM string_to_table(search_form(told), NULL) WITH ORDINALITY AS signs (sign, place)
        ) AS pairs
        WHERE pair IS NOT NULL;
    END
    """,
    """
    CREATE FUNCTION ticket_text(number text, description text, location text, category text, measure text, fix_note text)
    RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN number || E'\\n' || description || E'\\n' || location || E'\\n' || category
        || E'\\n' || coalesce(measure, '') || E'\\n' || coalesce(fix_note, '')
    """,
)
OPEN = sa.text("state IN ('found', 'assigned', 'fixed')")
KINDS = "'duplicate', 'not_a_hazard', 'not_ours'"


def upgrade() -> None:
    for function in FUNCTIONS:
        op.execute(function)
    op.create_index('ix_tickets_open_age', 'tickets', ['found_at', 'id'], unique=False, postgresql_where=OPEN)
    op.create_index('ix_tickets_search', 'tickets', [sa.literal_column('search_pairs(ticket_text(number, description, location, category, measure, fix_note))')], unique=False, postgresql_using='gin')
    op.drop_constraint(op.f('ck_tickets_known_cancelkind'), 'tickets', type_='check')
    op.create_check_constraint(op.f('ck_tickets_known_cancelkind'), 'tickets', f"cancel_kind IN ({KINDS}, 'no_longer_there', 'accepted')")
    op.create_check_constraint(op.f('ck_tickets_accepted_general'), 'tickets', "cancel_kind <> 'accepted' OR level = 'general'")


def downgrade() -> None:
    op.execute("UPDATE tickets SET cancel_kind = NULL WHERE cancel_kind IN ('no_longer_there', 'accepted')")
    op.drop_constraint(op.f('ck_tickets_accepted_general'), 'tickets', type_='check')
    op.drop_constraint(op.f('ck_tickets_known_cancelkind'), 'tickets', type_='check')
    op.create_check_constraint(op.f('ck_tickets_known_cancelkind'), 'tickets', f"cancel_kind IN ({KINDS})")
    op.drop_index('ix_tickets_search', table_name='tickets', postgresql_using='gin')
    op.drop_index('ix_tickets_open_age', table_name='tickets', postgresql_where=OPEN)
    op.execute("DROP FUNCTION ticket_text(text, text, text, text, text, text)")
    op.execute("DROP FUNCTION search_pairs(text)")
    op.execute("DROP FUNCTION search_form(text)")
