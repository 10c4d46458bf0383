"""What an installation has and what it lacks, one line each."""

from __future__ import annotations

import smtplib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from chuncha.installation import Installation
from domain import migrations
from domain.calendars import missing_year
from domain.dispatches import what_waits
from domain.heartbeats import late

OLDEST_POSTGRES = 15


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    about: str
    good: bool
    said: str


def examine(installation: Installation, *, now: datetime) -> list[Finding]:
    """Look at everything the installation needs; a part that fails says how, and the rest is still looked at."""
    looks: tuple[tuple[str, Callable[[Installation, datetime], Iterator[Finding]]], ...] = (
        ("database", _database),
        ("files", _files),
        ("mail", _mail),
        ("notices", _notices),
        ("flows", _flows),
        ("calendar", _calendar),
    )
    found = []
    for about, look in looks:
        try:
            found += list(look(installation, now))
        except (SQLAlchemyError, OSError, smtplib.SMTPException) as error:
            found.append(Finding(about, good=False, said=str(error).splitlines()[0]))
    return found


def _database(installation: Installation, _: datetime) -> Iterator[Finding]:
    with installation.database.reading() as session:
        version = int(session.execute(text("SHOW server_version_num")).scalar_one()) // 10000
    yield Finding("database", version >= OLDEST_POSTGRES, f"PostgreSQL {version}")
    current, newest = migrations.revisions(installation.database)
    yield Finding(
        "schema", current == newest, f"{current or 'empty'}; newest {newest}; `chuncha migrate` brings it up"
    )


def _files(installation: Installation, _: datetime) -> Iterator[Finding]:
    probe = installation.files.put(b"chuncha doctor")
    good = installation.files.get(probe) == b"chuncha doctor"
    yield Finding("files", good, installation.settings.files_url or str(installation.settings.files_folder))


def _mail(installation: Installation, _: datetime) -> Iterator[Finding]:
    address = installation.settings.smtp_url
    if address is None:
        said = "no mail server (CHUNCHA_SMTP_URL): notices are read in the in-box on the pages only"
        yield Finding("mail", good=False, said=said)
        return
    parts = urlsplit(address)
    kind = smtplib.SMTP_SSL if parts.scheme == "smtps" else smtplib.SMTP
    with kind(parts.hostname or "", parts.port or 0, timeout=5) as server:
        code, _answer = server.noop()
    yield Finding("mail", code == 250, f"{parts.hostname}:{parts.port} answers {code}")


def _notices(installation: Installation, now: datetime) -> Iterator[Finding]:
    with installation.database.reading() as session:
        waits = what_waits(session, as_of=now)
    old = waits.oldest is not None and (now - waits.oldest).total_seconds() > 3600
    since = f", the oldest since {waits.oldest}" if waits.oldest else ""
    yield Finding("notices", not old, f"{waits.count} waiting{since}")


def _flows(installation: Installation, now: datetime) -> Iterator[Finding]:
    with installation.database.reading() as session:
        behind = late(session, now=now)
    yield Finding(
        "flows", not behind, f"late: {', '.join(str(each) for each in behind)}" if behind else "on time"
    )


def _calendar(installation: Installation, now: datetime) -> Iterator[Finding]:
    with installation.database.reading() as session:
        alarm = missing_year(session, now=now)
    if alarm is None:
        yield Finding("calendar", good=True, said="the State Council's notice is known")
        return
    said = "make-up days are not known; deadlines are provisional: `chuncha calendar import`"
    yield Finding(f"calendar {alarm.year}", good=False, said=said)
