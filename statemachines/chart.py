"""The one door to every change of state: `move` decides, `options` says in advance what it would decide.

A chart (a python-statemachine `StateChart`) holds the structure: which event leads from which state to which.
Its `laws` hold who may cause each event and when (`may`), and which facts it needs (`needs`). Both refuse by
raising a `Refusal`. A chart is built for one command and thrown away; nothing here writes anything but the
row's state.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, ClassVar, Protocol

from statemachine import State, StateChart
from statemachine.exceptions import TransitionNotAllowed
from statemachine.transition_list import TransitionList

from statemachines.labels import Labelled, Language, label
from statemachines.refusals import ClockOnly, ReasonMissing, Refusal, RoleMissing, WrongState
from statemachines.roles import Actor, Role

Check = Callable[..., None]
"""`check(row, *, …)` raises a Refusal or returns.

It takes the row only if it reads it, and names as keyword parameters what else it reads: `actor`, `now`, `event`,
and facts. A fact without a default must be given by the command; one with a default may be unknown. The first line
of its docstring stands in the table of `docs/architecture.md`.
"""

CONTEXT = frozenset({"actor", "now", "event"})


class Standing(Protocol):
    """What has a place in a chart: enough to ask what may happen to it."""

    @property
    def state(self) -> Any:
        """Where it stands: a member of the chart's states, or its code."""
        ...

    @property
    def chart(self) -> type["RecordChart"]:
        """The chart that governs it."""
        ...


class Row(Protocol):
    """What can be moved: anything with a `state` and the chart that governs it as a class attribute."""

    state: Any

    @property
    def chart(self) -> type["RecordChart"]:
        """The chart that governs it."""
        ...


@dataclass(frozen=True, slots=True)
class Fact:
    """A keyword the event reads; `needed` when the command must always give it (it may still be empty)."""

    name: str
    needed: bool


class Law:
    """What one event asks: `may` (who and when: enough to show a button) and `needs` (what must be told).

    `caused=True` marks an event no person presses: another command causes it (an approved extension extends
    the ticket, the sweep escalates it), so it is never offered.
    """

    def __init__(
        self, *, may: tuple[Check, ...], needs: tuple[Check, ...] = (), caused: bool = False
    ) -> None:
        self.may, self.needs, self.caused = may, needs, caused
        self._reads = {check: _reads(check) for check in (*may, *needs)}
        self._of_the_row = frozenset(check for check in self._reads if _takes_the_row(check))
        facts: dict[str, Fact] = {}
        for parameters in self._reads.values():
            for fact in parameters:
                if fact.name not in CONTEXT:
                    known = facts.get(fact.name)
                    facts[fact.name] = Fact(fact.name, fact.needed or (known is not None and known.needed))
        self.facts: Mapping[str, Fact] = facts

    def match(self, event: str, facts: Mapping[str, object]) -> None:
        """Raise TypeError when a fact is misspelt, belongs to another event, or was forgotten."""
        if unknown := sorted(facts.keys() - self.facts.keys()):
            raise TypeError(
                f"{event} does not read {', '.join(unknown)}; it reads {', '.join(self.facts) or 'nothing'}"
            )
        if forgotten := sorted(
            fact.name for fact in self.facts.values() if fact.needed and fact.name not in facts
        ):
            raise TypeError(f"{event} must be told {', '.join(forgotten)}")

    def ask(self, row: object, checks: tuple[Check, ...], known: Mapping[str, object]) -> None:
        """Run checks in order with what they read; the first that refuses raises."""
        for check in checks:
            told = {fact.name: known[fact.name] for fact in self._reads[check] if fact.name in known}
            if check in self._of_the_row:
                check(row, **told)
            else:
                check(**told)


def _reads(check: Check) -> tuple[Fact, ...]:
    parameters = inspect.signature(check).parameters.values()
    return tuple(Fact(p.name, p.default is p.empty) for p in parameters if p.kind is p.KEYWORD_ONLY)


def _takes_the_row(check: Check) -> bool:
    return any(p.kind is not p.KEYWORD_ONLY for p in inspect.signature(check).parameters.values())


class RecordChart(StateChart[Any]):
    """The base of all charts: an illegal event raises, a bug propagates, the state is written once.

    A subclass names `states_enum`, `events_enum` and `laws`; every transition has `validators="lawful"`.
    """

    allow_event_without_transition = False
    catch_errors_as_events = False
    atomic_configuration_update = True
    enable_self_transition_entries = False

    states_enum: ClassVar[type[Labelled]]
    events_enum: ClassVar[type[Labelled]]
    laws: ClassVar[Mapping[Labelled, Law]]

    def lawful(self, event: str, row: object, known: Mapping[str, object]) -> None:
        """The validator of every transition: first who and when, then what is missing."""
        law = self.laws[self.events_enum(str(event))]
        law.ask(row, law.may, known)
        law.ask(row, law.needs, known)


def stage(member: Labelled, *, initial: bool = False, final: bool = False) -> State:
    """A chart's state for a member of its enum: stored by code, shown by the member's label."""
    return State(member.zh, value=member, initial=initial, final=final)


def unchanged(*states: State, **options: Any) -> TransitionList:
    """Transitions that leave each of the states as it is."""
    first, *others = [state.to(state, internal=True, **options) for state in states]
    joined: TransitionList = first
    for other in others:
        joined = joined | other
    return joined


