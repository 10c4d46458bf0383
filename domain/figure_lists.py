"""The lists of a snapshot: what is open with its 三定, what came up again, which tools were tested and are due."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session, aliased

from domain.records import (
    Campaign,
    ChecklistItem,
    Extension,
    Person,
    QuantityRecord,
    Ticket,
    Tool,
    ToolStatus,
    ToolTest,
    Unit,
)
from domain.tallies import day_of
from domain.tickets import UNDATED, overdue
from domain.tool_kinds import KINDS
from statemachines.extension import ExtensionState
from statemachines.labels import Level, local_day
from statemachines.ticket import TicketState

LISTED = 500
"""Open tickets written out in the paper; the ledger has all of them."""

TOP = 5

OPEN = (TicketState.FOUND, TicketState.ASSIGNED, TicketState.FIXED)


def open_tickets(session: Session, campaign: Campaign, *, now: datetime) -> dict[str, Any]:
    """未销号隐患: `{total, listed}`, the gravest and the most urgent first, each with its 三定."""
    owner = aliased(Person)
    home = aliased(Unit)
    which = (Ticket.campaign_id == campaign.id, Ticket.state.in_(OPEN))
    query = (
        select(
            Ticket.number,
            Unit.name.label("unit"),
            Ticket.description,
            Ticket.level,
            Ticket.state,
            owner.name.label("assignee"),
            home.name.label("assignee_unit"),
            Ticket.duty,
            Ticket.measure,
            Ticket.first_due_at,
            Ticket.due_at,
            Ticket.return_count,
            overdue(now).label("late"),
        )
        .join(Unit, Unit.id == Ticket.unit_id)
        .outerjoin(owner, owner.id == Ticket.assignee_id)
        .outerjoin(home, home.id == owner.unit_id)
        .where(*which)
    )
    gravest_first = case(
        *((Ticket.level == level, place) for place, level in enumerate(reversed(Level))), else_=len(Level)
    )
    rows = session.execute(
        query.order_by(gravest_first, func.coalesce(Ticket.due_at, UNDATED), Ticket.number).limit(LISTED)
    ).mappings()
    return {
        "total": session.scalar(select(func.count()).select_from(Ticket).where(*which)),
        "listed": [
            {
                **{
                    name: row[name]
                    for name in ("number", "unit", "description", "assignee", "duty", "measure")
                },
                "level": row["level"].value,
                "state": row["state"].value,
                "assignee_unit": row["assignee_unit"],
                "due": _day(row["due_at"]),
                "first_due": _day(row["first_due_at"]),
                "returns": row["return_count"],
                "late": bool(row["late"]),
            }
            for row in rows
        ],
    }


def _day(moment: datetime | None) -> str | None:
    return None if moment is None else local_day(moment).isoformat()


def subjects(session: Session, campaign: Campaign) -> list[dict[str, Any]]:
    """The categories with the most hazards (cancelled ones left out), at most TOP: `{name, tickets}`."""
    rows = session.execute(
        select(Ticket.category, func.count())
        .where(Ticket.campaign_id == campaign.id, Ticket.state != TicketState.CANCELLED)
        .group_by(Ticket.category)
        .order_by(func.count().desc(), Ticket.category)
        .limit(TOP)
    ).tuples()
    return [{"name": name, "tickets": tickets} for name, tickets in rows]


def repeats(session: Session, campaign: Campaign) -> list[dict[str, Any]]:
    """The same checklist item in two or more units: `{code, item, units, tickets}`, the widest spread first, TOP."""
    units = func.count(Ticket.unit_id.distinct())
    rows = session.execute(
        select(ChecklistItem.code, ChecklistItem.item, units, func.count())
        .join(ChecklistItem, ChecklistItem.id == Ticket.checklist_item_id)
        .where(Ticket.campaign_id == campaign.id, Ticket.state != TicketState.CANCELLED)
        .group_by(ChecklistItem.id)
        .having(units > 1)
        .order_by(units.desc(), func.count().desc(), ChecklistItem.code)
        .limit(TOP)
    ).tuples()
    return [
        {"code": code, "item": item, "units": spread, "tickets": tickets}
        for code, item, spread, tickets in rows
    ]


def deferred(session: Session, campaign: Campaign) -> dict[str, Any]:
    """延期: how many were asked for and what became of them, and how many tickets got more time."""
    counted = (
        select(Extension.state, func.count(), func.count(Extension.ticket_id.distinct()))
        .join(Ticket, Ticket.id == Extension.ticket_id)
        .where(Ticket.campaign_id == campaign.id)
        .group_by(Extension.state)
    )
    rows = {state: (asked, tickets) for state, asked, tickets in session.execute(counted).tuples()}
    return {
        "total": sum(asked for asked, _ in rows.values()),
        "by_state": {state.value: rows.get(state, (0, 0))[0] for state in ExtensionState},
        "tickets": rows.get(ExtensionState.APPROVED, (0, 0))[1],
    }


def tests_by_kind(session: Session, campaign: Campaign) -> list[dict[str, Any]]:
    """Tests in the tool register by kind: `{kind, tested, passed, failed}`, single tools, each test counted."""
    rows = session.execute(
        select(
            Tool.kind,
            func.count(),
            func.count().filter(ToolTest.passed),
            func.count().filter(~ToolTest.passed),
        )
        .join(Tool, Tool.id == ToolTest.tool_id)
        .where(ToolTest.campaign_id == campaign.id)
        .group_by(Tool.kind)
    ).tuples()
    known = list(KINDS)
    return [
        {"kind": kind, "tested": tested, "passed": passed, "failed": failed}
        for kind, tested, passed, failed in sorted(
            rows, key=lambda row: (known.index(row[0]) if row[0] in known else len(known), row[0])
        )
    ]


def tools_due_next(session: Session, campaign: Campaign, *, after: date) -> list[dict[str, Any]]:
    """The next test day of each kind of tool in use under the campaign's unit: `{kind, on, tools}`, TOP kinds."""
    rows = session.execute(
        select(Tool.kind, func.min(Tool.next_test_on).label("on"), func.count())
        .join(Unit, Unit.id == Tool.unit_id)
        .where(
            Unit.path.startswith(campaign.unit.path, autoescape=True),
            Tool.status == ToolStatus.IN_USE,
            Tool.next_test_on > after,
        )
        .group_by(Tool.kind)
        .order_by(func.min(Tool.next_test_on), Tool.kind)
        .limit(TOP)
    ).tuples()
    return [
        {"kind": kind, "on": on.isoformat(), "tools": tools} for kind, on, tools in rows if on is not None
    ]


def first_work(session: Session, campaign: Campaign) -> date | None:
    """The first day anything was found or done in this campaign."""
    done = select(func.min(QuantityRecord.done_on)).where(QuantityRecord.campaign_id == campaign.id)
    found = select(func.min(day_of(Ticket.found_at))).where(
        Ticket.campaign_id == campaign.id, Ticket.origin_campaign_id == campaign.id
    )
    days = [day for day in (session.scalar(done), session.scalar(found)) if day is not None]
    return min(days, default=None)
