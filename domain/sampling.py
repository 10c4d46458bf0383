"""The sample for the re-check on the spot: drawn by chance from a seed anybody can draw again, added to later.

Which ticket comes first is decided by SHA-256 of seed and number, so a draw depends on nothing but what is recorded of
it: not on the order of rows, the library or the machine. Percentages are the campaign's settings (domain rules, open
question I: all of the serious and major ones, 30 % of the general ones by unit, at least three).
"""

from __future__ import annotations

import hashlib
import secrets
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import Select, exists, select
from sqlalchemy.orm import Session, joinedload, undefer

from domain.campaign_settings import Sampling, settings_of
from domain.campaigns import campaign_by_code, must_be_open
from domain.errors import BadInput, wrong
from domain.figure_filter import DONE
from domain.history import record
from domain.records import (
    Campaign,
    CampaignUnit,
    SampleDraw,
    SampledTicket,
    SampleKind,
    Ticket,
    Unit,
)
from domain.rights import Deed, must_be_allowed
from domain.visibility import tickets_visible_to
from statemachines.campaign import CampaignState
from statemachines.labels import Level
from statemachines.refusals import Refusal
from statemachines.roles import Actor
from statemachines.ticket import TicketState

SEED = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"

Pool = dict[str, dict[str, dict[str, Any]]]
"""By unit and stratum: `numbers` to draw from, and how many were in the pools and samples `before`."""

LOOKED_BACK = "all"
"""What is looked back at is one stratum: its levels are not told apart."""


class NothingToDraw(Refusal):
    """No ticket was reported as fixed that an earlier draw did not already have in its pool."""

    code, status = "nothing-to-draw", 409
    title_zh, title_en = "没有可抽的隐患单", "Nothing to draw from"
    zh = "“{campaign}”没有尚未参加过抽样的已整改隐患单，暂不能抽样。"
    en = "“{campaign}” has no fixed ticket that has not been in a draw before."


class NoEarlierCampaign(Refusal):
    """There is no campaign to look back at."""

    code, status = "no-earlier-campaign", 409
    title_zh, title_en = "没有上一次活动", "No earlier campaign"
    zh = "没有找到“{campaign}”之前已总结的检查活动，请写明要回头看的活动编号。"
    en = "No campaign summed up before “{campaign}” was found; name the one to look back at (source)."


class NewDraw(BaseModel):
    """Draw by chance, or add tickets by hand with a reason.

    `seed` is made up when left out, and kept. `source` is the code of the campaign to look back at; left out, the one
    before this. `add` names tickets to be checked besides those drawn.
    """

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    kind: SampleKind = SampleKind.RECHECK
    seed: str | None = Field(default=None, pattern=SEED)
    source: str | None = Field(default=None, min_length=1, max_length=24)
    add: list[Annotated[str, Field(min_length=1, max_length=64)]] = Field(
        default_factory=list, max_length=200
    )
    reason: str | None = Field(default=None, max_length=2000)

    @model_validator(mode="after")
    def _by_chance_or_by_hand(self) -> NewDraw:
        if self.add and not self.reason:
            raise wrong("reason-missing", zh="加抽须写明理由 reason。", en="Adding by hand needs a reason.")
        if self.add and self.seed:
            raise wrong(
                "seed-not-by-hand",
                zh="加抽（add）是指定的，不用种子（seed），请分开办理。",
                en="Tickets added by hand need no seed; draw and add in two steps.",
            )
        if self.reason and not self.add:
            raise wrong("add-missing", zh="请写明加抽哪些隐患单 add。", en="Name the tickets to add (add).")
        if self.source and self.kind is not SampleKind.LOOK_BACK:
            raise wrong(
                "source-not-look-back",
                zh="只有回头看（look_back）才能指定活动 source。",
                en="Only a look back has a source.",
            )
        return self


# Chance.


