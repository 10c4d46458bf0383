"""The library of standard hazards (标准隐患库): imported, derived from a checklist, searched as people type."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.checklists import WrittenLevel, YesOrNo
from domain.errors import NotFound
from domain.history import record
from domain.paging import Key, Page, page_of
from domain.pinyin import rank, spoken
from domain.records import Checklist, ChecklistItem, StandardHazard
from domain.rights import Deed, must_be_allowed
from statemachines.roles import Actor

MOST_FOUND = 50
"""Hazards a search gives at most: nobody reads on, they type another letter."""


class NewHazard(BaseModel):
    """A standard hazard as a table has it. `criterion` is the clause, or what would be in order; `deadline_days` as in
    domain/deadlines.py. The two evidence rules are copied to every ticket made from it.
    """

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    code: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$")
    category: str = Field(min_length=1, max_length=100)
    title: str = Field(min_length=1, max_length=200)
    criterion: str = Field(default="", max_length=1000)
    level: WrittenLevel
    measure: str = Field(min_length=1, max_length=1000)
    deadline_days: int = Field(ge=0, le=3650)
    photo_required: YesOrNo = False
    after_photo_required: YesOrNo = False


class HazardFilter(BaseModel):
    """What a list is narrowed to: `q` as people type it (signs, pinyin, initials, code), `category` or its start."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    q: str = Field(default="", max_length=60)
    category: str = Field(default="", max_length=100)


class Put(StrEnum):
    """What putting a hazard did."""

    ADDED = "added"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Derived:
    """What deriving from a checklist did: how many were added, and how many were there already."""

    added: int
    known: int


def hazard_by_code(session: Session, code: str, *, version: int | None = None) -> StandardHazard:
    """The current version of a hazard, or the named one. Everybody may read the library. Raises NotFound."""
    query = select(StandardHazard).where(StandardHazard.code == code)
    wanted = StandardHazard.superseded_at.is_(None) if version is None else StandardHazard.version == version
    hazard = session.scalars(query.where(wanted)).one_or_none()
    if hazard is None:
        raise NotFound(what=code)
    return hazard


def list_hazards(
    session: Session, wanted: HazardFilter, *, limit: int = 50, cursor: str | None = None
) -> Page[StandardHazard]:
    """Current hazards by code; with `q` the best fits first, on one page. Raises BadInput for a wrong cursor."""
    query = select(StandardHazard).where(StandardHazard.superseded_at.is_(None))
    if wanted.category:
        query = query.where(StandardHazard.category.startswith(wanted.category, autoescape=True))
    if not wanted.q:
        return page_of(session, query, Key(StandardHazard.code, str), limit=limit, cursor=cursor)
    found = [
        (fit, hazard.code, hazard)
        for hazard in session.scalars(query.order_by(StandardHazard.code))
        if (fit := rank(wanted.q, title=hazard.title, pinyin=hazard.pinyin, code=hazard.code)) is not None
    ]
    found.sort(key=lambda each: each[:2])
    return Page([hazard for _, _, hazard in found[: min(limit, MOST_FOUND)]], None)


def every_hazard(session: Session) -> list[StandardHazard]:
    """The whole library by code: what a phone keeps for the day."""
    current = select(StandardHazard).where(StandardHazard.superseded_at.is_(None))
    return list(session.scalars(current.order_by(StandardHazard.code)))


def versions_of(session: Session, code: str) -> list[StandardHazard]:
    """Every version of a hazard, newest first."""
    query = select(StandardHazard).where(StandardHazard.code == code)
    return list(session.scalars(query.order_by(StandardHazard.version.desc())))


def put_hazard(session: Session, new: NewHazard, *, actor: Actor, now: datetime) -> Put:
    """Add a hazard, or a new version of the one with this code; the same again changes nothing. Its guidance photo
    stays. Raises RoleMissing.
    """
    must_be_allowed(actor, Deed.KEEP_HAZARDS, at=actor.unit_path)
    # Two imports at once: the second waits and then meets the first's version.
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"hazard:{new.code}", 0))))
    versions = versions_of(session, new.code)
    newest = versions[0] if versions else None
    current = newest if newest is not None and newest.superseded_at is None else None
    told = new.model_dump()
    if current is not None and all(getattr(current, name) == value for name, value in told.items()):
        return Put.UNCHANGED
    _write(
        session,
        told,
        newest.version + 1 if newest else 1,
        current,
        guidance_photo=newest.guidance_photo if newest else None,
        actor=actor,
        now=now,
    )
    return Put.ADDED if current is None else Put.UPDATED


def _write(
    session: Session,
    told: dict[str, object],
    version: int,
    current: StandardHazard | None,
    *,
    guidance_photo: str | None,
    actor: Actor,
    now: datetime,
) -> StandardHazard:
    if current is not None:
        current.superseded_at = now
        session.flush()
    said = spoken(str(told["title"]))
    hazard = StandardHazard(
        **told,
        version=version,
        pinyin=said.pinyin,
        initials=said.initials,
        guidance_photo=guidance_photo,
        recorded_at=now,
        recorded_by_id=actor.id,
    )
    session.add(hazard)
    session.flush()
    record(
        session,
        hazard,
        "imported",
        actor=actor,
        now=now,
        code=hazard.code,
        version=version,
        title=hazard.title,
        level=hazard.level,
    )
    return hazard


def withdraw_hazard(session: Session, hazard: StandardHazard, *, actor: Actor, now: datetime) -> None:
    """Take a hazard out of the library; tickets made from it keep it. Raises RoleMissing."""
    must_be_allowed(actor, Deed.KEEP_HAZARDS, at=actor.unit_path)
    if hazard.superseded_at is None:
        hazard.superseded_at = now
        record(session, hazard, "withdrawn", actor=actor, now=now, code=hazard.code, version=hazard.version)
        session.flush()


def derive_from(session: Session, checklist: Checklist, *, actor: Actor, now: datetime) -> Derived:
    """A start for a library: one hazard for each item of a checklist, under the item's code; those that are there stay
    as they are. Items must be loaded. Raises RoleMissing.
    """
    must_be_allowed(actor, Deed.KEEP_HAZARDS, at=actor.unit_path)
    known = set(session.scalars(select(StandardHazard.code)))
    fresh = [item for item in checklist.items if item.code not in known]
    for item in fresh:
        put_hazard(session, derived(item), actor=actor, now=now)
    return Derived(added=len(fresh), known=len(checklist.items) - len(fresh))


def derived(item: ChecklistItem) -> NewHazard:
    """The hazard an item of a checklist asks about."""
    return NewHazard(
        code=item.code,
        category=item.category,
        title=item.item,
        criterion=item.criterion,
        level=item.level,
        measure=item.measure,
        deadline_days=item.deadline_days,
        photo_required=item.photo_required,
        after_photo_required=item.after_photo_required,
    )
