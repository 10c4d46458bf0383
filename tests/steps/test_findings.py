from uuid import NAMESPACE_URL, uuid5

import pytest
from pytest_bdd import given, parsers, scenarios, then, when
from sqlalchemy import select

from domain.history import history_of
from domain.records import Ticket
from tests.api.conftest import app, calling, client, finding  # noqa: F401 - fixtures
from tests.photos import listed, photo

scenarios("findings.feature")


@pytest.fixture
def answers():
    """What the calls of the scenario were answered with, the last one last."""
    return []


@pytest.fixture
def limin(calling):  # noqa: F811
    return calling("limin")


def phone_id(name):
    return str(uuid5(NAMESPACE_URL, name))


def tickets(world):
    with world.database.reading() as session:
        return list(session.scalars(select(Ticket).order_by(Ticket.number)))


@when(parsers.parse('李敏登记柳林所的隐患 "{description}"'))
def submits(limin, answers, description):
    answers.append(limin.submit(description=description))


@given(parsers.parse('李敏登记了手机编号为 "{name}" 的隐患 "{description}"'))
@when(parsers.parse('李敏用手机编号 "{name}" 登记隐患 "{description}"'))
def submits_with_id(limin, answers, name, description):
    answers.append(limin.submit(id=phone_id(name), description=description))


@when(parsers.parse("李敏把同一条隐患发送 {times:d} 次"))
def repeats(limin, answers, times):
    answers.extend(limin.submit(id=phone_id("again")) for _ in range(times))


@when(parsers.parse("李敏把离线登记的三条隐患一起发送，其中第 {place:d} 条的单位写错"))
def sends_queue(limin, answers, place):
    queue = [finding(id=phone_id(f"queue-{n}"), description=f"隐患{n}") for n in (1, 2, 3)]
    queue[place - 1]["unit"] = "NOWHERE"
    answers.append(limin.post("/findings/batch", queue))


WRONG = {
    "单位不存在": {"unit": "NOWHERE"},
    "发现时间在明天": {"found_at": "2026-04-02T09:00:00+08:00"},
    "描述有一万字": {"description": "漏" * 10_000},
    "没有描述": {"description": " "},
    "照片有30兆": {"files": [listed(photo()) | {"size": 30 * 2**20}]},
}


@when(parsers.parse("李敏登记隐患，但{wrong}"))
def submits_wrongly(limin, answers, wrong):
    answers.append(limin.submit(**WRONG[wrong]))


@then(parsers.parse('隐患单编号是 "{number}"'))
def numbered(answers, number):
    assert answers[-1].json()["number"] == number


@then(parsers.parse('状态是 "{label}"'))
def stands(world, label):
    assert tickets(world)[0].state.zh == label


@then(parsers.parse('履历第一条是 "{name}" 登记'))
def begun(world, name):
    with world.database.reading() as session:
        first = history_of(session, session.scalars(select(Ticket)).one())[0]
    assert (first.event, first.actor_name) == ("found", name)


@then(parsers.parse("只有 {count:d} 张隐患单"))
def counted(world, count):
    assert len(tickets(world)) == count


@then(parsers.parse('被拒绝，理由是 "{reason}"'))
def refused(answers, reason):
    assert answers[-1].status_code >= 400
    assert answers[-1].json()["detail"] == reason


@then(parsers.parse('被拒绝，指明 "{pointer}"，理由是 "{reason}"'))
def refused_at(answers, pointer, reason):
    assert answers[-1].status_code == 422
    assert [(error["pointer"], error["detail"]) for error in answers[-1].json()["errors"]] == [
        (pointer, reason)
    ]


@then("第 1 条和第 3 条已登记")
def others_submitted(answers, world):
    assert [item["status"] for item in answers[-1].json()["items"]] == [201, 422, 201]
    assert [ticket.description for ticket in tickets(world)] == ["隐患1", "隐患3"]


@then(parsers.parse('第 {place:d} 条写明 "{reason}"'))
def told_why(answers, place, reason):
    assert answers[-1].json()["items"][place - 1]["problem"]["detail"] == reason
