"""Steps of features/every_matter.feature: the real sweep over every kind of matter."""

from datetime import date, datetime
from pathlib import Path

from pytest_bdd import given, parsers, scenarios, then, when
from sqlalchemy import select

from domain import inspections, suggestions
from domain.campaigns import campaign_by_code
from domain.chases import follow
from domain.escalation import sweep_all
from domain.file_store import FileStore
from domain.inspections import NewInspection
from domain.ladder_changes import set_campaign_ladders
from domain.ladder_settings import Ladders
from domain.places import NewPlace, add_place
from domain.records import Checklist, Notice, Person, StepRecord
from domain.reports import NewReport, submit_report
from domain.settings import Settings
from domain.suggestions import NewSuggestion
from domain.tools import NewTool, register_tool
from statemachines.labels import LOCAL
from statemachines.roles import SYSTEM
from tests.world import World

scenarios("every_matter.feature")


def moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=LOCAL)


@given("李敏登记了一条隐患，还没有下达", target_fixture="number")
def found(world: World) -> str:
    return world.find().number


@given("赵主任向王建国下达了整改，没有签收", target_fixture="number")
def assigned(world: World) -> str:
    return world.assigned().number


@given("赵主任向王建国下达了整改，已经签收", target_fixture="number")
def acknowledged(world: World) -> str:
    return world.acknowledged().number


@when("王建国签收")
def acknowledges(world: World, number: str) -> None:
    world.do(number, "acknowledge", by="wangjianguo")


@given(parsers.parse('王建国申请延期到 "{day}"'))
def asks(world: World, number: str, day: str) -> None:
    due = datetime.fromisoformat(f"{day}T23:59:59+08:00")
    world.ask_extension(number, reason="待停电", interim_measures="设围栏", due=due)


@given(parsers.parse('李敏计划于 "{day}" 检查柳林所'))
def visit(world: World, day: str) -> None:
    actor = world.actor("limin")
    told = {"campaign": "CC2026", "unit": "LL01", "checklist": "ZJ", "planned_on": day}
    with world.database.transaction() as session:
        session.add(Checklist(code="ZJ", name="周检表", items=[]))
        session.flush()
        inspections.create(session, NewInspection.model_validate(told), actor=actor, now=world.now)


@given(parsers.parse('李敏向钱所长提出了工会意见，期限是 "{day}"'))
def suggested(world: World, day: str) -> None:
    actor = world.actor("limin")
    told = {"text": "增配绝缘手套", "addressee": "qiansuozhang", "unit": "LL01"}
    with world.database.transaction() as session:
        new = NewSuggestion.model_validate(told)
        made = suggestions.make(session, new, actor=actor, now=world.now)
        assert made.answer_due_at.astimezone(LOCAL).date() == date.fromisoformat(day)


@given(parsers.parse('柳林所的绝缘手套应于 "{day}" 前试验'))
def tool(world: World, day: str) -> None:
    new = NewTool.model_validate({"number": "ST-01", "kind": "绝缘手套", "unit": "LL01"})
    with world.database.transaction() as session:
        made = register_tool(session, new, actor=SYSTEM, now=world.now)
        made.next_test_on = date.fromisoformat(day)
        follow(session, made, now=world.now)


@given("王建国报告整改完成，没有复查")
def fixed(world: World) -> None:
    world.fixed()


@given("有人扫码报告了柳林所的隐患，没有受理")
def reported(world: World, tmp_path: Path) -> None:
    with world.database.transaction() as session:
        new = NewPlace.model_validate({"code": "LL-01", "unit": "LL01", "name": "27# 变台"})
        place = add_place(session, new, actor=SYSTEM, now=world.now)
        session.flush()
        told = NewReport.model_validate({"key": "k" * 32, "text": "箱门没有锁"})
        store = FileStore.open(Settings(data=tmp_path))
        submit_report(session, store, place, told, [], now=world.now)


@given("到期前3个工作日的提醒只在“没有进展”时催")
def only_without_progress(world: World) -> None:
    step = {"code": "due-in-3", "after_workdays": -3, "to": ["assignee"], "act": "remind"}
    told = Ladders.model_validate({"ladders": {"deadline": [{**step, "only_if": ["no_progress"]}]}})
    actor = world.actor("zhaozhuren")
    with world.database.transaction() as session:
        campaign = campaign_by_code(session, "CC2026", actor=actor, lock=True)
        set_campaign_ladders(session, campaign, told, actor=actor, now=world.now)


@given("王建国没有报告进展")
def no_progress() -> None:
    """Nothing happens."""


@given("王建国报告了进展")
def progress(world: World, number: str) -> None:
    world.do(number, "progress", by="wangjianguo", note="密封垫已订货")


@then(parsers.parse('步骤 "{step}" 已记录，通知了{count:d}人'))
def noted(world: World, step: str, count: int) -> None:
    with world.database.reading() as session:
        rows = session.execute(select(StepRecord.step, StepRecord.told)).tuples().all()
    assert list(rows) == [(step, count)]


@when(parsers.parse('催办的时钟走到 "{time}"'))
def the_clock(world: World, time: str) -> None:
    world.now = moment(time)
    sweep_all(world.database, as_of=world.now)
    # A second run at the same moment finds nothing left.
    assert sweep_all(world.database, as_of=world.now).told == 0


def chased(world: World) -> list[tuple[str, str]]:
    """Whom the sweep of this moment told, and the subject line."""
    with world.database.reading() as session:
        query = (
            select(Person.name, Notice.subject)
            .join(Person, Person.id == Notice.person_id)
            .where(Notice.kind.in_(["remind", "escalate"]), Notice.created_at == world.now)
        )
        return [(name, subject) for name, subject in session.execute(query)]


@then(parsers.parse('这时催了 "{names}"，说的是 "{title}"'))
def these(world: World, names: str, title: str) -> None:
    told = chased(world)
    assert sorted(name for name, _ in told) == sorted(names.split("、"))
    assert all(subject.startswith(title) for _, subject in told), told


@then("这时没有催任何人")
def nobody(world: World) -> None:
    assert chased(world) == []


@then("每一步只催一次")
def once(world: World) -> None:
    with world.database.reading() as session:
        steps = [tuple(row) for row in session.execute(select(StepRecord.subject_id, StepRecord.step))]
    assert steps
    assert len(steps) == len(set(steps))
