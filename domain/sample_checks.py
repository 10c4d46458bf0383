"""What became of the sample: each ticket checked again on the spot, passed or found bad, and the counts of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, Select, bindparam, func, select, true, update
from sqlalchemy.orm import Session, contains_eager, joinedload, undefer
from sqlalchemy.orm.attributes import set_committed_value

from domain.campaign_settings import settings_of
from domain.coverage import UNIT_AT, UnitAt
from domain.errors import BadInput, NotFound, about_row
from domain.files import ListedFile, list_files
from domain.findings import NewFinding, submit_finding
from domain.history import record
from domain.paging import Key, Page, page_of
from domain.rates import Rate
from domain.records import Campaign, FileKind, Person, SampleDraw, SampledTicket, SampleKind, Ticket, Unit
from domain.sampling import Pool, drawn, numbers_of
from domain.tickets import load_named
from domain.visibility import samples_visible_to, units_visible_to
from statemachines.refusals import Refusal
from statemachines.roles import Actor
from statemachines.spot_check import check_spot
from statemachines.ticket import TicketState


class CheckedAlready(Refusal):
    """The ticket of the sample has its result; it stands."""

    code, status = "checked-already", 409
    title_zh, title_en = "已抽查", "Checked already"
    zh = "“{number}”已抽查过，结果不能更改；再发现问题请另报隐患。"
    en = "“{number}” has been checked and the result stands; report a new finding if something is wrong."


class RecheckFirst(Refusal):
    """A sampled ticket that waits for its re-check gets its result there."""

    code, status = "recheck-first", 409
    title_zh, title_en = "请在隐患单上复查", "Re-check the ticket itself"
    zh = "“{number}”尚未复查销号，请在隐患单上办理复查，结果自动记入抽样。"
    en = "“{number}” is not verified yet; verify or return the ticket itself and the sample takes its result."


class SampleCheck(BaseModel):
    """What a sampled, verified ticket looks like on the spot. Not passed, it opens a new ticket that names the old one.

    `description` of the new ticket; left out, it is that of the old one.
    """

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    passed: bool
    opinion: Annotated[str, Field(max_length=2000)] | None = None
    description: str | None = Field(default=None, min_length=1, max_length=4000)
    files: list[ListedFile] = Field(default_factory=list, max_length=20)


class CheckedTicket(SampleCheck):
    """What one of several tickets of the sample looks like on the spot; `ticket` is its number."""

    ticket: str = Field(min_length=1, max_length=64)


AT_ONCE = 100
"""Checks of one call: an inspector back from a station has fewer."""


def check_sampled(
    session: Session, sampled: SampledTicket, told: SampleCheck, *, actor: Actor, now: datetime
) -> SampledTicket:
    """抽查: say what a verified ticket of the sample looks like now; the row must be locked.

    Raises CheckedAlready, RecheckFirst, the refusals of independence, OpinionMissing, and for a new ticket what
    `submit_finding` raises.
    """
    _must_be_possible(sampled, told, actor=actor, now=now)
    _write(session, sampled, told, _person(session, actor), actor=actor, now=now)
    session.flush()
    return sampled


def check_all_sampled(
    session: Session, campaign: Campaign, told: Sequence[CheckedTicket], *, actor: Actor, now: datetime
) -> list[SampledTicket]:
    """抽查 of several tickets of the campaign's sample, all or none; their rows are locked here and come in this order.

    Raises BadInput at `ticket` for one told twice or not in the sample within the actor's sight, and what
    `check_sampled` raises, naming the place in the list and the ticket.
    """
    known = sampled_by_numbers(session, campaign, (each.ticket for each in told), actor=actor, lock=True)
    waiting = dict(known)
    rows: list[tuple[int, SampledTicket, CheckedTicket]] = []
    for place, each in enumerate(told):
        with about_row(place, each.ticket):
            sampled = waiting.pop(each.ticket, None)
            if sampled is None:
                raise _twice() if each.ticket in known else _not_drawn(campaign)
            _must_be_possible(sampled, each, actor=actor, now=now)
            rows.append((place, sampled, each))
    person = _person(session, actor)
    # New tickets take their numbers unit by unit, in one order: whoever else takes some never waits for us in a circle.
    for place, sampled, each in sorted(rows, key=lambda row: (row[1].ticket.unit.code, row[1].ticket.number)):
        with about_row(place, each.ticket):
            _write(session, sampled, each, person, actor=actor, now=now)
    session.flush()
    return [sampled for _, sampled, _ in rows]


def _twice() -> BadInput:
    return BadInput(
        "/ticket",
        "repeated",
        zh="同一张单只能出现一次，请合并。",
        en="Name each ticket once; put both into one.",
    )


def _not_drawn(campaign: Campaign) -> BadInput:
    return BadInput(
        "/ticket",
        "not-in-sample",
        zh=f"这张单不在“{campaign.name}”的抽样中，或不在您的管辖范围内，请核对单号。",
        en=f"This ticket is not in the sample of “{campaign.name}”, or not within your reach; check its number.",
    )


def _must_be_possible(sampled: SampledTicket, told: SampleCheck, *, actor: Actor, now: datetime) -> None:
    ticket = sampled.ticket
    if sampled.passed is not None:
        raise CheckedAlready(number=ticket.number)
    if ticket.state is not TicketState.VERIFIED:
        raise RecheckFirst(number=ticket.number)
    check_spot(
        ticket,
        actor=actor,
        now=now,
        opinion=told.opinion,
        independent_team=settings_of(sampled.campaign).independent_team,
    )


def _person(session: Session, actor: Actor) -> Person | None:
    """Who checks."""
    return session.get(Person, actor.id) if actor.id else None


def _write(
    session: Session,
    sampled: SampledTicket,
    told: SampleCheck,
    person: Person | None,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Write what was seen, to be flushed."""
    ticket = sampled.ticket
    again = None if told.passed else _again(session, sampled, told, actor=actor, now=now)
    if told.passed:
        list_files(session, ticket, told.files, kind=FileKind.RECHECK, actor=actor, now=now)
    sampled.passed, sampled.opinion = told.passed, told.opinion
    sampled.checked_at, sampled.checked_by = now, person
    sampled.again = again
    record(
        session,
        ticket,
        "spot_check",
        actor=actor,
        now=now,
        before=ticket.state,
        after=ticket.state,
        passed=told.passed,
        opinion=told.opinion,
        campaign=sampled.campaign,
        again=again,
    )


