"""The door itself: what it refuses from commands, what it leaves alone, how charts are built."""

from typing import Any
from uuid import UUID

import pytest
from statemachine import StateChart

from statemachines.chart import RecordChart, begin, move, option, options
from statemachines.diagram import CHARTS
from statemachines.labels import Labelled
from statemachines.roles import SYSTEM, Actor, Grant, Role
from tests.statemachines.matrix import PERSONAS
from tests.statemachines.records import NOW, TICKET_FACTS, Campaign, Extension, Inspection, Ticket, ticket

ALL_CHARTS = list(CHARTS.values())


@pytest.mark.parametrize(
    ("record", "initial"),
    [(Ticket, "found"), (Campaign, "preparing"), (Inspection, "planned"), (Extension, "requested")],
)
def test_a_new_record_begins_in_the_charts_initial_state(record: Any, initial: str) -> None:
    row = record(state=None)
    assert begin(row) == initial
    assert row.state == initial
    assert isinstance(row.state, row.chart.states_enum)


def test_a_misspelt_fact_is_a_mistake_of_the_command() -> None:
    row = ticket()
    with pytest.raises(TypeError, match="dueat"):
        move(row, "assign", actor=PERSONAS["supervisor"], now=NOW, **TICKET_FACTS["assign"], dueat=NOW)
    with pytest.raises(TypeError, match="opinion"):
        move(row, "assign", actor=PERSONAS["supervisor"], now=NOW, opinion="合格")
    with pytest.raises(TypeError, match="dueat"):
        options(row, actor=PERSONAS["supervisor"], now=NOW, dueat=NOW)
    assert row == ticket()


def test_a_command_that_did_not_look_passes_no_guard() -> None:
    row = Campaign(state=Campaign.chart.states_enum("inspecting"))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="unreported"):
        move(row, "rectify", actor=PERSONAS["leader"], now=NOW)


@pytest.mark.parametrize("event", ["nonsense", "found", "lawful", "return_", ""])
def test_an_event_the_chart_does_not_have_is_a_mistake_too(event: str) -> None:
    with pytest.raises(ValueError, match=repr(event)):
        move(ticket("fixed"), event, actor=PERSONAS["supervisor"], now=NOW)
    with pytest.raises(ValueError, match=repr(event)):
        option(ticket("fixed"), event, actor=PERSONAS["supervisor"], now=NOW)


def test_asking_for_an_extension_is_no_event_of_the_extension() -> None:
    with pytest.raises(ValueError, match="request"):
        move(Extension(), "request", actor=PERSONAS["assignee"], now=NOW)


def test_a_state_the_chart_does_not_know_is_an_error_by_name() -> None:
    row: Any = ticket()
    row.state = "ghost"
    with pytest.raises(ValueError, match="ghost"):
        move(row, "assign", actor=PERSONAS["supervisor"], now=NOW, **TICKET_FACTS["assign"])


def test_a_state_read_as_plain_text_moves_too() -> None:
    row: Any = ticket()
    row.state = "found"
    assert move(row, "escalate", actor=SYSTEM, now=NOW) == "found"


def test_time_without_a_zone_decides_nothing() -> None:
    with pytest.raises(ValueError, match="aware"):
        move(ticket(), "escalate", actor=SYSTEM, now=NOW.replace(tzinfo=None))
    with pytest.raises(ValueError, match="aware"):
        options(ticket(), actor=SYSTEM, now=NOW.replace(tzinfo=None))


def test_attributes_named_like_callbacks_are_never_called() -> None:
    class Trap(Ticket):
        def on_escalate(self) -> None:
            raise AssertionError("called")

        before_transition = after_transition = on_enter_state = on_escalate

    assert move(Trap(), "escalate", actor=SYSTEM, now=NOW) == "found"


@pytest.mark.parametrize("chart", ALL_CHARTS)
def test_the_strict_flags_are_set(chart: type[RecordChart]) -> None:
    assert issubclass(chart, StateChart)
    assert chart.allow_event_without_transition is False
    assert chart.catch_errors_as_events is False
    assert chart.atomic_configuration_update is True
    assert chart.enable_self_transition_entries is False


@pytest.mark.parametrize("chart", ALL_CHARTS)
def test_states_events_and_laws_belong_together(chart: type[RecordChart]) -> None:
    assert {state.value for state in chart.states} == set(chart.states_enum)
    assert {str(event) for state in chart.states for event in state.transitions.unique_events} == {
        event.value for event in chart.laws
    }
    assert all(isinstance(event, chart.events_enum) for event in chart.laws)
    for state in chart.states:
        assert state.name == chart.states_enum(state.value).zh
        for transition in state.transitions:
            assert [spec.func for spec in transition.validators] == ["lawful"]


def everything_labelled(base: type[Labelled] = Labelled) -> list[type[Labelled]]:
    return [each for child in base.__subclasses__() for each in (child, *everything_labelled(child))]


def test_every_word_has_both_labels() -> None:
    enums = everything_labelled()
    assert len(enums) >= 11
    for member in (member for enum in enums for member in enum):
        assert member.zh and any("\u4e00" <= sign <= "\u9fff" for sign in member.zh), member
        assert member.en and member.en.isascii(), member


def test_roles_hold_in_their_subtree_only() -> None:
    actor = Actor(UUID(int=1), "a", "a", None, "/XB/", (Grant(Role.SUPERVISOR, "/XB/XB03/"),))
    assert actor.holds(Role.SUPERVISOR, at="/XB/XB03/")
    assert actor.holds(Role.LEADER, Role.SUPERVISOR, at="/XB/XB03/T1/")
    assert not actor.holds(Role.SUPERVISOR, at="/XB/")
    assert not actor.holds(Role.SUPERVISOR, at="/XB/XB031/")
    assert not actor.holds(Role.LEADER, at="/XB/XB03/")
    assert actor.roles == {Role.SUPERVISOR}


@pytest.mark.parametrize("path", ["/XB/XB03", "XB/", ""])
def test_a_grant_needs_a_whole_path(path: str) -> None:
    with pytest.raises(ValueError, match="slash"):
        Grant(Role.SUPERVISOR, path)


def test_the_clock_holds_no_role() -> None:
    assert SYSTEM.system
    assert not SYSTEM.roles
    assert not SYSTEM.holds(*Role, at="/XB/")
