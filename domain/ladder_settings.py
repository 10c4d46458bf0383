"""The ladders a campaign or unit sets: for each matter the steps, whom they tell and how (domain rules 6.5)."""

from __future__ import annotations

import json
import re
from datetime import time
from enum import StrEnum
from functools import cache, lru_cache
from itertools import pairwise
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from domain.errors import wrong
from domain.records import Channel, Matter
from statemachines.labels import Level


class Told(StrEnum):
    """Whom a step of the ladder tells, besides `person:LOGIN` and `leader_of:UNIT`."""

    ASSIGNEE = "assignee"
    UNIT_LEADER = "unit_leader"
    """The leader, else the supervisor, nearest above the unit."""
    SUPERVISOR = "supervisor"
    INSPECTOR = "inspector"
    """Of a ticket who found it, of a planned visit who makes it; the inspectors of the unit when nobody is named."""
    LEADER = "leader"
    APPROVER = "approver"
    """Those who may decide about more time at the ticket's level."""
    REQUESTER = "requester"
    """Who asked for more time, made the suggestion, or watches over a supervised hazard."""
    ADDRESSEE = "addressee"
    """Who is to answer a suggestion."""


_NAMED = re.compile(r"(person|leader_of):(\S{1,64})")


def _known_word(word: str) -> str:
    if word not in set(Told) and not _NAMED.fullmatch(word):
        known = "、".join(Told)
        raise wrong(
            "ladder-told",
            zh=f"“{word}”不能作为通知对象；可用：{known}、person:登录名、leader_of:单位代码。",
            en=f"“{word}” is nobody a step can tell; use {', '.join(Told)}, person:LOGIN or leader_of:UNIT.",
        )
    return word


Word = Annotated[str, AfterValidator(_known_word)]


def named(word: str) -> tuple[str, str] | None:
    """("person", login) or ("leader_of", unit code) of such a word; None for a role."""
    found = _NAMED.fullmatch(word)
    return (found[1], found[2]) if found else None


class Act(StrEnum):
    """Remind whoever is to act, or escalate to those above."""

    REMIND = "remind"
    ESCALATE = "escalate"


class Condition(StrEnum):
    """What must hold when a step's time has come; otherwise it is recorded and nobody is told."""

    UNACKNOWLEDGED = "unacknowledged"
    NO_PROGRESS = "no_progress"
    RETURNED_TWICE = "returned_twice"
    SUPERVISED = "supervised"
    EXTENSION_PENDING = "extension_pending"
    NO_EXTENSION_PENDING = "no_extension_pending"


CAN_HOLD: dict[Matter, frozenset[Condition]] = {
    Matter.DEADLINE: frozenset(Condition),
    Matter.UNACKNOWLEDGED: frozenset({Condition.SUPERVISED, Condition.RETURNED_TWICE}),
    Matter.UNASSIGNED: frozenset({Condition.SUPERVISED}),
    Matter.UNCHECKED: frozenset({Condition.SUPERVISED, Condition.RETURNED_TWICE}),
    Matter.EXTENSION: frozenset({Condition.SUPERVISED, Condition.RETURNED_TWICE}),
    Matter.SUPERVISION: frozenset({Condition.RETURNED_TWICE}),
}
"""The conditions that can be true or false while a matter of that kind is open."""

DATED = frozenset({Matter.DEADLINE, Matter.INSPECTION, Matter.SUGGESTION, Matter.TOOL, Matter.SUPERVISION})
"""Matters counted from a date ahead: only these have steps before it."""


