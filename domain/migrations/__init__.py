"""The schema's history: Alembic migrations and the two ways to run them."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from domain.database import Database


def _config(database: Database) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["engine"] = database.engine
    return config


def upgrade(database: Database, revision: str = "head") -> None:
    """Bring the schema up to `revision`; does nothing when it is there."""
    command.upgrade(_config(database), revision)


def downgrade(database: Database, revision: str) -> None:
    """Take the schema down to `revision` ("base" removes everything)."""
    command.downgrade(_config(database), revision)


def draft(database: Database, message: str) -> None:
    """Write a migration for what the records have and the schema has not."""
    command.revision(_config(database), message=message, autogenerate=True)


def revisions(database: Database) -> tuple[str | None, str | None]:
    """The schema's revision and the newest one there is."""
    with database.engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    return current, ScriptDirectory.from_config(_config(database)).get_current_head()
