"""How a visit ends: signed and submitted, what failed becoming tickets; or missed, with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from domain.answers import Code, open_conflicts
from domain.chases import follow
from domain.errors import BadInput
from domain.files import FILES_PER_CALL, ListedFile, ListedFiles
from domain.findings import NewFinding, submit_finding
from domain.history import record
from domain.inspections import score
from domain.photo_listings import as_listed
from domain.records import Answer, AnswerValue, ChecklistItem, Inspection, Ticket
from statemachines.chart import move
from statemachines.inspection import InspectionEvent
from statemachines.roles import Actor


class _Told(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Submission(_Told):
    """Sign and submit. `files` lists, by the code of a failed item, photos its finding has besides the answer's own."""

    files: dict[Code, ListedFiles] = Field(default_factory=dict)


class Miss(_Told):
    """未检: why the visit was not made; it stays in the data."""

    reason: Annotated[str | None, Field(max_length=2000)] = None


def failed_of(inspection: Inspection) -> list[Answer]:
    """The failed answers in the order of the checklist."""
    failed = (each for each in inspection.answers if each.value is AnswerValue.FAIL)
    return sorted(failed, key=lambda each: each.item.position)


def nothing_found(inspection: Inspection) -> bool:
    """Whether every answer is 合格 or 不适用: submitted, the visit is the unit's zero report."""
    fine = (AnswerValue.PASS, AnswerValue.NOT_APPLICABLE)
    return all(each.value in fine for each in inspection.answers)


def submit(
    session: Session, inspection: Inspection, told: Submission, *, actor: Actor, now: datetime
) -> list[Ticket]:
    """Sign the visit and turn each failed answer into a ticket, once; returns the tickets.

    With nothing failed and nothing left unchecked the visit is the unit's zero report. The row must be locked, so that
    a second submission meets the first one's state. Raises AnswersMissing, ConflictsOpen, PhotoRequired, WrongState,
    RoleMissing, BadInput.
    """
    before = inspection.state
    failed = failed_of(inspection)
    photos = {each.item.code: _photos(each, told) for each in failed}
    without = (each for each in failed if each.item.photo_required and not photos[each.item.code])
    bare = next(without, None)
    move(
        inspection,
        InspectionEvent.SUBMIT,
        actor=actor,
        now=now,
        unanswered=len(inspection.checklist.items) - len(inspection.answers),
        conflicts=sum(bool(open_conflicts(each)) for each in inspection.answers),
        without_photo=bare.item.item if bare else None,
    )
    inspection.submitted_at, inspection.submitted_by_id = now, actor.id
    _photos_belong(told, failed)
    inspection.nothing_found = nothing_found(inspection)
    tickets = [_find(session, inspection, each, photos, actor=actor, now=now) for each in failed]
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


def _photos(failed: Answer, told: Submission) -> list[ListedFile]:
    """The answer's photos and those the submission adds, each once."""
    listed = [*as_listed(failed), *told.files.get(failed.item.code, ())]
    photos = list({file.sha256: file for file in reversed(listed)}.values())[::-1]
    if len(photos) > FILES_PER_CALL:
        raise BadInput(
            f"/files/{failed.item.code}",
            "too-many",
            zh=f"最多{FILES_PER_CALL}张照片。",
            en=f"At most {FILES_PER_CALL} photos.",
        )
    return photos


def _photos_belong(told: Submission, failed: Sequence[Answer]) -> None:
    if wrong_codes := sorted(told.files.keys() - {each.item.code for each in failed}):
        raise BadInput(
            f"/files/{wrong_codes[0]}",
            "item-not-failed",
            zh=f"条目“{wrong_codes[0]}”未判不合格，不能附照片。",
            en=f"Item “{wrong_codes[0]}” did not fail and cannot have photos.",
        )


def _find(
    session: Session,
    inspection: Inspection,
    failed: Answer,
    photos: dict[str, list[ListedFile]],
    *,
    actor: Actor,
    now: datetime,
) -> Ticket:
    """The finding a failed answer makes: words from the item and the note, the rest from the answer or the item."""
    item = failed.item
    finding = NewFinding(
        campaign=inspection.campaign.code,
        unit=inspection.unit.code,
        description=description(item, failed.note),
        level=failed.level or item.level,
        category=item.category,
        measure=failed.measure,
        deadline_days=failed.deadline_days,
        location=failed.location,
        found_at=failed.answered_at,
        source="inspection",
        files=photos[item.code],
    )
    made = submit_finding(session, finding, actor=actor, now=now, inspection_id=inspection.id, item=item)
    failed.ticket = made.ticket
    return made.ticket


def description(item: ChecklistItem, note: str) -> str:
    """What the ticket of a failed item says."""
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
