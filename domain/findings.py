"""Submit a finding: what an inspector saw becomes a hazard ticket with a number, at once and exactly once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import exists, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased, joinedload
from uuid_utils.compat import uuid7

from domain import notices
from domain.campaigns import campaign_by_code
from domain.chases import follow
from domain.errors import BadInput, wrong
from domain.files import ListedFile, list_files
from domain.finding_templates import template_of
from domain.history import record
from domain.people import unknown_unit
from domain.places import place_of_finding
from domain.records import (
    Campaign,
    CampaignUnit,
    ChecklistItem,
    FileKind,
    NumberCounter,
    Person,
    Ticket,
    Unit,
)
from domain.tickets import ticket_by_number
from domain.visibility import units_visible_to
from statemachines.campaign import accepts_findings
from statemachines.chart import begin
from statemachines.labels import Level
from statemachines.refusals import PhotoRequired, Refusal
from statemachines.roles import Actor

CLOCK_SKEW = timedelta(minutes=5)
"""A phone's clock may run ahead of ours by this much before "found in the future" is refused."""

#: A unit above another, or that one itself.
_ABOVE = aliased(Unit)

Quantity = Annotated[Decimal, Field(gt=0, max_digits=12, decimal_places=2, allow_inf_nan=False)]


class FindingsClosed(Refusal):
    """The campaign has been summed up; its figures stand."""

    code, status = "findings-closed", 409
    title_zh, title_en = "活动已总结", "The campaign is closed"
    zh = "“{campaign}”已总结，不再登记隐患，请登记到正在进行的活动。"
    en = "“{campaign}” has been summed up and takes no more findings; submit to one that is running."


class SameIdOtherContent(Refusal):
    """The id a phone made is taken by a finding with other content: neither is lost, nothing is merged."""

    code, status = "same-id-other-content", 409
    title_zh, title_en = "编号已被占用", "The id is taken"
    zh = "这个 id 已登记为另一条隐患（{number}），内容不同。请换一个新的 id 提交。"
    en = "This id already belongs to another finding ({number}) with other content. Submit with a new id."