class _Setting(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Repeat(_Setting):
    """The step comes again every so many working days, so many times; one before the moment only until then."""

    every_workdays: int = Field(ge=1, le=60)
    times: int = Field(ge=1, le=60)


_CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"


class QuietHours(_Setting):
    """Nobody is told anything between these times of day in Asia/Shanghai; what waits is sent when they end.

    With `days_off` the unit's days off are quiet from morning to night. Matters that run by the hour (major hazards,
    deadlines of 24 hours) do not wait.
    """

    begin: str = Field(default="22:00", pattern=_CLOCK)
    end: str = Field(default="07:00", pattern=_CLOCK)
    days_off: bool = True

    def hours(self) -> tuple[time, time]:
        """Both ends as times of day."""
        return time.fromisoformat(self.begin), time.fromisoformat(self.end)


class LadderStep(_Setting):
    """One step of a ladder, climbed once for each run of the matter's clock.

    `after_workdays` or `after_hours` count from the matter's moment: negative before it, 0 the moment it has passed.
    `levels` are the hazard levels it is for; all when left out. Without `channels` each is told in their own way.
    """

    code: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")
    after_workdays: int | None = Field(default=None, ge=-60, le=250)
    after_hours: int | None = Field(default=None, ge=-240, le=2400)
    to: list[Word] = Field(min_length=1, max_length=8)
    act: Act
    levels: list[Level] = Field(default_factory=lambda: list(Level), min_length=1, max_length=3)
    channels: list[Channel] = Field(default_factory=list, max_length=3)
    repeat: Repeat | None = None
    only_if: list[Condition] = Field(default_factory=list, max_length=4)
    quiet_hours: QuietHours | None = Field(default_factory=QuietHours)

    @model_validator(mode="after")
    def _one_clock(self) -> LadderStep:
        if (self.after_workdays is None) == (self.after_hours is None):
            raise wrong(
                "ladder-after",
                zh=f"“{self.code}”：after_workdays（工作日）和 after_hours（小时）须且只须填一个。",
                en=f"“{self.code}”: give either after_workdays or after_hours.",
            )
        if Channel.WEBHOOK in self.channels:
            raise wrong(
                "ladder-channel",
                zh=f"“{self.code}”：webhook 是给程序的，不能用来通知人；可用 email、inbox、robot。",
                en=f"“{self.code}”: a webhook tells programs, not people; use email, inbox or robot.",
            )
        return self

    @property
    def hours(self) -> int:
        """Where it stands on the ladder; a working day weighs as 24 hours."""
        return self.after_hours if self.after_hours is not None else 24 * (self.after_workdays or 0)

    @property
    def before(self) -> bool:
        """Whether it comes before the matter's moment."""
        return self.hours < 0

    def is_for(self, level: Level | None) -> bool:
        """Whether matters of this level climb the step; a matter without a level climbs every one."""
        return level is None or level in self.levels


Ladder = list[LadderStep]


def checked(matter: Matter, ladder: Ladder) -> Ladder:
    """The ladder, if every step of it can be climbed. Raises an error naming the step otherwise."""
    codes = [step.code for step in ladder]
    if twice := sorted({code for code in codes if codes.count(code) > 1}):
        raise wrong(
            "ladder-code-twice",
            zh=f"催办步骤代号重复：{'、'.join(twice)}。",
            en=f"Steps of the ladder share a code: {', '.join(twice)}.",
        )
    for earlier, later in pairwise(ladder):
        if later.hours < earlier.hours:
            raise wrong(
                "ladder-order",
                zh=f"催办步骤须由早到晚：“{later.code}”早于“{earlier.code}”。",
                en=f"Steps go from early to late: “{later.code}” is before “{earlier.code}”.",
            )
    for step in ladder:
        _reachable(matter, step)
    return ladder


def _reachable(matter: Matter, step: LadderStep) -> None:
    if step.before and matter not in DATED:
        raise wrong(
            "ladder-unreachable",
            zh=f"“{step.code}”不会发生：“{matter.zh}”从发生时起算，没有“之前”的步骤。",
            en=f"“{step.code}” never comes: “{matter.en}” is counted from when it begins, nothing comes before.",
        )
    if matter in DATED and (step.act is Act.REMIND) != step.before:
        raise wrong(
            "ladder-act",
            zh=f"“{step.code}”：到期前只能提醒（remind），到期后只能升级（escalate）。",
            en=f"“{step.code}”: a step before the deadline reminds, one at or after it escalates.",
        )
    can = CAN_HOLD.get(matter, frozenset())
    never = [condition for condition in step.only_if if condition not in can]
    both = {Condition.EXTENSION_PENDING, Condition.NO_EXTENSION_PENDING} <= set(step.only_if)
    if never or both:
        which = "、".join(never or step.only_if)
        raise wrong(
            "ladder-unreachable",
            zh=f"“{step.code}”不会发生：条件“{which}”在“{matter.zh}”中不可能成立。",
            en=f"“{step.code}” never comes: {which} cannot hold for “{matter.en}”.",
        )


def _step(
    code: str,
    after: int,
    to: list[Told],
    act: Act,
    levels: list[Level] | None = None,
    *,
    daily: int = 0,
) -> LadderStep:
    """`daily`: on so many working days after the first as well."""
    return LadderStep(
        code=code,
        after_workdays=after,
        to=[*to],
        act=act,
        levels=levels or list(Level),
        repeat=Repeat(every_workdays=1, times=daily) if daily else None,
    )


def default_ladders() -> dict[Matter, Ladder]:
    """Domain rules 6.5: warn the person responsible, then their leader, then the union, then propose 督办.

    A major hazard climbs in half the days (rounded up), so its steps are its own, and on every working day whoever is
    responsible is asked how far it is: for sixty days before the deadline, the longest a plan runs without approval
    being under ninety natural days, and for twenty after it.

    The lists are the caller's own; the steps in them are shared, and to be read only.
    """
    return {matter: list(ladder) for matter, ladder in _defaults().items()}


@cache
def _defaults() -> dict[Matter, Ladder]:
    """Built once: every tool registered or tested asks for them."""
    lesser, major = [Level.GENERAL, Level.SERIOUS], [Level.MAJOR]
    remind, escalate = Act.REMIND, Act.ESCALATE
    above = [Told.SUPERVISOR, Told.LEADER]
    return {
        Matter.UNASSIGNED: [
            _step("unassigned-major-1", 1, above, escalate, major),
            _step("unassigned-1", 1, [Told.SUPERVISOR], remind, lesser),
            _step("unassigned-3", 3, [Told.LEADER], escalate),
        ],
        Matter.UNACKNOWLEDGED: [
            _step("unacknowledged-1", 1, [Told.ASSIGNEE], remind),
            _step("unacknowledged-2", 2, [Told.UNIT_LEADER], escalate),
        ],
        Matter.DEADLINE: [
            _step("major-daily", -60, [Told.ASSIGNEE], remind, major, daily=59),
            _step("due-in-3", -3, [Told.ASSIGNEE], remind, lesser),
            _step("major-due-in-2", -2, [Told.ASSIGNEE], remind, major),
            _step("due-in-1", -1, [Told.ASSIGNEE, Told.UNIT_LEADER], remind),
            _step("overdue", 0, [Told.UNIT_LEADER, Told.SUPERVISOR, Told.INSPECTOR], escalate),
            _step("major-late-daily", 1, [Told.ASSIGNEE], escalate, major, daily=19),
            _step("major-overdue-2", 2, [Told.LEADER], escalate, major),
            _step("overdue-3", 3, [Told.LEADER], escalate, lesser),
            _step("major-overdue-4", 4, above, escalate, major),
            _step("overdue-7", 7, above, escalate, lesser),
            _step("overdue-15", 15, above, escalate, [Level.SERIOUS]),
        ],
        Matter.UNCHECKED: [
            _step("unchecked-2", 2, [Told.INSPECTOR], remind),
            _step("unchecked-4", 4, [Told.SUPERVISOR], escalate),
        ],
        Matter.EXTENSION: [
            _step("extension-1", 1, [Told.APPROVER], remind),
            _step("extension-3", 3, [Told.LEADER], escalate),
        ],
        Matter.INSPECTION: [
            _step("visit-in-1", -1, [Told.INSPECTOR], remind),
            _step("visit-overdue", 0, [Told.INSPECTOR, Told.SUPERVISOR], escalate),
            _step("visit-overdue-2", 2, [Told.LEADER], escalate),
        ],
        Matter.SUGGESTION: [
            _step("answer-in-1", -1, [Told.ADDRESSEE], remind),
            _step("unanswered", 0, [Told.ADDRESSEE, Told.UNIT_LEADER], escalate),
            _step("unanswered-3", 3, [Told.LEADER, Told.REQUESTER], escalate),
        ],
        Matter.REPORT: [
            _step("report-1", 1, [Told.SUPERVISOR], remind),
            _step("report-2", 2, [Told.UNIT_LEADER], escalate),
            _step("report-4", 4, [Told.LEADER], escalate),
        ],
        Matter.TOOL: [
            _step("test-in-10", -10, [Told.UNIT_LEADER], remind),
            _step("test-overdue", 0, [Told.UNIT_LEADER, Told.SUPERVISOR], escalate),
            _step("test-overdue-5", 5, [Told.LEADER], escalate),
        ],
        Matter.SUPERVISION: [
            _step("report-in-1", -1, [Told.ASSIGNEE], remind),
            _step("report-overdue", 0, [Told.ASSIGNEE, Told.UNIT_LEADER, Told.REQUESTER], escalate),
            _step("report-overdue-3", 3, [Told.LEADER], escalate),
        ],
    }


class Ladders(_Setting):
    """The ladder of each matter; one left out has the default, an empty one tells nobody."""

    ladders: dict[Matter, Annotated[Ladder, Field(max_length=20)]] = Field(default_factory=default_ladders)

    @field_validator("ladders")
    @classmethod
    def _climbs(cls, ladders: dict[Matter, Ladder]) -> dict[Matter, Ladder]:
        for matter, ladder in ladders.items():
            checked(matter, ladder)
        return {**default_ladders(), **ladders}


def understood(stored: Any) -> dict[Matter, Ladder]:
    """The ladders a unit stores, or the defaults where none does (None); to be read only, because whoever asks for
    the same ones shares them. Raises ValidationError for what cannot be understood.
    """
    return _parsed(json.dumps({} if stored is None else {"ladders": stored}, sort_keys=True))


@lru_cache(maxsize=256)
def _parsed(stored: str) -> dict[Matter, Ladder]:
    return Ladders.model_validate_json(stored).ladders
