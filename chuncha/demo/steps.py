"""What happens in the play: one class for each kind of call, with the moment and the person who makes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from chuncha.demo.people import Colleague
from chuncha.demo.photos import Shot
from statemachines.labels import Level


@dataclass(frozen=True, slots=True)
class Item:
    """One item of the checklist, as its table says it."""

    code: str
    category: str
    item: str
    level: Level
    measure: str
    deadline_days: int


@dataclass(frozen=True, slots=True)
class Hazard:
    """What somebody saw. `key` is the id the phone made; `unit` is where, `words` and `location` what and where."""

    key: UUID
    unit: str
    item: Item
    level: Level
    words: str
    location: str
    found_at: datetime
    finder: Colleague
    source: str
    photos: tuple[Shot, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """Something one person does at one moment."""

    at: datetime
    by: Colleague


@dataclass(frozen=True, slots=True)
class Submit(Step):
    """Findings sent from a phone: one alone, or the queue that waited for the network."""

    hazards: tuple[Hazard, ...]


@dataclass(frozen=True, slots=True)
class Answering(Step):
    """Answers given at a visit to the unit, by item code; a failed one carries its hazard.

    `planned_on` tells the visits of a unit apart; None where it has one.
    """

    unit: str
    answers: dict[str, str]
    failed: Mapping[str, Hazard]
    planned_on: date | None = None


@dataclass(frozen=True, slots=True)
class Signing(Step):
    """The visit is signed and submitted; what failed becomes tickets."""

    unit: str
    failed: Mapping[str, Hazard]
    planned_on: date | None = None


@dataclass(frozen=True, slots=True)
class MakeUp(Step):
    """The missed visit of a unit and day is planned again, for this day and person."""

    unit: str
    missed_on: date
    planned_on: date
    inspector: str


@dataclass(frozen=True, slots=True)
class Deed(Step):
    """An event of one ticket. `same_as` names the hazard whose number goes into `duplicate_of`."""

    hazard: UUID
    event: str
    body: dict[str, Any] = field(default_factory=dict)
    photos: tuple[Shot, ...] = ()
    same_as: UUID | None = None


@dataclass(frozen=True, slots=True)
class Decision(Step):
    """The last request for more time on a ticket is approved or refused."""

    hazard: UUID
    approved: bool
    opinion: str


@dataclass(frozen=True, slots=True)
class Quantities(Step):
    """The quantity records of the unit, as they are sent at the end of a day."""

    unit: str
    bodies: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class ToolTests(Step):
    """Tools of the unit were tested in the campaign: the lines of the report, each with the number of its tool."""

    unit: str
    bodies: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Create(Step):
    """A campaign is set up, or something of the whole campaign `below` it: one of its rotas, a draw of its samples."""

    body: dict[str, Any]
    below: str | None = None


@dataclass(frozen=True, slots=True)
class Turn(Step):
    """An event of the campaign's chart, caused by a person."""

    event: str
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ZeroReport(Step):
    """A unit signs that it found nothing."""

    unit: str


@dataclass(frozen=True, slots=True)
class SpotChecks(Step):
    """What was drawn of a unit and is verified was looked at on the spot, `opinion` said of what holds.

    `bad` names what does not: as many of the first as there are keys, each the key of the new ticket it becomes.
    """

    unit: str
    opinion: str
    bad: Mapping[UUID, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TakeCall(Step):
    """Somebody rings up and is answered; with `satisfied` they were called back at once, and the call is settled."""

    body: dict[str, Any]
    satisfied: bool | None = None


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When the flows run in the play: from `begins` on; phases are begun on `phases`, visits planned on `planning`, the
    summary published on the evening of `summarised`.
    """

    begins: date
    phases: frozenset[date]
    planning: frozenset[date]
    summarised: date


@dataclass(frozen=True, slots=True)
class Story:
    """Everything people do in one campaign, in the order of time, and the days it takes.

    `tools` are the rows of the tool register that is there from the first day, as `chuncha import tools` reads them.
    """

    campaign: str
    rhythm: Rhythm
    tools: tuple[dict[str, str], ...]
    steps: tuple[Step, ...]
    first: date
    last: date

    def until(self, day: date) -> Story:
        """The same story, broken off at the end of a day."""
        return replace(self, steps=tuple(step for step in self.steps if step.at.date() <= day), last=day)