def _again(
    session: Session, sampled: SampledTicket, told: SampleCheck, *, actor: Actor, now: datetime
) -> Ticket:
    """The new ticket for what was found bad again."""
    old = sampled.ticket
    finding = NewFinding(
        campaign=sampled.campaign.code,
        unit=old.unit.code,
        description=told.description or old.description,
        level=old.level,
        category=old.category,
        location=old.location,
        lat=old.lat,
        lon=old.lon,
        source="recheck-sample",
        recurrence_of=old.number,
        files=told.files,
    )
    return submit_finding(session, finding, actor=actor, now=now).ticket


def answer_samples(
    session: Session, ticket: Ticket, *, passed: bool, opinion: str | None, actor: Actor, now: datetime
) -> None:
    """A re-check of the ticket itself is the result of the sample it is in; nothing happens when it is in none."""
    waiting = (SampledTicket.ticket_id == ticket.id, SampledTicket.passed.is_(None))
    told = {"passed": passed, "opinion": opinion, "checked_at": now, "checked_by_id": actor.id}
    session.execute(
        update(SampledTicket).where(*waiting).values(**told),
        execution_options={"synchronize_session": False},
    )


# Reading.


def draws_of(session: Session, campaign: Campaign) -> list[SampleDraw]:
    """Every draw of the campaign, oldest first, with who drew it and from which campaign."""
    query = (
        select(SampleDraw)
        .where(SampleDraw.campaign_id == campaign.id)
        .options(joinedload(SampleDraw.drawn_by), joinedload(SampleDraw.source_campaign))
        .order_by(SampleDraw.id)
    )
    return list(session.scalars(query))


