"""The schema's history: up, down, up again, and at its end exactly what the records say."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text

from domain import migrations
from domain.database import Database
from domain.people import first_administrator
from domain.records import Base
from tests.waiting import START

HOUSE = Path(__file__).parents[1]


@pytest.fixture
def bare(postgres_url: str) -> Iterator[Database]:
    """An empty database without any schema."""
    admin = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text("CREATE DATABASE t_bare TEMPLATE template0"))
    own = Database(postgres_url.replace("/postgres?", "/t_bare?", 1))
    yield own
    own.close()
    with admin.connect() as connection:
        connection.execute(text("DROP DATABASE t_bare WITH (FORCE)"))
    admin.dispose()


def laws(database: Database) -> set[tuple[str, ...]]:
    """Every column, constraint and index as PostgreSQL itself writes it down: more than Alembic compares."""
    queries = (
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = 'public'::regnamespace AND conrelid <> 0 AND conrelid::regclass::text <> 'alembic_version'",
        "SELECT tablename, indexname, indexdef FROM pg_indexes"
        " WHERE schemaname = 'public' AND tablename <> 'alembic_version'",
        "SELECT table_name, column_name, data_type, is_nullable, column_default, is_identity, identity_generation,"
        " numeric_precision::text, numeric_scale::text, character_maximum_length::text"
        " FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'",
    )
    with database.engine.connect() as connection:
        return {tuple(row) for query in queries for row in connection.execute(text(query))}


def left(database: Database) -> list[str]:
    """Everything in the schema `public` that somebody made."""
    query = """
        SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
        UNION SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        UNION SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace
    """
    with database.engine.connect() as connection:
        return sorted(row[0] for row in connection.execute(text(query)))


def test_up_down_and_up_again(bare, now):
    migrations.upgrade(bare)
    first = laws(bare)
    migrations.downgrade(bare, "base")
    assert {name for name in left(bare) if not name.lstrip("_").startswith("alembic_version")} == set()
    migrations.upgrade(bare)
    assert laws(bare) == first
    with bare.transaction() as session:
        assert first_administrator(session, now=now)


def test_notices_sent_before_messages_existed_keep_their_message_id_both_ways(bare, now):
    """0003 gives every notice that was tried a message with the notice's own id; 0002 has the columns again."""
    migrations.upgrade(bare, "0002")
    with bare.engine.begin() as connection:
        connection.execute(text(_OLD_NOTICES), {"now": now})
        old = connection.execute(text(_AS_OLD)).all()
    migrations.upgrade(bare)
    with bare.engine.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT n.key, d.id = n.id, d.answer, d.attempts, a.outcome FROM notices n"
                " LEFT JOIN dispatches d ON d.id = n.dispatch_id"
                " LEFT JOIN delivery_attempts a ON a.dispatch_id = d.id ORDER BY n.key"
            )
        ).all()
    assert [tuple(row) for row in rows] == [
        ("in-box", None, None, None, None),
        ("refused", True, None, 1, "refused"),
        ("sent", True, "250 OK", 2, "sent"),
        ("waiting", None, None, None, None),
    ]
    migrations.downgrade(bare, "0002")
    with bare.engine.connect() as connection:
        assert connection.execute(text(_AS_OLD)).all() == old


_OLD_NOTICES = """
    WITH unit AS (
        INSERT INTO units (id, code, name, kind, path) VALUES (gen_random_uuid(), 'XB', '局', 'bureau', '/XB/')
        RETURNING id
    ), person AS (
        INSERT INTO people (id, login, name, unit_id, password_is_one_time, language, active, created_at)
        SELECT gen_random_uuid(), 'limin', '李敏', id, false, 'zh', true, :now FROM unit RETURNING id
    )
    INSERT INTO notices (id, key, kind, person_id, channel, address, subject, body, created_at, not_before, attempts,
        last_error, sent_at, answer, gave_up_at)
    SELECT gen_random_uuid(), key, 'test', person.id, channel, 'x@example.org', 's', 'b', :now, :now, attempts,
        last_error, sent_at, answer, gave_up_at
    FROM person, (VALUES
        ('sent', 'email', 2, NULL, :now, '250 OK', NULL),
        ('refused', 'email', 1, '550 unknown', NULL, NULL, :now),
        ('waiting', 'email', 0, NULL, NULL, NULL, NULL),
        ('in-box', 'inbox', 0, NULL, :now, 'in-box', NULL)
    ) AS v (key, channel, attempts, last_error, sent_at, answer, gave_up_at)
"""
_AS_OLD = (
    "SELECT id, key, channel, address, not_before, attempts, last_error, sent_at, answer, gave_up_at FROM notices"
    " ORDER BY key"
)


def test_going_up_twice_changes_nothing(database):
    before = laws(database)
    migrations.upgrade(database)
    assert laws(database) == before
    current, newest = migrations.revisions(database)
    assert current == newest


def test_processes_that_start_together_migrate_once(bare):
    code = "import sys; from domain import migrations; from domain.database import Database\n"
    code += "migrations.upgrade(Database(sys.argv[1], pool_size=1))"
    starts = [subprocess.Popen([sys.executable, "-c", code, bare.url], cwd=HOUSE) for _ in range(2)]
    assert [each.wait(START) for each in starts] == [0, 0]
    current, newest = migrations.revisions(bare)
    assert current == newest


def test_the_records_ask_for_no_further_migration(database):
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_the_migrated_schema_is_the_one_the_records_describe(database, bare):
    """Alembic compares no CHECK and no expression of an index; the law of the house lies in these."""
    with database.engine.connect() as made, bare.engine.begin() as connection:
        # What an index calls must be there before it.
        for function in made.scalars(text(_FUNCTIONS)):
            connection.execute(text(function.replace(":", "\\:")))
    Base.metadata.create_all(bare.engine)
    migrated, described = laws(database), laws(bare)
    assert migrated - described == set()
    assert described - migrated == set()


_FUNCTIONS = (
    "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY oid"
)


def test_every_constraint_has_a_name_of_ours(database):
    found = inspect(database.engine)
    for table in found.get_table_names():
        if table == "alembic_version":
            continue
        for check in found.get_check_constraints(table):
            assert check["name"].startswith(f"ck_{table}_")
        for key in found.get_foreign_keys(table):
            assert key["name"].startswith(f"fk_{table}_")
        for unique in found.get_unique_constraints(table):
            assert unique["name"].startswith(f"uq_{table}_")


def test_each_migration_says_what_it_follows():
    folder = Path(migrations.__file__).parent / "versions"
    assert sorted(path.name[:4] for path in folder.glob("[0-9]*.py")) == [
        f"{place:04d}" for place in range(1, len(list(folder.glob("[0-9]*.py"))) + 1)
    ]
