"""Connections outlive a server that was restarted, and a glance reads without a transaction."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from domain import database as module
from domain.database import Database


def _backend(database: Database) -> int:
    with database.reading() as session:
        return int(session.scalar(text("SELECT pg_backend_pid()")) or 0)


def _kill(database: Database, pid: int) -> None:
    other = Database(database.url, pool_size=1)
    with other.reading() as session:
        session.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    other.close()


def test_a_connection_that_died_while_idle_is_replaced_unnoticed(
    database: Database, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "IDLE", 0.0)
    first = _backend(database)
    _kill(database, first)
    assert _backend(database) != first


def test_one_that_died_in_use_costs_one_request(database: Database, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "IDLE", 3600.0)
    first = _backend(database)
    _kill(database, first)
    with pytest.raises(OperationalError):
        _backend(database)
    assert _backend(database) != first


def test_a_glance_opens_no_transaction(database: Database):
    with database.glance() as session:
        session.execute(text("SELECT 1"))
        pid = session.scalar(text("SELECT pg_backend_pid()"))
        with database.reading() as other:
            state = other.scalar(text("SELECT state FROM pg_stat_activity WHERE pid = :pid"), {"pid": pid})
        assert state == "idle"