@dataclass(frozen=True, slots=True)
class SeenDraw:
    """A draw as far as the actor may see it: the pools of units in sight, the tickets drawn that are, and what the seed
    gives when it is drawn again from these pools.
    """

    made: SampleDraw
    pool: Pool
    tickets: list[str]
    again: list[str]


def draw_by_id(session: Session, campaign: Campaign, key: UUID, *, actor: Actor) -> SeenDraw:
    """One draw with its pool and the tickets it gave. Raises NotFound."""
    made = session.scalars(
        select(SampleDraw)
        .where(SampleDraw.id == key, SampleDraw.campaign_id == campaign.id)
        .options(
            undefer(SampleDraw.pool),
            joinedload(SampleDraw.drawn_by),
            joinedload(SampleDraw.source_campaign),
        )
    ).one_or_none()
    if made is None:
        raise NotFound(what=str(key))
    numbers = session.scalars(
        select(Ticket.number)
        .join(SampledTicket, SampledTicket.ticket_id == Ticket.id)
        .where(SampledTicket.draw_id == made.id, samples_visible_to(actor))
        .order_by(Ticket.number)
    )
    in_sight = set(session.scalars(select(Unit.code).where(units_visible_to(actor))))
    pool = {unit: strata for unit, strata in made.pool.items() if unit in in_sight}
    # What is drawn of one unit does not depend on another, so a part of the pool can be drawn again by itself.
    again = [] if made.seed is None else sorted(numbers_of(drawn(pool, made.seed, made.rules)))
    return SeenDraw(made, pool, list(numbers), again)


