"""Versions in headers: ETag on reads, If-None-Match → 304, If-Match on writes → 412."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime

from domain.errors import PreconditionFailed
from domain.records import Ticket
from domain.tickets import is_overdue

_TAG = re.compile(r'(?:W/)?"([^"]*)"')


def ticket_tag(ticket: Ticket, now: datetime) -> str:
    """`"7-2"`: version 7, two files arrived; `-late` once overdue. Writes compare the version alone."""
    return f'"{ticket.version}-{ticket.files_arrived}{"-late" if is_overdue(ticket, now) else ""}"'


def version_tag(version: int) -> str:
    """The tag of a record that is just its version."""
    return f'"{version}"'


def content_tag(body: bytes) -> str:
    """The weak tag of something without a version of its own: a list, a page of figures."""
    return f'W/"{hashlib.sha256(body).hexdigest()[:24]}"'


def unchanged(if_none_match: str | None, tag: str) -> bool:
    """Whether the caller already has this (RFC 9110 §13.1.2, weak comparison)."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or tag.removeprefix("W/").strip('"') in _TAG.findall(if_none_match)


def must_match(if_match: str | None, version: int) -> None:
    """Raise PreconditionFailed unless the caller worked from this version (RFC 9110 §13.1.1).

    The part of a tag before the first hyphen is the version: a photo arriving meanwhile is no conflict.
    """
    if if_match is None or if_match.strip() == "*":
        return
    versions = [tag.partition("-")[0] for tag in _TAG.findall(if_match)]
    if str(version) not in versions:
        raise PreconditionFailed(expected=", ".join(versions) or "?", current=version)
