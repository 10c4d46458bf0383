from datetime import date

import pytest
from pydantic import ValidationError
from sqlalchemy import select

from domain import campaigns, findings
from domain.campaigns import CampaignClosed, NewCampaign
from domain.errors import BadInput, NotFound, PreconditionFailed, explain
from domain.history import history_of
from domain.people import unit_by_code
from domain.records import Ticket
from domain.tickets import ticket_by_number
from statemachines.campaign import CampaignEvent, CampaignState
from statemachines.refusals import (
    CoverageIncomplete,
    FiguresMismatch,
    MobiliseFactsMissing,
    OpenTicketsNeedNext,
    RoleMissing,
    TicketsUnassigned,
)
from statemachines.roles import SYSTEM
from statemachines.ticket import TicketState


def body(**said):
    return {
        "code": "QC2026",
        "name": "2026年秋查",
        "kind": "秋查",
        "unit": "XB",
        "units": ["LL01", "SQ02"],
        **said,
    }


def create(world, *, by="zhaozhuren", **said):
    actor = world.actor(by)
    with world.database.transaction() as session:
        new = NewCampaign.model_validate(body(**said))
        return campaigns.create_campaign(session, new, actor=actor, now=world.now)


def move(world, event, facts=None, *, code="CC2026", by="zhaozhuren", **more):
    actor = world.actor(by)
    with world.database.transaction() as session:
        campaign = campaigns.campaign_by_code(session, code, actor=actor, lock=True)
        return campaigns.move_campaign(
            session, campaign, event, facts or {}, actor=actor, now=world.now, **more
        )


def seen(world, code="CC2026", *, by=None, **how):
    actor = world.actor(by) if by else SYSTEM
    with world.database.reading() as session:
        return campaigns.campaign_by_code(session, code, actor=actor, **how)


def covered(world):
    with world.database.reading() as session:
        campaign = campaigns.campaign_by_code(session, "CC2026", actor=SYSTEM)
        return campaigns.coverage(session, campaign)


def report_zero(world, unit, *, by="limin"):
    actor = world.actor(by)
    with world.database.transaction() as session:
        campaign = campaigns.campaign_by_code(session, "CC2026", actor=actor, lock=True)
        campaigns.zero_report(
            session, campaign, unit_by_code(session, unit, actor=actor), actor=actor, now=world.now
        )


def test_a_new_campaign_is_in_preparation_with_its_scope_in_order(world):
    create(world, units=["SQ02", "LL01"])
    campaign = seen(world, "QC2026")
    assert campaign.state is CampaignState.PREPARING
    assert [entry.unit.code for entry in sorted(campaign.scope, key=lambda each: each.position)] == [
        "SQ02",
        "LL01",
    ]
    assert campaign.settings["deadline_days"]["serious"] == 7


def test_supervisors_of_one_station_make_no_campaign_for_the_bureau(world):
    with pytest.raises(BadInput) as refused:
        create(world, by="qiansuozhang")
    assert refused.value.pointer == "/unit"
    with pytest.raises(RoleMissing):
        create(world, by="limin")


@pytest.mark.parametrize(
    ("said", "pointer", "rule"),
    [
        ({"code": "CC2026"}, "/code", "code-taken"),
        ({"units": ["LL01", "XX99"]}, "/units/1", "unknown-unit"),
        ({"unit": "LL01", "units": ["LL01", "SQ02"]}, "/units/1", "unit-outside-owner"),
        ({"checklist": "none"}, "/checklist", "unknown-checklist"),
        ({"rota": [{"from": "2026-09-01", "to": "2026-09-30"}]}, "/rota/0/checklist", "checklist-missing"),
    ],
)
def test_what_the_records_do_not_allow_names_the_field(world, said, pointer, rule):
    with pytest.raises(BadInput) as refused:
        create(world, **said)
    assert (refused.value.pointer, refused.value.rule) == (pointer, rule)


