"""Inspections: one visit to one unit against a checklist, planned and read.

domain/answers.py answers it, domain/submissions.py ends it, domain/hand_overs.py gives it to a colleague.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, joinedload, selectinload
from uuid_utils.compat import uuid7

from domain.campaigns import campaign_by_code, must_be_open
from domain.chases import follow
from domain.checklists import checklist_by_code
from domain.coverage import scope_unit_of
from domain.errors import BadInput, NotFound, PreconditionFailed
from domain.history import record
from domain.paging import Key, Page, page_of
from domain.people import person_by_login, unit_by_code
from domain.phases import Day
from domain.records import (
    Answer,
    AnswerConflict,
    AnswerValue,
    Campaign,
    Checklist,
    Inspection,
    Person,
    Unit,
)
from domain.rights import Deed, may, must_be_allowed
from domain.visibility import inspections_visible_to
from statemachines.chart import begin
from statemachines.inspection import InspectionState
from statemachines.labels import local_day
from statemachines.roles import Actor, Role

Code = Annotated[str, Field(min_length=1, max_length=64)]

INSPECTING = (Role.INSPECTOR, Role.SUPERVISOR)
"""Who makes visits."""


class _Told(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class NewInspection(_Told):
    """A visit to plan. `checklist` is the campaign's when left out, `planned_on` today, `inspector` (login) whoever
    plans it if they are an inspector there, else open. `instead_of` is the missed visit this one makes up for (补检):
    the same campaign, unit and checklist. `id` is a UUID made by the client.
    """

    id: UUID | None = None
    campaign: Code
    unit: Code
    checklist: Code | None = None
    inspector: Code | None = None
    planned_on: Day | None = None
    instead_of: UUID | None = None


class InspectionFilter(_Told):
    """What a list is narrowed to; `unit` means the unit and all below it."""

    campaign: Code | None = None
    unit: Code | None = None
    state: list[InspectionState] = Field(default_factory=list, max_length=len(InspectionState))
    mine: bool = False


# Reading.


def inspection_by_id(
    session: Session, key: UUID, *, actor: Actor, lock: bool = False, expected_version: int | None = None
) -> Inspection:
    """The inspection with unit, campaign, checklist with items, inspector and answers (with their tickets) loaded.

    Raises NotFound when there is none in the actor's sight, PreconditionFailed for another version.
    """
    query = (
        select(Inspection)
        .where(Inspection.id == key, inspections_visible_to(actor))
        .options(
            joinedload(Inspection.unit),
            joinedload(Inspection.campaign).joinedload(Campaign.unit),
            joinedload(Inspection.checklist).selectinload(Checklist.items),
            joinedload(Inspection.inspector),
            joinedload(Inspection.submitted_by),
            selectinload(Inspection.answers).options(
                joinedload(Answer.item),
                joinedload(Answer.ticket),
                joinedload(Answer.answered_by),
                selectinload(Answer.photos),
                selectinload(Answer.conflicts).joinedload(AnswerConflict.answered_by),
            ),
        )
    )
    if lock:
        query = query.with_for_update(of=Inspection).execution_options(populate_existing=True)
    inspection = session.scalars(query).one_or_none()
    if inspection is None:
        raise NotFound(what=str(key))
    if expected_version is not None and inspection.version != expected_version:
        raise PreconditionFailed(expected=expected_version, current=inspection.version)
    return inspection


def list_inspections(
    session: Session, wanted: InspectionFilter, *, actor: Actor, limit: int = 50, cursor: str | None = None
) -> Page[Inspection]:
    """One page of visits the actor may see, by planned day. Raises BadInput for a wrong cursor."""
    query = (
        select(Inspection)
        .where(*_narrowed(wanted, actor))
        .options(
            joinedload(Inspection.unit),
            joinedload(Inspection.campaign),
            joinedload(Inspection.checklist),
            joinedload(Inspection.inspector),
        )
    )
    keys = Key(Inspection.planned_on, date.fromisoformat), Key(Inspection.id, UUID)
    return page_of(session, query, *keys, limit=limit, cursor=cursor)


def _narrowed(wanted: InspectionFilter, actor: Actor) -> Iterable[ColumnElement[bool]]:
    yield inspections_visible_to(actor)
    if wanted.campaign:
        yield Inspection.campaign_id.in_(select(Campaign.id).where(Campaign.code == wanted.campaign))
    if wanted.unit:
        top = select(Unit.path).where(Unit.code == wanted.unit).scalar_subquery()
        yield Inspection.unit_id.in_(select(Unit.id).where(func.starts_with(Unit.path, top)))
    if wanted.state:
        yield Inspection.state.in_(wanted.state)
    if wanted.mine:
        yield Inspection.inspector_id == actor.id


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a visit has come: how many items there are, and how many have each answer."""

    items: int
    counts: Mapping[AnswerValue, int]

    @property
    def answered(self) -> int:
        """Items with an answer, whatever it is."""
        return sum(self.counts.values())


