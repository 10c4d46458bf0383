from io import BytesIO

import pytest
from docx import Document
from pytest_bdd import given, parsers, scenarios, then, when
from sqlalchemy import select

from domain import campaigns, summaries
from domain.campaigns import campaign_by_code
from domain.rates import Rate
from domain.records import Notice, Person, Summary
from papers.publishing import publish_due
from statemachines.campaign import CampaignState
from statemachines.refusals import Refusal
from statemachines.roles import SYSTEM
from tests.figures import record_all

scenarios("summary.feature")

STATES = {state.zh: state for state in CampaignState}
LOGINS = {"李敏": "limin"}
PARTS = {
    "拉闸杆": (49, "付"),
    "验电笔": (42, "支"),
    "接地棒": (47, "付"),
    "绝缘手套": (27, "付"),
    "绝缘靴": (28, "双"),
}


def quantity(action, item, number, unit, **more):
    return {
        "action": action,
        "item": item,
        "quantity": number,
        "measure_unit": unit,
        "unit": "LL01",
        "date": "2026-03-20",
        **more,
    }


class Work:
    """What was recorded before the summary is due."""

    def __init__(self):
        self.parts = {}
        self.more = []
        self.refusal = None


@pytest.fixture
def work():
    return Work()


@given("县局的“2026年春查”进入复查")
def rechecking(world):
    for event, facts in (("rectify", {"reason": "石桥所道路中断"}), ("recheck", {})):
        with world.database.transaction() as session:
            campaign = campaign_by_code(session, "CC2026", actor=SYSTEM, lock=True)
            campaigns.move_campaign(session, campaign, event, facts, actor=SYSTEM, now=world.now)


@given("试验记录是拉闸杆49付、验电笔42支、接地棒47付、绝缘手套27付、绝缘靴28双")
def tested(work):
    work.parts = {item: quantity("试验", item, number, unit) for item, (number, unit) in PARTS.items()}


@given(parsers.parse("上报的安全工器具试验合计是 {number:d} 付(双)"))
def stated(work, number):
    work.more.append(quantity("试验", "安全工器具", number, "付(双)", counts_as="total"))


@given(parsers.parse("拉闸杆的记录改为 {number:d} 付"))
def one_less(work, number):
    work.parts["拉闸杆"]["quantity"] = number


@given("另有带电工器具50组、拉闸杆45根，没有写明做了什么")
def unclear(work):
    for item, number, unit in (("带电工器具", 50, "组"), ("拉闸杆", 45, "根")):
        work.more.append(quantity("试验", item, number, unit, counts_as="unclear"))


@given("记录了校正线路歪杆约285根、清扫针瓶4500个")
def bulk(work):
    work.more.append(quantity("校正", "线路歪杆", 285, "根", approximate=True))
    work.more.append(quantity("清扫", "针瓶", 4500, "个"))


@when("总结日到来", target_fixture="summary")
def the_day_comes(world, store, work):
    record_all(world, [*work.parts.values(), *work.more])
    world.later(days=10)
    publish_due(world.database, store, as_of=world.now)
    with world.database.reading() as session:
        return session.scalars(select(Summary)).one()


@when(parsers.parse('"{who}" 要求生成总结'))
def asked(world, work, who):
    actor = world.actor(LOGINS[who])
    try:
        with world.database.transaction() as session:
            campaign = campaign_by_code(session, "CC2026", actor=actor)
            summaries.request_summary(session, campaign, final=False, actor=actor, now=world.now)
    except Refusal as refusal:
        work.refusal = refusal


@then("总结已发布")
def published(world, summary):
    assert summary.published_at == world.now


@then(parsers.parse('总结写着 "{words}"'))
def says(store, summary, words):
    document = Document(BytesIO(store.get(summary.papers["docx"])))
    assert words in "\n".join(paragraph.text for paragraph in document.paragraphs)


@then(parsers.parse('总结没有发布，指出 "{words}"'))
def refused(summary, words):
    assert summary.published_at is None and summary.papers == {}
    assert [mismatch["zh"] for mismatch in summary.mismatches] == [words]


@then(parsers.parse('活动进入 "{name}"'))
def stands(world, name):
    with world.database.reading() as session:
        assert campaign_by_code(session, "CC2026", actor=SYSTEM).state is STATES[name]


@then(parsers.parse('"{name}" 收到 "{words}"'))
def told(world, name, words):
    with world.database.reading() as session:
        subjects = session.scalars(
            select(Notice.subject).join(Person, Person.id == Notice.person_id).where(Person.name == name)
        ).all()
    assert any(words in subject for subject in subjects)


@then(parsers.parse('实查 {visited:d} 个、计划 {planned:d} 个，覆盖率印作 "{words}"'))
def rate(visited, planned, words):
    assert str(Rate.of(visited, planned)) == words


@then(parsers.parse('被拒绝，理由提到 "{words}"'))
def refusal_says(work, words):
    assert work.refusal is not None
    assert words in work.refusal.sentence("zh")