@pytest.mark.parametrize(
    ("said", "pointer", "rule"),
    [
        (
            {"phases": {"inspecting": {"from": "2026-09-10", "to": "2026-09-01"}}},
            "/phases/inspecting",
            "ends-before-start",
        ),
        (
            {"phases": {"rechecking": {"from": "2026-09-01"}, "inspecting": {"from": "2026-09-10"}}},
            "/phases",
            "phase-order",
        ),
        ({"phases": {"celebrating": {"from": "2026-09-01"}}}, "/phases/celebrating/[key]", "unknown-value"),
        ({"units": ["LL01", "LL01"]}, "/units", "unit-twice"),
        ({"units": []}, "/units", "too-few"),
        ({"code": "CC-2026"}, "/code", "form"),
    ],
)
def test_a_body_that_breaks_a_rule_names_the_field(said, pointer, rule):
    with pytest.raises(ValidationError) as refused:
        NewCampaign.model_validate(body(**said))
    assert [(each.pointer, each.rule) for each in explain(refused.value.errors(), "zh")] == [(pointer, rule)]


def test_a_phase_that_begins_on_a_holiday_is_noted_with_working_days_proposed(world):
    create(world, phases={"rechecking": {"from": "2026-04-06", "to": "2026-04-08"}})
    with world.database.reading() as session:
        [note] = campaigns.campaign_notes(session, seen(world, "QC2026"))
        assert campaigns.campaign_notes(session, seen(world)) == []
    assert (note.proposed_from, note.proposed_to) == (date(2026, 4, 7), date(2026, 4, 9))
    assert note.sentence("zh") == "“复查”开始日2026-04-06是休息日（清明），建议改为2026-04-07至2026-04-09。"
    assert "2026-04-07 to 2026-04-09" in note.sentence("en")


def test_a_station_sees_campaigns_it_is_in_and_no_others(world):
    create(world, units=["SQ02"])
    assert seen(world, "QC2026", by="shisuozhang")
    with pytest.raises(NotFound):
        seen(world, "QC2026", by="qiansuozhang")
    with world.database.reading() as session:
        page = campaigns.list_campaigns(session, actor=world.actor("qiansuozhang"))
    assert [campaign.code for campaign in page.items] == ["CC2026"]


def test_a_team_sees_the_campaign_its_station_is_in_and_reports_to_it(world):
    assert seen(world, by="wangjianguo")
    assert world.find(by="wangjianguo", unit="LL01-A").number == "CC2026-LL01-A-0001"
    create(world, units=["SQ02"])
    with pytest.raises(NotFound):
        seen(world, "QC2026", by="wangjianguo")


def test_campaigns_are_paged_newest_first(world):
    for number in range(3):
        create(world, code=f"QC{number}")
    with world.database.reading() as session:
        first = campaigns.list_campaigns(session, actor=SYSTEM, limit=3)
        second = campaigns.list_campaigns(session, actor=SYSTEM, limit=3, cursor=first.next)
        with pytest.raises(BadInput):
            campaigns.list_campaigns(session, actor=SYSTEM, cursor="nonsense")
    assert [campaign.code for campaign in first.items] == ["QC2", "QC1", "QC0"]
    assert ([campaign.code for campaign in second.items], second.next) == (["CC2026"], None)


def test_a_version_that_has_passed_is_refused(world):
    assert seen(world, expected_version=seen(world).version)
    with pytest.raises(PreconditionFailed):
        seen(world, expected_version=99)


def test_mobilising_needs_the_notice_the_day_and_the_attendance(world):
    create(world)
    with pytest.raises(MobiliseFactsMissing) as refused:
        move(world, "mobilise", {"notice_number": "工劳监〔2026〕30号"}, code="QC2026")
    assert refused.value.missing == ("held_on", "attendance")
    told = {"notice_number": "工劳监〔2026〕30号", "held_on": "2026-04-02", "attendance": 40}
    with pytest.raises(BadInput) as early:
        move(world, "mobilise", told, code="QC2026")
    assert early.value.pointer == "/held_on"


def test_rectifying_waits_for_every_unit_or_a_reason(world):
    with pytest.raises(CoverageIncomplete) as refused:
        move(world, "rectify")
    assert "石桥供电所" in refused.value.sentence("zh")
    world.find(unit="LL01-A")
    report_zero(world, "SQ02")
    assert covered(world).unreported == ()
    assert covered(world).visited == 0
    assert move(world, "rectify").coverage_reason is None


