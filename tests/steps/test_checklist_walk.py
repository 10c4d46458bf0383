from uuid import UUID

import pytest
from pytest_bdd import given, parsers, scenarios, then, when
from sqlalchemy import select

from domain import answer_conflicts, answers, hand_overs, inspections, submissions
from domain.answer_conflicts import Choice, conflicts_of
from domain.answers import GivenAnswers
from domain.checklists import NewChecklist, put_checklist
from domain.hand_overs import HandOver
from domain.history import history_of
from domain.inspections import NewInspection, inspection_by_id
from domain.records import Notice, Ticket
from domain.submissions import Submission
from statemachines.refusals import Refusal
from statemachines.roles import SYSTEM
from tests.photos import listed, photo

pytestmark = pytest.mark.usefixtures("world")  # steps ask for it too late for the database to hold the bureau

scenarios("checklist_walk.feature")

VALUES = {"合格": "pass", "不合格": "fail"}
WHO = {"李敏": "limin", "张强": "zhangqiang"}
PHONE, TABLET = str(UUID(int=1)), str(UUID(int=2))


class Attempt:
    """What came of the last step: the refusal, if there was one."""

    refusal: Refusal | None = None


@pytest.fixture
def attempt():
    return Attempt()


@given(parsers.parse('幼儿园检查表有三项："{first}" 要照片、"{second}"、"{third}"'))
def checklist(world, first, second, third):
    usual = {"category": "园舍", "criterion": "完好", "level": "一般", "measure": "修理", "deadline_days": 3}
    items = [
        {**usual, "code": f"K{place}", "item": name} for place, name in enumerate((first, second, third))
    ]
    items[0] |= {"photo_required": True, "after_photo_required": True}
    with world.database.transaction() as session:
        new = NewChecklist.model_validate({"code": "k", "name": "幼儿园检查表", "items": items})
        put_checklist(session, new, actor=SYSTEM, now=world.now)


@given("李敏要检查柳林所", target_fixture="visit")
def planned(world):
    with world.database.transaction() as session:
        new = NewInspection(campaign="CC2026", unit="LL01", checklist="k")
        return inspections.create(session, new, actor=world.actor("limin"), now=world.now).id


def run(world, visit, command, *told, by="limin"):
    actor = world.actor(by)
    with world.database.transaction() as session:
        found = inspection_by_id(session, visit, actor=actor, lock=True)
        return command(session, found, *told, actor=actor, now=world.now)


def seen(world, visit):
    with world.database.reading() as session:
        return inspection_by_id(session, visit, actor=SYSTEM)


def code_of(world, visit, item):
    return next(each.code for each in seen(world, visit).checklist.items if each.item == item)


def put(world, visit, item, value, *, by="limin", **said):
    told = {"item": code_of(world, visit, item), "value": VALUES[value], **said}
    run(world, visit, answers.answer, GivenAnswers.model_validate({"answers": [told]}), by=by)


def stands(world, visit, item):
    return next(each for each in seen(world, visit).answers if each.item.item == item)


@given(
    parsers.parse('李敏的手机在没有信号时把 "{item}" 先填合格，再改为不合格，说明 "{note}"'),
    target_fixture="kept",
)
def kept_on_the_phone(item, note):
    device = {"base_version": 0, "branch": PHONE}
    return (
        item,
        {"value": "合格", **device, "step": 1},
        {"value": "不合格", "note": note, **device, "step": 2},
    )


@when("手机把后一次先送到，前一次后送到")
def out_of_order(world, visit, kept):
    item, first, second = kept
    for said in (second, first):
        put(world, visit, item, **said)


@given(parsers.parse('李敏在手机上填 "{item}" {value}'))
def on_the_phone(world, visit, item, value):
    put(world, visit, item, value, base_version=0, branch=PHONE, step=1)


