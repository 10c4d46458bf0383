"""The sweep: every step once, however often and by however many it is run."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import func, select, text, update
from uuid_utils.compat import uuid7

from domain.chases import follow
from domain.database import Database
from domain.escalation import SweepResult, sweep, sweep_all
from domain.records import (
    Campaign,
    Channel,
    Chase,
    History,
    Notice,
    Person,
    RoleGrant,
    StepRecord,
    Ticket,
    Tool,
    Unit,
)
from domain.tools import NewTool, register_tool
from statemachines.roles import SYSTEM, Role
from tests.many import many_assigned, recorded
from tests.world import World

OVERDUE = datetime.fromisoformat("2026-04-17T09:00:00+08:00")
LONG_OVERDUE = datetime.fromisoformat("2026-05-20T09:00:00+08:00")


def count(database: Database, table: type) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def ladder_notices(world: World) -> list[Notice]:
    with world.database.reading() as session:
        query = select(Notice).where(Notice.kind.in_(["remind", "escalate"])).order_by(Notice.id)
        return list(session.scalars(query))


def told(result: SweepResult) -> list[tuple[str, str, str]]:
    return [(line.number, line.step, line.name) for line in result.lines]


def test_a_step_that_has_come_is_climbed_recorded_and_told(world: World) -> None:
    number = world.acknowledged().number
    result = sweep_all(world.database, as_of=datetime.fromisoformat("2026-04-13T08:30:00+08:00"))
    assert (result.matters, result.steps, result.told) == (1, 1, 1)
    assert recorded(world) == [(number, "due-in-3", 1)]
    (notice,) = ladder_notices(world)
    ticket = world.ticket(number)
    assert notice.key == f"{ticket.id}:due-in-3:1:{ticket.assignee_id}:email"
    assert notice.subject == f"整改提醒（还有3个工作日到期）{number} 27# 变台变压器渗漏油"
    for fact in (
        number,
        "柳林供电所，10kV 柳林线 27# 变台",
        "27# 变台变压器渗漏油",
        "2026年4月16日 24:00",
        "请按期",
    ):
        assert fact in notice.body
    assert world.next_step(number) == datetime.fromisoformat("2026-04-15T08:30:00+08:00")
    with world.database.reading() as session:
        row = session.scalars(select(History).where(History.event == "escalate")).one()
    assert (row.actor_name, row.from_state, row.to_state) == ("系统时钟", "assigned", "assigned")
    assert (row.facts["step"], row.facts["told"]) == ("due-in-3", ["王建国"])


def test_the_leader_of_the_unit_hears_at_once_that_it_is_overdue(world: World) -> None:
    with world.database.transaction() as session:
        leading = {
            "id": uuid7(),
            "person_id": session.scalars(select(Person.id).where(Person.login == "zhangqiang")).one(),
            "role": Role.LEADER,
            "unit_id": session.scalars(select(Unit.id).where(Unit.code == "LL01")).one(),
        }
        session.add(RoleGrant(**leading))
    world.acknowledged()
    sweep_all(world.database, as_of=datetime.fromisoformat("2026-04-15T09:00:00+08:00"))
    result = sweep_all(world.database, as_of=OVERDUE)
    assert {name for _, step, name in told(result)} == {"张强", "钱所长", "赵主任", "李敏"}


def test_a_major_hazard_is_asked_for_progress_every_day_and_no_other_is(world: World) -> None:
    lesser = world.acknowledged().number
    major = world.acknowledged(
        level="major", due="2026-04-16", budget="20000", emergency_plan="停电隔离"
    ).number
    days = {}
    for day in (8, 9, 10, 13):
        at = datetime.fromisoformat(f"2026-04-{day:02}T08:30:00+08:00")
        days[day] = told(sweep_all(world.database, as_of=at))
    assert [(number, name) for number, _, name in days[8] + days[9] + days[10]] == [(major, "王建国")] * 3
    assert (lesser, "due-in-3", "王建国") in days[13]
    notice = next(each for each in ladder_notices(world) if each.subject.startswith("每日整改进展"))
    assert "须每日报告整改进展" in notice.body
    late = sweep_all(world.database, as_of=datetime.fromisoformat("2026-04-17T08:30:00+08:00"))
    assert (major, "王建国") in {(number, name) for number, _, name in told(late)}


def test_nothing_is_done_before_its_time(world: World) -> None:
    world.acknowledged()
    result = sweep_all(world.database, as_of=datetime.fromisoformat("2026-04-13T08:29:59+08:00"))
    assert result.said() == {"matters": 0, "steps": 0, "told": 0, "put_off": 0}


def test_sweeping_twice_changes_nothing_the_second_time(world: World) -> None:
    many_assigned(world, 7)
    first = sweep_all(world.database, as_of=OVERDUE)
    before = [count(world.database, table) for table in (StepRecord, Notice, History)]
    second = sweep_all(world.database, as_of=OVERDUE)
    assert first.matters == 7
    assert (second.matters, second.steps, second.told) == (0, 0, 0)
    assert [count(world.database, table) for table in (StepRecord, Notice, History)] == before


def test_a_ticket_long_overdue_is_told_of_once_by_its_latest_step(world: World) -> None:
    number = world.acknowledged().number
    result = sweep_all(world.database, as_of=LONG_OVERDUE)
    assert recorded(world) == [
        (number, "due-in-3", 0),
        (number, "due-in-1", 0),
        (number, "overdue", 0),
        (number, "overdue-3", 0),
        (number, "overdue-7", 5),
    ]
    notices = ladder_notices(world)
    assert len(notices) == result.told == 5
    assert len({notice.person_id for notice in notices}) == 5
    assert all(":overdue-7:" in notice.key for notice in notices)
    assert world.next_step(number) is None


def test_the_person_responsible_is_told_to_act_and_the_others_to_urge(world: World) -> None:
    world.acknowledged()
    sweep_all(world.database, as_of=LONG_OVERDUE)
    bodies = {notice.address.split("@")[0]: notice.body for notice in ladder_notices(world)}
    assert "请立即整改并上报" in bodies["wangjianguo"]
    assert "建议列入督办" in bodies["zhengju"]
    assert all("已逾期34天" in body for body in bodies.values())


def test_each_person_is_told_in_their_language(world: World) -> None:
    world.acknowledged()
    with world.database.transaction() as session:
        session.execute(update(Person).where(Person.login == "zhengju").values(language="en", email=None))
    sweep_all(world.database, as_of=LONG_OVERDUE)
    with world.database.reading() as session:
        person = session.scalars(select(Person).where(Person.login == "zhengju")).one()
    (notice,) = [each for each in ladder_notices(world) if each.person_id == person.id]
    assert notice.subject.startswith("Overdue (34 days overdue) CC2026-LL01-0001")
    assert "Deadline: 16 Apr 2026" in notice.body
    assert notice.channel is Channel.INBOX, "without an address it lies in the in-box"


def test_what_passes_at_midnight_is_told_in_the_morning_unless_it_runs_by_the_hour(world: World) -> None:
    midnight = datetime.fromisoformat("2026-04-17T00:00:00+08:00")
    world.acknowledged()
    sweep_all(world.database, as_of=midnight)
    assert {notice.not_before for notice in ladder_notices(world)} == {midnight + timedelta(hours=7)}
    world.acknowledged(level="major", due="2026-04-17", budget="20000", emergency_plan="停电隔离")
    night = datetime.fromisoformat("2026-04-18T00:00:00+08:00")
    sweep_all(world.database, as_of=night)
    told_at_once = [each for each in ladder_notices(world) if each.created_at == night]
    assert told_at_once
    assert {notice.not_before for notice in told_at_once} == {night}


def test_a_dry_run_says_who_would_be_told_and_writes_nothing(world: World) -> None:
    number = world.acknowledged().number
    before = [count(world.database, table) for table in (StepRecord, Notice, History)]
    result = sweep_all(world.database, as_of=OVERDUE, dry_run=True)
    assert told(result) == [
        (number, "overdue", "王建国"),
        (number, "overdue", "钱所长"),
        (number, "overdue", "赵主任"),
        (number, "overdue", "李敏"),
    ]
    assert [count(world.database, table) for table in (StepRecord, Notice, History)] == before
    with world.database.transaction() as session:
        assert told(sweep(session, as_of=OVERDUE)) == told(result), "the real run does what the dry run said"


def test_a_batch_takes_the_longest_due_first_and_says_that_there_is_more(world: World) -> None:
    numbers = many_assigned(world, 5)
    with world.database.transaction() as session:
        session.execute(
            update(Chase)
            .where(Chase.subject_id == world.ticket(numbers[3]).id)
            .values(next_step_at=world.now)
        )
    with world.database.transaction() as session:
        result = sweep(session, as_of=OVERDUE, limit=2)
    assert result.more
    assert {line.number for line in result.lines} >= {numbers[3]}
    assert sweep_all(world.database, as_of=OVERDUE, limit=2).matters == 3


def test_a_matter_whose_state_ended_the_ladder_is_only_taken_off_the_list(world: World) -> None:
    number = world.acknowledged().number
    with world.database.transaction() as session:
        # As a record restored from elsewhere might stand: the ticket went on, its chase did not.
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(update(Ticket).values(state="cancelled", cancelled_at=OVERDUE, cancel_reason="重复"))
    result = sweep_all(world.database, as_of=OVERDUE)
    assert (result.matters, result.told) == (0, 0)
    assert world.next_step(number) is None


def test_a_row_the_database_refuses_is_put_off_and_the_rest_goes_on(world: World) -> None:
    numbers = many_assigned(world, 5)
    with world.database.transaction() as session:
        session.execute(
            text(
                "CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                " IF NEW.ticket_id = (SELECT id FROM tickets WHERE number = '" + numbers[2] + "')"
                " THEN RAISE EXCEPTION 'poisoned'; END IF; RETURN NEW; END $$"
            )
        )
        session.execute(
            text("CREATE TRIGGER poison BEFORE INSERT ON step_records FOR EACH ROW EXECUTE FUNCTION poison()")
        )
    result = sweep_all(world.database, as_of=OVERDUE)
    assert (result.matters, result.put_off) == (4, 1)
    assert {number for number, *_ in recorded(world)} == set(numbers) - {numbers[2]}
    assert world.next_step(numbers[2]) == OVERDUE + timedelta(hours=1)
    with world.database.transaction() as session:
        row = session.scalars(select(History).where(History.event == "sweep_deferred")).one()
        assert "poisoned" in row.facts["error"]
        session.execute(text("DROP TRIGGER poison ON step_records"))
    assert sweep_all(world.database, as_of=OVERDUE + timedelta(hours=1)).matters == 1


def test_a_campaign_whose_settings_cannot_be_read_holds_up_only_its_own_tickets(world: World) -> None:
    number = world.acknowledged().number
    with world.database.transaction() as session:
        session.execute(update(Campaign).values(settings={"ladders": {"deadline": [{"code": "??"}]}}))
    result = sweep_all(world.database, as_of=OVERDUE)
    assert (result.matters, result.put_off) == (0, 1)
    assert world.next_step(number) == OVERDUE + timedelta(hours=1)


def test_a_unit_whose_ladders_cannot_be_read_holds_up_only_what_is_its_own(world: World) -> None:
    number = world.acknowledged().number
    with world.database.transaction() as session:
        for unit, tool in (("LL01", "ST-01"), ("SQ02", "ST-02")):
            new = NewTool.model_validate({"number": tool, "kind": "绝缘手套", "unit": unit})
            made = register_tool(session, new, actor=SYSTEM, now=world.now)
            made.next_test_on = date(2026, 4, 10)
            follow(session, made, now=world.now)
        broken = {"tool": [{"code": "??"}]}
        session.execute(update(Unit).where(Unit.code == "LL01").values(ladders=broken))
    result = sweep_all(world.database, as_of=OVERDUE)
    assert (result.matters, result.put_off) == (2, 1)
    assert {known for known, *_ in recorded(world)} == {number}
    with world.database.reading() as session:
        waits = select(Chase.next_step_at).join(Tool, Tool.id == Chase.subject_id)
        assert session.scalar(waits.where(Tool.number == "ST-01")) == OVERDUE + timedelta(hours=1)


@pytest.mark.parametrize("sweepers", [2, 4])
def test_sweepers_at_once_share_the_work_and_record_each_step_once(world: World, sweepers: int) -> None:
    numbers = many_assigned(world, 120)
    with ThreadPoolExecutor(sweepers) as pool:
        runs = [pool.submit(sweep_all, world.database, as_of=OVERDUE, limit=10) for _ in range(sweepers)]
        results = [run.result() for run in runs]
    results.append(sweep_all(world.database, as_of=OVERDUE))
    assert sum(result.matters for result in results) == 120
    assert [(number, step) for number, step, _ in recorded(world)] == [
        (number, step) for number in numbers for step in ("due-in-3", "due-in-1", "overdue")
    ]
    assert len(ladder_notices(world)) == 120 * 4


def test_a_matter_somebody_is_working_on_is_passed_over_and_swept_later(world: World) -> None:
    world.acknowledged()
    with world.database.transaction() as person:
        person.execute(select(Chase.id).with_for_update())
        assert sweep_all(world.database, as_of=OVERDUE).matters == 0
    assert sweep_all(world.database, as_of=OVERDUE).matters == 1


def test_a_sweep_reads_only_the_index_of_what_is_due(world: World) -> None:
    many_assigned(world, 400)
    with world.database.transaction() as session:
        session.execute(text("ANALYZE chases"))
        session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(
            session.scalars(
                text(
                    "EXPLAIN SELECT id FROM chases WHERE next_step_at <= '2026-04-01' ORDER BY next_step_at,"
                    " id LIMIT 200 FOR UPDATE SKIP LOCKED"
                )
            )
        )
    assert "ix_chases_next_step" in plan
