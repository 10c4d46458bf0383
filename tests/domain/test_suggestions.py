"""Suggestions of the union: numbers, addressees, clocks, and who may answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime

import pytest

from domain import suggestions
from domain.access import actor_by_login
from domain.deadlines import end_of_day
from domain.people import NewPerson, add_person
from domain.suggestions import NewSuggestion, SuggestionAnswer
from domain.workdays import NATIONAL
from statemachines.labels import Level
from statemachines.refusals import Refusal
from statemachines.roles import SYSTEM
from tests.refused import refused
from tests.world import World


def make(world: World, *, by: str = "limin", **said: object) -> str:
    """Make a suggestion to 郑局长 at 柳林所; returns its number."""
    new = NewSuggestion.model_validate(
        {"text": "增配绝缘手套", "addressee": "zhengju", "unit": "LL01", **said}
    )
    with world.database.transaction() as session:
        return suggestions.make(session, new, actor=world.actor(by), now=world.now).number


def test_numbers_made_at_once_are_different_and_without_a_gap(world: World) -> None:
    with ThreadPoolExecutor(6) as pool:
        numbers = list(pool.map(lambda _: make(world), range(12)))
    assert sorted(numbers) == sorted(f"工劳监意〔2026〕{place}号" for place in range(1, 13))


def test_each_year_counts_from_one_by_the_calendar_of_the_place(world: World) -> None:
    world.now = datetime.fromisoformat("2026-12-31T23:30:00+08:00")
    assert make(world) == "工劳监意〔2026〕1号"
    world.now = datetime.fromisoformat("2026-12-31T16:30:00+00:00")  # half past midnight in Shanghai
    assert make(world) == "工劳监意〔2027〕1号"


@pytest.mark.parametrize(
    ("level", "made_on", "due_on"),
    [
        (None, "2026-04-01", "2026-04-08"),
        (Level.GENERAL, "2026-03-28", "2026-04-07"),  # the seventh day lies in 清明
        (Level.MAJOR, "2026-04-03", "2026-04-07"),
        (Level.MAJOR, "2026-02-13", "2026-02-14"),  # a Saturday people work on (调休)
    ],
)
def test_when_an_answer_is_due(level: Level | None, made_on: str, due_on: str) -> None:
    now = datetime.fromisoformat(f"{made_on}T10:00:00+08:00")
    assert suggestions.answer_due(now, level=level, calendar=NATIONAL) == end_of_day(
        date.fromisoformat(due_on)
    )


def test_a_supervisor_addresses_anybody_but_themselves(world: World) -> None:
    with refused("own-addressee", at="/addressee", zh="不能向自己提出"):
        make(world, by="zhaozhuren", addressee="zhaozhuren")
    with world.database.reading() as session:
        people = suggestions.possible_addressees(session, "/XB/LL01/", actor=world.actor("zhaozhuren"))
    assert [person.login for person in people] == ["zhengju", "qiansuozhang"]


def test_whoever_made_it_never_answers_it_even_as_a_leader(world: World) -> None:
    both = {"login": "both", "name": "兼职", "unit": "XB", "roles": ["inspector", "leader"]}
    with world.database.transaction() as session:
        add_person(session, NewPerson.model_validate(both), actor=SYSTEM, now=world.now)
    number = make(world, by="both")
    with refused("not-addressee", zh="提出人不能自己答复"), world.database.transaction() as session:
        actor = actor_by_login(session, "both")
        row = suggestions.suggestion_by_key(session, number, actor=actor, lock=True)
        suggestions.answer(session, row, SuggestionAnswer(adopted=True), actor=actor, now=world.now)


def test_two_answers_at_once_become_one(world: World) -> None:
    number = make(world)

    def answer(login: str) -> str:
        actor = world.actor(login)
        try:
            with world.database.transaction() as session:
                row = suggestions.suggestion_by_key(session, number, actor=actor, lock=True)
                told = SuggestionAnswer(adopted=True, answer=login)
                suggestions.answer(session, row, told, actor=actor, now=world.now)
        except Refusal as refusal:
            return refusal.code
        return "answered"

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(answer, ["zhengju"] * 4))
    assert sorted(outcomes) == ["answered", "wrong-state", "wrong-state", "wrong-state"]
