"""Search: the index changes how fast tickets are found, never which."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import search
from domain.tickets import TicketFilter, list_tickets
from statemachines.roles import SYSTEM
from tests.world import World

#: Few signs, so that words are met, pairs torn apart and cases and widths mixed; and what LIKE and arrays would trip over.
SIGNS = "渗漏油压器变27#＃ＫｋKk%_\\'{\","

TEXTS = st.lists(st.text(SIGNS, min_size=1, max_size=6), min_size=1, max_size=3).map(" ".join)


@pytest.fixture(scope="module")
def texts(world_copy: World) -> dict[str, str]:
    """Forty tickets by number, each with everything that is searched in it."""
    made = {}
    for n in range(40):
        description = "".join(SIGNS[(n * 7 + k * (n % 5 + 1)) % len(SIGNS)] for k in range(9))
        ticket = world_copy.find(
            unit="SQ02", by="zhangqiang", description=description, location="", category="油"
        )
        parts = (ticket.number, description, "油", "张强", "zhangqiang", "石桥供电所", "SQ02")
        made[ticket.number] = "\n".join(parts)
    return made


def folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).lower()


@pytest.mark.parametrize("many", [2, search.MANY], ids=["too many to name", "few"])
def test_what_is_found_is_what_reading_everything_finds(
    world_copy: World, texts: dict[str, str], many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MANY", many)

    @given(TEXTS)
    @settings(max_examples=60)
    def found(told: str) -> None:
        with world_copy.database.reading() as session:
            wanted = TicketFilter(q=told)
            page = list_tickets(session, wanted, actor=SYSTEM, now=world_copy.now, limit=200)
        words = [folded(word) for word in told.split()]
        assert {ticket.number for ticket in page.items} == {
            number for number, text in texts.items() if all(word in folded(text) for word in words)
        }

    found()


def test_a_finding_is_found_by_what_was_done_about_it(world: World) -> None:
    number = world.fixed().number
    for told in ("更换密封垫并补油", "停电更换", "密封垫 补油 王建国", "ＬＬ０１－０００１", "27＃"):
        with world.database.reading() as session:
            page = list_tickets(session, TicketFilter(q=told), actor=SYSTEM, now=world.now)
        assert [ticket.number for ticket in page.items] == [number], told


def test_nobody_finds_by_words_what_they_may_not_see(world: World) -> None:
    world.find(unit="SQ02", description="歪杆")
    with world.database.reading() as session:
        page = list_tickets(session, TicketFilter(q="歪杆"), actor=world.actor("qiansuozhang"), now=world.now)
    assert page.items == []
