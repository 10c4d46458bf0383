"""Backup and restore: everything an installation cannot make again, in one archive.

A tar file: `manifest.json` (what made it, from what), `database.dump` (pg_dump's own format, one consistent moment),
`files/SHA-256` for each photo and paper, and `end.json` with their number, without which an archive is not whole. The
database is dumped first: files are only ever added, so whatever it names is among those copied after it. Copies made
for pages, parts still arriving and the scheduler's own records are left out; they are made again.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

from sqlalchemy import URL, make_url, text
from sqlalchemy.exc import OperationalError

from chuncha.installation import Installation
from chuncha.postgres import programs
from domain import migrations
from domain.database import Database
from domain.file_store import sha256_of
from statemachines.refusals import Refusal

FORMAT = 1
MANIFEST, DUMP, FILES, END = "manifest.json", "database.dump", "files/", "end.json"

Say = Callable[[str], None]


class ArchiveThere(Refusal):
    """A backup never overwrites an earlier one."""

    code, status = "archive-there", 409
    title_zh, title_en = "文件已存在", "The file is there already"
    zh = "{file} 已存在，备份不会覆盖它，请换一个文件名。"
    en = "{file} is there already; a backup overwrites nothing. Choose another name."


class ArchiveBroken(Refusal):
    """What was given is no backup, or not a whole one."""

    code, status = "archive-broken", 422
    title_zh, title_en = "备份不完整", "The backup is not whole"
    zh = "{file} 不是完整的备份（{why}），没有恢复任何内容。"
    en = "{file} is not a whole backup ({why}); nothing was restored."


class TargetNotEmpty(Refusal):
    """A backup is restored into an empty installation alone."""

    code, status = "target-not-empty", 409
    title_zh, title_en = "目标不为空", "The target is not empty"
    zh = "目标已有内容（{what}）。只能恢复到空的数据库和空的文件库，请用 --data 另指定一个新文件夹，或清空目标。"
    en = (
        "The target holds something already ({what}). Restore into an empty database and an empty store of files: name"
        " a new folder with --data, or clear the target."
    )


class ToolTooOld(Refusal):
    """Every pg_dump or pg_restore at hand is older than the server, whose tables it might not understand."""

    code, status = "tool-too-old", 409
    title_zh, title_en = "数据库工具太旧", "The database tool is too old"
    zh = (
        "数据库服务器是 PostgreSQL {server}，本机最新的 {tool} 是 {newest}，不能用于备份或恢复。"
        "请安装 PostgreSQL {server} 或更新的客户端程序并放进 PATH，再试一次。"
    )
    en = (
        "The server is PostgreSQL {server}, the newest {tool} here is {newest} and cannot save or restore it."
        " Install the client programs of PostgreSQL {server} or newer on the PATH and try again."
    )


class ToolFailed(Refusal):
    """PostgreSQL's own program ended with an error."""

    code, status = "tool-failed", 500
    title_zh, title_en = "数据库工具出错", "A database tool failed"
    zh = "{tool} 出错：{said}"
    en = "{tool} failed: {said}"


def back_up(installation: Installation, target: Path, *, now: datetime, say: Say) -> None:
    """Write a backup of the installation, which may go on working, to `target`; whole, or not at all.

    Raises ArchiveThere, ToolTooOld, ToolFailed, StoreUnreachable.
    """
    if target.exists():
        raise ArchiveThere(file=target)
    # Beside the target: the same disk, and room for a dump that may not fit into memory.
    with tempfile.TemporaryDirectory(prefix=".chuncha-backup-", dir=target.absolute().parent) as folder:
        dump, unfinished = Path(folder) / DUMP, Path(folder) / "archive.tar"
        unfinished.touch(mode=0o600)
        options = ("--format=custom", "--no-owner", "--no-privileges", f"--file={dump}")
        _call("pg_dump", installation.database, *options)
        with tarfile.open(unfinished, "w") as archive:
            _add(archive, MANIFEST, _json(_manifest(installation, now)))
            archive.add(dump, DUMP)
            count = size = 0
            for sha256, _ in installation.files.everything():
                data = installation.files.get(sha256)
                _add(archive, f"{FILES}{sha256}", data)
                count, size = count + 1, size + len(data)
            _add(archive, END, _json({"files": count, "bytes": size}))
        with unfinished.open("rb") as written:
            os.fsync(written.fileno())
        dumped = dump.stat().st_size
        unfinished.rename(target)
    say(f"{target}: database of {dumped} bytes, {count} files of {size} bytes")