def quota(size: int, percent: int, least: int = 0) -> int:
    """So many of `size`: the percentage rounded up, at least `least`, never more than there are."""
    return min(size, max(-(-size * percent // 100), least))


def ranked(seed: str, numbers: Iterable[str]) -> list[str]:
    """The numbers in the order this seed draws them."""
    return sorted(numbers, key=lambda number: (hashlib.sha256(f"{seed}:{number}".encode()).digest(), number))


def drawn(pool: Pool, seed: str, rules: Mapping[str, Any]) -> dict[str, dict[str, list[str]]]:
    """The numbers this seed draws from this pool under these rules, by unit and stratum.

    The quota is of all that was ever in a pool; what earlier draws took of it is taken off.
    """
    sampling = Sampling.model_validate(rules)
    found: dict[str, dict[str, list[str]]] = {}
    for unit, strata in pool.items():
        for stratum, held in strata.items():
            pooled, taken = held["before"]
            size = pooled + len(held["numbers"])
            if stratum == LOOKED_BACK:
                wanted = quota(size, sampling.look_back, sampling.look_back_at_least)
            else:
                least = sampling.at_least if stratum == Level.GENERAL else 0
                wanted = quota(size, sampling.of(Level(stratum)), least)
            chosen = ranked(seed, held["numbers"])[: max(0, wanted - taken)]
            if chosen:
                found.setdefault(unit, {})[stratum] = sorted(chosen)
    return found


def numbers_of(chosen: Mapping[str, Mapping[str, Iterable[str]]]) -> set[str]:
    """All numbers of a draw, whatever their unit and stratum."""
    return {number for strata in chosen.values() for numbers in strata.values() for number in numbers}


# Drawing.


def draw(session: Session, campaign: Campaign, new: NewDraw, *, actor: Actor, now: datetime) -> SampleDraw:
    """Draw, or add by hand; the campaign must be locked, so that two draws follow each other.

    Raises RoleMissing, CampaignClosed, NothingToDraw, NoEarlierCampaign, BadInput (unknown ticket, campaign).
    """
    must_be_allowed(actor, Deed.DRAW_SAMPLE, at=campaign.unit.path)
    must_be_open(campaign)
    source = _source(session, campaign, new, actor)
    scope = _Scope(session, campaign)
    rules = settings_of(campaign).sampling.model_dump()
    made = SampleDraw(
        campaign=campaign,
        source_campaign=source,
        kind=new.kind,
        seed=None if new.add else new.seed or secrets.token_hex(8),
        reason=new.reason,
        rules=rules,
        pool={},
        drawn_at=now,
        drawn_by_id=actor.id,
        tickets=[],
    )
    if new.add:
        chosen = _by_hand(session, campaign, source, new, actor)
    else:
        assert made.seed is not None
        candidates = _candidates(session, campaign, source, new.kind, scope)
        if not candidates:
            raise NothingToDraw(campaign=source.name)
        made.pool = _pool(session, campaign, source, new.kind, scope, candidates)
        numbers = numbers_of(drawn(made.pool, made.seed, rules))
        chosen = [ticket for ticket in candidates if ticket.number in numbers]
    session.add(made)
    session.flush()
    session.add_all(
        SampledTicket(
            draw_id=made.id,
            campaign_id=campaign.id,
            ticket_id=ticket.id,
            unit_id=scope.of(ticket.unit).id,
            level=ticket.level,
        )
        for ticket in chosen
    )
    record(
        session,
        campaign,
        "draw_sample",
        actor=actor,
        now=now,
        before=campaign.state,
        after=campaign.state,
        kind=new.kind,
        source=source,
        seed=made.seed,
        reason=made.reason,
        count=len(chosen),
    )
    session.flush()
    return made


@dataclass(slots=True)
class _Scope:
    """The units of a campaign's scope; a ticket counts for the deepest one above it."""

    units: list[Unit]

    def __init__(self, session: Session, campaign: Campaign) -> None:
        query = (
            select(Unit)
            .join(CampaignUnit, CampaignUnit.unit_id == Unit.id)
            .where(CampaignUnit.campaign_id == campaign.id)
        )
        self.units = sorted(session.scalars(query), key=lambda unit: -len(unit.path))

    def covers(self, unit: Unit) -> bool:
        return any(unit.path.startswith(each.path) for each in self.units)

    def of(self, unit: Unit) -> Unit:
        return next((each for each in self.units if unit.path.startswith(each.path)), unit)


def _source(session: Session, campaign: Campaign, new: NewDraw, actor: Actor) -> Campaign:
    if new.kind is SampleKind.RECHECK:
        return campaign
    if new.source:
        source = campaign_by_code(session, new.source, actor=actor, pointer="/source")
        if source.id == campaign.id:
            raise BadInput(
                "/source",
                "same-campaign",
                zh="回头看须指定以前的活动，不能是本次活动。",
                en="A look back is at an earlier campaign, not at this one.",
            )
        return source
    if (found := previous_campaign(session, campaign)) is None:
        raise NoEarlierCampaign(campaign=campaign.name)
    return found


def previous_campaign(session: Session, campaign: Campaign) -> Campaign | None:
    """The campaign before: the one that handed its open tickets over, else the newest summed up of the same unit."""
    ended = (CampaignState.SUMMARISED, CampaignState.ARCHIVED)
    query = (
        select(Campaign)
        .where(Campaign.unit_id == campaign.unit_id, Campaign.state.in_(ended), Campaign.id < campaign.id)
        .order_by(Campaign.next_campaign_id.is_not_distinct_from(campaign.id).desc(), Campaign.id.desc())
        .limit(1)
    )
    return session.scalars(query).one_or_none()


def _candidates(
    session: Session, campaign: Campaign, source: Campaign, kind: SampleKind, scope: _Scope
) -> list[Ticket]:
    """Tickets no draw has had in its pool and no hand has added, in the order of their numbers."""
    states = DONE if kind is SampleKind.RECHECK else (TicketState.VERIFIED,)
    sampled = exists().where(SampledTicket.campaign_id == campaign.id, SampledTicket.ticket_id == Ticket.id)
    query = (
        select(Ticket)
        .where(Ticket.campaign_id == source.id, Ticket.state.in_(states), ~sampled)
        .options(joinedload(Ticket.unit, innerjoin=True))
        .order_by(Ticket.number)
    )
    pooled = {
        number
        for pool in session.scalars(_earlier(campaign, source, kind).with_only_columns(SampleDraw.pool))
        for strata in pool.values()
        for held in strata.values()
        for number in held["numbers"]
    }
    return [
        ticket
        for ticket in session.scalars(query)
        if ticket.number not in pooled and (kind is SampleKind.RECHECK or scope.covers(ticket.unit))
    ]


def _earlier(campaign: Campaign, source: Campaign, kind: SampleKind) -> Select[tuple[SampleDraw]]:
    """The draws by chance so far out of the same campaign."""
    return select(SampleDraw).where(
        SampleDraw.campaign_id == campaign.id,
        SampleDraw.source_campaign_id == source.id,
        SampleDraw.kind == kind,
        SampleDraw.seed.is_not(None),
    )


def _pool(
    session: Session,
    campaign: Campaign,
    source: Campaign,
    kind: SampleKind,
    scope: _Scope,
    candidates: list[Ticket],
) -> Pool:
    """The candidates by unit and stratum, each with what earlier draws held and took there."""
    pooled: Counter[tuple[str, str]] = Counter()
    taken: Counter[tuple[str, str]] = Counter()
    for each in session.scalars(_earlier(campaign, source, kind).options(undefer(SampleDraw.pool))):
        assert each.seed is not None
        pooled.update(
            {
                (unit, stratum): len(held["numbers"])
                for unit, strata in each.pool.items()
                for stratum, held in strata.items()
            }
        )
        for unit, chosen in drawn(each.pool, each.seed, each.rules).items():
            taken.update({(unit, stratum): len(numbers) for stratum, numbers in chosen.items()})
    numbers: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for ticket in candidates:
        stratum = LOOKED_BACK if kind is SampleKind.LOOK_BACK else ticket.level.value
        numbers[scope.of(ticket.unit).code, stratum].append(ticket.number)
    pool: Pool = {}
    for (unit, stratum), named in sorted(numbers.items()):
        before = [pooled[unit, stratum], taken[unit, stratum]]
        pool.setdefault(unit, {})[stratum] = {"before": before, "numbers": named}
    return pool


def _by_hand(
    session: Session, campaign: Campaign, source: Campaign, new: NewDraw, actor: Actor
) -> list[Ticket]:
    """The tickets named, each reported as fixed and not yet in the sample. Raises BadInput at its place."""
    states = DONE if new.kind is SampleKind.RECHECK else (TicketState.VERIFIED,)
    query = (
        select(Ticket)
        .where(Ticket.number.in_(new.add), tickets_visible_to(actor), Ticket.campaign_id == source.id)
        .options(joinedload(Ticket.unit, innerjoin=True))
    )
    known = {ticket.number: ticket for ticket in session.scalars(query)}
    sampled = set(
        session.scalars(
            select(SampledTicket.ticket_id).where(
                SampledTicket.campaign_id == campaign.id,
                SampledTicket.ticket_id.in_([ticket.id for ticket in known.values()]),
            )
        )
    )
    chosen: dict[str, Ticket] = {}
    for place, number in enumerate(new.add):
        ticket = known.get(number)
        if ticket is None or ticket.state not in states:
            raise BadInput(
                f"/add/{place}",
                "not-to-be-sampled",
                zh=f"“{number}”不是“{source.name}”已整改的隐患单，或不在您的管辖范围内。",
                en=f"“{number}” is no fixed ticket of “{source.name}” within your reach.",
            )
        if ticket.id in sampled or number in chosen:
            raise BadInput(
                f"/add/{place}",
                "sampled-already",
                zh=f"“{number}”已在样本中。",
                en=f"“{number}” is in the sample already.",
            )
        chosen[number] = ticket
    return list(chosen.values())
