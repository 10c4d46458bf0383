"""Quantity records (工作量记录): 清扫 针瓶 4500 个 is one record of work done, never 4500 tickets (domain rules 1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from domain.campaigns import must_be_open
from domain.coverage import units_in_scope
from domain.errors import BadInput, about_row
from domain.paging import Key, Page, page_of
from domain.people import unit_by_code, units_by_codes, unknown_unit
from domain.phases import Day
from domain.quantity_figures import TOOLS
from domain.records import Campaign, CountsAs, QuantityRecord, Ticket, Unit
from domain.rights import Deed, must_be_allowed
from domain.visibility import quantities_visible_to
from statemachines.labels import local_day
from statemachines.roles import Actor

ACTIONS = (
    "试验",
    "更换",
    "处理",
    "检修",
    "校正",
    "清扫",
    "调整",
    "加装",
    "装设",
    "发放",
    "修剪砍伐",
    "自查",
)
"""The verbs of the trade, offered where somebody types one; any other is accepted."""


class NewQuantity(BaseModel):
    """Work done: action, item, quantity and unit of measure, at `unit` (its code) on `date`.

    `approximate` marks a lower bound (285余根). `counts_as`: "part" is added up, "total" is checked against its parts,
    "unclear" stands apart; left out it is "part", but "total" for 安全工器具, the trade's word for all kinds together.
    In the report of a fix `unit` and `date` are left out: they are the ticket's and the fix's.
    """

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    action: str = Field(min_length=1, max_length=20)
    item: str = Field(min_length=1, max_length=60)
    quantity: Annotated[Decimal, Field(gt=0, max_digits=12, decimal_places=2, allow_inf_nan=False)]
    measure_unit: str = Field(min_length=1, max_length=10)
    approximate: bool = False
    unit: str | None = Field(default=None, min_length=1, max_length=24)
    date: Day | None = None
    counts_as: CountsAs | None = None
    topic: str = Field(default="", max_length=40)

    @property
    def counted_as(self) -> CountsAs:
        """How it enters a sum."""
        return self.counts_as or (CountsAs.TOTAL if self.item == TOOLS else CountsAs.PART)


AT_ONCE = 100
"""Records of one call."""


def record_quantities(
    session: Session, campaign: Campaign, told: Sequence[NewQuantity], *, actor: Actor, now: datetime
) -> list[QuantityRecord]:
    """Record several quantities, all or none; units and scope are read once, the records written together.

    Raises what `record_quantity` raises, of the first that is wrong, naming its place in the list ("/3/unit").
    """
    must_be_open(campaign)
    within = _within(session, campaign, told, actor=actor)
    rows = []
    for place, new in enumerate(told):
        with about_row(place, f"{new.action}{new.item}"):
            rows.append(_checked(new, campaign, within, actor=actor, now=now))
    return _kept(session, rows)


def record_quantity(
    session: Session,
    campaign: Campaign,
    new: NewQuantity,
    *,
    actor: Actor,
    now: datetime,
    pointer: str = "",
    key: UUID | None = None,
) -> QuantityRecord:
    """Record one quantity; `date` is today when left out, `key` the id a phone gave it.

    Raises BadInput (unit missing, unknown or not in scope, a day in the future), CampaignClosed, RoleMissing.
    """
    must_be_open(campaign)
    within = _within(session, campaign, [new], actor=actor)
    row = _checked(new, campaign, within, actor=actor, now=now, pointer=pointer, key=key)
    _kept(session, [row])
    return row


@dataclass(frozen=True, slots=True)
class _Within:
    """The units that are named and in sight, by code, and which of them the campaign covers."""

    units: dict[str, Unit]
    covered: set[UUID]


def _within(session: Session, campaign: Campaign, told: Sequence[NewQuantity], *, actor: Actor) -> _Within:
    units = units_by_codes(session, (new.unit for new in told if new.unit), actor=actor)
    return _Within(units, units_in_scope(session, campaign, units.values()))


def _checked(
    new: NewQuantity,
    campaign: Campaign,
    within: _Within,
    *,
    actor: Actor,
    now: datetime,
    pointer: str = "",
    key: UUID | None = None,
) -> QuantityRecord:
    """The record of one quantity, not yet written."""
    if new.unit is None:
        raise BadInput(
            f"{pointer}/unit", "missing", zh="须写明是哪个单位做的。", en="Name the unit that did the work."
        )
    unit = within.units.get(new.unit)
    if unit is None:
        raise unknown_unit(new.unit, pointer=f"{pointer}/unit")
    must_be_allowed(actor, Deed.RECORD_QUANTITIES, at=unit.path)
    # The unit that runs the campaign may record too, a total it states for all of them say.
    if unit.id != campaign.unit_id and unit.id not in within.covered:
        raise BadInput(
            f"{pointer}/unit",
            "unit-not-in-campaign",
            zh=f"“{unit.name}”不在“{campaign.name}”的检查范围内。",
            en=f"“{unit.name}” is not in the scope of “{campaign.name}”.",
        )
    done_on = new.date or local_day(now)
    if done_on > local_day(now):
        raise BadInput(
            f"{pointer}/date",
            "done-in-future",
            zh="完成日期晚于今天，完成后再登记。",
            en="The day is in the future; record the work once it is done.",
        )
    return _record(new, unit=unit, campaign=campaign, done_on=done_on, actor=actor, now=now, key=key)


def record_fix_quantities(
    session: Session, ticket: Ticket, told: Sequence[NewQuantity], *, actor: Actor, now: datetime
) -> list[QuantityRecord]:
    """What was done to fix a ticket; the chart has already said that this person may report it.

    Raises BadInput when a record names another unit than the ticket's.
    """
    kept = []
    for position, new in enumerate(told):
        if new.unit is not None and new.unit != ticket.unit.code:
            raise BadInput(
                f"/quantities/{position}/unit",
                "not-the-tickets-unit",
                zh=f"整改的工作量计入“{ticket.unit.name}”，请删去 unit。",
                en=f"The work of a fix counts for “{ticket.unit.name}”; leave unit out.",
            )
        done_on = new.date or local_day(ticket.fixed_at or now)
        if done_on > local_day(now):
            raise BadInput(
                f"/quantities/{position}/date",
                "done-in-future",
                zh="完成日期晚于今天，完成后再登记。",
                en="The day is in the future; record the work once it is done.",
            )
        row = _record(new, unit=ticket.unit, campaign=ticket.campaign, done_on=done_on, actor=actor, now=now)
        row.ticket_id = ticket.id
        kept.append(row)
    return _kept(session, kept) if kept else []


def _record(
    new: NewQuantity,
    *,
    unit: Unit,
    campaign: Campaign,
    done_on: Day,
    actor: Actor,
    now: datetime,
    key: UUID | None = None,
) -> QuantityRecord:
    return QuantityRecord(
        **({"id": key} if key else {}),
        **new.model_dump(exclude={"unit", "date", "counts_as"}),
        counts_as=new.counted_as,
        unit=unit,
        campaign_id=campaign.id,
        done_on=done_on,
        recorded_by_id=actor.id,
        recorded_at=now,
    )


def _kept(session: Session, rows: list[QuantityRecord]) -> list[QuantityRecord]:
    session.add_all(rows)
    session.flush()
    return rows


def list_quantities(
    session: Session,
    campaign: Campaign,
    *,
    actor: Actor,
    unit: str | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> Page[QuantityRecord]:
    """One page of a campaign's records the actor may see, in the order they were made; `unit` is a code, its subtree
    included. Raises BadInput for a wrong cursor or an unknown unit.
    """
    query = (
        select(QuantityRecord)
        .where(QuantityRecord.campaign_id == campaign.id, quantities_visible_to(actor))
        .options(joinedload(QuantityRecord.unit))
    )
    if unit:
        top = unit_by_code(session, unit, actor=actor)
        below = select(Unit.id).where(Unit.path.startswith(top.path, autoescape=True))
        query = query.where(QuantityRecord.unit_id.in_(below))
    return page_of(session, query, Key(QuantityRecord.id, UUID), limit=limit, cursor=cursor)
