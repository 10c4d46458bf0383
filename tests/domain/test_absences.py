"""Absences: circles of substitutes of any length, written at once, and days that only touch."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from domain import absences
from domain.absences import NewAbsence
from domain.errors import BadInput
from domain.history import history_of
from domain.people import person_by_login
from domain.records import Person
from tests.refused import refused
from tests.world import World


def away(world: World, person: str, substitute: str, first: int, last: int) -> None:
    """Record that somebody is away on these days of April 2026."""
    new = NewAbsence.model_validate(
        {"starts_on": f"2026-04-{first:02}", "ends_on": f"2026-04-{last:02}", "substitute": substitute}
    )
    with world.database.transaction() as session:
        absences.record_absence(session, new, actor=world.actor(person), now=world.now)


def test_a_circle_over_three_people_is_refused_on_the_days_it_closes(world: World) -> None:
    away(world, "wangjianguo", "sunhua", 2, 10)
    away(world, "sunhua", "qiansuozhang", 5, 12)
    with refused("unfit-substitute"):
        away(world, "qiansuozhang", "wangjianguo", 6, 7)  # of a team below, not of the unit or above
    away(world, "qiansuozhang", "zhengju", 6, 7)
    with refused("circle-of-substitutes", at="/substitute", zh="2026-04-13至2026-04-14"):
        away(world, "sunhua", "wangjianguo", 13, 16)
        away(world, "wangjianguo", "sunhua", 11, 14)


def test_days_that_only_touch_are_two_absences(world: World) -> None:
    away(world, "wangjianguo", "sunhua", 2, 5)
    away(world, "wangjianguo", "qiansuozhang", 6, 9)
    with refused("overlapping", at="/starts_on", zh="2026-04-06至2026-04-09"):
        away(world, "wangjianguo", "sunhua", 9, 12)


def test_two_halves_of_a_circle_written_at_once_do_not_both_stand(world: World) -> None:
    def half(people: tuple[str, str]) -> str:
        try:
            away(world, *people, 2, 10)
        except BadInput as refusal:
            return refusal.rule
        return "recorded"

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(half, [("wangjianguo", "sunhua"), ("sunhua", "wangjianguo")]))
    assert sorted(outcomes) == ["circle-of-substitutes", "recorded"]


def test_it_stands_in_the_persons_history(world: World) -> None:
    away(world, "wangjianguo", "sunhua", 2, 5)
    with world.database.reading() as session:
        person: Person = person_by_login(session, "wangjianguo")
        last = history_of(session, person)[-1]
    assert (last.event, last.facts["substitute"], last.facts["ends_on"]) == (
        "absence_recorded",
        "sunhua",
        "2026-04-05",
    )