def progress(inspection: Inspection) -> Progress:
    """How far a visit has come; checklist and answers must be loaded."""
    counts = Counter(answer.value for answer in inspection.answers)
    return Progress(len(inspection.checklist.items), {value: counts[value] for value in AnswerValue})


def score(answers: Iterable[Answer]) -> Decimal | None:
    """合格/(合格+不合格) in percent, two decimals; None when nothing was judged (domain rules 8)."""
    values = [answer.value for answer in answers]
    passed, failed = values.count(AnswerValue.PASS), values.count(AnswerValue.FAIL)
    if not passed + failed:
        return None
    return (Decimal(100 * passed) / (passed + failed)).quantize(Decimal("0.01"), ROUND_HALF_UP)


# Planning.


def create(session: Session, new: NewInspection, *, actor: Actor, now: datetime) -> Inspection:
    """Plan a visit. Sending the same one again (same `id`) returns the first.

    Raises BadInput (unknown or unsuitable campaign, unit, checklist, inspector, id taken), CampaignClosed, RoleMissing.
    """
    key = new.id or uuid7()
    if new.id is not None:
        # Two deliveries at the same moment: the second waits here and then meets the first's row.
        session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(str(key), 0))))
    campaign = campaign_by_code(session, new.campaign, actor=actor, pointer="/campaign")
    must_be_open(campaign)
    unit = unit_by_code(session, new.unit, actor=actor)
    must_be_allowed(actor, Deed.PLAN_INSPECTION, at=unit.path)
    if scope_unit_of(session, campaign, unit) is None:
        raise BadInput(
            "/unit",
            "unit-not-in-campaign",
            zh=f"“{unit.name}”不在“{campaign.name}”的检查范围内。",
            en=f"“{unit.name}” is not in the scope of “{campaign.name}”.",
        )
    missed = _missed(session, new.instead_of, campaign, unit)
    if missed is not None and new.checklist is None:
        checklist_id = missed.checklist_id
    else:
        checklist_id = _checklist_id(session, campaign, new.checklist)
    if (known := session.get(Inspection, key)) is not None:
        if (known.campaign_id, known.unit_id, known.checklist_id) != (campaign.id, unit.id, checklist_id):
            raise BadInput(
                "/id",
                "same-id-other-content",
                zh="这个 id 已用于另一次检查，请换一个新的 id。",
                en="This id belongs to another inspection; use a new one.",
            )
        return inspection_by_id(session, key, actor=actor)
    if missed is not None:
        _made_up_once(session, missed)
    inspection = Inspection(
        id=key,
        campaign=campaign,
        unit=unit,
        checklist_id=checklist_id,
        inspector_id=_inspector_id(session, new.inspector, unit, actor),
        planned_on=new.planned_on or local_day(now),
        instead_of_id=new.instead_of,
        created_at=now,
    )
    begin(inspection)
    session.add(inspection)
    follow(session, inspection, now=now, new=True)
    session.flush()
    record(
        session,
        inspection,
        "planned",
        actor=actor,
        now=now,
        after=inspection.state,
        planned_on=inspection.planned_on,
        instead_of=inspection.instead_of_id,
    )
    session.expire(inspection, ["checklist", "inspector", "answers"])
    return inspection_by_id(session, key, actor=actor)


