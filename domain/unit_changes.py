"""Units renamed and moved in the tree (局 → 所/站 → 班组). They are never deleted: records name them for ever."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from domain.errors import BadInput
from domain.history import record
from domain.people import ROOT_CODE, unit_by_code
from domain.records import Unit, UnitKind
from domain.rights import Deed, must_be_allowed
from statemachines.roles import Actor


class UnitChange(BaseModel):
    """What becomes of a unit; what is left out stays. `parent` is the code of the unit it goes below."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    name: Annotated[str | None, Field(min_length=1, max_length=80)] = None
    kind: UnitKind | None = None
    parent: Annotated[str | None, Field(min_length=1, max_length=24)] = None


def change_unit(session: Session, code: str, told: UnitChange, *, actor: Actor, now: datetime) -> Unit:
    """Rename a unit, or move it with everything below it; roles held above move with the tree.

    Raises BadInput (unknown unit or parent, below itself), RoleMissing at either place.
    """
    unit = unit_by_code(session, code, actor=actor, pointer="/code")
    must_be_allowed(actor, Deed.MANAGE_UNITS, at=unit.path)
    changed: dict[str, object] = {}
    if told.name is not None and told.name != unit.name:
        changed["name"], unit.name = [unit.name, told.name], told.name
    if told.kind is not None and told.kind is not unit.kind:
        changed["kind"], unit.kind = [unit.kind, told.kind], told.kind
    if told.parent is not None:
        changed |= _move(session, unit, told.parent, actor=actor)
    if changed:
        session.flush()
        record(session, unit, "changed", actor=actor, now=now, code=unit.code, changed=changed)
    return unit


def _move(session: Session, unit: Unit, code: str, *, actor: Actor) -> dict[str, object]:
    parent = unit_by_code(session, code, actor=actor, pointer="/parent")
    if parent.id == unit.parent_id:
        return {}
    if unit.code == ROOT_CODE or parent.path.startswith(unit.path):
        raise BadInput(
            "/parent",
            "below-itself",
            zh=f"“{unit.name}”不能移到它自己或其下级之下。",
            en=f"“{unit.name}” cannot go below itself or a unit below it.",
        )
    must_be_allowed(actor, Deed.MANAGE_UNITS, at=parent.path)
    before = session.get(Unit, unit.parent_id) if unit.parent_id else None
    old, new = unit.path, f"{parent.path}{unit.code}/"
    unit.parent_id = parent.id
    session.flush()
    # Every path below begins with the old one; each is written anew in one statement, so the tree is never torn.
    session.execute(
        update(Unit)
        .where(func.starts_with(Unit.path, old))
        .values(path=new + func.substr(Unit.path, len(old) + 1))
        .execution_options(synchronize_session=False)
    )
    session.refresh(unit)
    return {"parent": [before.code if before else None, parent.code]}


def units_below(session: Session, unit: Unit) -> list[Unit]:
    """The units directly below, by code."""
    return list(session.scalars(select(Unit).where(Unit.parent_id == unit.id).order_by(Unit.code)))
