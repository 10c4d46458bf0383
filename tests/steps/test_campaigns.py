from datetime import date

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from domain import campaigns
from domain.campaigns import NewCampaign
from domain.history import history_of
from domain.people import unit_by_code
from domain.tickets import ticket_by_number
from statemachines.campaign import CampaignState
from statemachines.refusals import Refusal
from statemachines.roles import SYSTEM

pytestmark = pytest.mark.usefixtures("world")  # steps ask for it too late for the database to hold the bureau

scenarios("campaigns.feature")

LOGINS = {"赵主任": "zhaozhuren", "李敏": "limin", "张强": "zhangqiang"}
EVENTS = {"转入整改": "rectify", "转入复查": "recheck", "归档": "archive"}
STATES = {state.zh: state for state in CampaignState}


class Attempt:
    """What came of the last step: the refusal, if there was one."""

    refusal: Refusal | None = None


@pytest.fixture
def attempt():
    return Attempt()


def cause(world, attempt, who, event, facts=None, **more):
    actor = world.actor(LOGINS[who])
    attempt.refusal = None
    try:
        with world.database.transaction() as session:
            campaign = campaigns.campaign_by_code(session, "CC2026", actor=actor, lock=True)
            campaigns.move_campaign(session, campaign, event, facts or {}, actor=actor, now=world.now, **more)
    except Refusal as refusal:
        attempt.refusal = refusal


def spring(session):
    return campaigns.campaign_by_code(session, "CC2026", actor=SYSTEM)


def create(world, **said):
    actor = world.actor("zhaozhuren")
    body = {
        "code": "QC2026",
        "name": "2026年秋查",
        "kind": "秋查",
        "unit": "XB",
        "units": ["LL01", "SQ02"],
        **said,
    }
    with world.database.transaction() as session:
        new = NewCampaign.model_validate(body)
        return campaigns.create_campaign(session, new, actor=actor, now=world.now)


@given("县局的“2026年春查”正在自查，范围是柳林所和石桥所")
def inspecting(world):
    with world.database.reading() as session:
        assert spring(session).state is CampaignState.INSPECTING


@given("柳林所登记了一条隐患")
def found(world):
    world.find()


@given("柳林所有一条已三定的隐患", target_fixture="ticket")
def assigned(world):
    return world.assigned()


@given("石桥所由张强签了零报告")
def zero(world):
    actor = world.actor("zhangqiang")
    with world.database.transaction() as session:
        unit = unit_by_code(session, "SQ02", actor=actor)
        campaigns.zero_report(session, spring(session), unit, actor=actor, now=world.now)


@given("活动已经总结")
def summarised(world, attempt):
    cause(world, attempt, "赵主任", "rectify", {"reason": "石桥所道路中断"})
    cause(world, attempt, "赵主任", "recheck")
    cause(world, attempt, "赵主任", "summarise", mismatches=[])
    assert attempt.refusal is None


@given(parsers.re('(?P<who>赵主任|李敏)(?P<event>转入整改|转入复查|归档)，理由是 "(?P<reason>.+)"'))
@when(parsers.re('(?P<who>赵主任|李敏)(?P<event>转入整改|转入复查|归档)，理由是 "(?P<reason>.+)"'))
def moves_with_reason(world, attempt, who, event, reason):
    cause(world, attempt, who, EVENTS[event], {"reason": reason})


@when(parsers.re("(?P<who>赵主任|李敏)(?P<event>转入整改|转入复查|归档)$"))
def moves(world, attempt, who, event):
    cause(world, attempt, who, EVENTS[event])


@when("赵主任归档，结转到“2026年秋查”")
def archives(world, attempt):
    create(world)
    cause(world, attempt, "赵主任", "archive", {"next_campaign": "QC2026"})


@when(
    parsers.parse("赵主任把一次检查的复查定在 {first} 至 {last}"),
    target_fixture="planned",
)
def plans(world, first, last):
    return create(world, phases={"rechecking": {"from": first, "to": last}})


@then(parsers.parse('被拒绝，理由提到 "{words}"'))
def refused(attempt, words):
    assert attempt.refusal is not None
    assert words in attempt.refusal.sentence("zh")


@then(parsers.parse('活动仍在 "{state}"'))
@then(parsers.parse('活动进入 "{state}"'))
def stands(world, state):
    with world.database.reading() as session:
        assert spring(session).state is STATES[state]


@then(parsers.parse('台账记下理由 "{reason}"'))
def recorded(world, reason):
    with world.database.reading() as session:
        assert history_of(session, spring(session))[-1].facts["reason"] == reason


@then("那条隐患编号和期限不变，计入“2026年秋查”")
def carried(world, ticket):
    with world.database.reading() as session:
        now_there = ticket_by_number(session, ticket.number, actor=SYSTEM)
    assert (now_there.id, now_there.due_at, now_there.campaign.code) == (ticket.id, ticket.due_at, "QC2026")


@then(parsers.parse("提醒建议改为 {first} 至 {last}"))
def proposed(world, planned, first, last):
    with world.database.reading() as session:
        [note] = campaigns.campaign_notes(session, planned)
    assert (note.proposed_from, note.proposed_to) == (date.fromisoformat(first), date.fromisoformat(last))
