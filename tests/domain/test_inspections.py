from datetime import datetime, time, timedelta
from decimal import Decimal

import pytest
from pydantic import ValidationError
from sqlalchemy import select

from domain import answers, campaigns, checklists, inspections, submissions
from domain.answers import GivenAnswers
from domain.campaigns import NewCampaign
from domain.checklists import NewChecklist
from domain.errors import BadInput, NotFound
from domain.escalation import sweep_all
from domain.history import history_of
from domain.inspections import InspectionFilter, NewInspection
from domain.people import ROOT_CODE
from domain.records import AnswerValue, Notice, Person
from domain.submissions import Miss, Submission
from domain.tickets import TicketFilter, list_tickets
from statemachines.inspection import InspectionState
from statemachines.labels import LOCAL, Level
from statemachines.refusals import AnswersMissing, ReasonMissing, RoleMissing, WrongState
from statemachines.roles import SYSTEM

PHOTO = {"name": "渗油.jpg", "sha256": "ab" * 32, "size": 2048}


def item(code, **said):
    return {
        "code": code,
        "category": "生产设备/变压器台区",
        "item": f"变压器{code}",
        "criterion": "油位正常、无渗漏",
        "level": "一般",
        "measure": "停电更换密封垫",
        "deadline_days": 7,
        **said,
    }


def put(world, *items, by="zhaozhuren", code="distribution"):
    actor = world.actor(by)
    with world.database.transaction() as session:
        new = NewChecklist.model_validate({"code": code, "name": "配电检查表", "items": items})
        checklists.put_checklist(session, new, actor=actor, now=world.now)


def plan(world, *, by="limin", **said):
    actor = world.actor(by)
    with world.database.transaction() as session:
        new = NewInspection.model_validate(
            {"campaign": "CC2026", "unit": "LL01", "checklist": "distribution", **said}
        )
        return inspections.create(session, new, actor=actor, now=world.now)


def run(world, key, command, told, *, by="limin"):
    actor = world.actor(by)
    with world.database.transaction() as session:
        inspection = inspections.inspection_by_id(session, key, actor=actor, lock=True)
        return command(session, inspection, told, actor=actor, now=world.now)


def answer(world, key, *, by="limin", **values):
    given = [
        {"item": code, **(value if isinstance(value, dict) else {"value": value})}
        for code, value in values.items()
    ]
    return run(world, key, answers.answer, GivenAnswers.model_validate({"answers": given}), by=by)


def submit(world, key, *, by="limin", **said):
    return run(world, key, submissions.submit, Submission.model_validate(said), by=by)


def seen(world, key):
    with world.database.reading() as session:
        return inspections.inspection_by_id(session, key, actor=SYSTEM)


@pytest.fixture
def visit(world):
    """A visit to 柳林所 with a checklist of three items, planned by 李敏."""
    put(world, item("E01"), item("E02", level="重大", deadline_days=1), item("E03"))
    return plan(world).id


def test_a_visit_is_planned_for_whoever_plans_it(world, visit):
    inspection = seen(world, visit)
    assert (inspection.state, inspection.inspector.login) == (InspectionState.PLANNED, "limin")
    assert [each.code for each in inspection.checklist.items] == ["E01", "E02", "E03"]


def test_a_visit_that_is_due_calls_its_inspector_by_name_and_urges_the_others(world, visit):
    planned_on = seen(world, visit).planned_on
    end = datetime.combine(planned_on + timedelta(days=1), time(9), tzinfo=LOCAL)
    sweep_all(world.database, as_of=end)
    with world.database.reading() as session:
        told = dict(
            session.execute(select(Person.login, Notice.responsible).join(Notice.person)).tuples().all()
        )
    assert [login for login, responsible in told.items() if responsible] == ["limin"]
    assert "zhaozhuren" in told


def test_the_first_answers_start_it_and_later_ones_replace(world, visit):
    answer(world, visit, E01="fail")
    started = seen(world, visit)
    assert (started.state, started.started_at) == (InspectionState.STARTED, world.now)
    world.later(minutes=5)
    answer(world, visit, E01="pass", E02="na")
    again = seen(world, visit)
    assert {each.item.code: each.value for each in again.answers} == {
        "E01": AnswerValue.PASS,
        "E02": AnswerValue.NOT_APPLICABLE,
    }
    assert again.started_at == started.started_at
    assert again.version > started.version


