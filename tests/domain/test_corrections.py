"""Passed on between units and corrected: with a reason, under the same number, old and new in the history."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from domain.comments import NewComment, comment, people_to_mention
from domain.corrections import Correction, Transfer, correct, receiving_units, transfer
from domain.errors import NotFound
from domain.history import history_of
from domain.people import NewUnit, add_unit
from domain.records import History, Notice, Ticket
from domain.related import family_of
from domain.tickets import ticket_by_number
from domain.timeline import timeline
from statemachines.roles import SYSTEM
from statemachines.ticket import TicketState
from tests.refused import refused
from tests.world import World


def pass_on(world: World, number: str, *, by: str, **said: object) -> Ticket:
    actor = world.actor(by)
    with world.database.transaction() as session:
        ticket = ticket_by_number(session, number, actor=actor, lock=True)
        return transfer(session, ticket, Transfer.model_validate(said), actor=actor, now=world.now)


def put_right(world: World, number: str, *, by: str = "zhaozhuren", **said: object) -> Ticket:
    actor = world.actor(by)
    with world.database.transaction() as session:
        ticket = ticket_by_number(session, number, actor=actor, lock=True)
        return correct(session, ticket, Correction.model_validate(said), actor=actor, now=world.now)


def say(world: World, number: str, text: str, *, by: str = "limin", **said: object) -> History:
    actor = world.actor(by)
    with world.database.transaction() as session:
        ticket = ticket_by_number(session, number, actor=actor)
        return comment(session, ticket, NewComment(text=text, **said), actor=actor, now=world.now)  # type: ignore[arg-type]


def told(world: World, kind: str) -> set[str]:
    """Whom notices of a kind went to, by address."""
    with world.database.reading() as session:
        query = select(Notice.address).where(Notice.kind == kind)
        return {address.partition("@")[0] for address in session.scalars(query)}


@pytest.mark.parametrize(
    ("place", "by", "to", "hear"),
    [
        ("LL01", "qiansuozhang", "XB", {"zhaozhuren"}),
        ("LL01", "qiansuozhang", "LL01-A", {"zhaozhuren"}),
        ("LL01", "qiansuozhang", "SQ02", {"zhaozhuren", "shisuozhang"}),
        ("LL01-A", "zhaozhuren", "SQ02", {"shisuozhang"}),
    ],
    ids=["up", "down", "sideways", "from above"],
)
def test_a_ticket_is_passed_up_down_and_sideways(
    world: World, place: str, by: str, to: str, hear: set[str]
) -> None:
    ticket = world.find(unit=place)
    passed = pass_on(world, ticket.number, by=by, unit=to, reason="属地划分有误")
    assert (passed.number, passed.unit.code, passed.state) == (ticket.number, to, TicketState.FOUND)
    assert told(world, "received") == hear, "the receiving supervisors, not whoever passed it on"
    with world.database.reading() as session:
        last = history_of(session, passed)[-1]
    assert (last.facts["sender"], last.facts["receiver"], last.facts["reason"]) == (place, to, "属地划分有误")


def test_what_was_assigned_is_assigned_anew_and_keeps_its_first_deadline(world: World) -> None:
    ticket = world.acknowledged(due="2026-04-10")
    world.later(days=1)
    passed = pass_on(world, ticket.number, by="zhaozhuren", unit="SQ02", reason="设备属石桥所")
    assert (passed.state, passed.assignee, passed.due_at, passed.duty) == (
        TicketState.FOUND,
        None,
        None,
        None,
    )
    assert told(world, "transferred") == {"wangjianguo"}
    assert world.next_step(ticket.number, "unassigned") is not None
    assert world.next_step(ticket.number) is None
    again = world.do(
        ticket.number, "assign", by="shisuozhang", assignee="zhouhai", duty="负责", measure="更换"
    )
    assert (again.first_due_at, again.due_at > again.first_due_at) == (ticket.first_due_at, True)


def test_who_passed_it_sideways_sees_it_no_more(world: World) -> None:
    number = world.find().number
    pass_on(world, number, by="qiansuozhang", unit="SQ02", reason="属石桥所")
    with world.database.reading() as session, pytest.raises(NotFound):
        ticket_by_number(session, number, actor=world.actor("qiansuozhang"))


def test_a_ticket_goes_only_where_its_campaign_and_the_sender_reach(world: World) -> None:
    with world.database.transaction() as session:
        for code, parent in (("YB", None), ("SQ02-A", "SQ02")):
            new = NewUnit.model_validate({"code": code, "name": code, "kind": "team", "parent": parent})
            add_unit(session, new, actor=SYSTEM, now=world.now)
    number = world.find().number
    with world.database.reading() as session:
        ticket = ticket_by_number(session, number, actor=SYSTEM)
        reach = {
            login: [unit.code for unit in receiving_units(session, ticket, actor=world.actor(login))]
            for login in ("qiansuozhang", "zhaozhuren")
        }
    assert reach == {
        "qiansuozhang": ["XB", "LL01-A", "SQ02"],
        "zhaozhuren": ["XB", "LL01-A", "SQ02", "SQ02-A"],
    }
    for code in ("YB", "SQ02-A", "XX"):
        with refused("unknown-unit", at="/unit"):
            pass_on(world, number, by="qiansuozhang", unit=code, reason="转")


def test_a_ticket_is_not_passed_on_with_a_question_open(world: World) -> None:
    number = world.assigned().number
    world.ask_extension(number, due="2026-04-24", reason="等停电", interim_measures="警示牌")
    with refused("extension-undecided", zh="请先审批"):
        pass_on(world, number, by="zhaozhuren", unit="SQ02", reason="转")
    for said in ({"reason": "转"}, {"unit": "LL01", "reason": "转"}):
        with refused("receiver-missing", missing=("unit",)):
            pass_on(world, world.find().number, by="zhaozhuren", **said)


def test_a_correction_keeps_old_and_new(world: World) -> None:
    ticket = world.acknowledged(quantity=2, measure_unit="处")
    done = put_right(
        world,
        ticket.number,
        location="10kV 柳林线 28# 变台",
        description=ticket.description,
        quantity=None,
        reason="杆号写错",
    )
    assert (done.location, done.quantity, done.measure_unit) == ("10kV 柳林线 28# 变台", None, None)
    with world.database.reading() as session:
        facts = history_of(session, done)[-1].facts
    assert facts["reason"] == "杆号写错"
    assert facts["changes"]["location"] == {
        "before": "10kV 柳林线 27# 变台",
        "after": "10kV 柳林线 28# 变台",
    }
    assert set(facts["changes"]) == {"location", "quantity", "measure_unit"}
    assert told(world, "corrected") == {"wangjianguo"}
    with refused("nothing-changed"):
        put_right(world, ticket.number, location="10kV 柳林线 28# 变台", reason="再改")
    with refused("reason-missing", missing=("reason",)):
        put_right(world, ticket.number, location="别处")
    with refused("role-missing"):
        put_right(world, ticket.number, by="limin", location="别处", reason="写错")


class TestComments:
    def test_a_mention_tells_who_may_see_the_ticket(self, world: World) -> None:
        number = world.acknowledged().number
        entry = say(world, number, "请@zhaozhuren看一下，@wangjianguo. 邮箱 a@limin.cn 不算")
        assert entry.facts["mentions"] == ["zhaozhuren", "wangjianguo"]
        assert told(world, "mentioned") == {"zhaozhuren", "wangjianguo"}

    def test_nobody_learns_from_a_mention_who_there_is(self, world: World) -> None:
        number = world.find().number
        sentences = []
        for login in ("shisuozhang", "nobody"):
            with pytest.raises(Exception) as caught:
                say(world, number, f"@{login} 看看")
            sentences.append(caught.value.sentence("zh").replace(login, "…"))  # type: ignore[attr-defined]
        assert len(set(sentences)) == 1
        with world.database.reading() as session:
            ticket = ticket_by_number(session, number, actor=SYSTEM)
            offered = people_to_mention(session, ticket, actor=world.actor("qiansuozhang"))
        assert "shisuozhang" not in {person.login for person in offered}
        assert {person.login for person in offered} == {"limin"}, "and no one of a team that does not see it"

    def test_the_same_comment_sent_again_is_said_once(self, world: World) -> None:
        number, key = world.find().number, "019d4a00-0000-7000-8000-000000000001"
        first, second = (say(world, number, "已联系停电 @zhaozhuren", id=key) for _ in range(2))
        assert first.id == second.id
        assert world.ticket(number).version == 1


def test_related_are_those_of_the_same_place_and_kind_within_sight(world: World) -> None:
    first = world.find(found_at="2026-03-20T09:00:00+08:00")
    again = world.find(recurrence_of=first.number)
    copy = world.find(location="别处")
    other_kind = world.find(category="安全管理/资料")
    world.find(unit="SQ02")
    world.do(
        copy.number, "cancel", by="zhaozhuren", kind="duplicate", duplicate_of=again.number, reason="重复"
    )
    with world.database.reading() as session:
        ticket = ticket_by_number(session, again.number, actor=SYSTEM)
        family = family_of(session, ticket, actor=world.actor("zhaozhuren"))
        hidden = family_of(session, ticket, actor=world.actor("shisuozhang"))
    assert {each.ticket.number: each.kinship.value for each in family.relatives} == {
        first.number: "recurrence_of",
        copy.number: "duplicated_by",
    }
    assert other_kind.number not in {each.ticket.number for each in family.relatives}
    assert (family.earlier, hidden.earlier, hidden.relatives) == (1, 0, [])


def test_the_timeline_says_with_each_thing_who_was_told(world: World) -> None:
    number = world.assigned().number
    world.later(minutes=5)
    say(world, number, "@wangjianguo 材料到了吗")
    with world.database.reading() as session:
        moments = timeline(session, world.ticket(number))
    events = [(moment.entry.event, [each.name for each in moment.told]) for moment in moments if moment.entry]
    assert events == [("found", []), ("assign", ["王建国"]), ("comment", ["王建国"])]
