"""The store a new scheduler begins with: made once at set-up, copied, and never put over one that is there."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from chuncha import scheduler


def test_a_new_scheduler_begins_with_an_empty_store_of_its_release(tmp_path: Path) -> None:
    scheduler.put_empty_store(tmp_path / "home")
    with closing(sqlite3.connect(tmp_path / "home" / "prefect.db")) as store:
        assert store.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)
        assert store.execute("SELECT count(*) FROM flow_run").fetchone() == (0,)
    assert [each.name for each in (tmp_path / "home").iterdir()] == ["prefect.db"]


def test_a_store_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "prefect.db").write_bytes(b"somebody's runs")
    scheduler.put_empty_store(tmp_path)
    assert (tmp_path / "prefect.db").read_bytes() == b"somebody's runs"


def test_where_none_was_kept_the_scheduler_makes_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    scheduler.put_empty_store(tmp_path / "home")
    assert not (tmp_path / "home").exists()