def test_what_fails_becomes_a_ticket_with_the_items_level_words_and_days(world, visit):
    leak = {"value": "fail", "note": "油枕下法兰渗油", "location": "27# 变台", "level": "serious"}
    answer(world, visit, E01=leak, E02="fail", E03="pass")
    first, second = submit(world, visit, files={"E01": [PHOTO]})
    assert first.description == "变压器E01：油枕下法兰渗油（要求：油位正常、无渗漏）"
    assert (first.level, first.location, first.files_expected) == (Level.SERIOUS, "27# 变台", 1)
    assert second.description == "变压器E02不符合要求：油位正常、无渗漏"
    assert (second.level, second.category, second.source) == (
        Level.MAJOR,
        "生产设备/变压器台区",
        "inspection",
    )
    assert (second.checklist_item.measure, second.inspection_id) == ("停电更换密封垫", visit)
    inspection = seen(world, visit)
    assert [each.ticket and each.ticket.number for each in inspection.answers] == [
        first.number,
        second.number,
        None,
    ]
    assert inspections.score(inspection.answers) == Decimal("33.33")
    assert not inspection.nothing_found
    with world.database.reading() as session:
        last = history_of(session, inspection)[-1]
    assert last.facts["findings"] == [first.number, second.number]


def test_submitting_twice_makes_no_second_ticket(world, visit):
    answer(world, visit, E01="fail", E02="pass", E03="pass")
    submit(world, visit)
    with pytest.raises(WrongState):
        submit(world, visit)
    with pytest.raises(WrongState):
        answer(world, visit, E01="pass")
    with world.database.reading() as session:
        page = list_tickets(session, TicketFilter(), actor=SYSTEM, now=world.now)
    assert len(page.items) == 1


def test_a_visit_with_open_items_is_not_submitted(world, visit):
    answer(world, visit, E01="pass")
    with pytest.raises(AnswersMissing) as refused:
        submit(world, visit)
    assert "2项" in refused.value.sentence("zh")
    assert seen(world, visit).state is InspectionState.STARTED


def test_nothing_failed_is_a_signed_zero_report(world, visit):
    answer(world, visit, E01="pass", E02="na", E03="pass")
    assert submit(world, visit) == []
    inspection = seen(world, visit)
    assert inspection.nothing_found
    assert inspection.submitted_by_id == world.actor("limin").id
    with world.database.reading() as session:
        campaign = campaigns.campaign_by_code(session, "CC2026", actor=SYSTEM)
        found = campaigns.coverage(session, campaign)
    assert (found.planned, found.visited, [unit.code for unit in found.unreported]) == (2, 1, ["SQ02"])


def test_an_item_left_unchecked_is_no_zero_report(world, visit):
    answer(world, visit, E01="pass", E02="unchecked", E03="pass")
    submit(world, visit)
    inspection = seen(world, visit)
    assert not inspection.nothing_found
    assert inspections.score(inspection.answers) == Decimal(100)


def test_a_score_needs_something_judged():
    assert inspections.score([]) is None


def test_photos_belong_to_failed_items(world, visit):
    answer(world, visit, E01="pass", E02="pass", E03="pass")
    with pytest.raises(BadInput) as refused:
        submit(world, visit, files={"E01": [PHOTO]})
    assert refused.value.pointer == "/files/E01"
    assert seen(world, visit).state is InspectionState.STARTED


def test_a_missed_visit_stays_with_its_reason(world, visit):
    with pytest.raises(ReasonMissing):
        run(world, visit, submissions.miss, Miss(), by="zhaozhuren")
    with pytest.raises(RoleMissing):
        run(world, visit, submissions.miss, Miss(reason="道路中断"), by="limin")
    run(world, visit, submissions.miss, Miss(reason="道路中断"), by="zhaozhuren")
    inspection = seen(world, visit)
    assert (inspection.state, inspection.missed_reason) == (InspectionState.MISSED, "道路中断")