class NewFinding(BaseModel):
    """What an inspector submits. `id` is a UUID made by the client, so that sending twice makes one ticket.

    `campaign` and `unit` are codes. `level` and `category` may be left out when a `checklist_item` (its code in the
    campaign's checklist) or a `standard_hazard` (its code in the library; `standard_hazard_version` the one the sender
    knew) gives them. `measure` and `deadline_days` are proposals to whoever assigns. `quantity` needs a `measure_unit`.
    `place` is the code on a sign; its name and position stand in where `location`, `lat` and `lon` are left out.
    `found_at` is now when left out.
    """

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    id: UUID | None = None
    campaign: str = Field(min_length=1, max_length=24)
    unit: str = Field(min_length=1, max_length=24)
    description: str = Field(min_length=1, max_length=4000)
    level: Level | None = None
    category: str | None = Field(default=None, min_length=1, max_length=100)
    checklist_item: str | None = Field(default=None, min_length=1, max_length=32)
    standard_hazard: str | None = Field(default=None, min_length=1, max_length=32)
    standard_hazard_version: int | None = Field(default=None, ge=1, le=1_000_000)
    measure: str | None = Field(default=None, min_length=1, max_length=1000)
    deadline_days: int | None = Field(default=None, ge=0, le=3650)
    quantity: Quantity | None = None
    measure_unit: str | None = Field(default=None, min_length=1, max_length=10)
    location: str = Field(default="", max_length=200)
    lat: float | None = Field(default=None, ge=-90, le=90, allow_inf_nan=False)
    lon: float | None = Field(default=None, ge=-180, le=180, allow_inf_nan=False)
    place: str | None = Field(default=None, min_length=1, max_length=32)
    found_at: AwareDatetime | None = None
    source: str = Field(default="inspection", pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")
    recurrence_of: str | None = Field(default=None, max_length=64)
    files: list[ListedFile] = Field(default_factory=list, max_length=20)

    @model_validator(mode="after")
    def _belong_together(self) -> NewFinding:
        if self.quantity is not None and not self.measure_unit:
            raise wrong(
                "measure-unit-missing",
                zh="填写了数量，须同时填写计量单位 measure_unit。",
                en="A quantity needs its measure_unit.",
            )
        if self.checklist_item is None and self.standard_hazard is None:
            for name, value in (("level", self.level), ("category", self.category)):
                if value is None:
                    raise wrong(
                        f"{name}-missing",
                        zh=f"须填写 {name}，或写明检查表条目 checklist_item 或标准隐患 standard_hazard。",
                        en=f"Give a {name}, or a checklist_item or standard_hazard that has one.",
                    )
        if (self.lat is None) != (self.lon is None):
            raise wrong("position-incomplete", zh="经纬度须同时填写。", en="Give lat and lon together.")
        return self

    def fingerprint(self) -> str:
        """SHA-256 of everything said but the id; a field added since counts only where it is said."""
        unsaid = {name for name in _SAID_LATER if getattr(self, name) is None}
        return hashlib.sha256(self.model_dump_json(exclude={"id", *unsaid}).encode()).hexdigest()


_SAID_LATER = ("place", "standard_hazard", "standard_hazard_version", "measure", "deadline_days")


@dataclass(frozen=True, slots=True)
class Submitted:
    """The ticket, and whether this call made it (False: the same finding had been sent before)."""

    ticket: Ticket
    created: bool


def submit_finding(
    session: Session,
    new: NewFinding,
    *,
    actor: Actor,
    now: datetime,
    inspection_id: UUID | None = None,
    item: ChecklistItem | None = None,
    finder: Actor | None = None,
) -> Submitted:
    """Make a ticket of a finding.

    An inspection names itself and the failed `item`, whose checklist need not be the campaign's. An import names the
    `finder` when somebody else found it; the history then says both.

    Anybody with a role may report what they saw within their reach (安全生产法 Art. 59: any worker who finds a hazard
    reports it at once). Raises BadInput (unknown campaign, unit or item, found in the future), FindingsClosed,
    SameIdOtherContent, PhotoRequired. Sending the same finding again returns the first ticket.
    """
    fingerprint = new.fingerprint()
    key = new.id or uuid7()
    if new.id is not None:
        # Two deliveries of one finding at the same moment: the second waits here and then meets the first's ticket.
        session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(str(key), 0))))
        if (known := session.get(Ticket, key)) is not None:
            if known.fingerprint != fingerprint or known.finder_id != (finder or actor).id:
                raise SameIdOtherContent(number=known.number)
            return Submitted(ticket_by_number(session, known.number, actor=actor), created=False)
    campaign = campaign_by_code(session, new.campaign, actor=actor, pointer="/campaign")
    if not accepts_findings(campaign.state):
        raise FindingsClosed(campaign=campaign.name)
    unit, person = _place_and_finder(session, campaign, new.unit, actor=actor, finder=finder or actor)
    place = place_of_finding(session, new.place, actor=actor) if new.place else None
    position = place if place and new.lat is None else new
    template = template_of(
        session,
        campaign,
        checklist_item=None if item is not None else new.checklist_item,
        standard_hazard=new.standard_hazard,
        version=new.standard_hazard_version,
    )
    template = replace(template, item=item or template.item)
    if template.photo_required and not new.files:
        raise PhotoRequired(missing=("files",), what=template.name)
    level = new.level or template.level or Level.GENERAL
    found_at = new.found_at or now
    if found_at > now + CLOCK_SKEW:
        raise BadInput(
            "/found_at",
            "found-in-future",
            zh="发现时间晚于现在，请核对手机时间。",
            en="The time of finding is in the future; check the clock of the phone.",
        )
    ticket = Ticket(
        id=key,
        number=f"{campaign.code}-{unit.code}-{_next_number(session, campaign, unit):04d}",
        campaign=campaign,
        origin_campaign_id=campaign.id,
        unit=unit,
        inspection_id=inspection_id,
        checklist_item=template.item,
        standard_hazard_id=template.hazard.id if template.hazard else None,
        proposed_measure=new.measure or template.measure,
        proposed_days=template.days(level) if new.deadline_days is None else new.deadline_days,
        photo_required=template.photo_required,
        after_photo_required=template.after_photo_required,
        description=new.description,
        level=level,
        category=new.category or template.category or "",
        quantity=new.quantity,
        measure_unit=new.measure_unit,
        place=place,
        location=new.location or (place.name if place else ""),
        lat=position.lat,
        lon=position.lon,
        source=new.source,
        found_at=min(found_at, now),
        finder=person,
        recorded_at=now,
        fingerprint=fingerprint,
        recurrence_of_id=_earlier(session, new.recurrence_of, actor),
        files_expected=0,
        files_arrived=0,
        # Nobody yet, said here so that the new ticket is complete without being read back.
        assignee=None,
        fixer=None,
        fixer_unit=None,
        first_verifier=None,
        verifier=None,
        duplicate_of=None,
    )
    begin(ticket)
    session.add(ticket)
    list_files(session, ticket, new.files, kind=FileKind.BEFORE, actor=actor, now=now)
    record(
        session,
        ticket,
        "found",
        actor=actor,
        now=now,
        after=ticket.state,
        level=ticket.level,
        found_at=ticket.found_at,
        source=ticket.source,
        finder=person if person.id != actor.id else None,
        files=len(new.files) or None,
    )
    follow(session, ticket, now=now, new=True)
    session.flush()
    notices.found(session, ticket, now=now)
    return Submitted(ticket, created=True)


def _place_and_finder(
    session: Session, campaign: Campaign, code: str, *, actor: Actor, finder: Actor
) -> tuple[Unit, Person]:
    """The unit with this code, which must be in the campaign's scope or below a unit that is; and who found it."""
    covered = exists().where(
        CampaignUnit.campaign_id == campaign.id,
        CampaignUnit.unit_id == _ABOVE.id,
        func.starts_with(Unit.path, _ABOVE.path),
    )
    found = session.execute(
        select(Unit, Person, covered.label("covered"))
        .join(Person, Person.id == finder.id)
        .where(Unit.code == code, units_visible_to(actor))
        .options(joinedload(Person.unit, innerjoin=True))
    ).one_or_none()
    if found is None:
        raise unknown_unit(code)
    unit: Unit = found[0]
    if not found.covered:
        raise BadInput(
            "/unit",
            "unit-not-in-campaign",
            zh=f"“{unit.name}”不在“{campaign.name}”的检查范围内。",
            en=f"“{unit.name}” is not in the scope of “{campaign.name}”.",
        )
    return unit, found[1]


def _earlier(session: Session, number: str | None, actor: Actor) -> UUID | None:
    return None if number is None else ticket_by_number(session, number, actor=actor).id


def _next_number(session: Session, campaign: Campaign, unit: Unit) -> int:
    """The next number for this campaign and unit; given out in the transaction, so no gap and never twice."""
    row = insert(NumberCounter).values(campaign_id=campaign.id, unit_id=unit.id, last=1)
    query = row.on_conflict_do_update(
        index_elements=["campaign_id", "unit_id"], set_={"last": NumberCounter.last + 1}
    ).returning(NumberCounter.last)
    return int(session.execute(query).scalar_one())
