"""Inspections: one visit to one unit against a checklist; what fails becomes tickets when the visit is submitted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, joinedload, selectinload
from sqlalchemy.orm.attributes import flag_modified
from uuid_utils.compat import uuid7

from domain.campaigns import campaign_by_code, must_be_open
from domain.chases import follow
from domain.checklists import checklist_by_code
from domain.coverage import scope_unit_of
from domain.errors import BadInput, NotFound, PreconditionFailed, wrong
from domain.files import ListedFiles
from domain.findings import NewFinding, submit_finding
from domain.history import record
from domain.paging import Key, Page, page_of
from domain.people import person_by_login, unit_by_code
from domain.phases import Day
from domain.records import (
    Answer,
    AnswerValue,
    Campaign,
    Checklist,
    ChecklistItem,
    Inspection,
    Person,
    Ticket,
    Unit,
)
from domain.rights import Deed, may, must_be_allowed
from domain.visibility import inspections_visible_to
from statemachines.chart import begin, move, option
from statemachines.inspection import InspectionEvent, InspectionState
from statemachines.labels import Level, local_day
from statemachines.refusals import WrongState
from statemachines.roles import Actor, Role

Code = Annotated[str, Field(min_length=1, max_length=64)]


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


class GivenAnswer(_Told):
    """The answer to one item (by code): 合格, 不合格, 不适用 or 未查.

    For a failed item `note` says what was seen, `location` where, and `level` replaces the item's own.
    """

    item: Code
    value: AnswerValue
    note: str = Field(default="", max_length=1000)
    location: str = Field(default="", max_length=200)
    level: Level | None = None


class GivenAnswers(_Told):
    """Answers to put; those given before stay unless they are given again."""

    answers: list[GivenAnswer] = Field(min_length=1, max_length=1000)

    @field_validator("answers")
    @classmethod
    def _each_once(cls, answers: list[GivenAnswer]) -> list[GivenAnswer]:
        codes = [answer.item for answer in answers]
        if twice := sorted({code for code in codes if codes.count(code) > 1}):
            raise wrong(
                "item-twice",
                zh=f"条目重复：{'、'.join(twice)}。",
                en=f"Items answered twice: {', '.join(twice)}.",
            )
        return answers


class Submission(_Told):
    """Sign and submit. `files` lists, by the code of a failed item, the photos its finding has."""

    files: dict[Code, ListedFiles] = Field(default_factory=dict)


class Miss(_Told):
    """未检: why the visit was not made; it stays in the data."""

    reason: str | None = Field(default=None, max_length=2000)


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
            selectinload(Inspection.answers).options(joinedload(Answer.item), joinedload(Answer.ticket)),
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
    person = person_by_login(session, login, pointer="/inspector")
    if not _inspects(person, unit):
        raise BadInput(
            "/inspector",
            "not-an-inspector",
            zh=f"“{person.name}”不是“{unit.name}”的检查员，请另选。",
            en=f"“{person.name}” is not an inspector for “{unit.name}”; choose another person.",
        )
    return person.id


def _inspects(person: Person, unit: Unit) -> bool:
    roles = (Role.INSPECTOR, Role.SUPERVISOR)
    return any(grant.role in roles and unit.path.startswith(grant.unit.path) for grant in person.grants)


# The visit.


def answer(
    session: Session, inspection: Inspection, told: GivenAnswers, *, actor: Actor, now: datetime
) -> Inspection:
    """Put answers; the first ones start the visit. An answer given again replaces the one before.

    Raises BadInput for an item the checklist does not have, WrongState once submitted or missed, RoleMissing.
    """
    # Whoever may submit the visit may answer it, and until then; before that, answering is how it starts.
    refusal = option(inspection, InspectionEvent.SUBMIT, actor=actor, now=now).refusal
    if isinstance(refusal, WrongState):
        _start(session, inspection, actor=actor, now=now)
    elif refusal is not None:
        raise refusal
    assert actor.id is not None  # the chart lets people through, not the clock
    items = {item.code: item for item in inspection.checklist.items}
    given = {answer.item_id: answer for answer in inspection.answers}
    for position, new in enumerate(told.answers):
        item = items.get(new.item)
        if item is None:
            raise BadInput(
                f"/answers/{position}/item",
                "unknown-item",
                zh=f"检查表“{inspection.checklist.name}”没有条目“{new.item}”。",
                en=f"The checklist “{inspection.checklist.name}” has no item “{new.item}”.",
            )
        row = given.get(item.id)
        if row is None:
            row = Answer(item=item, ticket=None)
            inspection.answers.append(row)
        row.value, row.note, row.location, row.level = new.value, new.note, new.location, new.level
        row.answered_by_id, row.answered_at = actor.id, now
    # Answers are part of the visit: its version moves with them, so that an ETag is never the same for other answers.
    flag_modified(inspection, "state")
    session.flush()
    return inspection


def _start(session: Session, inspection: Inspection, *, actor: Actor, now: datetime) -> None:
    before = inspection.state
    move(inspection, InspectionEvent.START, actor=actor, now=now)
    inspection.started_at = now
    if inspection.inspector_id is None:
        inspection.inspector_id = actor.id
    record(session, inspection, "start", actor=actor, now=now, before=before, after=inspection.state)


def submit(
    session: Session, inspection: Inspection, told: Submission, *, actor: Actor, now: datetime
) -> list[Ticket]:
    """Sign the visit and turn each failed answer into a ticket, once; returns the tickets.

    With nothing failed and nothing left unchecked the visit is the unit's zero report. The row must be locked, so that
    a second submission meets the first one's state. Raises AnswersMissing, WrongState, RoleMissing, BadInput.
    """
    before = inspection.state
    unanswered = len(inspection.checklist.items) - len(inspection.answers)
    move(inspection, InspectionEvent.SUBMIT, actor=actor, now=now, unanswered=unanswered)
    inspection.submitted_at, inspection.submitted_by_id = now, actor.id
    failed = sorted(
        (each for each in inspection.answers if each.value is AnswerValue.FAIL),
        key=lambda each: each.item.position,
    )
    _photos_belong(told, failed)
    inspection.nothing_found = all(
        each.value in (AnswerValue.PASS, AnswerValue.NOT_APPLICABLE) for each in inspection.answers
    )
    tickets = [_find(session, inspection, each, told, actor=actor, now=now) for each in failed]
    follow(session, inspection, now=now)
    record(
        session,
        inspection,
        "submit",
        actor=actor,
        now=now,
        before=before,
        after=inspection.state,
        score=score(inspection.answers),
        findings=tickets or None,
        nothing_found=inspection.nothing_found,
    )
    session.flush()
    return tickets


def _photos_belong(told: Submission, failed: Sequence[Answer]) -> None:
    if wrong_codes := sorted(told.files.keys() - {each.item.code for each in failed}):
        raise BadInput(
            f"/files/{wrong_codes[0]}",
            "item-not-failed",
            zh=f"条目“{wrong_codes[0]}”未判不合格，不能附照片。",
            en=f"Item “{wrong_codes[0]}” did not fail and cannot have photos.",
        )


def _find(
    session: Session, inspection: Inspection, failed: Answer, told: Submission, *, actor: Actor, now: datetime
) -> Ticket:
    """The finding a failed answer makes: level from the answer or the item, words from the item and the note."""
    item = failed.item
    finding = NewFinding(
        campaign=inspection.campaign.code,
        unit=inspection.unit.code,
        description=_description(item, failed.note),
        level=failed.level or item.level,
        category=item.category,
        location=failed.location,
        found_at=failed.answered_at,
        source="inspection",
        files=told.files.get(item.code, []),
    )
    made = submit_finding(session, finding, actor=actor, now=now, inspection_id=inspection.id, item=item)
    failed.ticket = made.ticket
    return made.ticket


def _description(item: ChecklistItem, note: str) -> str:
    if note:
        return f"{item.item}：{note}（要求：{item.criterion}）"
    return f"{item.item}不符合要求：{item.criterion}"


def miss(session: Session, inspection: Inspection, told: Miss, *, actor: Actor, now: datetime) -> Inspection:
    """未检: the visit was not made; the reason is required and stays. Raises ReasonMissing, WrongState, RoleMissing."""
    before = inspection.state
    move(inspection, InspectionEvent.MISS, actor=actor, now=now, reason=told.reason)
    inspection.missed_reason = told.reason
    follow(session, inspection, now=now)
    record(
        session,
        inspection,
        "miss",
        actor=actor,
        now=now,
        before=before,
        after=inspection.state,
        reason=told.reason,
    )
    session.flush()
    return inspection
