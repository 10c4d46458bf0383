"""Steps of features/supervision.feature."""

from datetime import date, datetime

import pytest
from pytest_bdd import given, parsers, scenarios, then, when
from sqlalchemy import func, select

from domain import supervisions, treatment_plans
from domain.deadlines import end_of_day
from domain.errors import NotFound
from domain.escalation import sweep_all
from domain.records import Chase, Matter, Notice, Person, StepRecord
from domain.supervisions import Delisting, ProgressReport, SupervisionFilter
from domain.tickets import ticket_by_number
from domain.treatment_plans import NewPlan, PlanDecision
from statemachines.refusals import Refusal
from statemachines.roles import SYSTEM
from statemachines.supervision import SupervisionLevel
from statemachines.treatment_plan import PARTS

pytestmark = pytest.mark.usefixtures("world")

scenarios("supervision.feature")


class Story:
    """The ticket of a scenario, and what came of the last step."""

    number = ""
    refusal: Refusal | None = None


@pytest.fixture
def story():
    return Story()


def login(world, name):
    with world.database.reading() as session:
        return session.scalars(select(Person.login).where(Person.name == name)).one()


def orders(world, story):
    with world.database.reading() as session:
        return supervisions.orders_of(session, ticket_by_number(session, story.number, actor=SYSTEM))


def attempt(world, story, who, work):
    actor = world.actor(login(world, who))
    story.refusal = None
    try:
        with world.database.transaction() as session:
            work(session, actor)
    except Refusal as refusal:
        story.refusal = refusal


def at_ten(world, day):
    world.now = datetime.fromisoformat(f"{day}T10:00:00+08:00")


def lists(world, story, who, **said):
    attempt(
        world,
        story,
        who,
        lambda session, actor: supervisions.supervise(
            session,
            ticket_by_number(session, story.number, actor=actor, lock=True),
            supervisions.Supervision(**said),
            actor=actor,
            now=world.now,
        ),
    )


def drafts(world, story, who, *, without=""):
    parts = {part.value: f"{part.zh}：见附件" for part in PARTS if part.value != without}
    attempt(
        world,
        story,
        who,
        lambda session, actor: treatment_plans.draft(
            session,
            ticket_by_number(session, story.number, actor=actor, lock=True),
            NewPlan(**parts),
            actor=actor,
            now=world.now,
        ),
    )


def decides(world, story, who, decide, opinion=None):
    with world.database.reading() as session:
        ticket = ticket_by_number(session, story.number, actor=SYSTEM)
        plan = treatment_plans.plan_in_force(session, ticket).id
    attempt(
        world,
        story,
        who,
        lambda session, actor: decide(
            session,
            treatment_plans.plan_by_id(session, plan, actor=actor, lock=True),
            PlanDecision(opinion=opinion),
            actor=actor,
            now=world.now,
        ),
    )


@given("王建国负责的一条隐患正在整改")
def being_fixed(world, story):
    story.number = world.acknowledged().number


@given(parsers.parse('{who}于 {day} 列入督办，理由是 "{reason}"'))
@when(parsers.parse('{who}于 {day} 列入督办，理由是 "{reason}"'))
def listed(world, story, who, day, reason):
    at_ten(world, day)
    lists(world, story, who, reason=reason)


@given("隐患已整改并由李敏复查合格")
def closed(world, story):
    world.do(story.number, "fix", by="wangjianguo", note="已更换")
    world.do(story.number, "verify", by="limin", passed=True, opinion="合格")


@given("隐患为重大，列入督办后由两人复查合格")
def major_closed(world, story):
    story.number = world.assigned(level="major", budget=3000, emergency_plan="专人看护").number
    lists(world, story, "赵主任", reason="重大隐患")
    world.do(story.number, "fix", by="wangjianguo", note="已更换")
    for who in ("limin", "zhangqiang"):
        world.do(story.number, "verify", by=who, passed=True, opinion="合格")


@given("王建国编制了治理方案")
@when("王建国编制治理方案")
def drafted(world, story):
    drafts(world, story, "王建国")


@when(parsers.parse('王建国编制治理方案，缺 "{part}"'))
def drafted_without(world, story, part):
    drafts(world, story, "王建国", without=part)


