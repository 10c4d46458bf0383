"""Answers from several devices, in whatever order they arrive: nothing anybody saw is lost without a choice."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import select

from domain import answer_conflicts, answers, hand_overs, inspections, submissions
from domain.answer_conflicts import Choice, conflicts_of
from domain.answers import GivenAnswer, GivenAnswers, open_conflicts
from domain.checklists import NewChecklist, put_checklist
from domain.errors import BadInput, NotFound
from domain.hand_overs import HandOver
from domain.history import history_of
from domain.inspections import NewInspection, inspection_by_id
from domain.records import Chase, Notice, Ticket
from domain.submissions import Submission
from statemachines.refusals import (
    ConflictsOpen,
    PhotoRequired,
    RoleMissing,
    SameInspector,
    WrongState,
)
from statemachines.roles import SYSTEM
from tests.photos import listed, photo

PHONE, TABLET = UUID(int=1), UUID(int=2)


def item(code, **said):
    return {
        "code": code,
        "category": "生产设备/杆塔",
        "item": f"电杆{code}",
        "criterion": "不倾斜",
        "level": "一般",
        "measure": "校正",
        "deadline_days": 7,
        **said,
    }


@pytest.fixture
def visit(world):
    """A visit to 柳林所 with three items, planned by 李敏; E03 asks for photos."""
    with world.database.transaction() as session:
        items = [item("E01"), item("E02"), item("E03", photo_required=True, after_photo_required=True)]
        new = NewChecklist.model_validate({"code": "p", "name": "杆塔检查表", "items": items})
        put_checklist(session, new, actor=SYSTEM, now=world.now)
    with world.database.transaction() as session:
        new = NewInspection(campaign="CC2026", unit="LL01", checklist="p")
        return inspections.create(session, new, actor=world.actor("limin"), now=world.now).id


def run(world, key, command, *told, by="limin"):
    actor = world.actor(by)
    with world.database.transaction() as session:
        found = inspection_by_id(session, key, actor=actor, lock=True)
        return command(session, found, *told, actor=actor, now=world.now)


def put(world, key, code="E01", value="pass", *, by="limin", **said):
    told = GivenAnswers.model_validate({"answers": [{"item": code, "value": value, **said}]})
    return run(world, key, answers.answer, told, by=by)


def seen(world, key):
    with world.database.reading() as session:
        return inspection_by_id(session, key, actor=SYSTEM)


def stands(world, key, code="E01"):
    return next(each for each in seen(world, key).answers if each.item.code == code)


def events(world, key, event):
    with world.database.reading() as session:
        return [
            row
            for row in history_of(session, inspection_by_id(session, key, actor=SYSTEM))
            if row.event == event
        ]


def test_an_answer_counts_its_versions_and_keeps_its_author(world, visit):
    put(world, visit)
    put(world, visit, value="fail", note="27#", by="zhangqiang", base_version=1)
    row = stands(world, visit)
    assert (row.version, row.value, row.answered_by.login) == (2, "fail", "zhangqiang")
    [replaced] = events(world, visit, "answer_replaced")
    assert replaced.facts == {"item": "E01", "previous": {"value": "pass"}, "answered_by": "limin"}


def test_without_a_base_version_the_last_one_holds(world, visit):
    put(world, visit)
    put(world, visit, value="na", by="zhangqiang")
    assert stands(world, visit).value == "na"
    assert conflicts_of(seen(world, visit)) == []


def test_two_devices_that_say_the_same_do_not_contradict_each_other(world, visit):
    put(world, visit, base_version=0, branch=str(PHONE), step=1)
    put(world, visit, base_version=0, branch=str(TABLET), step=1)
    assert stands(world, visit).version == 1
    assert conflicts_of(seen(world, visit)) == []


def test_sending_again_after_a_lost_receipt_changes_nothing(world, visit):
    for _ in range(2):
        put(world, visit, value="fail", note="x", base_version=0, branch=str(PHONE), step=1)
    assert stands(world, visit).version == 1


@pytest.mark.parametrize(("keep", "value", "version"), [("present", "pass", 1), ("other", "fail", 2)])
def test_the_inspector_chooses_and_the_history_keeps_the_other(world, visit, keep, value, version):
    put(world, visit, base_version=0, branch=str(PHONE), step=1)
    put(world, visit, value="fail", note="27#", by="zhangqiang", base_version=0, branch=str(TABLET), step=1)
    put(world, visit, "E02"), put(world, visit, "E03")
    [(_, other)] = conflicts_of(seen(world, visit))
    assert (other.value, other.note, other.answered_by.login) == ("fail", "27#", "zhangqiang")
    with pytest.raises(ConflictsOpen):
        run(world, visit, submissions.submit, Submission())
    run(world, visit, answer_conflicts.settle, other.id, Choice(keep=keep))
    row = stands(world, visit)
    assert (row.value, row.version) == (value, version)
    [settled] = events(world, visit, "conflict_settled")
    lost = {"pass": {"value": "fail", "note": "27#"}, "fail": {"value": "pass"}}[value]
    assert settled.facts["dropped"] == lost
    with pytest.raises(NotFound):
        run(world, visit, answer_conflicts.settle, other.id, Choice(keep=keep))
    assert len(run(world, visit, submissions.submit, Submission())) == (value == "fail")


def test_a_device_that_comes_round_leaves_nothing_to_choose(world, visit):
    put(world, visit, base_version=0, branch=str(PHONE), step=1)
    put(world, visit, value="fail", base_version=0, branch=str(TABLET), step=1)
    put(world, visit, value="pass", base_version=0, branch=str(TABLET), step=2)
    assert conflicts_of(seen(world, visit)) == []


@given(
    order=st.permutations([("phone", 1), ("phone", 2), ("phone", 3), ("tablet", 1), ("tablet", 2)]),
    again=st.lists(st.integers(0, 4), max_size=3),
)
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_whatever_the_order_of_arrival_each_devices_last_word_is_kept(world, order, again):
    """Two devices answer one item without signal; their changes arrive in any order, some of them twice."""
    with world.database.transaction() as session:
        new = NewChecklist.model_validate({"code": "p", "name": "表", "items": [item("E01")]})
        put_checklist(session, new, actor=SYSTEM, now=world.now)
    with world.database.transaction() as session:
        new = NewInspection(campaign="CC2026", unit="LL01", checklist="p")
        key = inspections.create(session, new, actor=world.actor("limin"), now=world.now).id
    branches = {"phone": str(uuid4()), "tablet": str(uuid4())}
    for device, step in [*order, *(order[place] for place in again)]:
        said = {"note": f"{device} {step}", "base_version": 0, "branch": branches[device], "step": step}
        put(world, key, value="fail", **said)
    row = stands(world, key)
    assert {row.note, *(other.note for other in open_conflicts(row))} == {"phone 3", "tablet 2"}


def test_a_device_says_branch_step_and_base_together():
    for said in ({"branch": str(PHONE)}, {"step": 1}, {"branch": str(PHONE), "step": 1}):
        with pytest.raises(ValidationError) as refused:
            GivenAnswer.model_validate({"item": "E01", "value": "pass", **said})
        assert refused.value.errors()[0]["type"] == "device-incomplete"


def test_the_time_of_an_answer_given_without_signal_is_the_phones(world, visit):
    earlier = world.now - timedelta(hours=3)
    put(world, visit, value="fail", answered_at=earlier.isoformat())
    assert stands(world, visit).answered_at == earlier
    with pytest.raises(BadInput) as refused:
        put(world, visit, answered_at=(world.now + timedelta(hours=1)).isoformat())
    assert refused.value.pointer == "/answers/0/answered_at"


def test_a_failed_answer_is_a_prefilled_finding_the_inspector_may_change(world, visit):
    put(world, visit, value="fail", level="serious", measure="加装拉线", deadline_days=3)
    put(world, visit, "E02", value="fail")
    put(world, visit, "E03")
    changed, usual = run(world, visit, submissions.submit, Submission())
    assert (changed.level, changed.proposed_measure, changed.proposed_days) == ("serious", "加装拉线", 3)
    assert (usual.level, usual.proposed_measure, usual.proposed_days) == ("general", "校正", 7)


def test_photos_come_with_the_answer_and_belong_to_its_ticket(world, visit):
    put(world, visit), put(world, visit, "E02")
    put(world, visit, "E03", value="fail")
    with pytest.raises(PhotoRequired) as refused:
        run(world, visit, submissions.submit, Submission())
    assert "电杆E03" in refused.value.sentence("zh")
    first, second = listed(photo(), "一.jpg"), listed(photo(colour="red"), "二.jpg")
    put(world, visit, "E03", value="fail", files=[first | {"captured_at": world.now.isoformat()}])
    put(world, visit, "E03", value="fail", files=[first, second])
    [ticket] = run(world, visit, submissions.submit, Submission(files={"E03": [first]}))
    assert (ticket.files_expected, ticket.photo_required, ticket.after_photo_required) == (2, True, True)


def test_an_answer_takes_twenty_photos_at_most(world, visit):
    files = [{"name": "x.jpg", "sha256": f"{n:064x}", "size": 1} for n in range(21)]
    put(world, visit, value="fail", files=files[:20])
    with pytest.raises(BadInput) as refused:
        put(world, visit, value="fail", files=files[20:])
    assert (refused.value.pointer, refused.value.rule) == ("/answers/0/files", "too-many")


def test_a_colleague_goes_on_and_answers_keep_their_authors(world, visit):
    put(world, visit)
    run(world, visit, hand_overs.hand_over, HandOver(to="zhangqiang", reason="下班"))
    put(world, visit, "E02", by="zhangqiang")
    found = seen(world, visit)
    assert found.inspector.login == "zhangqiang"
    assert {row.item.code: row.answered_by.login for row in found.answers} == {
        "E01": "limin",
        "E02": "zhangqiang",
    }
    with world.database.reading() as session:
        [handed] = hand_overs.hand_overs_of(session, found)
        told = session.scalars(select(Notice).where(Notice.kind == "hand_over")).one()
        chased = session.scalars(select(Chase).where(Chase.subject_id == visit)).one()
    assert (handed.by, handed.before, handed.after, handed.reason) == ("李敏", "李敏", "张强", "下班")
    assert (told.person_id, told.inspection_id) == (world.actor("zhangqiang").id, visit)
    assert "已填：1/3" in told.body
    assert chased.matter == "inspection"


def test_it_is_handed_to_somebody_else_who_inspects_there(world, visit):
    with pytest.raises(SameInspector):
        run(world, visit, hand_overs.hand_over, HandOver(to="limin"))
    with pytest.raises(BadInput) as refused:
        run(world, visit, hand_overs.hand_over, HandOver(to="wangjianguo"))
    assert (refused.value.pointer, refused.value.rule) == ("/to", "not-an-inspector")
    with pytest.raises(RoleMissing):
        run(world, visit, hand_overs.hand_over, HandOver(to="zhangqiang"), by="zhengju")
    with world.database.reading() as session:
        who = hand_overs.who_may_take_over(session, seen(world, visit))
    assert sorted(each.login for each in who) == ["qiansuozhang", "zhangqiang", "zhaozhuren"]


def test_nothing_is_handed_over_or_chosen_once_it_is_submitted(world, visit):
    for code in ("E01", "E02", "E03"):
        put(world, visit, code)
    assert run(world, visit, submissions.submit, Submission()) == []
    with world.database.reading() as session:
        assert session.scalars(select(Ticket)).all() == []
    for command, told in ((hand_overs.hand_over, HandOver(to="zhangqiang")),):
        with pytest.raises(WrongState):
            run(world, visit, command, told)
    with pytest.raises(WrongState):
        run(world, visit, answer_conflicts.settle, uuid4(), Choice(keep="present"))
