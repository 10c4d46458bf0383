"""How Alembic runs: on the engine it is given, one transaction for all, waiting at most five seconds for a lock."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import text

from domain.records import Base
from domain.records.base import Instant


def in_plain_types(kind: str, item: Any, _: AutogenContext) -> str | Literal[False]:
    """A migration names database types, never our own: it must still run when our code has moved on."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, Instant) else False


engine = context.config.attributes["engine"]

with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_type=True,
        render_item=in_plain_types,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        # Two processes that start together: the second waits here and then finds nothing to do.
        connection.execute(text("SELECT pg_advisory_xact_lock(20260226)"))
        connection.execute(text("SET LOCAL lock_timeout = '5s'"))
        context.run_migrations()