def restore(installation: Installation, source: Path, *, say: Say) -> None:
    """Put a backup into an installation that holds nothing yet, and bring its schema up to this release.

    The whole archive is read and checked first. Raises TargetNotEmpty, ArchiveBroken, ToolTooOld, ToolFailed,
    StoreUnreachable.
    """
    names = _whole(source)
    _must_be_empty(installation, but_for=names)
    with _opened(source) as archive, tempfile.TemporaryDirectory(prefix="chuncha-restore-") as folder:
        dump = Path(folder) / DUMP
        for member in archive:
            if member.name == DUMP:
                with dump.open("wb") as out, _file(archive, member) as dumped:
                    shutil.copyfileobj(dumped, out)
            elif member.name.startswith(FILES):
                installation.files.put(_read(archive, member))
        # Last and in one transaction: a restore that broke off before may simply be begun again.
        options = ("--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges")
        _call("pg_restore", installation.database, *options, str(dump))
    migrations.upgrade(installation.database)
    say(f"{source}: restored, {len(names)} files")


def _manifest(installation: Installation, now: datetime) -> dict[str, Any]:
    with installation.database.reading() as session:
        server = session.execute(text("SHOW server_version")).scalar_one()
    revision, _ = migrations.revisions(installation.database)
    return {
        "format": FORMAT,
        "chuncha": version("chuncha"),
        "schema": revision,
        "postgresql": server,
        "made_at": now.isoformat(),
    }


def _must_be_empty(installation: Installation, *, but_for: set[str]) -> None:
    query = text("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace")
    with installation.database.reading() as session:
        if session.scalar(query):
            raise TargetNotEmpty(what="database")
    if any(sha256 not in but_for for sha256, _ in installation.files.everything()):
        raise TargetNotEmpty(what="files")


def _whole(source: Path) -> set[str]:
    """The SHA-256 of every file in an archive that was read to its end: each has the content its name says.

    Raises ArchiveBroken.
    """
    seen: list[str] = []
    names: set[str] = set()
    size = 0
    end: dict[str, Any] = {}
    with _opened(source) as archive:
        for member in archive:
            seen.append(member.name)
            if member.name == MANIFEST and json.loads(_read(archive, member)).get("format") != FORMAT:
                raise ArchiveBroken(file=source, why="another format")
            if member.name.startswith(FILES):
                data = _read(archive, member)
                if sha256_of(data) != member.name.removeprefix(FILES):
                    raise ArchiveBroken(file=source, why=f"{member.name} is damaged")
                names.add(member.name.removeprefix(FILES))
                size += len(data)
            elif member.name == END:
                end = json.loads(_read(archive, member))
    if seen[:2] != [MANIFEST, DUMP] or seen[-1:] != [END] or end != {"files": len(names), "bytes": size}:
        raise ArchiveBroken(file=source, why="its end is missing" if END not in seen else "parts are missing")
    return names


@contextmanager
def _opened(source: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(source) as archive:
            yield archive
    except (tarfile.TarError, EOFError, ValueError, KeyError) as error:
        raise ArchiveBroken(file=source, why=str(error) or type(error).__name__) from error


def _file(archive: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    file = archive.extractfile(member)
    if file is None:
        raise tarfile.ReadError(f"{member.name} is no file")
    return file


def _read(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    with _file(archive, member) as file:
        data = file.read()
    if len(data) != member.size:
        raise tarfile.ReadError(f"{member.name} is cut off")
    return data


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    archive.addfile(member, io.BytesIO(data))


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, indent=2).encode()


def chosen(tool: str, server: int) -> Path:
    """The newest program of this name, if it is at least of the server's major version. Raises ToolTooOld."""
    newest, path = max(programs(tool), default=(0, None))
    if path is None or newest < server:
        raise ToolTooOld(tool=tool, server=server, newest=newest or "—")
    return path


def _server(database: Database) -> int:
    """The server's major version. Raises ToolFailed when it cannot be asked."""
    try:
        with database.reading() as session:
            return int(session.execute(text("SHOW server_version_num")).scalar_one()) // 10_000
    except OperationalError as error:
        raise ToolFailed(tool="PostgreSQL", said=str(error.orig).strip()[-800:]) from error


def _call(tool: str, database: Database, *options: str) -> None:
    """Run one of PostgreSQL's programs on the database; the password stays out of its arguments."""
    url = make_url(database.url)
    environment = {**os.environ, **({"PGPASSWORD": str(url.password)} if url.password else {})}
    address = URL.create(
        "postgresql",
        username=url.username,
        host=url.host,
        port=url.port,
        database=url.database,
        query=url.query,
    ).render_as_string()
    done = subprocess.run(
        [str(chosen(tool, _server(database))), f"--dbname={address}", *options],
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise ToolFailed(tool=tool, said=done.stderr.strip()[-800:])
