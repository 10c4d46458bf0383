"""Tests (试验) of safety tools: one, or all of a testing house's report at once, and when each tool is due next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload
from uuid_utils.compat import uuid7

from domain.campaigns import campaign_by_code, must_be_open
from domain.chases import follow_all
from domain.coverage import units_in_scope
from domain.errors import BadInput, about_row
from domain.files import ListedFiles
from domain.history import record
from domain.phases import Day
from domain.photo_listings import list_photos
from domain.records import Campaign, CountsAs, QuantityRecord, Tool, ToolStatus, ToolTest
from domain.rights import Deed, must_be_allowed
from domain.tools import months_later, not_in_future, tools_by_numbers
from statemachines.labels import local_day
from statemachines.roles import Actor

READINGS_AT_MOST = 20

AT_ONCE = 100
"""Tests of one call: more than one station has tools."""

TESTING = "试验"
"""The action a test adds to the campaign's quantity records."""


class Reading(BaseModel):
    """What a test measured, the value as it was written: 泄漏电流 ≤7.5 mA."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    name: str = Field(min_length=1, max_length=40)
    value: str = Field(min_length=1, max_length=40)
    unit: str = Field(default="", max_length=10)


class NewToolTest(BaseModel):
    """A test of one tool, today when `tested_on` is left out; with a `campaign` it counts in that one's figures.

    `files` are its photos: the meter, the label, what is broken.
    """

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    passed: bool
    tested_on: Day | None = None
    campaign: str | None = Field(default=None, min_length=1, max_length=24)
    report_number: str = Field(default="", max_length=60)
    note: str = Field(default="", max_length=1000)
    readings: list[Reading] = Field(default_factory=list, max_length=READINGS_AT_MOST)
    files: ListedFiles = Field(default_factory=list)


class ReportedTest(NewToolTest):
    """A line of a report: a test, and the number of the tool it was made of."""

    number: str = Field(min_length=1, max_length=40)


def list_tests(session: Session, tool: Tool) -> list[ToolTest]:
    """Every test of a tool, newest first, with its photos."""
    query = select(ToolTest).where(ToolTest.tool_id == tool.id).options(selectinload(ToolTest.photos))
    return list(session.scalars(query.order_by(ToolTest.tested_on.desc(), ToolTest.id.desc())))


def record_test(
    session: Session,
    tool: Tool,
    told: NewToolTest,
    *,
    actor: Actor,
    now: datetime,
    key: UUID | None = None,
) -> ToolTest:
    """Record a test. The tool's row must be locked, so that two tests of one tool follow each other.

    A passed test puts the tool in use until its interval has run; a failed one takes it out of use. A test older than
    the last one is kept and changes nothing else. With a campaign one more 试验 is counted in its quantity records.
    `key` is the id a phone gave the test (domain/phone.py sees to it that it is new).
    Raises BadInput (retired, in the future, unknown campaign, unit not in scope, a photo too large), CampaignClosed,
    RoleMissing.
    """
    counting = _Counting(session, [tool], actor)
    made = _tested(session, tool, told, counting, actor=actor, now=now, key=key)
    _keep(session, [made], now=now)
    return made.test


def record_tests(
    session: Session, told: Sequence[ReportedTest], *, actor: Actor, now: datetime
) -> list[ToolTest]:
    """Record the tests of several tools, all or none, as a report lists them; their tools are locked here, and loaded.

    What is the same for all is read once, and the records are written together. Several tests of one tool follow each
    other in the order told. Raises BadInput at `number` for a tool that is not in the actor's sight, and what
    `record_test` raises, of the first that is wrong, naming its place in the list and its tool.
    """
    tools = tools_by_numbers(session, (each.number for each in told), actor=actor, lock=True)
    counting = _Counting(session, tools.values(), actor)
    made = []
    for place, each in enumerate(told):
        with about_row(place, each.number):
            tool = tools.get(each.number)
            if tool is None:
                raise BadInput(
                    "/number",
                    "unknown-tool",
                    zh="没有这个编号的工器具，或不在您的管辖范围内，请核对编号，或先登记工器具。",
                    en="There is no tool with this number within your reach; check it, or register the tool first.",
                )
            made.append(_tested(session, tool, each, counting, actor=actor, now=now))
    _keep(session, made, now=now)
    return [each.test for each in made]


class _Counting:
    """The campaigns in which tests of these tools are counted, each looked up once."""

    def __init__(self, session: Session, tools: Iterable[Tool], actor: Actor) -> None:
        self._session, self._actor = session, actor
        self._units = [tool.unit for tool in tools]
        self._found: dict[str, tuple[Campaign, set[UUID]]] = {}

    def of(self, code: str, tool: Tool) -> Campaign:
        """The campaign with this code, which is open and covers the tool's unit. Raises BadInput, CampaignClosed."""
        if code not in self._found:
            # The tests read so far are written together with those to come.
            with self._session.no_autoflush:
                campaign = campaign_by_code(self._session, code, actor=self._actor, pointer="/campaign")
                self._found[code] = campaign, units_in_scope(self._session, campaign, self._units)
        campaign, covered = self._found[code]
        must_be_open(campaign)
        if tool.unit_id not in covered:
            raise BadInput(
                "/campaign",
                "unit-not-in-campaign",
                zh=f"“{tool.unit.name}”不在“{campaign.name}”的检查范围内。",
                en=f"“{tool.unit.name}” is not in the scope of “{campaign.name}”.",
            )
        return campaign


