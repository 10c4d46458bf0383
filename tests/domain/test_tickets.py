"""Tickets read: one by its number, lists narrowed and paged without gaps, overdue computed and never stored."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from domain.ticket_orders import risk_of
from domain.tickets import TicketFilter, TicketOrder, is_overdue, list_tickets, ticket_by_number
from statemachines.roles import SYSTEM
from statemachines.ticket import TicketState
from tests.refused import refused


def listed(world, *, by=None, **said):
    """The numbers on the one page that holds all."""
    actor = world.actor(by) if by else SYSTEM
    with world.database.reading() as session:
        wanted = TicketFilter.model_validate(said)
        return [t.number for t in list_tickets(session, wanted, actor=actor, now=world.now, limit=200).items]


def paged(world, limit, **said):
    """The numbers page by page."""
    pages, cursor = [], None
    while True:
        with world.database.reading() as session:
            page = list_tickets(
                session, TicketFilter(**said), actor=SYSTEM, now=world.now, limit=limit, cursor=cursor
            )
        pages.append([ticket.number for ticket in page.items])
        if page.next is None:
            return pages
        cursor = page.next


def test_an_unknown_number_is_not_found(bureau):
    with (
        bureau.database.reading() as session,
        refused("not-found", zh="CC2026-LL01-9999", en="CC2026-LL01-9999"),
    ):
        ticket_by_number(session, "CC2026-LL01-9999", actor=SYSTEM)


def test_a_writer_may_say_which_version_they_worked_from(bureau):
    ticket = bureau.find()
    bureau.do(ticket.number, "supervise", by="zhaozhuren", reason="久拖不改")
    with (
        bureau.database.reading() as session,
        refused("precondition-failed", zh="第1版，现在是第2版", en="version 1"),
    ):
        ticket_by_number(session, ticket.number, actor=SYSTEM, expected_version=1)


def test_the_newest_come_first(world):
    numbers = []
    for place in range(3):
        world.later(minutes=1)
        numbers.append(world.find(description=f"隐患{place}").number)
    assert listed(world) == numbers[::-1]


@pytest.mark.parametrize("sort", list(TicketOrder))
def test_pages_join_without_gap_or_repetition_even_at_the_same_moment(world, sort):
    numbers = {world.find(description=f"隐患{place}").number for place in range(5)}
    numbers |= {world.assigned(due=due).number for due in ("2026-04-10", "2026-04-10", "2026-04-09")}
    pages = paged(world, 3, sort=sort)
    assert [len(page) for page in pages] == [3, 3, 2]
    flat = [number for page in pages for number in page]
    assert len(flat) == len(set(flat)) == 8
    assert set(flat) == numbers
    assert flat == listed(world, sort=sort)


def test_by_deadline_the_undated_come_last(world):
    undated = world.find().number
    later, sooner = world.assigned(due="2026-04-10").number, world.assigned(due="2026-04-09").number
    assert listed(world, sort="due") == [sooner, later, undated]


@pytest.mark.parametrize("cursor", ["?", "e30", "WyJ4IiwieSJd", "WzFd", "é"])
def test_a_cursor_that_is_none_is_refused(bureau, cursor):
    with bureau.database.reading() as session, refused("cursor", at="/cursor", zh="第一页", en="first page"):
        list_tickets(session, TicketFilter(), actor=SYSTEM, now=bureau.now, cursor=cursor)


def test_by_risk_level_goes_before_lateness_and_lateness_before_returns(world):
    def assigned(**said):
        return world.assigned(description=f"{said}", **said).number

    general, serious = assigned(due="2026-04-20"), assigned(due="2026-04-20", level="serious")
    sooner, late = assigned(due="2026-04-10"), assigned(due="2026-04-02")
    late_serious = assigned(due="2026-04-02", level="serious")
    returned = world.fixed(due="2026-04-20").number
    world.do(returned, "verify", by="limin", passed=False, opinion="仍渗油")
    undated, closed = world.find().number, world.fixed().number
    world.do(closed, "verify", by="limin", passed=True, opinion="合格")
    world.later(days=3)
    assert listed(world, sort="risk") == [
        late_serious,
        serious,
        late,
        returned,
        sooner,
        general,
        undated,
        closed,
    ]
    with world.database.reading() as session:
        page = list_tickets(session, TicketFilter(sort="risk"), actor=SYSTEM, now=world.now)
    assert [risk_of(ticket, world.now) for ticket in page.items] == [210, 200, 110, 101, 100, 100, 100, 0]


def test_by_age_the_oldest_open_one_comes_first(world):
    closed = world.fixed(found_at="2026-03-01T09:00:00+08:00").number
    world.do(closed, "verify", by="limin", passed=True, opinion="合格")
    young = world.find(found_at="2026-03-20T09:00:00+08:00").number
    old = world.assigned(found_at="2026-03-02T09:00:00+08:00").number
    assert listed(world, sort="age") == [old, young, closed]
    assert listed(world, sort="age", state=["verified"]) == [closed]


def test_a_list_by_risk_goes_on_as_it_stood_when_it_was_begun(world):
    """What becomes overdue while somebody turns the page is neither shown twice nor left out."""
    first, second = (world.assigned(due="2026-04-02").number for _ in range(2))
    with world.database.reading() as session:
        begun = list_tickets(session, TicketFilter(sort="risk"), actor=SYSTEM, now=world.now, limit=1)
        world.later(days=3)
        ended = list_tickets(
            session, TicketFilter(sort="risk"), actor=SYSTEM, now=world.now, limit=1, cursor=begun.next
        )
    assert {begun.items[0].number, ended.items[0].number} == {first, second}


def test_lists_are_narrowed_to_what_waits(world):
    found, waiting = world.find().number, world.assigned(due="2026-04-05").number
    taken, late = (world.acknowledged(due=due).number for due in ("2026-04-20", "2026-04-02"))
    returned = world.fixed(due="2026-04-30").number
    asking = world.acknowledged(due="2026-04-21").number
    world.do(returned, "verify", by="limin", passed=False, opinion="仍渗油")
    world.ask_extension(asking, due="2026-04-24", reason="等停电", interim_measures="警示牌")
    world.do(returned, "acknowledge", by="wangjianguo")
    world.now = datetime.fromisoformat("2026-04-03T10:00:00+08:00")
    for said, expected in [
        ({"untaken": True}, {found, waiting}),
        ({"untaken": False}, {taken, late, returned, asking}),
        ({"extension_pending": True}, {asking}),
        ({"extension_pending": True, "level": ["major"]}, set()),
    ]:
        assert set(listed(world, **said)) == expected, said


def test_lists_are_narrowed_by_what_people_ask_for(world):
    leak = world.find(description="油枕渗漏", source="hotline", by="zhangqiang").number
    stay = world.assigned(
        unit="LL01-A", description="拉线松弛", level="serious", location="柳林线 12# 杆"
    ).number
    pole = world.fixed(unit="LL01", description="杆根腐朽").number
    far = world.find(unit="SQ02", description="标识牌缺失_100%").number
    world.do(stay, "supervise", by="zhengju", reason="久拖不改")
    everything = {leak, stay, pole, far}
    for said, expected in [
        ({}, everything),
        ({"campaign": "CC2026"}, everything),
        ({"campaign": "QC2026"}, set()),
        ({"unit": "XB"}, everything),
        ({"unit": "LL01"}, {leak, stay, pole}),
        ({"unit": "LL01-A"}, {stay}),
        ({"unit": "XX"}, set()),
        ({"state": ["found"]}, {leak, far}),
        ({"state": ["assigned", "fixed"]}, {stay, pole}),
        ({"level": ["serious", "major"]}, {stay}),
        ({"assignee": "wangjianguo"}, {stay, pole}),
        ({"finder": "zhangqiang"}, {leak}),
        ({"source": "hotline"}, {leak}),
        ({"supervised": True}, {stay}),
        ({"supervised": False}, {leak, pole, far}),
        ({"q": "渗漏"}, {leak}),
        ({"q": "王建国"}, {stay, pole}),
        ({"q": "zhangqiang"}, {leak}),
        ({"q": "石桥供电所"}, {far}),
        ({"q": "柳林供电所 油枕"}, {leak}),
        ({"q": "12# 杆"}, {stay}),
        ({"q": pole.lower()}, {pole}),
        ({"q": "%"}, {far}),
        ({"q": "_"}, {far}),
        ({"unit": "LL01", "state": ["found"], "q": "油枕"}, {leak}),
    ]:
        assert set(listed(world, **said)) == expected, said


def test_overdue_is_what_runs_past_its_deadline(world):
    late = world.assigned(due="2026-04-02").number
    done = world.assigned(due="2026-04-02").number
    ahead = world.assigned(due="2026-04-10").number
    found = world.find().number
    world.do(done, "fix", by="wangjianguo", note="已换")
    world.now = datetime.fromisoformat("2026-04-02T23:59:59+08:00")
    assert listed(world, overdue=True) == [], "the last second still belongs to the deadline"
    world.later(seconds=1)
    assert listed(world, overdue=True) == [late]
    assert set(listed(world, overdue=False)) == {done, ahead, found}
    assert is_overdue(world.ticket(late), world.now)
    assert world.ticket(late).state is TicketState.ASSIGNED, "overdue is no state"


def test_somebody_returned_to_the_work_is_overdue_again(world):
    number = world.fixed(due="2026-04-02").number
    world.later(days=3)
    assert listed(world, overdue=True) == []
    world.do(number, "verify", by="limin", passed=False, opinion="仍渗油")
    assert listed(world, overdue=True) == [number]
    assert world.ticket(number).due_at < world.now - timedelta(days=1)
