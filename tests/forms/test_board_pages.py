"""The board: every number with a list behind it is the length of that list; drawn samples are followed."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qsl

from domain.tickets import TicketFilter, count_tickets
from tests.forms.conftest import SignedIn, text_of
from tests.random_tickets import scatter
from tests.world import World

FIGURE = re.compile(r'href="/tickets\?([^"]+)"[^>]*>(?:<small>[^<]*</small><b[^>]*>)?(\d+)<')


def test_every_figure_is_a_link_to_exactly_its_tickets(browser_of: SignedIn, world: World) -> None:
    scatter(world, 60, seed=7)
    actor, lists = world.actor("zhaozhuren"), set[str]()
    page = browser_of("zhaozhuren").get("/campaigns/CC2026/status?unit=LL01")
    assert page.status_code == 200
    figures = FIGURE.findall(page.text)
    assert len(figures) > 60
    with world.database.reading() as session:
        for address, figure in figures:
            said: dict[str, object] = {}
            for name, value in parse_qsl(unescape(address)):
                many = name in ("state", "level", "category", "category_exactly")
                said[name] = [*said.get(name, []), value] if many else value  # type: ignore[misc]
            wanted = TicketFilter.model_validate(said)
            assert count_tickets(session, wanted, actor=actor, now=world.now) == int(figure), address
            lists.add(address)
    assert len(lists) > 40


def test_a_board_on_which_nothing_changed_is_not_sent_again(browser_of: SignedIn, world: World) -> None:
    world.find()
    browser = browser_of("zhaozhuren")
    path = "/campaigns/CC2026/status?part=board"
    first = browser.get(path)
    assert first.status_code == 200
    same = {"If-None-Match": first.headers["etag"]}
    assert browser.get(path, headers=same).status_code == 304
    world.find()
    again = browser.get(path, headers=same)
    assert again.status_code == 200
    assert again.headers["etag"] != first.headers["etag"]


def test_a_board_kept_from_before_is_never_shown_after_a_change_or_to_somebody_else(
    browser_of: SignedIn, world: World
) -> None:
    bureau, station = browser_of("zhaozhuren"), browser_of("limin")
    path = "/campaigns/CC2026/status"
    before = text_of(bureau.get(path))
    assert "共发现 0" in before
    number = world.fixed().number
    world.do(
        number, "verify", by="limin", passed=False, opinion="螺栓未紧固", due=world.now + timedelta(days=1)
    )
    after = text_of(bureau.get(path))
    assert "共发现 1" in after
    assert re.search(r"整改中 1\b", after)
    assert re.search(r"超期 0\b", after)
    assert text_of(bureau.get(path)) == after
    assert "定时任务" not in text_of(station.get(path))
    world.now += timedelta(days=2)
    assert re.search(r"超期 1\b", text_of(bureau.get(path)))


def test_a_sample_is_drawn_and_followed(browser_of: SignedIn, world: World) -> None:
    number = world.fixed().number
    browser = browser_of("zhaozhuren")
    drawn = browser.post("/campaigns/CC2026/sample", {"kind": "recheck", "seed": "2026"})
    assert drawn.status_code == 303, drawn.text
    assert number in text_of(browser.get("/campaigns/CC2026/sample"))
    record = re.search(
        r"/campaigns/CC2026/sample/draws/[0-9a-f-]+", browser.get("/campaigns/CC2026/sample").text
    )
    assert record and "结果相同：1 张" in text_of(browser.get(record[0]))
    again = browser.post("/campaigns/CC2026/sample", {"kind": "recheck"})
    assert again.status_code == 409
    world.do(number, "verify", by="limin", passed=True, opinion="合格")
    assert "1 / 1" in text_of(browser.get("/campaigns/CC2026/sample"))
    assert browser_of("limin").get(f"/campaigns/CC2026/sample/{number}").status_code == 200
