"""Answers to the items of a visit, from one device or several, with signal or without.

An answer counts its versions. Who sends one says from which version it went on (`base_version`, 0: none was known);
a device that works without signal also says which device it is (`branch`) and which of its own changes this is
(`step`). So the server can tell what happened whatever the order things arrive in:

- it goes on from the present version, or from an earlier step of the same device: it replaces what was there;
- it is an earlier step of the device whose later one is there: it came late and says nothing new;
- anything else was given without knowing the present answer: both are kept (domain/answer_conflicts.py).

Without `base_version` it replaces what is there, as for programs that are the only ones to answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator, model_validator
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from domain.errors import BadInput, wrong
from domain.files import ListedFiles
from domain.findings import CLOCK_SKEW
from domain.history import record
from domain.photo_listings import list_photos
from domain.records import Answer, AnswerConflict, AnswerValue, ChecklistItem, Inspection
from statemachines.chart import move, option
from statemachines.inspection import InspectionEvent
from statemachines.labels import Level
from statemachines.refusals import WrongState
from statemachines.roles import Actor

Code = Annotated[str, Field(min_length=1, max_length=64)]
Version = Annotated[int, Field(ge=0, le=2**31 - 1)]

CONTENT = ("value", "note", "location", "level", "measure", "deadline_days")
"""What an answer says; two with the same content do not contradict each other."""


class GivenAnswer(BaseModel):
    """The answer to one item (by code): 合格, 不合格, 不适用 or 未查.

    For a failed item `note` says what was seen, `location` where; `level`, `measure` and `deadline_days` replace the
    item's own, and `files` are photos it has, added to those it had. `answered_at` is the phone's time, now when left
    out. `base_version`, `branch` and `step`: see domain/answers.py.
    """

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    item: Code
    value: AnswerValue
    note: str = Field(default="", max_length=1000)
    location: str = Field(default="", max_length=200)
    level: Level | None = None
    measure: str | None = Field(default=None, min_length=1, max_length=1000)
    deadline_days: int | None = Field(default=None, ge=0, le=3650)
    files: ListedFiles = Field(default_factory=list)
    answered_at: AwareDatetime | None = None
    base_version: Version | None = None
    branch: UUID | None = None
    step: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None

    @model_validator(mode="after")
    def _device_says_all(self) -> GivenAnswer:
        said = {self.branch is None, self.step is None}
        if len(said) > 1 or (self.branch is not None and self.base_version is None):
            raise wrong(
                "device-incomplete",
                zh="branch、step 须与 base_version 一起填写。",
                en="Give branch and step together, with a base_version.",
            )
        return self

    @property
    def content(self) -> tuple[object, ...]:
        """What it says, to compare."""
        return content_of(self)


class GivenAnswers(BaseModel):
    """Answers to put; those given before stay unless they are given again."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

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


def content_of(said: GivenAnswer | Answer | AnswerConflict) -> tuple[object, ...]:
    """What an answer says, to compare it with another."""
    return tuple(getattr(said, name) for name in CONTENT)


def told_of(said: GivenAnswer | Answer | AnswerConflict) -> dict[str, object]:
    """What an answer says, for the history: empty things left out."""
    return {name: value for name in CONTENT if (value := getattr(said, name)) not in (None, "")}


def answer(
    session: Session, inspection: Inspection, told: GivenAnswers, *, actor: Actor, now: datetime
) -> Inspection:
    """Put answers; the first ones start the visit. What contradicts one its sender did not know is kept beside it.

    Raises BadInput for an item the checklist does not have or a time in the future, WrongState once submitted or
    missed, RoleMissing.
    """
    must_be_answerable(session, inspection, actor=actor, now=now)
    items = {item.code: item for item in inspection.checklist.items}
    given = {answer.item_id: answer for answer in inspection.answers}
    for position, new in enumerate(told.answers):
        item = _item(items, new, inspection, position)
        at = _moment(new, position, now)
        row = given.get(item.id)
        if row is None:
            row = Answer(item=item, ticket=None, version=0, photos=[], conflicts=[])
            inspection.answers.append(row)
            _write(row, new, actor=actor, at=at)
        else:
            _put(session, inspection, row, new, actor=actor, at=at, now=now)
        if new.files:
            session.flush()
            list_photos(session, row, new.files, pointer=f"/answers/{position}/files", actor=actor, now=now)
    # Answers are part of the visit: its version moves with them, so that an ETag is never the same for other answers.
    flag_modified(inspection, "state")
    session.flush()
    return inspection