def _missed(session: Session, key: UUID | None, campaign: Campaign, unit: Unit) -> Inspection | None:
    """The missed visit of this campaign and unit that is made up for, held against a second one. Raises BadInput."""
    if key is None:
        return None
    query = select(Inspection).where(
        Inspection.id == key,
        Inspection.campaign_id == campaign.id,
        Inspection.unit_id == unit.id,
        Inspection.state == InspectionState.MISSED,
    )
    missed = session.scalars(query.with_for_update()).one_or_none()
    if missed is None:
        raise BadInput(
            "/instead_of",
            "not-a-missed-visit",
            zh=f"instead_of 须为“{unit.name}”在本活动中一次未检的检查。",
            en=f"`instead_of` must be a missed visit to “{unit.name}” in this campaign.",
        )
    return missed


def made_up_by(session: Session, missed: Inspection) -> UUID | None:
    """The visit that makes up for this one, if one was planned."""
    return session.scalar(select(Inspection.id).where(Inspection.instead_of_id == missed.id))


def may_be_made_up(session: Session, visit: Inspection, *, actor: Actor) -> bool:
    """Whether the actor may plan a visit in place of this one: it was missed, and nothing makes up for it yet."""
    return (
        visit.state is InspectionState.MISSED
        and may(actor, Deed.PLAN_INSPECTION, at=visit.unit_path)
        and made_up_by(session, visit) is None
    )


def _made_up_once(session: Session, missed: Inspection) -> None:
    if made_up_by(session, missed) is not None:
        raise BadInput(
            "/instead_of",
            "made-up-already",
            zh="这次未检已安排了补检，不能再补一次。",
            en="That missed visit has been made up for already.",
        )


def _checklist_id(session: Session, campaign: Campaign, code: str | None) -> UUID:
    if code is not None:
        try:
            return checklist_by_code(session, code).id
        except NotFound as missing:
            raise BadInput(
                "/checklist",
                "unknown-checklist",
                zh=f"没有代码为“{code}”的检查表，请先导入。",
                en=f"There is no checklist “{code}”; import it first.",
            ) from missing
    if campaign.checklist_id is None:
        raise BadInput(
            "/checklist",
            "checklist-missing",
            zh=f"“{campaign.name}”没有检查表，请写明用哪一张。",
            en=f"“{campaign.name}” has no checklist; name the one to use.",
        )
    return campaign.checklist_id


def _inspector_id(session: Session, login: str | None, unit: Unit, actor: Actor) -> UUID | None:
    if login is None:
        return actor.id if actor.holds(Role.INSPECTOR, at=unit.path) else None
    return inspector_by_login(session, login, unit=unit, pointer="/inspector").id


def inspector_by_login(session: Session, login: str, *, unit: Unit, pointer: str) -> Person:
    """The person with this login, who must be able to inspect the unit. Raises BadInput."""
    person = person_by_login(session, login, pointer=pointer)
    if not may_inspect(person, unit):
        raise BadInput(
            pointer,
            "not-an-inspector",
            zh=f"“{person.name}”不是“{unit.name}”的检查员，请另选。",
            en=f"“{person.name}” is not an inspector for “{unit.name}”; choose another person.",
        )
    return person


def may_inspect(person: Person, unit: Unit) -> bool:
    """Whether a person, roles loaded, may make visits to the unit."""
    return any(grant.role in INSPECTING and unit.path.startswith(grant.unit.path) for grant in person.grants)