@dataclass(slots=True)
class Position:
    """All that python-statemachine sees of a row: any attribute named on_… or before_… would be a callback."""

    state: Any


@dataclass(frozen=True, slots=True)
class Option:
    """Whether an actor may cause an event now, and if not, why."""

    event: Labelled
    refusal: Refusal | None = field(default=None)

    @property
    def allowed(self) -> bool:
        """Whether nothing refuses it."""
        return self.refusal is None

    def label(self, language: Language) -> str:
        """The words on the button."""
        return label(self.event, language)


def begin(row: Row) -> Labelled:
    """Put a new row into its chart's initial state and return it."""
    # The chart's class knows it; only an event needs the chart itself.
    row.state = initial = row.chart.states_enum(row.chart.initial_state.value)
    return initial


def move(row: Row, event: str, *, actor: Actor, now: datetime, **facts: object) -> Labelled:
    """Cause `event`: set `row.state` to the new state and return it, or raise a Refusal and change nothing.

    `now` is aware. `facts` are exactly those the event's law reads. The refusal's `allowed` lists the events
    this actor may cause now. Raises ValueError for an event the chart does not have, TypeError for facts it
    does not read or was not told: both are mistakes of the calling command, never of a person.
    """
    chart = row.chart
    name, law, known = _prepare(row, event, actor=actor, now=now)
    law.match(name, facts)
    position = Position(chart.states_enum(row.state))
    try:
        chart(model=position, state_field="state").send(name, row=row, known={**facts, **known})
    except TransitionNotAllowed:
        refusal: Refusal = WrongState(state=position.state, event=name)
        refusal.allowed = allowed(row, actor=actor, now=now, **facts)
        raise refusal from None
    except Refusal as refusal:
        refusal.allowed = allowed(row, actor=actor, now=now, **facts)
        raise
    row.state = reached = chart.states_enum(position.state)
    return reached


def option(row: Standing, event: str, *, actor: Actor, now: datetime, **facts: object) -> Option:
    """Whether `actor` may cause `event` now by state, role and identity; facts still to be told do not count."""
    name, law, known = _prepare(row, event, actor=actor, now=now)
    state = row.chart.states_enum(row.state)
    if not _leads_somewhere(row.chart, state, name):
        return Option(name, WrongState(state=state, event=name))
    try:
        law.ask(row, law.may, {**facts, **known})
    except Refusal as refusal:
        return Option(name, refusal)
    return Option(name)


@cache
def _leads_somewhere(chart: type[RecordChart], state: Labelled, event: Labelled) -> bool:
    """Whether the chart has an arrow of that event from that state."""
    return any(transition.match(event) for transition in chart.states_map[state].transitions)


def options(row: Standing, *, actor: Actor, now: datetime, **facts: object) -> list[Option]:
    """Every event a person can press on this record, in the chart's order, each allowed or with its refusal.

    `facts` are those already known that decide who may (such as `independent_team`). Raises TypeError for a
    fact no event reads. Each refusal carries `allowed`.
    """
    laws = row.chart.laws
    if unknown := sorted(facts.keys() - {name for law in laws.values() for name in law.facts}):
        raise TypeError(f"no event of {row.chart.__name__} reads {', '.join(unknown)}")
    found = [
        option(row, event, actor=actor, now=now, **facts) for event, law in laws.items() if not law.caused
    ]
    may_now = tuple(each.event for each in found if each.allowed)
    for each in found:
        if each.refusal is not None:
            each.refusal.allowed = may_now
    return found


def allowed(row: Standing, *, actor: Actor, now: datetime, **facts: object) -> tuple[Labelled, ...]:
    """The events `actor` may cause now, as `options` lists them."""
    return tuple(each.event for each in options(row, actor=actor, now=now, **facts) if each.allowed)


def _prepare(
    row: Standing, event: str, *, actor: Actor, now: datetime
) -> tuple[Labelled, Law, dict[str, object]]:
    if now.tzinfo is None:
        raise ValueError("now must be aware: it decides deadlines")
    name = row.chart.events_enum(event)
    if (law := row.chart.laws.get(name)) is None:
        raise ValueError(f"{row.chart.__name__} has no event {event!r}")
    return name, law, {"actor": actor, "now": now, "event": name}


# Checks every chart uses.


class Placed(Protocol):
    """A row that belongs to a unit."""

    @property
    def unit_path(self) -> str:
        """The unit's path in the tree, such as `/XB/XB03/`."""
        ...


def by(*roles: Role, clock: bool = False) -> Check:
    """Make the check that the actor holds one of the roles at the row's unit, or is the clock if allowed."""

    def check(row: Placed, *, actor: Actor, event: Labelled) -> None:
        if not (clock and actor.system) and not actor.holds(*roles, at=row.unit_path):
            raise RoleMissing(roles=roles, event=event)

    check.__doc__ = " or ".join([*(role.value for role in roles), *(["the clock"] if clock else [])])
    return check


def by_the_clock(*, actor: Actor, event: Labelled) -> None:
    """The clock."""
    if not actor.system:
        raise ClockOnly(event=event)


def blank(value: object) -> bool:
    """Whether a fact was not given: None, an empty text or list, a text of spaces. Zero is given."""
    return value is None or (isinstance(value, str) and not value.strip()) or value in ((), [])


def reason_given(*, event: Labelled, reason: str | None = None) -> None:
    """Reason."""
    if blank(reason):
        raise ReasonMissing(missing=("reason",), event=event)