@given(
    parsers.re(
        r'张强在平板上没看到她填的，填 "(?P<item>.+?)" (?P<value>合格|不合格)(，说明 "(?P<note>.+)")?$'
    )
)
def on_the_tablet(world, visit, item, value, note):
    put(world, visit, item, value, by="zhangqiang", note=note or "", base_version=0, branch=TABLET, step=1)


@then(parsers.parse('"{item}" 是不合格，写着 "{note}"'))
def failed_with(world, visit, item, note):
    row = stands(world, visit, item)
    assert (row.value, row.note) == ("fail", note)


@then("没有要选定的冲突")
def no_conflict(world, visit):
    assert conflicts_of(seen(world, visit)) == []


@then(parsers.parse('"{item}" 有两份结果：李敏的合格，张强的不合格'))
def two_answers(world, visit, item):
    [(row, other)] = conflicts_of(seen(world, visit))
    assert (row.item.item, row.value, row.answered_by.login) == (item, "pass", "limin")
    assert (other.value, other.answered_by.login) == ("fail", "zhangqiang")


@when("李敏把其余各项都填合格后提交检查")
def rest_and_submit(world, visit, attempt):
    for item in ("楼梯防滑", "消防器材"):
        put(world, visit, item, "合格")
    submit(world, visit, attempt)


@when("李敏提交检查")
def submit(world, visit, attempt):
    attempt.refusal = None
    try:
        run(world, visit, submissions.submit, Submission())
    except Refusal as refusal:
        attempt.refusal = refusal


@then(parsers.parse('不能提交，因为 "{words}"'))
def refused(attempt, words):
    assert attempt.refusal is not None
    assert words in attempt.refusal.sentence("zh")


@when("李敏选定张强的那份")
def chooses(world, visit):
    [(_, other)] = conflicts_of(seen(world, visit))
    run(world, visit, answer_conflicts.settle, other.id, Choice.model_validate({"keep": "other"}))


@then("记录里留着李敏的合格")
def kept_in_history(world, visit):
    with world.database.reading() as session:
        [settled] = [
            row
            for row in history_of(session, inspection_by_id(session, visit, actor=SYSTEM))
            if row.event == "conflict_settled"
        ]
    assert (settled.facts["dropped"], settled.facts["dropped_by"]) == ({"value": "pass"}, "limin")


@when(parsers.parse('李敏把检查交给张强，原因是 "{reason}"'))
def hands_over(world, visit, reason):
    run(world, visit, hand_overs.hand_over, HandOver(to="zhangqiang", reason=reason))


@then(parsers.parse("张强收到交接通知，写着已填{count:d}项"))
def told(world, count):
    with world.database.reading() as session:
        notice = session.scalars(select(Notice).where(Notice.kind == "hand_over")).one()
    assert notice.person_id == world.actor("zhangqiang").id
    assert f"已填：{count}/3" in notice.body


@when(parsers.parse('张强填 "{item}" 合格'))
def zhang_answers(world, visit, item):
    put(world, visit, item, "合格", by="zhangqiang", base_version=0)


@then(parsers.parse('"{one}" 是{first}填的，"{two}" 是{second}填的'))
def authors(world, visit, one, first, two, second):
    for item, who in ((one, first), (two, second)):
        assert stands(world, visit, item).answered_by.login == WHO[who]


@given(parsers.parse('李敏把其余各项都填合格，"{item}" 不合格'))
def all_but_one(world, visit, item):
    for other in ("楼梯防滑", "消防器材"):
        put(world, visit, other, "合格")
    put(world, visit, item, "不合格")


@when(parsers.parse('李敏给 "{item}" 拍了照片后提交检查'))
def with_photo(world, visit, attempt, item):
    put(world, visit, item, "不合格", files=[listed(photo())])
    submit(world, visit, attempt)


@then(parsers.parse("登记了{count:d}条隐患，整改时也须附照片"))
def found(world, attempt, count):
    assert attempt.refusal is None
    with world.database.reading() as session:
        tickets = session.scalars(select(Ticket)).all()
    assert [ticket.after_photo_required for ticket in tickets] == [True] * count
