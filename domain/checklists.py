"""Checklists (检查表): imported once, known by their code, answered on each visit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session, selectinload

from domain.errors import BadInput, NotFound
from domain.history import record
from domain.records import Answer, Checklist, ChecklistItem, Ticket
from domain.rights import Deed, must_be_allowed
from statemachines.labels import Level
from statemachines.roles import Actor

_LEVELS = {level.zh: level.value for level in Level}


def _by_either_name(value: object) -> object:
    return _LEVELS.get(value.strip(), value.strip().lower()) if isinstance(value, str) else value


WrittenLevel = Annotated[Level, BeforeValidator(_by_either_name)]
"""A level as people write it in a table: 一般, 较大, 重大, or general, serious, major."""


_YES_OR_NO = {"是": True, "否": False}

YesOrNo = Annotated[
    bool,
    BeforeValidator(lambda value: _YES_OR_NO.get(value.strip(), value) if isinstance(value, str) else value),
]
"""Yes or no as people write it in a table: 是, 否, or what pydantic takes for a truth value."""


class NewItem(BaseModel):
    """One thing to check. `category` is 大类/小类; `deadline_days` as in domain/deadlines.py. With `photo_required` a
    failed answer must have a photo, with `after_photo_required` the fix of what failed.
    """

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    code: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$")
    category: str = Field(min_length=1, max_length=100)
    item: str = Field(min_length=1, max_length=100)
    criterion: str = Field(min_length=1, max_length=1000)
    level: WrittenLevel
    measure: str = Field(min_length=1, max_length=1000)
    deadline_days: int = Field(ge=0, le=3650)
    photo_required: YesOrNo = False
    after_photo_required: YesOrNo = False


class NewChecklist(BaseModel):
    """A checklist with its items in the order they are checked."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    code: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    name: str = Field(min_length=1, max_length=100)
    items: list[NewItem] = Field(min_length=1, max_length=1000)


def checklist_by_code(session: Session, code: str) -> Checklist:
    """The checklist with this code, its items loaded in order. Everybody may read checklists. Raises NotFound."""
    checklist = session.scalars(
        select(Checklist).where(Checklist.code == code).options(selectinload(Checklist.items))
    ).one_or_none()
    if checklist is None:
        raise NotFound(what=code)
    return checklist


def list_checklists(session: Session) -> list[Checklist]:
    """Every checklist by code, without items."""
    return list(session.scalars(select(Checklist).order_by(Checklist.code)))


def put_checklist(session: Session, new: NewChecklist, *, actor: Actor, now: datetime) -> Checklist:
    """Add a checklist, or bring the one with this code up to date: repeating it changes nothing.

    Items are known by their code; one that is left out is removed. Raises BadInput when that item has already been
    answered or has a ticket, RoleMissing.
    """
    must_be_allowed(actor, Deed.IMPORT_CHECKLIST, at=actor.unit_path)
    checklist = session.scalars(
        select(Checklist).where(Checklist.code == new.code).options(selectinload(Checklist.items))
    ).one_or_none()
    if checklist is None:
        checklist = Checklist(code=new.code, name=new.name, items=[])
        session.add(checklist)
    checklist.name = new.name
    known = {item.code: item for item in checklist.items}
    before = {code: _fields(item) for code, item in known.items()}
    for position, told in enumerate(new.items):
        item = known.pop(told.code, None)
        if item is None:
            item = ChecklistItem(code=told.code)
            checklist.items.append(item)
        item.position = position
        for name, value in told.model_dump(exclude={"code"}).items():
            setattr(item, name, value)
    _remove(session, checklist, list(known.values()))
    session.flush()
    after = {told.code: _fields(told) for told in new.items}
    record(
        session,
        checklist,
        "imported",
        actor=actor,
        now=now,
        items=len(new.items),
        # The first edition is the list itself; each later one says what it changed.
        added=sorted(after.keys() - before.keys()) or None if before else None,
        removed=sorted(before.keys() - after.keys()) or None,
        changed=_changed(before, after) or None,
    )
    return checklist


def _fields(item: ChecklistItem | NewItem) -> dict[str, object]:
    """What an item says, as an edition compares it."""
    return {name: getattr(item, name) for name in NewItem.model_fields if name != "code"}


def _changed(
    before: Mapping[str, Mapping[str, object]], after: Mapping[str, Mapping[str, object]]
) -> dict[str, dict[str, list[object]]]:
    """By item's code and field, what it was and what it is now."""
    changed: dict[str, dict[str, list[object]]] = {}
    for code in before.keys() & after.keys():
        fields = {
            name: [before[code][name], value]
            for name, value in after[code].items()
            if before[code][name] != value
        }
        if fields:
            changed[code] = fields
    return changed


def _remove(session: Session, checklist: Checklist, items: Sequence[ChecklistItem]) -> None:
    for item in items:
        if _in_use(session, item.id):
            raise BadInput(
                "/items",
                "item-in-use",
                zh=f"条目“{item.code}”已有检查记录，不能删去；请保留该条目，或用新的代码导入。",
                en=f"Item “{item.code}” has been answered and cannot go; keep it, or import under another code.",
            )
        checklist.items.remove(item)
        session.delete(item)


def _in_use(session: Session, item_id: UUID) -> bool:
    answered = exists().where(Answer.item_id == item_id)
    ticketed = exists().where(Ticket.checklist_item_id == item_id)
    return bool(session.scalar(select(or_(answered, ticketed))))
