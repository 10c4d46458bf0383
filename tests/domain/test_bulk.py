"""Acts on many tickets: a row by itself, as its command alone; previews that write nothing; stale rows that say so."""

from __future__ import annotations

from sqlalchemy import func, select

from domain import bulk
from domain.bulk import BulkAssignment, BulkDecisions, BulkReassignment, BulkVerification
from domain.records import Extension, History, Notice
from statemachines.ticket import TicketState
from tests.domain.test_remediation import independent_team
from tests.world import World


def run(world: World, by: str, model, **said):  # type: ignore[no-untyped-def]
    """The outcomes by key."""
    with world.database.transaction() as session:
        wanted = model.model_validate(said)
        return {each.key: each for each in bulk.act(session, wanted, actor=world.actor(by), now=world.now)}


def written(world: World) -> tuple[int, int]:
    """How many things happened, how many notices there are."""
    with world.database.reading() as session:
        return tuple(session.scalar(select(func.count()).select_from(table)) for table in (History, Notice))  # type: ignore[return-value]


def items(*numbers: str) -> list[dict[str, str]]:
    return [{"number": number} for number in numbers]


ASSIGN = {"assignee": "wangjianguo", "duty": "负责", "measure": "停电更换"}


def test_each_row_has_its_own_deadline_and_its_own_fate(world: World) -> None:
    early = world.find(found_at="2026-03-25T09:00:00+08:00").number
    serious, major = world.find(level="serious").number, world.find(level="major").number
    done, elsewhere = world.assigned().number, world.find(unit="SQ02").number
    found = run(
        world, "zhaozhuren", BulkAssignment, items=items(early, serious, major, done, elsewhere), **ASSIGN
    )
    assert {number: each.done for number, each in found.items()} == {
        early: True,
        serious: True,
        major: False,
        done: False,
        elsewhere: False,
    }
    assert found[early].due_at != found[serious].due_at
    assert {number: each.due.days for number, each in found.items() if each.due} == {early: 15, serious: 7}
    codes = {number: each.refusal.code for number, each in found.items() if each.refusal}
    assert codes == {major: "five-assurances-missing", done: "wrong-state", elsewhere: "bad-input"}
    assert world.ticket(early).assignee.login == "wangjianguo"
    assert world.ticket(major).state is TicketState.FOUND


def test_a_preview_says_the_same_and_writes_nothing(world: World) -> None:
    ours, major = world.find().number, world.find(level="major").number
    before = written(world)
    seen = run(world, "zhaozhuren", BulkAssignment, items=items(ours, major), preview=True, **ASSIGN)
    assert written(world) == before
    assert world.ticket(ours).state is TicketState.FOUND
    done = run(world, "zhaozhuren", BulkAssignment, items=items(ours, major), **ASSIGN)
    assert [(each.key, each.done, each.due_at, each.version) for each in seen.values()] == [
        (each.key, each.done, each.due_at, each.version) for each in done.values()
    ]


def test_who_changed_a_row_meanwhile_is_not_overwritten(world: World) -> None:
    mine, changed = world.find(), world.find()
    world.do(changed.number, "supervise", by="zhengju", reason="久拖不改")
    rows = [{"number": each.number, "version": each.version} for each in (mine, changed)]
    found = run(world, "zhaozhuren", BulkAssignment, items=rows, **ASSIGN)
    assert found[mine.number].done
    refusal = found[changed.number].refusal
    assert refusal is not None and refusal.code == "precondition-failed"
    assert "第1版，现在是第" in refusal.sentence("zh")


def test_nobody_acts_in_bulk_on_what_they_may_not_see_or_do(world: World) -> None:
    here, there = world.find().number, world.find(unit="SQ02").number
    station = run(world, "qiansuozhang", BulkAssignment, items=items(here, there), **ASSIGN)
    assert (station[here].done, station[there].refusal.code) == (True, "not-found")  # type: ignore[union-attr]
    other = world.find().number
    leader = run(world, "zhengju", BulkAssignment, items=items(other), **ASSIGN)
    assert leader[other].refusal.code == "role-missing"  # type: ignore[union-attr]
    assert leader[other].description == "", "a refused row says nothing of the ticket"


def test_reassigning_many_tells_the_new_and_relieves_the_old(world: World) -> None:
    numbers = [world.assigned().number for _ in range(2)]
    run(world, "zhaozhuren", BulkReassignment, items=items(*numbers), assignee="sunhua", reason="王建国休假")
    with world.database.reading() as session:
        told = session.execute(
            select(Notice.kind, func.count())
            .where(Notice.kind.in_(["assigned", "relieved"]))
            .group_by(Notice.kind)
        ).all()
    assert dict(told) == {"assigned": 4, "relieved": 2}
    assert {world.ticket(number).duty for number in numbers} == {"负责停电处理"}


def test_each_verdict_is_its_own(world: World) -> None:
    good, bad, own = (world.fixed(unit="LL01-A").number for _ in range(3))
    mine = world.fixed(by="sunhua", unit="LL01-A").number
    verdicts = [
        {"number": good, "passed": True, "opinion": "合格"},
        {"number": bad, "passed": False, "opinion": "仍渗油", "due": "2026-04-20"},
        {"number": own, "passed": False},
        {"number": mine, "passed": True, "opinion": "合格"},
    ]
    found = run(world, "sunhua", BulkVerification, items=verdicts)
    assert [found[number].state for number in (good, bad)] == [TicketState.VERIFIED, TicketState.ASSIGNED]
    assert found[own].refusal.code == "opinion-missing"  # type: ignore[union-attr]
    assert found[mine].refusal.code == "self-verification"  # type: ignore[union-attr]


def test_the_rule_of_the_team_holds_in_bulk(world: World) -> None:
    independent_team(world)
    number = world.fixed(unit="LL01-A").number
    verdict = [{"number": number, "passed": True, "opinion": "合格"}]
    assert run(world, "sunhua", BulkVerification, items=verdict)[number].refusal.code == (  # type: ignore[union-attr]
        "same-team-verification"
    )


def test_extensions_are_decided_each_on_its_own(world: World) -> None:
    numbers = [world.assigned().number for _ in range(3)]
    keys = [
        str(world.ask_extension(each, due="2026-04-24", reason="等停电", interim_measures="警示牌"))
        for each in numbers
    ]
    decisions = [
        {"id": keys[0], "approved": True},
        {"id": keys[1], "approved": False, "opinion": "可带电作业"},
        {"id": keys[2], "approved": False},
    ]
    found = run(world, "zhaozhuren", BulkDecisions, items=decisions)
    assert [found[key].done for key in keys] == [True, True, False]
    assert [found[key].number for key in keys] == numbers
    with world.database.reading() as session:
        states = session.scalars(select(Extension.state).order_by(Extension.id)).all()
    assert states == ["approved", "refused", "requested"]
    stranger = run(world, "shisuozhang", BulkDecisions, items=decisions[2:])
    assert (stranger[keys[2]].number, stranger[keys[2]].refusal.code) == (keys[2], "not-found")  # type: ignore[union-attr]
