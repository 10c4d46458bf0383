from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import places, similar
from domain.errors import BadInput
from domain.similar import Likeness, Sought, similar_tickets
from tests.world import World

WORDS = st.text(alphabet="变压器漏油拉线松绝缘子破损12345#杆 ，", max_size=40)


def found(world: World, *, by: str = "limin", **said: object) -> dict[str, tuple[Likeness, ...]]:
    sought = Sought.model_validate({"unit": "LL01", **said})
    with world.database.reading() as session:
        return {
            each.ticket.number: each.reasons
            for each in similar_tickets(session, sought, actor=world.actor(by))
        }


@pytest.fixture
def place(world: World) -> str:
    with world.database.transaction() as session:
        new = places.NewPlace(code="LL01-27", name="10kV 柳林线 27# 变台", unit="LL01", lat=26.57, lon=106.71)
        places.add_place(session, new, actor=world.actor("guanli"), now=world.now)
    return "LL01-27"


def test_similar_words_find_it_and_another_number_does_not(world: World) -> None:
    same = world.find(description="27# 变台变压器渗漏油", location="").number
    other = world.find(description="28# 变台变压器渗漏油", location="").number
    seen = found(world, description="27#变台的变压器漏油")
    assert seen == {same: (Likeness.WORDS,)}
    assert other not in seen


def test_the_voltage_of_a_line_is_no_number_of_a_thing(world: World) -> None:
    world.find(description="避雷器引线松动", location="10kV 柳林线 28# 变台")
    assert found(world, description="引线松动", location="10kV 柳林线 27# 变台") == {}


def test_the_same_place_position_and_item_count(world: World, place: str) -> None:
    here = world.find(description="台架螺栓缺失", place=place, location="").number
    near = world.find(description="台架螺栓锈蚀", lat=26.5705, lon=106.71, location="").number
    far = world.find(description="标识牌脱落", lat=26.9, lon=106.71, location="").number
    seen = found(world, description="台架螺栓松了", place=place, lat=26.57, lon=106.71)
    assert set(seen) == {here, near}
    assert {Likeness.PLACE, Likeness.NEAR} <= set(seen[here])
    assert Likeness.NEAR in seen[near]
    assert far not in seen
    # Before anything is typed: what is known of the place.
    assert list(found(world, place=place)) == [here]


def test_closed_ones_are_shown_and_duplicates_are_not(world: World) -> None:
    closed = world.fixed(description="配电室门锁损坏").number
    world.do(closed, "verify", by="limin", passed=True, opinion="合格")
    duplicate = world.find(description="配电室门锁损坏了").number
    world.do(duplicate, "cancel", by="zhaozhuren", kind="duplicate", duplicate_of=closed, reason="重复登记")
    with world.database.reading() as session:
        sought = Sought(unit="LL01", description="配电室门锁又损坏")
        (seen,) = similar_tickets(session, sought, actor=world.actor("limin"))
    assert (seen.ticket.number, seen.closed, seen.ticket.finder.name) == (closed, True, "李敏")


def test_a_recurrence_names_the_ticket_before(world: World) -> None:
    first = world.find(description="配电室门锁损坏").number
    again = world.find(description="配电室门锁又坏", recurrence_of=first).number
    assert world.ticket(again).recurrence_of_id == world.ticket(first).id


def test_only_what_is_in_sight_is_compared(world: World) -> None:
    world.find(unit="SQ02", description="变压器渗漏油", location="")
    with pytest.raises(BadInput):
        found(world, by="qiansuozhang", unit="SQ02", description="变压器渗漏油")
    assert found(world, by="qiansuozhang", description="变压器渗漏油") == {}


@given(WORDS, WORDS)
def test_likeness_is_even_handed_and_whole_only_for_the_same(one: str, other: str) -> None:
    pairs = [similar._pairs(text) for text in (one, other)]
    likeness = similar._likeness(*pairs)
    assert 0 <= likeness <= 1
    assert likeness == similar._likeness(*reversed(pairs))
    assert (likeness == 1) == (bool(pairs[0]) and pairs[0] == pairs[1])