def must_be_answerable(session: Session, inspection: Inspection, *, actor: Actor, now: datetime) -> None:
    """Raise the chart's refusal unless the actor may answer; a planned visit starts.

    Whoever may submit the visit may answer it, and until then; before that, answering is how it starts.
    """
    refusal = option(inspection, InspectionEvent.SUBMIT, actor=actor, now=now).refusal
    if isinstance(refusal, WrongState):
        _start(session, inspection, actor=actor, now=now)
    elif refusal is not None:
        raise refusal


def _start(session: Session, inspection: Inspection, *, actor: Actor, now: datetime) -> None:
    before = inspection.state
    move(inspection, InspectionEvent.START, actor=actor, now=now)
    inspection.started_at = now
    if inspection.inspector_id is None:
        inspection.inspector_id = actor.id
    record(session, inspection, "start", actor=actor, now=now, before=before, after=inspection.state)


def _item(
    items: Mapping[str, ChecklistItem], new: GivenAnswer, inspection: Inspection, position: int
) -> ChecklistItem:
    item = items.get(new.item)
    if item is None:
        raise BadInput(
            f"/answers/{position}/item",
            "unknown-item",
            zh=f"检查表“{inspection.checklist.name}”没有条目“{new.item}”。",
            en=f"The checklist “{inspection.checklist.name}” has no item “{new.item}”.",
        )
    return item


def _moment(new: GivenAnswer, position: int, now: datetime) -> datetime:
    at = new.answered_at or now
    if at > now + CLOCK_SKEW:
        raise BadInput(
            f"/answers/{position}/answered_at",
            "answered-in-future",
            zh="填写时间晚于现在，请核对手机时间。",
            en="The time of the answer is in the future; check the clock of the phone.",
        )
    return min(at, now)


def _put(
    session: Session,
    inspection: Inspection,
    row: Answer,
    new: GivenAnswer,
    *,
    actor: Actor,
    at: datetime,
    now: datetime,
) -> None:
    """Replace an answer, leave it, or keep the other one beside it; the rules stand at the head of this file."""
    own = new.branch is not None and new.branch == row.branch
    if new.content == content_of(row):
        if own and (row.step or 0) < (new.step or 0):
            row.step = new.step
        _agree(row, new, actor=actor, now=now)
    elif own:
        if (row.step or 0) < (new.step or 0):
            _write(row, new, actor=actor, at=at)
    elif new.base_version is None or new.base_version == row.version:
        if row.answered_by_id != actor.id:
            record(
                session,
                inspection,
                "answer_replaced",
                actor=actor,
                now=now,
                item=row.item.code,
                previous=told_of(row),
                answered_by=row.answered_by,
            )
        _write(row, new, actor=actor, at=at)
    else:
        _keep_beside(row, new, actor=actor, at=at, now=now)


def _write(row: Answer, new: GivenAnswer, *, actor: Actor, at: datetime) -> None:
    assert actor.id is not None  # the chart lets people through, not the clock
    for name in CONTENT:
        setattr(row, name, getattr(new, name))
    row.answered_by_id, row.answered_at = actor.id, at
    row.branch, row.step = new.branch, new.step
    row.version += 1


def open_conflicts(row: Answer) -> list[AnswerConflict]:
    """The other answers to this item nobody has chosen between yet."""
    return [conflict for conflict in row.conflicts if conflict.settled_at is None]


def _beside(row: Answer, new: GivenAnswer, actor: Actor) -> AnswerConflict | None:
    """What the same device, or without one the same person, has beside this answer already."""
    for conflict in open_conflicts(row):
        mine = conflict.branch == new.branch if new.branch else conflict.answered_by_id == actor.id
        if mine:
            return conflict
    return None


def _agree(row: Answer, new: GivenAnswer, *, actor: Actor, now: datetime) -> None:
    """A device that said otherwise says now what stands here: nothing is left to choose."""
    other = _beside(row, new, actor)
    if other is not None and (other.step or 0) < (new.step or 1):
        other.settled_at, other.settled_by_id = now, actor.id


def _keep_beside(row: Answer, new: GivenAnswer, *, actor: Actor, at: datetime, now: datetime) -> None:
    assert actor.id is not None
    other = _beside(row, new, actor)
    if other is None:
        other = AnswerConflict(base_version=new.base_version, branch=new.branch)
        row.conflicts.append(other)
    elif (other.step or 0) > (new.step or 0):
        return
    for name in CONTENT:
        setattr(other, name, getattr(new, name))
    other.step, other.answered_by_id, other.answered_at, other.received_at = new.step, actor.id, at, now
