"""What becomes of a ticket: 三定, the fix, the independent re-check, and the corrections that need a reason."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from domain.campaign_settings import CampaignSettings
from domain.deadlines import end_of_day
from domain.people import deactivate
from domain.records import Campaign, CancelKind, QuantityRecord, StoredFile
from statemachines.labels import Level
from statemachines.roles import SYSTEM
from statemachines.ticket import TicketState
from tests.photos import listed, photo
from tests.refused import refused

THREE = {"assignee": "wangjianguo", "duty": "负责停电处理", "measure": "停电更换密封垫"}
ASSURED = {"budget": 20000, "emergency_plan": "停电转移负荷"}
PASSED = {"passed": True, "opinion": "合格"}
FAILED = {"passed": False, "opinion": "仍渗油"}


def day(text):
    return end_of_day(datetime.fromisoformat(text).date())


def independent_team(world):
    with world.database.transaction() as session:
        campaign = session.scalars(select(Campaign).where(Campaign.code == "CC2026")).one()
        campaign.settings = CampaignSettings(independent_team=True).model_dump(mode="json")


def arrived(world, *photos):
    """These photos have been received before."""
    with world.database.transaction() as session:
        for each in photos:
            known = listed(each)
            if session.get(StoredFile, known["sha256"]) is None:
                session.add(
                    StoredFile(
                        sha256=known["sha256"],
                        size=known["size"],
                        media_type="image/jpeg",
                        stored_at=world.now,
                    )
                )


class TestAssign:
    def test_the_three_fixed_start_both_clocks(self, bureau):
        number = bureau.find().number
        ticket = bureau.do(number, "assign", by="zhaozhuren", **THREE, due="2026-04-10")
        assert ticket.state is TicketState.ASSIGNED
        assert (ticket.assignee.login, ticket.duty, ticket.measure) == tuple(THREE.values())
        assert ticket.first_due_at == ticket.due_at == day("2026-04-10")
        assert bureau.next_step(ticket.number) is not None

    @pytest.mark.parametrize(
        ("level", "due"),
        [("general", day("2026-04-16")), ("serious", day("2026-04-08")), ("major", None)],
    )
    def test_a_deadline_nobody_gave_comes_from_level_and_calendar(self, bureau, level, due):
        ticket = bureau.assigned(level=level, **(ASSURED if level == "major" else {}))
        # A major hazard has 24 hours by the clock.
        assert ticket.first_due_at == ticket.due_at == (due or bureau.now + timedelta(hours=24))

    def test_a_computed_deadline_that_is_past_is_counted_from_today(self, bureau):
        ticket = bureau.assigned(level="serious", found_at=bureau.now - timedelta(days=20))
        assert ticket.due_at == day("2026-04-08")

    @pytest.mark.parametrize(
        ("lacking", "zh", "en"),
        [
            ("assignee", "定人（责任人）", "assignee"),
            ("duty", "定责（职责）", "duty"),
            ("measure", "定责（措施）", "measure"),
        ],
    )
    def test_what_is_missing_of_the_three_fixed_is_named(self, bureau, lacking, zh, en):
        number = bureau.find().number
        said = {name: value for name, value in THREE.items() if name != lacking}
        with refused("three-fixed-missing", zh=zh, en=en, missing=(lacking,)):
            bureau.do(number, "assign", by="zhaozhuren", **said)
        assert bureau.ticket(number).state is TicketState.FOUND

    def test_spaces_are_not_a_measure(self, bureau):
        with refused("three-fixed-missing", missing=("measure",)):
            bureau.do(bureau.find().number, "assign", by="zhaozhuren", **THREE | {"measure": "  "})

    @pytest.mark.parametrize(
        ("said", "missing", "zh"),
        [
            ({"budget": 20000}, ("emergency_plan",), "预案"),
            ({"emergency_plan": "停电转移负荷"}, ("budget",), "资金"),
            ({}, ("budget", "emergency_plan"), "资金、预案"),
        ],
    )
    def test_a_major_hazard_needs_funds_and_a_plan(self, bureau, said, missing, zh):
        number = bureau.find(level="major").number
        with refused("five-assurances-missing", zh=zh, missing=missing):
            bureau.do(number, "assign", by="zhaozhuren", **THREE, **said)

    def test_work_that_costs_nothing_is_assured(self, bureau):
        ticket = bureau.assigned(level="major", budget=0, emergency_plan="停电转移负荷")
        assert ticket.budget == 0

    @pytest.mark.parametrize(
        ("due", "code"),
        [
            ("2026-03-31", "due-in-past"),
            ("2026-03-01", "due-before-found"),
            ("2026-04-01T10:00:00+08:00", "due-in-past"),
        ],
    )
    def test_a_deadline_lies_ahead(self, bureau, due, code):
        number = bureau.find(found_at=bureau.now - timedelta(days=5)).number
        with refused(code, zh="整改期限"):
            bureau.do(number, "assign", by="zhaozhuren", **THREE, due=due)

    @pytest.mark.parametrize(
        ("login", "rule"),
        [("zhouhai", "not-an-assignee"), ("limin", "not-an-assignee"), ("nobody", "unknown-person")],
    )
    def test_only_an_assignee_of_that_unit_is_made_responsible(self, bureau, login, rule):
        with refused(rule, at="/assignee"):
            bureau.do(bureau.find().number, "assign", by="zhaozhuren", **THREE | {"assignee": login})

    def test_somebody_who_left_is_not_made_responsible(self, world):
        with world.database.transaction() as session:
            deactivate(session, "sunhua", actor=SYSTEM, now=world.now)
        with refused("unknown-person", at="/assignee"):
            world.do(world.find().number, "assign", by="zhaozhuren", **THREE | {"assignee": "sunhua"})

    @pytest.mark.parametrize("who", ["limin", "wangjianguo", "zhengju", "robot", "guanli"])
    def test_only_a_supervisor_assigns(self, bureau, who):
        with refused("role-missing", zh="安监主管", en="Supervisor"):
            bureau.do(bureau.find(unit="LL01-A").number, "assign", by=who, **THREE)

    def test_a_ticket_is_assigned_once(self, bureau):
        number = bureau.assigned().number
        with refused("wrong-state", zh="整改中", en="Assigned"):
            bureau.do(number, "assign", by="zhaozhuren", **THREE)


class TestTheWork:
    def test_the_first_acknowledgement_is_kept(self, bureau):
        number = bureau.assigned().number
        first = bureau.do(number, "acknowledge", by="wangjianguo")
        bureau.later(hours=2)
        again = bureau.do(number, "acknowledge", by="wangjianguo")
        assert again.acknowledged_at == first.acknowledged_at == bureau.now - timedelta(hours=2)
        assert again.version == first.version

    @pytest.mark.parametrize(
        ("event", "said"), [("acknowledge", {}), ("progress", {"note": "已停电"}), ("fix", {"note": "已换"})]
    )
    def test_only_the_person_responsible_reports_on_the_work(self, bureau, event, said):
        number = bureau.assigned(unit="LL01-A").number
        with refused("not-assignee", zh="您不是责任人", en="you do neither"):
            bureau.do(number, event, by="sunhua", **said)

    def test_a_report_says_what_was_done(self, bureau):
        number = bureau.assigned().number
        for event in ("progress", "fix"):
            with refused("note-missing", missing=("note",)):
                bureau.do(number, event, by="wangjianguo", note=" ")

    def test_a_fix_keeps_who_when_and_at_what_cost(self, bureau):
        number = bureau.assigned().number
        bureau.later(days=2)
        done_at = bureau.now - timedelta(hours=5)
        ticket = bureau.do(
            number,
            "fix",
            by="wangjianguo",
            note="已更换密封垫",
            fixed_at=done_at,
            cost="350.50",
            quantities=[{"action": "更换", "item": "密封垫", "quantity": 4, "measure_unit": "个"}],
        )
        assert ticket.state is TicketState.FIXED
        assert (ticket.fixer.login, ticket.fixer_unit.code) == ("wangjianguo", "LL01-A")
        assert (ticket.fixed_at, ticket.cost, ticket.fix_note) == (done_at, Decimal("350.50"), "已更换密封垫")
        assert bureau.next_step(ticket.number) is None, "nobody is reminded of what is done"
        with bureau.database.reading() as session:
            [work] = session.scalars(select(QuantityRecord).where(QuantityRecord.ticket_id == ticket.id))
        assert (work.action, work.quantity, work.measure_unit) == ("更换", Decimal(4), "个")

    @pytest.mark.parametrize(
        ("lapse", "code"), [({"hours": 1}, "fixed-in-future"), ({"days": -1}, "fixed-before-found")]
    )
    def test_a_fix_lies_between_the_finding_and_now(self, bureau, lapse, code):
        number = bureau.assigned().number
        with refused(code):
            bureau.do(number, "fix", by="wangjianguo", note="已换", fixed_at=bureau.now + timedelta(**lapse))
        assert bureau.ticket(number).fixer_id is None


class TestOnTheSpot:
    BEFORE, AFTER = photo(colour="black"), photo(colour="white")

    def found(self, world, **said):
        arrived(world, self.BEFORE, self.AFTER)
        return world.find(files=[listed(self.BEFORE)], **said).number

    def test_put_right_at_once_fills_the_three_fixed_from_the_act(self, bureau):
        number = self.found(bureau)
        bureau.later(minutes=20)
        ticket = bureau.do(number, "fix_on_spot", by="limin", note="当场紧固", files=[listed(self.AFTER)])
        assert ticket.state is TicketState.FIXED
        assert ticket.on_the_spot
        assert ticket.assignee.login == ticket.fixer.login == "limin"
        assert (ticket.duty, ticket.measure) == ("立查立改", "当场紧固")
        assert ticket.first_due_at == ticket.due_at == day("2026-04-01")

    def test_photos_before_and_after_prove_it(self, bureau):
        with refused("on-spot-needs-before-and-after", zh="整改后照片", missing=("after_photos",)):
            bureau.do(self.found(bureau), "fix_on_spot", by="limin")
        with refused("on-spot-needs-before-and-after", zh="整改前照片", missing=("before_photos",)):
            bureau.do(bureau.find().number, "fix_on_spot", by="limin", files=[listed(self.AFTER)])

    def test_the_next_day_is_not_on_the_spot(self, bureau):
        number = self.found(bureau)
        bureau.later(hours=14)
        with refused("on-spot-same-day", zh="2026-04-01", en="2026-04-02"):
            bureau.do(number, "fix_on_spot", by="limin", files=[listed(self.AFTER)])

    @pytest.mark.parametrize("level", ["serious", "major"])
    def test_only_general_hazards(self, bureau, level):
        number = self.found(bureau, level=level)
        with refused("on-spot-only-general"):
            bureau.do(number, "fix_on_spot", by="limin", files=[listed(self.AFTER)])

    def test_the_finder_who_fixed_it_does_not_verify_it(self, bureau):
        number = self.found(bureau)
        bureau.do(number, "fix_on_spot", by="limin", files=[listed(self.AFTER)])
        with refused("self-verification"):
            bureau.do(number, "verify", by="limin", **PASSED)
        assert bureau.do(number, "verify", by="zhangqiang", **PASSED).state is TicketState.VERIFIED

    def test_once_returned_it_is_an_ordinary_ticket_and_may_be_graded_higher(self, bureau):
        number = self.found(bureau)
        bureau.do(number, "fix_on_spot", by="limin", files=[listed(self.AFTER)])
        ticket = bureau.do(number, "verify", by="zhangqiang", **FAILED, due="2026-04-08")
        assert not ticket.on_the_spot
        ticket = bureau.do(number, "regrade", by="zhaozhuren", level="serious", reason="油枕开裂")
        assert ticket.level is Level.SERIOUS


class TestVerify:
    def test_somebody_else_closes_it(self, bureau):
        number = bureau.fixed().number
        bureau.later(hours=3)
        ticket = bureau.do(number, "verify", by="limin", **PASSED)
        assert ticket.state is TicketState.VERIFIED
        assert (ticket.verifier_id, ticket.verified_at) == (bureau.actor("limin").id, bureau.now)

    @pytest.mark.parametrize("told", [PASSED, FAILED])
    def test_who_fixed_does_not_verify(self, bureau, told):
        number = bureau.fixed(by="sunhua").number
        with refused("self-verification", zh="须由他人复查", en="somebody else must verify"):
            bureau.do(number, "verify", by="sunhua", **told)
        assert bureau.ticket(number).state is TicketState.FIXED

    def test_the_fixing_team_verifies_unless_the_campaign_says_no(self, world):
        number = world.fixed(unit="LL01-A").number
        independent_team(world)
        with refused("same-team-verification", zh="同属一个班组", en="outside it"):
            world.do(number, "verify", by="sunhua", **PASSED)
        assert world.do(number, "verify", by="qiansuozhang", **PASSED).state is TicketState.VERIFIED

    def test_without_that_rule_a_colleague_verifies(self, bureau):
        number = bureau.fixed(unit="LL01-A").number
        assert bureau.do(number, "verify", by="sunhua", **PASSED).state is TicketState.VERIFIED

    def test_a_verification_gives_its_opinion(self, bureau):
        number = bureau.fixed().number
        for passed in (True, False):
            with refused("opinion-missing", missing=("opinion",)):
                bureau.do(number, "verify", by="limin", passed=passed)

    def test_not_before_every_listed_photo_has_arrived(self, bureau):
        number = bureau.assigned().number
        bureau.do(number, "fix", by="wangjianguo", note="已换", files=[listed(photo(colour="green"))])
        with refused("files-missing", zh="应有附件1个，已到0个", en="0 of 1"):
            bureau.do(number, "verify", by="limin", **PASSED)
        assert bureau.do(number, "verify", by="limin", **FAILED).state is TicketState.ASSIGNED

    def test_a_major_hazard_is_closed_by_the_second_of_two(self, bureau):
        number = bureau.fixed(level="major", **ASSURED).number
        bureau.do(number, "verify", by="limin", **PASSED)
        first = bureau.ticket(number)
        assert (first.state, first.first_verifier.login) == (TicketState.FIXED, "limin")
        with refused("second-verifier-same"):
            bureau.do(number, "verify", by="limin", **PASSED)
        bureau.do(number, "verify", by="zhaozhuren", **PASSED)
        second = bureau.ticket(number)
        assert (second.state, second.verifier.login) == (TicketState.VERIFIED, "zhaozhuren")

    def test_a_return_forgets_the_first_of_two(self, bureau):
        number = bureau.fixed(level="major", **ASSURED).number
        bureau.do(number, "verify", by="limin", **PASSED)
        bureau.do(number, "verify", by="zhangqiang", **FAILED, due="2026-04-03")
        bureau.do(number, "fix", by="wangjianguo", note="重新更换")
        assert bureau.do(number, "verify", by="limin", **PASSED).state is TicketState.FIXED


class TestReturn:
    def test_it_goes_back_counted_and_the_first_deadline_stays(self, bureau):
        number = bureau.fixed(due="2026-04-10").number
        ticket = bureau.do(number, "verify", by="limin", **FAILED, due="2026-04-08")
        assert (ticket.state, ticket.return_count) == (TicketState.ASSIGNED, 1)
        assert (ticket.first_due_at, ticket.due_at) == (day("2026-04-10"), day("2026-04-08"))
        assert bureau.next_step(ticket.number) is not None

    def test_without_a_new_deadline_the_old_one_runs_on(self, bureau):
        before = bureau.fixed(due="2026-04-10")
        after = bureau.do(before.number, "verify", by="limin", **FAILED)
        assert after.due_at == after.first_due_at == day("2026-04-10")
        assert after.due_version == before.due_version + 1, "its reminders begin anew"

    def test_a_new_deadline_lies_ahead(self, bureau):
        number = bureau.fixed().number
        bureau.later(days=3)
        with refused("due-in-past"):
            bureau.do(number, "verify", by="limin", **FAILED, due="2026-04-03")


class TestReassign:
    def test_another_person_the_same_deadline(self, bureau):
        before = bureau.assigned(unit="LL01-A")
        bureau.do(before.number, "acknowledge", by="wangjianguo")
        after = bureau.do(before.number, "reassign", by="zhaozhuren", assignee="sunhua", reason="休假")
        assert (after.assignee.login, after.due_at, after.duty) == ("sunhua", before.due_at, before.duty)
        assert after.acknowledged_at is None
        with refused("not-assignee"):
            bureau.do(before.number, "fix", by="wangjianguo", note="已换")

    def test_needs_person_and_reason(self, bureau):
        number = bureau.assigned().number
        with refused("reason-missing", missing=("reason",)):
            bureau.do(number, "reassign", by="zhaozhuren", assignee="sunhua")
        with refused("three-fixed-missing", missing=("assignee",)):
            bureau.do(number, "reassign", by="zhaozhuren", reason="休假")
        with refused("not-an-assignee", at="/assignee"):
            bureau.do(number, "reassign", by="zhaozhuren", assignee="zhouhai", reason="休假")


class TestCancel:
    @pytest.mark.parametrize("begun", ["find", "assigned"])
    def test_struck_with_its_reason_never_deleted(self, bureau, begun):
        number = getattr(bureau, begun)().number
        ticket = bureau.do(number, "cancel", by="zhaozhuren", reason="不属于隐患", kind="not_a_hazard")
        assert (ticket.state, ticket.cancelled_at) == (TicketState.CANCELLED, bureau.now)
        assert (ticket.cancel_reason, ticket.cancel_kind) == ("不属于隐患", CancelKind.NOT_A_HAZARD)
        assert bureau.next_step(ticket.number) is None

    def test_a_duplicate_names_the_other_ticket(self, bureau):
        original, copy = bureau.find(), bureau.find()
        with refused("missing", at="/duplicate_of"):
            bureau.do(copy.number, "cancel", by="zhaozhuren", reason="重复", kind="duplicate")
        with refused("duplicate-of-itself", at="/duplicate_of"):
            bureau.do(copy.number, "cancel", by="zhaozhuren", reason="重复", duplicate_of=copy.number)
        with refused("not-found"):
            bureau.do(copy.number, "cancel", by="zhaozhuren", reason="重复", duplicate_of="CC2026-LL01-9999")
        told = {"reason": "重复", "kind": "duplicate", "duplicate_of": original.number}
        assert bureau.do(copy.number, "cancel", by="zhaozhuren", **told).duplicate_of_id == original.id

    def test_only_a_general_hazard_is_accepted_as_it_is(self, bureau):
        serious, general = bureau.find(level="serious").number, bureau.find().number
        told = {"reason": "待设备退役", "kind": "accepted"}
        with refused("accepted-only-general", at="/kind", zh="较大", en="serious"):
            bureau.do(serious, "cancel", by="zhaozhuren", **told)
        assert bureau.do(general, "cancel", by="zhaozhuren", **told).cancel_kind == CancelKind.ACCEPTED

    def test_needs_a_reason_and_a_supervisor(self, bureau):
        number = bureau.find().number
        with refused("reason-missing", zh="作废"):
            bureau.do(number, "cancel", by="zhaozhuren")
        with refused("role-missing"):
            bureau.do(number, "cancel", by="limin", reason="不属于隐患")

    def test_what_is_fixed_is_verified_or_returned_not_struck(self, bureau):
        number = bureau.fixed().number
        with refused("wrong-state"):
            bureau.do(number, "cancel", by="zhaozhuren", reason="不属于隐患")


class TestSuperviseAndRegrade:
    def test_supervision_is_a_fact_not_a_state(self, bureau):
        number = bureau.assigned().number
        ticket = bureau.do(number, "supervise", by="zhengju", reason="两次复查不合格")
        assert (ticket.state, ticket.supervised_at) == (TicketState.ASSIGNED, bureau.now)
        assert ticket.supervision_reason == "两次复查不合格"

    def test_the_deadline_stays_when_the_level_changes(self, bureau):
        before = bureau.assigned()
        after = bureau.do(before.number, "regrade", by="zhaozhuren", level="serious", reason="油位过低")
        assert (after.level, after.due_at, after.first_due_at) == (
            Level.SERIOUS,
            before.due_at,
            before.first_due_at,
        )

    def test_raised_to_major_it_needs_the_five_assurances(self, bureau):
        number = bureau.assigned().number
        with refused("five-assurances-missing", zh="资金、预案", missing=("budget", "emergency_plan")):
            bureau.do(number, "regrade", by="zhaozhuren", level="major", reason="油位过低")
        ticket = bureau.do(number, "regrade", by="zhaozhuren", level="major", reason="油位过低", **ASSURED)
        assert (ticket.budget, ticket.emergency_plan) == (Decimal(20000), "停电转移负荷")

    def test_another_level_and_a_reason(self, bureau):
        number = bureau.find().number
        with refused("level-missing", zh="一般"):
            bureau.do(number, "regrade", by="zhaozhuren", level="general", reason="复核")
        with refused("reason-missing"):
            bureau.do(number, "regrade", by="zhaozhuren", level="serious")


@pytest.mark.parametrize(
    ("event", "who", "said"),
    [
        ("assign", "zhaozhuren", THREE),
        ("fix", "wangjianguo", {"note": "已换"}),
        ("verify", "limin", PASSED),
        ("verify", "limin", FAILED),
        ("reassign", "zhaozhuren", {"assignee": "sunhua", "reason": "休假"}),
        ("cancel", "zhaozhuren", {"reason": "不属于隐患"}),
        ("supervise", "zhaozhuren", {"reason": "久拖不改"}),
        ("regrade", "zhaozhuren", {"level": "serious", "reason": "复核"}),
    ],
)
def test_a_closed_ticket_stays_as_it_is(bureau, event, who, said):
    number = bureau.fixed().number
    closed = bureau.do(number, "verify", by="zhangqiang", **PASSED)
    with refused("wrong-state", zh="已销号", en="Verified"):
        bureau.do(number, event, by=who, **said)
    assert bureau.ticket(number).version == closed.version
