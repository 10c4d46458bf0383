"""Every figure of the status equals a plain count in SQL, and the list behind it, for whoever looks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from domain.absences import NewAbsence, record_absence
from domain.campaigns import campaign_by_code
from domain.database import Database
from domain.figure_filter import next_week_begins
from domain.status import CampaignStatus, campaign_status
from domain.tickets import TicketFilter, count_tickets, list_tickets
from statemachines.labels import local_day
from tests.random_tickets import scatter
from tests.world import World

#: Figure → the condition in plain SQL, and the filter of the list.
OPEN = ["found", "assigned", "fixed"]
COUNTS: dict[str, tuple[str, dict[str, Any]]] = {
    "total": ("true", {}),
    "open": ("state IN ('found', 'assigned', 'fixed')", {"state": OPEN}),
    **{word: (f"state = '{word}'", {"state": [word]}) for word in (*OPEN, "verified", "cancelled")},
    "overdue": ("state = 'assigned' AND due_at < :now", {"overdue": True}),
    "due_soon": (
        "state = 'assigned' AND due_at >= :now AND due_at < :now + interval '7 days'",
        {"due_in": "seven-days"},
    ),
    "due_this_week": (
        "state = 'assigned' AND due_at >= :now AND due_at < :next_week",
        {"due_in": "this-week"},
    ),
    "unassigned": ("state IN ('found', 'assigned', 'fixed') AND due_at IS NULL", {"due_in": "no-date"}),
    "returned": ("return_count >= 1", {"returned_at_least": 1}),
    "returned_twice": ("return_count >= 2", {"returned_at_least": 2}),
    "supervised": ("supervised_at IS NOT NULL", {"supervised": True}),
    "on_the_spot": ("on_the_spot AND state <> 'cancelled'", {"on_the_spot": True}),
    "carried_in": ("origin_campaign_id <> campaign_id", {"carried_in": True}),
}
DONE = "state IN ('fixed', 'verified')"
MAJOR = "level = 'major' AND state <> 'cancelled'"
#: Rate → numerator and denominator.
RATES: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "rectified": [
        ("state = 'verified'", {"state": ["verified"]}),
        ("state <> 'cancelled'", {"state": [*OPEN, "verified"]}),
    ],
    "on_time": [
        (f"{DONE} AND fixed_at <= first_due_at", {"fixed_in_time": True}),
        (DONE, {"state": ["fixed", "verified"]}),
    ],
    "on_current_time": [
        (f"{DONE} AND fixed_at <= due_at", {"fixed_in_current_time": True}),
        (DONE, {"state": ["fixed", "verified"]}),
    ],
    "first_pass": [
        ("state = 'verified' AND return_count = 0", {"passed_first": True}),
        ("state = 'verified' OR return_count > 0", {"rechecked": True}),
    ],
    "five_assured": [
        (
            f"{MAJOR} AND state <> 'found' AND assignee_id IS NOT NULL AND duty <> '' AND due_at IS NOT NULL"
            " AND budget IS NOT NULL AND emergency_plan <> ''",
            {"five_assured": True},
        ),
        (MAJOR, {"level": ["major"], "state": [*OPEN, "verified"]}),
    ],
}
DAY = "(({} AT TIME ZONE 'Asia/Shanghai')::date)"

#: Who looks: the bureau, one station, a worker of another who found and fixed elsewhere too.
LOOKERS = ("zhaozhuren", "qiansuozhang", "zhouhai")


@pytest.fixture(scope="module")
def many(world_copy: World) -> World:
    """The bureau with 400 tickets of every kind."""
    scatter(world_copy, 400, seed=2026)
    return world_copy


class Plain:
    """The same tickets counted by plain SQL, with nothing of ours in between."""

    def __init__(self, world: World, login: str, unit: str | None) -> None:
        self.world = world
        actor = world.actor(login)
        sight = " OR ".join(f"u.path LIKE '{grant.unit_path}%'" for grant in actor.grants)
        mine = f"'{actor.id}' IN (t.assignee_id::text, t.finder_id::text, t.fixer_id::text)"
        below = f"u.path LIKE (SELECT path FROM units WHERE code = '{unit}') || '%'" if unit else "true"
        self.which = f"c.code = 'CC2026' AND ({sight} OR {mine}) AND {below}"

    def ask(self, what: str, where: str = "true") -> list[Any]:
        query = f"""SELECT {what} FROM (
                SELECT t.*, u.code AS unit_code, u.path FROM tickets t JOIN units u ON u.id = t.unit_id
                JOIN campaigns c ON c.id = t.campaign_id WHERE {self.which}
            ) AS seen WHERE {where}"""
        given = {"now": self.world.now, "next_week": next_week_begins(self.world.now)}
        with self.world.database.reading() as session:
            return list(session.execute(text(query), given))

    def counts(self, conditions: dict[str, str], where: str) -> dict[str, int]:
        columns = ", ".join(f"count(*) FILTER (WHERE {condition})" for condition in conditions.values())
        return dict(zip(conditions, self.ask(columns, where)[0], strict=True))

    def count(self, where: str) -> int:
        return int(self.ask("count(*)", where)[0][0])


def status_of(world: World, login: str, unit: str | None) -> CampaignStatus:
    actor = world.actor(login)
    with world.database.reading() as session:
        campaign = campaign_by_code(session, "CC2026", actor=actor)
        return campaign_status(session, campaign, actor=actor, now=world.now, unit=unit)


LOOKS = [*((login, None) for login in LOOKERS), ("zhaozhuren", "LL01")]


@pytest.mark.parametrize(("login", "unit"), LOOKS)
def test_every_figure_is_a_plain_count_and_has_its_list(many: World, login: str, unit: str | None) -> None:
    status, plain, actor = status_of(many, login, unit), Plain(many, login, unit), many.actor(login)
    assert status.counts.total > 0

    with many.database.reading() as session:

        def listed(**said: Any) -> int:
            wanted = TicketFilter.model_validate({"campaign": "CC2026", "unit": unit, **said})
            return count_tickets(session, wanted, actor=actor, now=many.now)

        def same(counts: Any, where: str) -> None:
            known = plain.counts({name: condition for name, (condition, _) in COUNTS.items()}, where)
            assert {name: getattr(counts, name) for name in COUNTS} == known, where

        same(status.counts, "true")
        for name, (_, filtered) in COUNTS.items():
            assert getattr(status.counts, name) == listed(**filtered), name
        for level in status.by_level:
            same(level.counts, f"level = '{level.level.value}'")
            assert level.counts.total == listed(level=[level.level])
        for category in status.by_category:
            same(category.counts, f"split_part(category, '/', 1) = '{category.category}'")
            assert category.counts.total == listed(category=[category.category])
        for row in status.by_unit:
            below = f"path LIKE (SELECT path FROM units WHERE code = '{row.code}') || '%'"
            same(row.counts, f"unit_code = '{row.code}'" if row.itself else below)
            said = {"at": row.code} if row.itself else {"unit": row.code}
            assert row.counts.total == listed(**({"unit": unit} | said))
        for name, halves in RATES.items():
            rate = getattr(status.rates, name)
            for value, (condition, filtered) in zip((rate.part, rate.whole), halves, strict=True):
                assert value == plain.count(condition) == listed(**filtered), name
        days = plain.ask(
            f"coalesce(sum({DAY.format('fixed_at')} - {DAY.format('found_at')}), 0), count(*)", DONE
        )
        average = status.rates.average_fix_days
        assert (average.total, average.count) == tuple(days[0])


@pytest.mark.parametrize(("login", "unit"), LOOKS)
def test_every_series_is_a_plain_count_and_has_its_lists(many: World, login: str, unit: str | None) -> None:
    status, plain, actor = status_of(many, login, unit), Plain(many, login, unit), many.actor(login)
    still = "state IN ('found', 'assigned', 'fixed')"
    with many.database.reading() as session:

        def listed(**said: Any) -> int:
            wanted = TicketFilter.model_validate({"campaign": "CC2026", "unit": unit, **said})
            return count_tickets(session, wanted, actor=actor, now=many.now)

        found, verified = DAY.format("found_at"), DAY.format("verified_at")
        for week in status.by_week:
            span = f"BETWEEN '{week.begins_on}' AND '{week.ends_on}'"
            days = {"found_from": week.begins_on, "found_to": week.ends_on}
            assert week.total == plain.count(f"{found} {span}") == listed(**days)
            for state in ("found", "assigned", "fixed", "verified", "cancelled"):
                value = getattr(week, state)
                assert value == plain.count(f"state = '{state}' AND {found} {span}")
                assert value == listed(state=[state], **days)
            assert week.verified_then == plain.count(f"{verified} {span}")
            assert week.verified_then == listed(verified_from=week.begins_on, verified_to=week.ends_on)
        assert sum(week.total for week in status.by_week) == status.counts.total
        assert sum(day.found for day in status.by_day) == status.rates.rectified.whole
        for day in status.by_day[::7]:
            assert day.found == plain.count(f"{found} = '{day.day}' AND state <> 'cancelled'")
            assert day.verified == plain.count(f"{verified} = '{day.day}'")
        today = local_day(many.now)
        for age in status.ageing:
            latest = today - timedelta(days=age.from_days)
            earliest = today - timedelta(days=age.to_days if age.to_days is not None else 9999)
            assert age.open == plain.count(f"{still} AND {found} BETWEEN '{earliest}' AND '{latest}'")
            days = {"found_from": age.found_from, "found_to": age.found_to}
            assert age.open == listed(state=OPEN, **{key: day for key, day in days.items() if day})
        assert sum(age.open for age in status.ageing) == status.counts.open
        assert sum(cell.open for cell in status.open_cells) == status.counts.open
        for cell in status.open_cells:
            row = next(each for each in status.by_unit if each.code == cell.unit)
            below = f"path LIKE (SELECT path FROM units WHERE code = '{cell.unit}') || '%'"
            where = f"unit_code = '{cell.unit}'" if row.itself else below
            assert cell.open == plain.count(f"{still} AND category = '{cell.category}' AND {where}")
        for step in status.ladder:
            climbed = (
                "EXISTS (SELECT 1 FROM chases WHERE chases.ticket_id = seen.id AND last_turn = turn"
                f" AND matter = '{step.matter.value}' AND last_step = '{step.step}')"
            )
            assert step.tickets == plain.count(climbed) == listed(step=f"{step.matter.value}:{step.step}")
        every = "SELECT 1 FROM chases WHERE chases.ticket_id = seen.id AND last_turn = turn AND last_step IS NOT NULL"
        assert sum(step.tickets for step in status.ladder) == plain.count(f"EXISTS ({every})") > 0


def test_who_stands_in_counts_what_the_list_shows(world: World) -> None:
    number = world.assigned(to="sunhua").number
    days = {
        "person": "sunhua",
        "starts_on": "2026-04-01",
        "ends_on": "2026-04-10",
        "substitute": "wangjianguo",
    }
    with world.database.transaction() as session:
        new = NewAbsence.model_validate(days)
        record_absence(session, new, actor=world.actor("qiansuozhang"), now=world.now)
    status, actor = status_of(world, "wangjianguo", None), world.actor("wangjianguo")
    with world.database.reading() as session:
        found = list_tickets(session, TicketFilter(campaign="CC2026"), actor=actor, now=world.now)
    assert [ticket.number for ticket in found.items] == [number]
    assert (status.counts.total, status.counts.assigned) == (1, 1)


def test_what_a_ticket_counts_as_follows_every_change(world: World, database: Database) -> None:
    """The bits are the database's own: whatever writes the ticket, they say what it is now."""
    number = world.fixed().number
    read = text("SELECT standing & 31, standing & 3072, verified_on FROM tickets WHERE number = :number")

    def stands() -> tuple[Any, ...]:
        with database.reading() as session:
            return tuple(session.execute(read, {"number": number}).one())

    assert stands() == (4, 0, None)
    world.do(number, "verify", by="limin", passed=False, opinion="仍渗油")
    assert stands() == (2, 1024, None)
    world.do(number, "fix", by="wangjianguo", note="再次更换")
    world.do(number, "verify", by="limin", passed=True, opinion="合格")
    assert stands() == (8, 1024, local_day(world.now))
    with database.transaction() as session:
        session.execute(
            text("UPDATE tickets SET return_count = 2 WHERE number = :number"), {"number": number}
        )
    assert stands() == (8, 3072, local_day(world.now))