@dataclass(frozen=True, slots=True)
class _Made:
    """A test before it is written: whether it says how the tool stands now, and what it counts for."""

    test: ToolTest
    latest: bool
    counted: QuantityRecord | None


def _tested(
    session: Session,
    tool: Tool,
    told: NewToolTest,
    counting: _Counting,
    *,
    actor: Actor,
    now: datetime,
    key: UUID | None = None,
) -> _Made:
    must_be_allowed(actor, Deed.TEST_TOOL, at=tool.unit.path)
    if tool.status is ToolStatus.RETIRED:
        raise BadInput(
            "",
            "tool-retired",
            zh=f"“{tool.number}”已报废，不再试验。",
            en=f"“{tool.number}” is retired and no longer tested.",
        )
    not_in_future(told.tested_on, "/tested_on", now)
    tested_on = told.tested_on or local_day(now)
    campaign = counting.of(told.campaign, tool) if told.campaign is not None else None
    test = ToolTest(
        id=key or uuid7(),
        tool=tool,
        campaign_id=campaign.id if campaign else None,
        tested_on=tested_on,
        passed=told.passed,
        note=told.note,
        report_number=told.report_number,
        readings=[reading.model_dump() for reading in told.readings],
        photos=[],
        tester_id=actor.id,
        recorded_at=now,
    )
    list_photos(session, test, told.files, pointer="/files", actor=actor, now=now)
    before = tool.status
    latest = tool.last_test_on is None or tested_on >= tool.last_test_on
    if latest:
        tool.last_test_on = tested_on
        tool.next_test_on = months_later(tested_on, tool.test_interval_months) if told.passed else None
        tool.status = ToolStatus.IN_USE if told.passed else ToolStatus.FAILED
    record(
        session,
        tool,
        "tested",
        actor=actor,
        now=now,
        before=before,
        after=tool.status,
        tested_on=tested_on,
        passed=told.passed,
        report_number=told.report_number or None,
        readings=[reading.model_dump() for reading in told.readings] or None,
        photos=len(test.photos) or None,
        campaign=told.campaign,
    )
    return _Made(test, latest, _one_more(test, tool, campaign) if campaign else None)


def _one_more(test: ToolTest, tool: Tool, campaign: Campaign) -> QuantityRecord:
    """One more tested, as a quantity record: those stay the one source of every figure that is added up."""
    return QuantityRecord(
        campaign_id=campaign.id,
        unit_id=tool.unit_id,
        done_on=test.tested_on,
        action=TESTING,
        item=tool.kind,
        quantity=Decimal(1),
        measure_unit=tool.measure_unit,
        counts_as=CountsAs.PART,
        tool_test_id=test.id,
        recorded_by_id=test.tester_id,
        recorded_at=test.recorded_at,
    )


def _keep(session: Session, made: Sequence[_Made], *, now: datetime) -> None:
    """Write them, and chase the next tests of their tools."""
    session.add_all(each.test for each in made)
    changed = {each.test.tool.id: each.test.tool for each in made if each.latest}
    follow_all(session, changed.values(), now=now)
    session.flush()
    # They name the tests, which therefore are written first.
    session.add_all(each.counted for each in made if each.counted)
    session.flush()
