"""Calendar feeds: the secret, what it shows, how an entry changes, and that every program can read it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import icalendar
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from domain import people
from domain.feed_entries import Tasks, calendar_of
from domain.feeds import NewFeed, make_feed, open_feed
from domain.inspections import NewInspection, create, inspection_by_id
from domain.records import CalendarFeed, Checklist, History, Person, Rota, RotaEvery, Ticket
from domain.submissions import Miss, miss
from statemachines.roles import SYSTEM
from tests.api.conftest import Caller
from tests.world import World


def address(caller: Caller, **said: Any) -> str:
    made = caller.post("/feeds", said)
    assert made.status_code == 201, made.text
    assert made.headers["cache-control"] == "no-store"
    return made.json()["address"].partition("://")[2].partition("/")[2].join(["/", ""])


def read(client: TestClient, path: str) -> dict[str, icalendar.Component]:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/calendar; charset=utf-8")
    calendar = icalendar.Calendar.from_ical(answer.content)
    assert all(len(line) <= 75 for line in answer.content.split(b"\r\n"))
    return {str(part["UID"]): part for part in calendar.walk() if part.name in {"VTODO", "VEVENT"}}


def only(entries: dict[str, icalendar.Component]) -> icalendar.Component:
    (entry,) = entries.values()
    return entry


def test_a_deadline_is_an_all_day_task_that_keeps_its_uid(
    client: TestClient, assignee: Caller, world: World
) -> None:
    ticket = world.assigned()
    path = address(assignee)
    task = only(read(client, path))
    assert task.name == "VTODO"
    assert task.decoded("DUE") == date(2026, 4, 16)
    assert task["DUE"].params["VALUE"] == "DATE"
    assert ticket.number in str(task["SUMMARY"])
    assert (str(task["STATUS"]), task["PRIORITY"]) == ("NEEDS-ACTION", 5)
    (alarm,) = task.walk("VALARM")
    assert (alarm.decoded("TRIGGER"), alarm["TRIGGER"].params["RELATED"]) == (timedelta(hours=-15), "END")
    world.do(ticket.number, "acknowledge", by="wangjianguo")
    again = only(read(client, path))
    assert again["UID"] == task["UID"]
    assert again["SEQUENCE"] > task["SEQUENCE"]
    assert str(again["STATUS"]) == "IN-PROCESS"


def test_a_new_deadline_moves_the_task_and_a_passed_one_stays(
    client: TestClient, assignee: Caller, world: World
) -> None:
    ticket = world.assigned(due="2026-04-10")
    path = address(assignee)
    before = only(read(client, path))
    world.later(days=30)
    late = only(read(client, path))
    assert (late.decoded("DUE"), late["SEQUENCE"]) == (date(2026, 4, 10), before["SEQUENCE"])
    with world.database.transaction() as session:
        row = session.scalars(select(Ticket).where(Ticket.number == ticket.number)).one()
        row.due_at, row.due_version = row.due_at + timedelta(days=7), row.due_version + 1  # type: ignore[operator]
    moved = only(read(client, path))
    assert (moved.decoded("DUE"), moved["SEQUENCE"]) == (date(2026, 4, 17), before["SEQUENCE"] + 1)


def test_twenty_four_hours_are_a_moment_not_a_day(client: TestClient, assignee: Caller, world: World) -> None:
    ticket = world.assigned(level="major", budget=1000, emergency_plan="专人看护")
    task = only(read(client, address(assignee)))
    due = task.decoded("DUE")
    assert isinstance(due, datetime)
    assert due == ticket.due_at.astimezone(UTC).replace(microsecond=0)  # type: ignore[union-attr]


def test_what_is_done_is_completed_and_what_is_struck_is_cancelled_then_gone(
    client: TestClient, assignee: Caller, world: World
) -> None:
    world.fixed()
    struck = world.assigned()
    world.do(struck.number, "cancel", by="zhaozhuren", kind="not_a_hazard", reason="现场核实并非隐患")
    path = address(assignee)
    assert {str(task["STATUS"]) for task in read(client, path).values()} == {"COMPLETED", "CANCELLED"}
    world.later(days=61)
    assert read(client, path) == {}


def test_the_finder_is_asked_to_re_check(client: TestClient, inspector: Caller, world: World) -> None:
    ticket = world.fixed()
    task = only(read(client, address(inspector)))
    assert str(task["UID"]) == f"recheck-{ticket.id}@chuncha"
    assert task.decoded("DTSTART") == date(2026, 4, 1)
    world.do(ticket.number, "verify", by="zhangqiang", passed=True, opinion="合格")
    assert read(client, address(inspector)) == {}


def visit(world: World, **said: Any) -> Any:
    with world.database.transaction() as session:
        if session.scalar(select(Checklist.id).where(Checklist.code == "ZJ")) is None:
            session.add(Checklist(code="ZJ", name="周检表", items=[]))
            session.flush()
        new = NewInspection.model_validate({"campaign": "CC2026", "unit": "LL01", "checklist": "ZJ", **said})
        return create(session, new, actor=SYSTEM, now=world.now).id


def test_a_visit_is_an_all_day_event_and_a_missed_one_says_so(
    client: TestClient, inspector: Caller, world: World
) -> None:
    key = visit(world, inspector="limin", planned_on="2026-04-08")
    path = address(inspector)
    event = only(read(client, path))
    assert (event.name, event.decoded("DTSTART"), event.decoded("DTEND")) == (
        "VEVENT",
        date(2026, 4, 8),
        date(2026, 4, 9),
    )
    with world.database.transaction() as session:
        found = inspection_by_id(session, key, actor=SYSTEM, lock=True)
        miss(session, found, Miss(reason="道路中断"), actor=SYSTEM, now=world.now)
    missed = only(read(client, path))
    assert missed["SEQUENCE"] > event["SEQUENCE"]
    assert "未检" in str(missed["SUMMARY"])
    assert not missed.walk("VALARM")


def test_a_unit_s_feed_holds_its_tickets_visits_and_tools_and_no_others(
    client: TestClient, supervisor: Caller, world: World
) -> None:
    here, _ = world.assigned(), world.assigned(unit="SQ02", to="zhouhai")
    visit(world)
    supervisor.post(
        "/tools",
        {"number": "JYST-0001", "kind": "绝缘手套", "unit": "LL01", "last_test_on": "2025-11-01"},
    )
    entries = read(client, address(supervisor, unit="LL01"))
    kinds = sorted(uid.partition("-")[0] for uid in entries)
    assert kinds == ["inspection", "ticket", "tool"]
    assert f"ticket-{here.id}@chuncha" in entries


def test_tasks_can_be_written_as_events(client: TestClient, assignee: Caller, world: World) -> None:
    world.assigned()
    event = only(read(client, f"{address(assignee)}?tasks=events"))
    assert (event.name, event.decoded("DTSTART")) == ("VEVENT", date(2026, 4, 16))


def test_it_is_the_same_text_until_something_changes(
    client: TestClient, assignee: Caller, world: World
) -> None:
    ticket = world.assigned()
    path = address(assignee)
    first = client.get(path)
    assert first.headers["cache-control"].startswith("private")
    world.later(hours=2)
    assert client.get(path, headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    world.do(ticket.number, "acknowledge", by="wangjianguo")
    assert client.get(path, headers={"If-None-Match": first.headers["etag"]}).status_code == 200


def test_only_the_hash_of_a_secret_is_kept_and_no_key_is_replayed(
    client: TestClient, assignee: Caller, world: World
) -> None:
    twice = [assignee.post("/feeds", headers={"Idempotency-Key": "k1"}).json()["address"] for _ in range(2)]
    secrets = [each.rpartition("/")[2].removesuffix(".ics") for each in twice]
    assert len(set(secrets)) == 2
    with world.database.reading() as session:
        rows = session.scalars(select(CalendarFeed)).all()
        assert all(len(row.secret_hash) == 32 for row in rows)
        told = "".join(str(row.facts) for row in session.scalars(select(History)))
    assert not any(secret in told for secret in secrets)
    assert all(secret not in str(assignee.get("/feeds").json()) for secret in secrets)


def test_a_revoked_feed_is_gone_and_only_its_owner_revokes_it(
    client: TestClient, assignee: Caller, inspector: Caller
) -> None:
    path = address(assignee)
    (feed,) = assignee.get("/feeds").json()["items"]
    assert inspector("DELETE", f"/feeds/{feed['id']}").status_code == 404
    assert client.get(path).status_code == 200
    assert assignee.get("/feeds").json()["items"][0]["last_read_at"]
    assert assignee("DELETE", f"/feeds/{feed['id']}").status_code == 204
    assert assignee("DELETE", f"/feeds/{feed['id']}").status_code == 204
    assert client.get(path).status_code == 404
    assert assignee.get("/feeds").json()["items"] == []


def test_who_left_or_lost_the_unit_shows_nothing(client: TestClient, calling: Any, world: World) -> None:
    path = address(calling("qiansuozhang"), unit="LL01")
    mine = address(calling("qiansuozhang"))
    assert client.get(path).status_code == 200
    with world.database.transaction() as session:
        person = session.scalars(select(Person).where(Person.login == "qiansuozhang")).one()
        people.grant_roles(session, person, [], actor=SYSTEM, now=world.now)
    assert (client.get(path).status_code, client.get(mine).status_code) == (404, 200)
    with world.database.transaction() as session:
        people.deactivate(session, "qiansuozhang", actor=SYSTEM, now=world.now)
    assert client.get(mine).status_code == 404


def test_a_unit_out_of_sight_has_no_feed_for_them(calling: Any) -> None:
    refused = calling("shisuozhang").post("/feeds", {"unit": "LL01"})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/unit")


@pytest.mark.parametrize("secret", ["x" * 43, "short", "../../etc", "x" * 200])
def test_a_guess_finds_nothing(client: TestClient, secret: str) -> None:
    assert client.get(f"/calendar/{secret}.ics").status_code in {404, 422}


def test_the_twenty_first_feed_is_refused(assignee: Caller) -> None:
    for _ in range(20):
        assert assignee.post("/feeds").status_code == 201
    refused = assignee.post("/feeds")
    assert (refused.status_code, refused.json()["code"]) == (409, "too-many-feeds")


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=120)


@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(description=WORDS, location=WORDS, tasks=st.sampled_from(Tasks), days=st.integers(0, 400))
def test_whatever_is_written_down_reads_back(
    world: World, description: str, location: str, tasks: Tasks, days: int
) -> None:
    """Any words, commas, semicolons, backslashes and long lines: one entry, the same words, legal lines."""
    actor = world.actor("wangjianguo")
    with world.database.transaction() as session:
        ticket = world_ticket(session, world)
        ticket.description, ticket.location = description, location
        ticket.due_at = world.now.replace(hour=23, minute=59, second=59) + timedelta(days=days)
        session.flush()
        made = make_feed(session, NewFeed(), actor=actor, now=world.now)
        opened = open_feed(session, made.secret)
        assert opened is not None
        body = calendar_of(session, opened, now=world.now, address="https://x.example", tasks=tasks)
        session.rollback()
    calendar = icalendar.Calendar.from_ical(body)
    (entry,) = [part for part in calendar.walk() if part.name in {"VTODO", "VEVENT"}]
    assert str(entry["SUMMARY"]).endswith(description[:80])
    assert str(entry["LOCATION"]).endswith(location)
    due = entry.decoded("DUE" if tasks is Tasks.TASKS else "DTSTART")
    assert due == (world.now + timedelta(days=days)).date()
    for required in ("UID", "DTSTAMP", "SEQUENCE", "STATUS"):
        assert required in entry
    assert body.endswith(b"END:VCALENDAR\r\n")
    assert all(len(line) <= 75 for line in body.split(b"\r\n"))


def world_ticket(session: Any, world: World) -> Ticket:
    """The one assigned ticket, made once for all examples."""
    found = session.scalars(select(Ticket)).one_or_none()
    if found is None:
        world.assigned()
        found = session.scalars(select(Ticket)).one()
    return found


def test_a_withdrawn_visit_is_cancelled_with_a_higher_sequence(
    client: TestClient, supervisor: Caller, inspector: Caller, world: World
) -> None:
    with world.database.transaction() as session:
        session.add(Checklist(code="ZJ", name="周检表", items=[]))
    said = {"checklist": "ZJ", "every": RotaEvery.WEEKLY, "from": "2026-04-08", "to": "2026-04-10"}
    place = supervisor.post("/campaigns/CC2026/rotas", {**said, "units": ["LL01"]}).headers["location"]
    with world.database.transaction() as session:
        from domain.planning import plan_inspections

        plan_inspections(session, as_of=world.now)
        assert session.scalars(select(Rota)).one().version == 1
    path = address(inspector)
    event = only(read(client, path))
    supervisor("PATCH", place, json={"ended": True, "reason": "改为月检"})
    cancelled = only(read(client, path))
    assert (str(event["STATUS"]), str(cancelled["STATUS"])) == ("CONFIRMED", "CANCELLED")
    assert cancelled["SEQUENCE"] == event["SEQUENCE"] + 1
