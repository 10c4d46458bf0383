"""Who changed what: the history of every record the reader may see, in one list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import Session

from domain.deadlines import end_of_day
from domain.paging import Key, Page, page_of
from domain.phases import Day
from domain.records import (
    Campaign,
    Checklist,
    History,
    Inspection,
    Person,
    Suggestion,
    Ticket,
    Tool,
    Unit,
)
from domain.rights import RIGHTS, Deed
from domain.visibility import (
    campaigns_visible_to,
    inspections_visible_to,
    suggestions_visible_to,
    tickets_visible_to,
    tools_visible_to,
    units_visible_to,
)
from statemachines.labels import Labelled
from statemachines.refusals import RoleMissing
from statemachines.roles import Actor


class Subject(Labelled):
    """The kinds of record the audit shows."""

    TICKET = "ticket", "隐患单", "Ticket"
    CAMPAIGN = "campaign", "检查活动", "Campaign"
    INSPECTION = "inspection", "检查", "Inspection"
    SUGGESTION = "suggestion", "工会意见", "Suggestion"
    TOOL = "tool", "工器具", "Tool"
    PERSON = "person", "人员", "Person"
    UNIT = "unit", "单位", "Unit"
    CHECKLIST = "checklist", "检查表", "Checklist"
    CALENDAR = "calendar", "日历", "Calendar"


class AuditFilter(BaseModel):
    """What the list is narrowed to: a kind of record, who did it (login), which event, from and to a day."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, populate_by_name=True)

    subject: Subject | None = None
    by: Annotated[str | None, Field(max_length=64)] = None
    event: Annotated[str | None, Field(max_length=40)] = None
    starts_on: Annotated[Day | None, Field(alias="from")] = None
    ends_on: Annotated[Day | None, Field(alias="to")] = None


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the history, and how people call the record it is about."""

    row: History
    subject: Subject | None
    called: str


def _visible(actor: Actor) -> Mapping[Subject, Select[tuple[UUID]] | None]:
    """For each kind the records in sight; None: everybody who may read the audit sees all of that kind."""
    people = select(Person.id).where(Person.unit_id.in_(select(Unit.id).where(units_visible_to(actor))))
    return {
        Subject.TICKET: select(Ticket.id).where(tickets_visible_to(actor)),
        Subject.CAMPAIGN: select(Campaign.id).where(campaigns_visible_to(actor)),
        Subject.INSPECTION: select(Inspection.id).where(inspections_visible_to(actor)),
        Subject.SUGGESTION: select(Suggestion.id).where(suggestions_visible_to(actor)),
        Subject.TOOL: select(Tool.id).where(tools_visible_to(actor)),
        Subject.PERSON: people,
        Subject.UNIT: select(Unit.id).where(units_visible_to(actor)),
        Subject.CHECKLIST: None,
        Subject.CALENDAR: None,
    }


def audit(
    session: Session, wanted: AuditFilter, *, actor: Actor, limit: int = 50, cursor: str | None = None
) -> Page[Line]:
    """One page of what happened to records in sight, newest first. Raises RoleMissing, BadInput for a wrong cursor."""
    roles = RIGHTS[Deed.READ_AUDIT]
    if not actor.system and not actor.roles & set(roles):
        raise RoleMissing(roles=roles, event=Deed.READ_AUDIT)
    # What another role lets somebody see of a place does not make them its auditor.
    kinds = _visible(replace(actor, grants=tuple(each for each in actor.grants if each.role in roles)))
    if wanted.subject is not None:
        kinds = {wanted.subject: kinds[wanted.subject]}
    query = select(History).where(or_(*(_of_kind(kind, ids) for kind, ids in kinds.items())))
    if wanted.by:
        query = query.where(History.actor_id.in_(select(Person.id).where(Person.login == wanted.by)))
    if wanted.event:
        query = query.where(History.event == wanted.event)
    if wanted.starts_on is not None:
        query = query.where(History.at > end_of_day(wanted.starts_on - timedelta(days=1)))
    if wanted.ends_on is not None:
        query = query.where(History.at <= end_of_day(wanted.ends_on))
    page = page_of(session, query, Key(History.id, int), limit=limit, cursor=cursor, newest_first=True)
    called = _names(session, page.items)
    known = set(Subject)
    return Page(
        [
            Line(
                row,
                Subject(row.subject) if row.subject in known else None,
                called.get((row.subject, row.subject_id), ""),
            )
            for row in page.items
        ],
        page.next,
    )


def _of_kind(kind: Subject, ids: Select[tuple[UUID]] | None) -> ColumnElement[bool]:
    same = History.subject == kind.value
    return same if ids is None else and_(same, History.subject_id.in_(ids))


_NAMES: Mapping[str, Any] = {
    "ticket": select(Ticket.id, Ticket.number),
    "campaign": select(Campaign.id, Campaign.name),
    "inspection": select(Inspection.id, Unit.name).join(Unit, Unit.id == Inspection.unit_id),
    "suggestion": select(Suggestion.id, Suggestion.number),
    "tool": select(Tool.id, Tool.number),
    "person": select(Person.id, Person.name),
    "unit": select(Unit.id, Unit.name),
    "checklist": select(Checklist.id, Checklist.name),
}


def _names(session: Session, rows: list[History]) -> dict[tuple[str, UUID], str]:
    """How people call the records of a page: one query for each kind in it."""
    found: dict[tuple[str, UUID], str] = {}
    for kind, query in _NAMES.items():
        ids = {row.subject_id for row in rows if row.subject == kind}
        if ids:
            column = query.selected_columns[0]
            found |= {(kind, key): name for key, name in session.execute(query.where(column.in_(ids)))}
    return found
