"""Two devices, one item, two answers: both are kept, and the inspector says which one holds."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from domain.answers import CONTENT, must_be_answerable, open_conflicts, told_of
from domain.errors import NotFound
from domain.history import record
from domain.records import Answer, AnswerConflict, Inspection
from statemachines.roles import Actor


class Keep(StrEnum):
    """Which of the two holds: the one that stands, or the one kept beside it."""

    PRESENT = "present"
    OTHER = "other"


class Choice(BaseModel):
    """The inspector's choice."""

    model_config = ConfigDict(extra="forbid")

    keep: Keep


def conflicts_of(inspection: Inspection) -> list[tuple[Answer, AnswerConflict]]:
    """What is to be chosen between, in the order of the checklist."""
    rows = sorted(inspection.answers, key=lambda each: each.item.position)
    return [(row, conflict) for row in rows for conflict in open_conflicts(row)]


def settle(
    session: Session, inspection: Inspection, key: UUID, told: Choice, *, actor: Actor, now: datetime
) -> Inspection:
    """Choose between two answers; the history keeps the one that lost. Choosing again what was chosen is NotFound.

    Raises NotFound when the visit has no such open conflict, WrongState once it is submitted or missed, RoleMissing.
    """
    must_be_answerable(session, inspection, actor=actor, now=now)
    row, other = next(
        ((row, other) for row, other in conflicts_of(inspection) if other.id == key), (None, None)
    )
    if row is None or other is None:
        raise NotFound(what=str(key))
    kept, dropped = (row, other) if told.keep is Keep.PRESENT else (other, row)
    record(
        session,
        inspection,
        "conflict_settled",
        actor=actor,
        now=now,
        item=row.item.code,
        kept=told_of(kept),
        kept_by=kept.answered_by,
        dropped=told_of(dropped),
        dropped_by=dropped.answered_by,
        dropped_at=dropped.answered_at,
    )
    if told.keep is Keep.OTHER:
        for name in CONTENT:
            setattr(row, name, getattr(other, name))
        row.answered_by_id, row.answered_at = other.answered_by_id, other.answered_at
        # Whoever goes on from here goes on from the choice, not from a device's own line of changes.
        row.branch = row.step = None
        row.version += 1
    other.settled_at, other.settled_by_id = now, actor.id
    flag_modified(inspection, "state")
    session.flush()
    return inspection
