"""The status page's numbers, and how fast they come."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import UUID

from domain import suggestions
from domain.campaigns import campaign_by_code
from domain.status import CampaignStatus, campaign_status
from domain.suggestions import NewSuggestion, SuggestionAnswer
from statemachines.labels import Level
from tests.world import World


def status_for(world: World, login: str) -> CampaignStatus:
    actor = world.actor(login)
    with world.database.reading() as session:
        campaign = campaign_by_code(session, "CC2026", actor=actor)
        return campaign_status(session, campaign, actor=actor, now=world.now)


def test_counts_by_state_unit_level_and_category(world: World) -> None:
    world.find()
    world.assigned(unit="LL01-A", category="安全管理/工作票")
    world.fixed()
    done = world.fixed(category="安全管理/班组日志", level="serious")
    world.do(done.number, "verify", by="limin", passed=True, opinion="合格")
    gone = world.find(unit="SQ02")
    world.do(gone.number, "cancel", by="zhaozhuren", kind="not_a_hazard", reason="现场核实并非隐患")

    status = status_for(world, "zhaozhuren")

    counts = status.counts
    assert (counts.total, counts.found, counts.assigned, counts.fixed) == (5, 1, 1, 1)
    assert (counts.verified, counts.cancelled, counts.open, counts.unassigned) == (1, 1, 3, 1)
    assert str(status.rates.rectified) == "25.00%"
    assert (status.rates.rectified.part, status.rates.rectified.whole) == (1, 4)
    units = {unit.code: unit for unit in status.by_unit}
    assert list(units) == ["LL01", "SQ02"]  # the team's tickets count for its station
    assert units["LL01"].counts.total == 4
    assert units["SQ02"].counts.cancelled == 1
    levels = {entry.level: entry.counts.total for entry in status.by_level}
    assert levels == {Level.GENERAL: 4, Level.SERIOUS: 1, Level.MAJOR: 0}
    assert [(e.category, e.counts.total) for e in status.by_category] == [("生产设备", 3), ("安全管理", 2)]
    assert json.loads(status.model_dump_json())["rates"]["coverage"]["whole"] == 2


def test_a_rate_without_a_base_is_a_dash(world: World) -> None:
    status = status_for(world, "zhaozhuren")
    assert status.rates.rectified.percent is None
    assert str(status.rates.rectified) == "—"
    assert str(status.rates.average_fix_days) == "—"
    assert status.silent_units == ["柳林供电所", "石桥供电所"]


def test_overdue_and_soon_are_computed_at_the_moment_of_asking(world: World) -> None:
    ticket = world.assigned()
    assert ticket.due_at is not None
    world.now = ticket.due_at - timedelta(days=2)
    assert status_for(world, "zhaozhuren").counts.due_soon == 1
    world.now = ticket.due_at + timedelta(seconds=1)
    counts = status_for(world, "zhaozhuren").counts
    assert (counts.due_soon, counts.overdue) == (0, 1)


def test_on_time_counts_against_the_first_deadline(world: World) -> None:
    late = world.assigned()
    assert late.due_at is not None
    world.fixed()
    world.now = late.due_at + timedelta(hours=1)
    world.do(late.number, "fix", by="wangjianguo", note="已更换密封垫并补油")
    rates = status_for(world, "zhaozhuren").rates
    assert (rates.on_time.part, rates.on_time.whole) == (1, 2)
    assert rates.average_fix_days.count == 2
    assert rates.average_fix_days.total == (late.due_at - late.found_at).days + 1


def test_a_station_sees_its_own_numbers(world: World) -> None:
    world.find(unit="LL01")
    world.find(unit="SQ02")
    status = status_for(world, "shisuozhang")
    assert status.counts.total == 1
    assert [unit.code for unit in status.by_unit] == ["SQ02"]
    assert status.rates.coverage.whole == 1


def test_failed_rechecks_lower_the_first_pass_rate(world: World) -> None:
    number = world.fixed().number
    world.do(number, "verify", by="limin", passed=False, opinion="仍渗油")
    world.do(number, "fix", by="wangjianguo", note="再次更换")
    world.do(number, "verify", by="limin", passed=False, opinion="仍渗油")
    other = world.fixed().number
    world.do(other, "verify", by="limin", passed=True, opinion="合格")
    status = status_for(world, "zhaozhuren")
    assert status.counts.returned_twice == 1
    assert str(status.rates.first_pass) == "50.00%"


def test_suggestions_of_the_union_are_counted(world: World) -> None:
    """Two made, one answered and adopted in time; the other is overdue after eight days, elsewhere out of sight."""

    def make(addressee: str) -> UUID:
        new = NewSuggestion(text="增配绝缘手套", addressee=addressee, unit="LL01", campaign="CC2026")
        with world.database.transaction() as session:
            return suggestions.make(session, new, actor=world.actor("limin"), now=world.now).id

    answered = make("zhengju")
    make("qiansuozhang")
    leader = world.actor("zhengju")
    with world.database.transaction() as session:
        row = suggestions.suggestion_by_key(session, str(answered), actor=leader, lock=True)
        suggestions.answer(session, row, SuggestionAnswer(adopted=True), actor=leader, now=world.now)
    world.later(days=8)
    counts = status_for(world, "zhaozhuren").suggestions
    assert (counts.made, counts.answered, counts.adopted, counts.overdue) == (2, 1, 1, 1)
    assert status_for(world, "shisuozhang").suggestions.made == 0