def test_with_a_reason_units_may_stay_silent_and_it_is_kept(world):
    assert move(world, "rectify", {"reason": "石桥所道路中断"}).coverage_reason == "石桥所道路中断"
    with world.database.reading() as session:
        last = history_of(session, seen(world))[-1]
    assert (last.event, last.from_state, last.to_state) == ("rectify", "inspecting", "rectifying")
    assert last.facts["unreported"] == ["柳林供电所", "石桥供电所"]


def test_a_zero_report_is_signed_once(world):
    report_zero(world, "SQ02")
    first = covered(world).units[1].zero_reported_at
    world.later(days=1)
    report_zero(world, "SQ02", by="shisuozhang")
    assert covered(world).units[1].zero_reported_at == first
    with pytest.raises(RoleMissing):
        report_zero(world, "SQ02", by="zhouhai")


def test_the_recheck_waits_until_each_ticket_has_its_three_fixed(world):
    number = world.find().number
    move(world, "rectify", {"reason": "石桥所道路中断"})
    with pytest.raises(TicketsUnassigned) as refused:
        move(world, "recheck")
    assert number in refused.value.sentence("zh")
    world.do(number, "assign", by="zhaozhuren", assignee="wangjianguo", duty="消缺", measure="更换密封垫")
    assert move(world, "recheck").state is CampaignState.RECHECKING


def to_recheck(world):
    move(world, "rectify", {"reason": "石桥所道路中断"})
    move(world, "recheck")


def test_summing_up_needs_figures_that_were_checked_and_agree(world):
    to_recheck(world)
    with pytest.raises(TypeError):
        move(world, "summarise")
    with pytest.raises(FiguresMismatch):
        move(world, "summarise", mismatches=["试验合计 193 ≠ 192"])
    assert move(world, "summarise", mismatches=[]).state is CampaignState.SUMMARISED


def test_open_tickets_are_carried_over_with_number_and_deadline(world):
    open_ticket, closed = world.assigned(), world.fixed()
    world.do(closed.number, "verify", by="limin", passed=True, opinion="合格")
    to_recheck(world)
    move(world, "summarise", mismatches=[])
    with pytest.raises(OpenTicketsNeedNext) as refused:
        move(world, "archive")
    assert open_ticket.number in refused.value.sentence("zh")
    for unsuitable in ("CC2026", "NONE"):
        with pytest.raises(BadInput) as wrong:
            move(world, "archive", {"next_campaign": unsuitable})
        assert wrong.value.pointer == "/next_campaign"
    create(world)
    move(world, "archive", {"next_campaign": "QC2026"})
    with world.database.reading() as session:
        carried = ticket_by_number(session, open_ticket.number, actor=SYSTEM)
        assert (carried.campaign.code, carried.due_at, carried.state) == (
            "QC2026",
            open_ticket.due_at,
            TicketState.ASSIGNED,
        )
        assert carried.origin_campaign_id == seen(world).id
        assert history_of(session, carried)[-1].facts == {"previous_campaign": "CC2026", "campaign": "QC2026"}
        assert ticket_by_number(session, closed.number, actor=SYSTEM).campaign.code == "CC2026"
        assert len(list(session.scalars(select(Ticket)))) == 2


def test_a_campaign_without_open_tickets_is_archived_as_it_is(world):
    to_recheck(world)
    move(world, "summarise", mismatches=[])
    assert move(world, "archive").state is CampaignState.ARCHIVED


def test_a_campaign_that_is_summed_up_takes_no_more_records(world):
    to_recheck(world)
    campaigns.must_be_open(seen(world))
    move(world, "summarise", mismatches=[])
    with pytest.raises(CampaignClosed):
        campaigns.must_be_open(seen(world))
    with pytest.raises(findings.FindingsClosed):
        world.find()


def test_the_clock_causes_the_next_phase_from_its_first_day(world):
    assert campaigns.event_due(seen(world), now=world.now) is CampaignEvent.RECTIFY
    assert campaigns.event_due(seen(world), now=world.later(days=-10)) is None