class SampleFilter(BaseModel):
    """Which tickets of a sample: of one kind, of a unit and those below it, waiting or checked."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    kind: SampleKind | None = None
    unit: str | None = Field(default=None, max_length=24)
    waiting: bool | None = None
    passed: bool | None = None


def list_sample(
    session: Session,
    campaign: Campaign,
    wanted: SampleFilter,
    *,
    actor: Actor,
    limit: int = 50,
    cursor: str | None = None,
) -> Page[SampledTicket]:
    """One page of the sample as far as the actor may see it, in the order it was drawn."""
    query = (
        select(SampledTicket)
        .join(SampledTicket.ticket)
        .join(SampledTicket.draw)
        .where(SampledTicket.campaign_id == campaign.id, samples_visible_to(actor))
        .options(
            contains_eager(SampledTicket.ticket).joinedload(Ticket.unit, innerjoin=True),
            contains_eager(SampledTicket.draw),
            joinedload(SampledTicket.unit, innerjoin=True),
            joinedload(SampledTicket.checked_by),
            joinedload(SampledTicket.again),
        )
    )
    if wanted.kind is not None:
        query = query.where(SampleDraw.kind == wanted.kind)
    if wanted.unit:
        top = select(Unit.path).where(Unit.code == wanted.unit).scalar_subquery()
        below = select(Unit.id).where(Unit.path.like(top.concat("%")))
        query = query.where(SampledTicket.unit_id.in_(below) | Ticket.unit_id.in_(below))
    if wanted.waiting is not None:
        waits = SampledTicket.passed.is_(None)
        query = query.where(waits if wanted.waiting else ~waits)
    if wanted.passed is not None:
        query = query.where(SampledTicket.passed.is_(wanted.passed))
    page = page_of(session, query, Key(SampledTicket.id, UUID), limit=limit, cursor=cursor)
    load_named(session, [each.ticket for each in page.items])
    return page


def sampled_by_number(
    session: Session, campaign: Campaign, number: str, *, actor: Actor, lock: bool = False
) -> SampledTicket:
    """The ticket with this number in the campaign's sample, in the actor's sight. Raises NotFound."""
    found = sampled_by_numbers(session, campaign, [number], actor=actor, lock=lock).get(number)
    if found is None:
        raise NotFound(what=number)
    return found


def sampled_by_numbers(
    session: Session, campaign: Campaign, numbers: Iterable[str], *, actor: Actor, lock: bool = False
) -> dict[str, SampledTicket]:
    """The tickets with these numbers in the campaign's sample and the actor's sight, by number, with all they name.

    What is not there is left out. They are locked in the order they were drawn.
    """
    query = (
        select(SampledTicket)
        .join(SampledTicket.ticket)
        .where(
            SampledTicket.campaign_id == campaign.id,
            Ticket.number.in_(set(numbers)),
            samples_visible_to(actor),
        )
        .options(
            contains_eager(SampledTicket.ticket).joinedload(Ticket.unit, innerjoin=True),
            joinedload(SampledTicket.unit),
            joinedload(SampledTicket.draw),
            joinedload(SampledTicket.checked_by),
            joinedload(SampledTicket.again),
        )
    )
    query = query.order_by(SampledTicket.id)
    if lock:
        query = query.with_for_update(of=SampledTicket).execution_options(populate_existing=True)
    rows = session.scalars(query).all()
    for row in rows:
        # Not joined: its settings would be sent and read once for every ticket.
        set_committed_value(row, "campaign", campaign)
    load_named(session, [row.ticket for row in rows])
    return {row.ticket.number: row for row in rows}


# Counting.


class SampleCounts(BaseModel):
    """`drawn` = `passed` + `failed` + `waiting`; the rate is passed of those checked."""

    model_config = ConfigDict(frozen=True)

    drawn: int
    checked: int
    passed: int
    failed: int
    waiting: int
    pass_rate: Rate

    @classmethod
    def of(cls, results: Counter[bool | None]) -> SampleCounts:
        """From how many passed (True), failed (False) and wait (None)."""
        passed, failed, waiting = results[True], results[False], results[None]
        return cls(
            drawn=passed + failed + waiting,
            checked=passed + failed,
            passed=passed,
            failed=failed,
            waiting=waiting,
            pass_rate=Rate.of(passed, passed + failed),
        )


@dataclass(frozen=True, slots=True)
class SampleCell:
    """The sampled tickets of one kind and unit."""

    kind: SampleKind
    unit: UnitAt
    results: Counter[bool | None]


def sample_cells(
    session: Session,
    campaign: Campaign,
    *,
    only: ColumnElement[bool] | None = None,
    within: str | None = None,
) -> list[SampleCell]:
    """The campaign's sample by kind and unit, in the order of paths; `only` narrows the tickets that are counted."""
    found: dict[tuple[SampleKind, UUID], SampleCell] = {}
    given = {"campaign": campaign.id}
    for kind, *unit, passed, count in session.execute(_by_cell(only, within), given):
        place = UnitAt(*unit)
        cell = found.setdefault((kind, place.id), SampleCell(kind, place, Counter()))
        cell.results[passed] += count
    return list(found.values())


@lru_cache(maxsize=256)
def _by_cell(only: ColumnElement[bool] | None, within: str | None) -> Select[Any]:
    query = (
        select(SampleDraw.kind, *UNIT_AT, SampledTicket.passed, func.count())
        .select_from(SampledTicket)
        .join(SampleDraw, SampleDraw.id == SampledTicket.draw_id)
        .join(Unit, Unit.id == SampledTicket.unit_id)
        .join(Ticket, Ticket.id == SampledTicket.ticket_id)
        .where(SampledTicket.campaign_id == bindparam("campaign"), true() if only is None else only)
        .group_by(SampleDraw.kind, Unit.id, SampledTicket.passed)
        .order_by(SampleDraw.kind, Unit.path)
    )
    if within:
        query = query.where(Unit.path.startswith(within, autoescape=True))
    return query


def counts_of(cells: Iterable[SampleCell]) -> SampleCounts:
    """All of them added."""
    results: Counter[bool | None] = Counter()
    for cell in cells:
        for passed, count in cell.results.items():
            results[passed] += count
    return SampleCounts.of(results)