@when(parsers.re("(?P<who>[^不]+)批准治理方案$"))
def approved(world, story, who):
    decides(world, story, who, treatment_plans.approve)


@when(parsers.parse('{who}不批准治理方案，意见是 "{opinion}"'))
def refused_plan(world, story, who, opinion):
    decides(world, story, who, treatment_plans.refuse, opinion)


@when(parsers.parse('{who}于 {day} 报告督办进展 "{text}"'))
def reported(world, story, who, day, text):
    at_ten(world, day)
    number = orders(world, story)[-1].number
    attempt(
        world,
        story,
        who,
        lambda session, actor: supervisions.report(
            session,
            supervisions.order_by_key(session, number, actor=actor, lock=True),
            ProgressReport(text=text),
            actor=actor,
            now=world.now,
        ),
    )


@when(parsers.parse('{who}升级为 "{level}"，理由是 "{reason}"'))
def raised(world, story, who, level, reason):
    wanted = next(each for each in SupervisionLevel if each.zh == level)
    lists(world, story, who, reason=reason, level=wanted)


@when(parsers.parse("{who}摘牌"))
def delists(world, story, who):
    number = orders(world, story)[-1].number
    attempt(
        world,
        story,
        who,
        lambda session, actor: supervisions.delist(
            session,
            supervisions.order_by_key(session, number, actor=actor, lock=True),
            Delisting(opinion="同意摘牌"),
            actor=actor,
            now=world.now,
        ),
    )


@when(parsers.parse("催办在 {day} 运行两次"))
def sweeps(world, day):
    at_ten(world, day)
    for _ in range(2):
        sweep_all(world.database, as_of=world.now, dry_run=False)


@then(parsers.parse('督办的文号是 "{number}"'))
def has_number(world, story, number):
    assert orders(world, story)[-1].number == number


@then(parsers.parse('督办的级别是 "{level}"'))
def has_level(world, story, level):
    assert story.refusal is None
    assert orders(world, story)[-1].level.zh == level


@then(parsers.parse("下次报告的期限是 {day}"))
def report_due(world, story, day):
    assert orders(world, story)[-1].next_report_at == end_of_day(date.fromisoformat(day))


@then(parsers.parse('第一份督办的状态是 "{state}"'))
def has_state(world, story, state):
    assert orders(world, story)[0].state.zh == state


@then(parsers.parse('治理方案的状态是 "{state}"'))
def plan_state(world, story, state):
    assert story.refusal is None
    with world.database.reading() as session:
        ticket = ticket_by_number(session, story.number, actor=SYSTEM)
        assert treatment_plans.plan_in_force(session, ticket).state.zh == state


@then(parsers.parse('{who}收到关于督办的通知 "{title}"'))
def told(world, who, title):
    with world.database.reading() as session:
        mine = select(Notice.subject).join(Notice.person).where(Person.name == who)
        assert [subject for subject in session.scalars(mine) if subject.startswith(title)]


@then("督办进展的催办只记录一次")
def once(world):
    with world.database.reading() as session:
        steps = select(StepRecord.step, func.count()).where(StepRecord.matter == Matter.SUPERVISION)
        assert dict(session.execute(steps.group_by(StepRecord.step)).all()) == {
            "report-in-1": 1,
            "report-overdue": 1,
        }


@then("没有进展再需要催报")
def nothing_chased(world):
    with world.database.reading() as session:
        assert not session.scalars(select(Chase).where(Chase.matter == Matter.SUPERVISION)).all()


@then(parsers.parse('督办被拒绝："{words}"'))
def was_refused(story, words):
    assert story.refusal is not None
    assert words in story.refusal.sentence("zh")
    assert story.refusal.sentence("en")


@then(parsers.parse("{who}看不见这份督办"))
def out_of_sight(world, story, who):
    actor = world.actor(login(world, who))
    number = orders(world, story)[0].number
    with world.database.reading() as session:
        with pytest.raises(NotFound):
            supervisions.order_by_key(session, number, actor=actor)
        found = supervisions.list_orders(session, SupervisionFilter(), actor=actor, now=world.now)
        assert found.items == []
