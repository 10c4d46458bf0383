"""Steps of features/escalation.feature, on the real sweep, outbox and mail server."""

from datetime import datetime

import pytest
from pytest_bdd import given, parsers, scenarios, then, when
from sqlalchemy import select

from domain.chases import follow
from domain.deadlines import end_of_day
from domain.delivery import deliver_all
from domain.escalation import sweep_all
from domain.escalations import escalations
from domain.records import Person, Unit
from domain.settings import Settings
from domain.tickets import ticket_by_number
from statemachines.labels import LOCAL
from statemachines.roles import SYSTEM
from tests.mail_server import MailServer, text_of
from tests.many import recorded
from tests.world import World

scenarios("escalation.feature")

URGING = ("整改提醒", "逾期催办")


class Story:
    """What the scenario is about: the one ticket."""

    number = ""


@pytest.fixture
def story() -> Story:
    return Story()


def moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=LOCAL)


def login(world: World, name: str) -> str:
    with world.database.reading() as session:
        return session.scalars(select(Person.login).where(Person.name == name)).one()


def urging(world: World, mail: MailServer, name: str) -> list:
    return [m for m in mail.to(f"{login(world, name)}@example.org") if m["Subject"].startswith(URGING)]


@given(parsers.parse('检查员 "{name}" 在 "{unit}" 发现 "{what}"'))
def found(world: World, story: Story, name: str, unit: str, what: str) -> None:
    with world.database.reading() as session:
        code = session.scalars(select(Unit.code).where(Unit.name == unit)).one()
    story.number = world.find(by=login(world, name), unit=code, description=what).number


@given(parsers.parse('主管 "{name}" 以责任人 "{assignee}"、期限 "{due}" 下达整改'))
def assigned(world: World, mail: MailServer, story: Story, name: str, assignee: str, due: str) -> None:
    world.do(
        story.number,
        "assign",
        by=login(world, name),
        assignee=login(world, assignee),
        duty="负责停电处理",
        measure="更换密封垫",
        due=due,
    )
    world.do(story.number, "acknowledge", by=login(world, assignee))
    deliver(world, mail)


@given(parsers.parse('责任人 "{name}" 已报告整改完成'))
@when(parsers.parse('责任人 "{name}" 已报告整改完成'))
def fixed(world: World, story: Story, name: str) -> None:
    world.do(story.number, "fix", by=login(world, name), note="已更换密封垫并补油")


@when(parsers.parse('主管 "{name}" 上调为重大'))
def raised(world: World, story: Story, name: str) -> None:
    graver = {"level": "major", "reason": "渗漏加剧", "budget": "20000", "emergency_plan": "停电隔离"}
    world.do(story.number, "regrade", by=login(world, name), **graver)


@given(parsers.parse('整改期限改为 "{due}"'))
def due_moved(world: World, story: Story, due: str) -> None:
    with world.database.transaction() as session:
        ticket = ticket_by_number(session, story.number, actor=SYSTEM)
        ticket.due_at = end_of_day(datetime.fromisoformat(due).date())
        ticket.due_version += 1
        follow(session, ticket, now=world.now)


def deliver(world: World, mail: MailServer) -> None:
    settings = Settings(smtp_url=mail.url, public_url="https://chuncha.example.org")
    deliver_all(world.database, settings, as_of=world.now)


@when(parsers.parse('时钟走到 "{time}"'))
def the_clock(world: World, mail: MailServer, time: str) -> None:
    world.now = moment(time)
    sweep_all(world.database, as_of=world.now)
    deliver(world, mail)


@then(parsers.parse('"{name}" 的邮箱收到 {count:d} 封 "{subject}"'))
def arrived(world: World, mail: MailServer, name: str, count: int, subject: str) -> None:
    assert len([m for m in urging(world, mail, name) if m["Subject"].startswith(subject)]) == count


@then(parsers.parse('"{name}" 的邮箱没有催办邮件'))
def nothing_arrived(world: World, mail: MailServer, name: str) -> None:
    assert urging(world, mail, name) == []


@then(parsers.parse('这封邮件写明编号、地点、隐患、责任人和期限 "{due}"'))
def says_all(world: World, mail: MailServer, story: Story, due: str) -> None:
    (message,) = urging(world, mail, "王建国")
    for fact in (story.number, "柳林供电所", "27# 变台变压器渗漏油", "王建国", due):
        assert fact in text_of(message)


@then("这封邮件附有办理链接")
def says_where(world: World, mail: MailServer, story: Story) -> None:
    (message,) = urging(world, mail, "王建国")
    assert f"https://chuncha.example.org/tickets/{story.number}" in text_of(message)


@then(parsers.parse('催办记录中有 "{steps}"'))
def steps_recorded(world: World, steps: str) -> None:
    assert set(steps.split("、")) <= {step for _, step, _ in recorded(world)}


@then(parsers.parse('上调以后的催办记录是 "{steps}"'))
def steps_since(world: World, steps: str) -> None:
    assert [step for _, step, _ in recorded(world) if step.startswith("major")] == steps.split("、")


@then("每一步只记录一次")
def steps_once(world: World) -> None:
    steps = [(number, step) for number, step, _ in recorded(world)]
    assert steps
    assert len(steps) == len(set(steps))


@then("整改期限不再催办，只催复查")
def only_the_recheck(world: World) -> None:
    assert {step for _, step, _ in recorded(world)} == {"unchecked-2", "unchecked-4"}


@then(parsers.parse('步骤 "{step}" 定在 "{time}"，理由写明 "{why}"'))
def step_explains_itself(world: World, story: Story, step: str, time: str, why: str) -> None:
    with world.database.reading() as session:
        ticket = ticket_by_number(session, story.number, actor=SYSTEM)
        (planned,) = [each for each in escalations(session, ticket, now=world.now) if each.step == step]
    assert planned.planned_at == moment(time)
    assert why in planned.why("zh")