def test_an_assignee_answers_nothing(world, visit):
    with pytest.raises(NotFound):
        answer(world, visit, by="zhouhai", E01="pass")
    put(world, item("E01"))
    key = plan(world, unit="LL01-A").id
    with pytest.raises(RoleMissing):
        answer(world, key, by="wangjianguo", E01="pass")


def test_an_unknown_item_names_its_place(world, visit):
    with pytest.raises(BadInput) as refused:
        answer(world, visit, E01="pass", E99="pass")
    assert refused.value.pointer == "/answers/1/item"
    with pytest.raises(ValidationError):
        GivenAnswers.model_validate({"answers": [{"item": "E01", "value": "pass"}] * 2})


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({"campaign": "NONE"}, "/campaign"),
        ({"unit": "XX"}, "/unit"),
        ({"unit": "XB"}, "/unit"),
        ({"checklist": "none"}, "/checklist"),
        ({"checklist": None}, "/checklist"),
        ({"inspector": "zhouhai"}, "/inspector"),
        ({"inspector": "nobody"}, "/inspector"),
    ],
)
def test_a_plan_that_cannot_be_names_the_field(world, visit, said, pointer):
    with pytest.raises(BadInput) as refused:
        plan(world, **said)
    assert refused.value.pointer == pointer


def test_planning_again_with_the_same_id_gives_the_first_visit(world, visit):
    key = "01968bcd-0000-7000-8000-000000000001"
    assert plan(world, id=key).id == plan(world, id=key).id
    with pytest.raises(BadInput) as refused:
        plan(world, id=key, unit="SQ02")
    assert refused.value.rule == "same-id-other-content"


def test_assignees_plan_no_visits(world, visit):
    with pytest.raises(RoleMissing):
        plan(world, by="zhouhai", unit="SQ02")


def test_visits_are_listed_by_day_within_sight(world, visit):
    plan(world, unit="SQ02", planned_on="2026-03-20")
    with world.database.reading() as session:
        everything = inspections.list_inspections(session, InspectionFilter(), actor=SYSTEM)
        station = inspections.list_inspections(session, InspectionFilter(), actor=world.actor("qiansuozhang"))
        first = inspections.list_inspections(session, InspectionFilter(), actor=SYSTEM, limit=1)
        rest = inspections.list_inspections(session, InspectionFilter(), actor=SYSTEM, cursor=first.next)
        wanted = InspectionFilter(campaign="CC2026", unit="SQ02", state=[InspectionState.PLANNED], mine=True)
        mine = inspections.list_inspections(session, wanted, actor=world.actor("limin"))
    assert [each.unit.code for each in everything.items] == ["SQ02", "LL01"]
    assert [each.unit.code for each in station.items] == ["LL01"]
    assert [each.unit.code for each in (*first.items, *rest.items)] == ["SQ02", "LL01"]
    assert [each.unit.code for each in mine.items] == ["SQ02"]


def test_a_checklist_is_brought_up_to_date_unless_an_answer_would_lose_its_item(world, visit):
    put(world, item("E03"), item("E01", criterion="油位正常"), item("E02"))
    inspection = seen(world, visit)
    assert [(each.code, each.criterion) for each in inspection.checklist.items][1] == ("E01", "油位正常")
    answer(world, visit, E01="pass")
    put(world, item("E01"))
    with pytest.raises(BadInput) as refused:
        put(world, item("E02"))
    assert refused.value.rule == "item-in-use"
    with pytest.raises(RoleMissing):
        put(world, item("E01"), by="limin", code="other")


def test_a_campaign_without_a_checklist_of_its_own_may_be_visited_with_any(world, visit):
    with world.database.transaction() as session:
        new = NewCampaign(
            code="ALL", name="全局检查", kind="检查", unit=ROOT_CODE, units=["XB"], checklist="distribution"
        )
        campaigns.create_campaign(session, new, actor=SYSTEM, now=world.now)
    key = plan(world, campaign="ALL", checklist=None).id
    assert seen(world, key).checklist.code == "distribution"
