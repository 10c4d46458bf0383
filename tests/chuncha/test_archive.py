"""A backup put back is the installation it was made of; what is not whole, or would overwrite, is refused."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from chuncha.archive import (
    ArchiveBroken,
    ArchiveThere,
    TargetNotEmpty,
    ToolFailed,
    ToolTooOld,
    back_up,
    chosen,
    restore,
)
from chuncha.installation import Installation
from domain.database import Database
from domain.errors import LawOfTheRecords
from domain.file_store import FileStore, sha256_of
from domain.settings import Settings
from tests.photos import photo
from tests.world import World


@pytest.fixture
def lived_in(world: World, store: FileStore, tmp_path: Path) -> Installation:
    """An installation with a ticket, its history and a photo."""
    world.acknowledged()
    store.put(photo())
    return Installation(Settings(data=tmp_path), world.database, store)


@pytest.fixture
def empty(postgres_url: str, tmp_path: Path) -> Iterator[Installation]:
    """One that holds nothing."""
    admin = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text("CREATE DATABASE t_restored TEMPLATE template0"))
    database = Database(postgres_url.replace("/postgres?", "/t_restored?", 1), pool_size=1)
    files = FileStore.in_folder(tmp_path / "restored", max_bytes=20 * 1024 * 1024)
    yield Installation(Settings(data=tmp_path), database, files)
    database.close()
    with admin.connect() as connection:
        connection.execute(text("DROP DATABASE t_restored WITH (FORCE)"))
    admin.dispose()


@pytest.fixture
def archive(lived_in: Installation, world: World, tmp_path: Path) -> Path:
    """Its backup."""
    target = tmp_path / "backup.tar"
    back_up(lived_in, target, now=world.now, say=lambda _: None)
    return target


def held(installation: Installation) -> tuple[dict[str, tuple[int, str | None]], list[tuple[str, int]]]:
    """Of each table the number and the hash of its rows, and every file with its hash and size."""
    with installation.database.reading() as session:
        names = session.scalars(
            text("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
        )
        tables = {}
        for name in sorted(names):
            rows = text(f"SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM \"{name}\" t")
            count, md5 = session.execute(rows).one()
            tables[name] = (count, md5)
    return tables, sorted(installation.files.everything())


def test_what_is_put_back_is_what_was_there(
    lived_in: Installation, empty: Installation, archive: Path
) -> None:
    assert archive.stat().st_mode & 0o077 == 0, "it holds everything, so nobody else may read it"
    said: list[str] = []
    restore(empty, archive, say=said.append)
    tables, files = held(empty)
    assert (tables, files) == held(lived_in)
    assert tables["tickets"][0] == 1
    assert files == [(sha256_of(photo()), len(photo()))]
    assert "1 files" in said[0]
    with pytest.raises(LawOfTheRecords), empty.database.transaction() as session:
        # The triggers came back with the rows.
        session.execute(text("DELETE FROM history"))
    with pytest.raises(TargetNotEmpty):
        restore(empty, archive, say=said.append)


def test_a_backup_overwrites_nothing(lived_in: Installation, archive: Path, world: World) -> None:
    before = archive.read_bytes()
    with pytest.raises(ArchiveThere):
        back_up(lived_in, archive, now=world.now, say=lambda _: None)
    assert archive.read_bytes() == before


def test_other_files_in_the_target_are_not_mixed_with_those_of_the_backup(
    empty: Installation, archive: Path
) -> None:
    empty.files.put(b"somebody else's")
    with pytest.raises(TargetNotEmpty):
        restore(empty, archive, say=lambda _: None)


def test_a_restore_that_broke_off_is_begun_again(
    lived_in: Installation, empty: Installation, archive: Path
) -> None:
    ((sha256, _),) = lived_in.files.everything()
    empty.files.put(lived_in.files.get(sha256))
    restore(empty, archive, say=lambda _: None)
    assert held(empty) == held(lived_in)


@pytest.mark.parametrize("damage", ["cut short", "a file changed", "no archive", "its end left out"])
def test_what_is_not_whole_restores_nothing(empty: Installation, archive: Path, damage: str) -> None:
    data = archive.read_bytes()
    if damage == "cut short":
        archive.write_bytes(data[: len(data) // 2])
    elif damage == "no archive":
        archive.write_bytes(b"no archive at all")
    elif damage == "a file changed":
        at = data.index(b"\xff\xd8\xff", data.index(b"files/"))
        archive.write_bytes(data[: at + 40] + b"damaged" + data[at + 47 :])
    else:
        with tarfile.open(archive) as whole, tarfile.open(archive.with_suffix(".cut"), "w") as cut:
            for member in whole:
                if member.name != "end.json":
                    cut.addfile(member, whole.extractfile(member))
        archive = archive.with_suffix(".cut")
    with pytest.raises(ArchiveBroken):
        restore(empty, archive, say=lambda _: None)
    assert list(empty.files.everything()) == []
    with empty.database.reading() as session:
        assert session.scalar(text("SELECT to_regclass('public.tickets')")) is None


def test_a_database_that_cannot_be_dumped_leaves_no_archive(tmp_path: Path, store: FileStore, now) -> None:
    nowhere = Database("postgresql+psycopg://nobody:secret@127.0.0.1:1/nothing", pool_size=1)
    with pytest.raises(ToolFailed) as failed:
        back_up(
            Installation(Settings(data=tmp_path), nowhere, store),
            tmp_path / "backup.tar",
            now=now,
            say=lambda _: None,
        )
    assert "127.0.0.1" in failed.value.sentence("en")
    assert "secret" not in failed.value.sentence("en")
    assert [each.name for each in tmp_path.iterdir() if "backup" in each.name] == []


def test_an_older_tool_than_the_server_is_refused_before_anything_is_written() -> None:
    assert chosen("pg_dump", 18).name == "pg_dump", "the embedded server's own"
    for tool in ("pg_dump", "pg_restore"):
        with pytest.raises(ToolTooOld) as refused:
            chosen(tool, 99)
        assert "PostgreSQL 99" in refused.value.sentence("zh")
        assert "PATH" in refused.value.sentence("en")
