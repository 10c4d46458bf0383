from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from domain import calls, doors, places, report_decisions, reports
from domain.escalation import sweep
from domain.forgetting import forget_expired
from domain.records import DoorKind, Knock, Notice, Report, Ticket
from domain.reports import NewReport
from statemachines.roles import SYSTEM
from tests.photos import listed, photo
from tests.world import World

KEY = "a-random-text-of-a-form-0001"


@pytest.fixture
def place(world: World) -> str:
    with world.database.transaction() as session:
        new = places.NewPlace(code="LL01-27", name="27# 变台", unit="LL01", lat=26.57, lon=106.71)
        places.add_place(session, new, actor=world.actor("qiansuozhang"), now=world.now)
    return "LL01-27"


def send(world: World, store, code: str = "LL01-27", *, photos=(), **said):
    told = {"key": KEY, "text": "变压器漏油，地上一滩", **said}
    new = NewReport.model_validate({**told, "files": [listed(each) for each in photos]})
    with world.database.transaction() as session:
        there = places.place_on_sign(session, code)
        return reports.submit_report(session, store, there, new, photos, now=world.now)


def _sweep(world: World) -> None:
    with world.database.transaction() as session:
        sweep(session, as_of=world.now)


def decide(world: World, command, told, key, *, by: str = "qiansuozhang"):
    actor = world.actor(by)
    with world.database.transaction() as session:
        report = reports.report_by_id(session, key, actor=actor, lock=True)
        return command(session, report, told, actor=actor, now=world.now)


def test_a_finding_at_a_place_takes_its_name_and_position(world: World, place: str) -> None:
    ticket = world.ticket(world.find(place=place, location="").number)
    assert (ticket.location, ticket.lat, ticket.lon, ticket.place.code) == ("27# 变台", 26.57, 106.71, place)
    assert world.ticket(world.find(place=place, lat=26.6, lon=106.8).number).lat == 26.6


def test_only_who_looks_after_a_unit_makes_its_places(world: World, place: str) -> None:
    new = places.NewPlace(code="SQ02-1", name="门口", unit="SQ02")
    for login, code in (("limin", "role-missing"), ("qiansuozhang", "bad-input")):
        with pytest.raises(places.Refusal) as refused, world.database.transaction() as session:
            places.add_place(session, new, actor=world.actor(login), now=world.now)
        assert refused.value.code == code
    with pytest.raises(places.PlaceCodeTaken), world.database.transaction() as session:
        places.add_place(
            session, new.model_copy(update={"code": place}), actor=world.actor("guanli"), now=world.now
        )


def test_the_same_form_sent_twice_is_one_report_and_another_text_is_another(world, store, place) -> None:
    first, again = send(world, store), send(world, store)
    other = send(world, store, text="变压器漏油，还有异响")
    assert (first.code, first.report.id) == (again.code, again.report.id)
    assert other.code != first.code
    with world.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Report)) == 2


def test_a_reply_code_is_read_as_people_write_it_and_no_other_opens_it(world, store, place) -> None:
    code = send(world, store).code
    with world.database.reading() as session:
        assert (
            reports.outcome_of(session, code.lower().replace("-", " ").replace("0", "o")).place == "27# 变台"
        )
        for wrong in ("", "0", code[:-1], code + "0", "%", "' OR 1=1 --", "X" * 5000):
            with pytest.raises(reports.NotFound):
                reports.outcome_of(session, wrong)


def test_an_accepted_report_is_a_ticket_with_its_words_and_photos(world, store, place) -> None:
    pictures = [photo(colour="red"), photo(colour="blue")]
    sent = send(world, store, photos=pictures, location="台架下面")
    told = report_decisions.Acceptance(campaign="CC2026", level="general", category="变压器")
    number = decide(world, report_decisions.accept, told, sent.report.id).number
    ticket = world.ticket(number)
    assert (ticket.description, ticket.location, ticket.source) == (
        "变压器漏油，地上一滩",
        "台架下面",
        "public",
    )
    assert (ticket.found_at, ticket.files_expected, ticket.files_arrived) == (sent.report.received_at, 2, 2)
    with world.database.reading() as session:
        assert reports.outcome_of(session, sent.code).ticket.number == number
    with pytest.raises(reports.Refusal) as refused:
        decide(world, report_decisions.accept, told, sent.report.id)
    assert refused.value.code == "wrong-state"


def test_a_report_of_a_known_hazard_joins_its_ticket_unless_that_is_closed(world, store, place) -> None:
    known = world.find(place=place).number
    sent = send(world, store, photos=[photo(colour="red")])
    decide(world, report_decisions.join, report_decisions.Joining(ticket=known), sent.report.id)
    assert world.ticket(known).files_arrived == 1
    world.do(known, "cancel", by="zhaozhuren", kind="not_ours", reason="属用户资产")
    later = send(world, store, text="又漏了")
    with pytest.raises(reports.Refusal) as refused:
        decide(world, report_decisions.join, report_decisions.Joining(ticket=known), later.report.id)
    assert refused.value.rule == "ticket-closed"  # type: ignore[attr-defined]


def test_a_report_is_read_only_by_who_watches_the_unit(world, store, place) -> None:
    sent = send(world, store, reporter_name="老赵", reporter_phone="139 0000 0000")
    with world.database.reading() as session:
        for login in ("qiansuozhang", "zhaozhuren", "zhengju"):
            assert reports.report_by_id(session, sent.report.id, actor=world.actor(login)).reporter_name
        for login in ("limin", "wangjianguo", "shisuozhang", "robot"):
            with pytest.raises(reports.NotFound):
                reports.report_by_id(session, sent.report.id, actor=world.actor(login))


def test_the_nearest_supervisor_is_told_and_an_undecided_report_climbs(world, store, place) -> None:
    sent = send(world, store)

    def told() -> set[tuple[str, str]]:
        with world.database.reading() as session:
            rows = session.scalars(select(Notice).where(Notice.path == f"/reports/{sent.report.id}"))
            return {(row.kind, row.address) for row in rows}

    assert told() == {("report_received", "qiansuozhang@example.org")}
    world.later(days=9)
    _sweep(world)
    assert {address for kind, address in told() if kind == "escalate"} == {
        "qiansuozhang@example.org",
        "zhaozhuren@example.org",
        "zhengju@example.org",
    }
    decide(world, report_decisions.decline, report_decisions.Declining(reason="已处理"), sent.report.id)
    before = told()
    world.later(days=30)
    _sweep(world)
    assert told() == before


def test_a_retired_sign_takes_no_reports(world, store, place) -> None:
    with world.database.transaction() as session:
        there = places.place_by_code(session, place, actor=world.actor("guanli"))
        places.retire_place(session, there, retired=True, actor=world.actor("guanli"), now=world.now)
    with pytest.raises(reports.PlaceRetired):
        send(world, store)
    with pytest.raises(places.BadInput):
        world.find(place=place)


def test_tries_are_counted_by_address_and_place_over_a_sliding_hour_and_forgotten(world, place) -> None:
    limit = doors.BY_ADDRESS[DoorKind.REPORT]

    def knock(address: str, code: str | None = None):
        with world.database.transaction() as session:
            place_id = places.place_on_sign(session, code).id if code else None
            return doors.knock(session, DoorKind.REPORT, address, place_id=place_id, now=world.now)

    for _ in range(limit.most):
        assert knock("2001:db8::1") is None
        world.later(seconds=10)
    refused = knock("2001:db8::ffff")
    assert isinstance(refused, doors.TooOften)
    assert refused.facts["minutes"] == 57
    assert knock("203.0.113.7") is None
    world.now += limit.within - timedelta(seconds=10 * limit.most)
    for n in range(doors.BY_PLACE.most):
        assert knock(f"203.0.113.{n}", place) is None
    assert isinstance(knock("203.0.113.200", place), doors.TooOften)
    world.later(days=2)
    with world.database.transaction() as session:
        assert forget_expired(session, as_of=world.now).knocks > limit.most
        assert session.scalar(select(func.count()).select_from(Knock)) == 0


def test_a_call_gets_a_number_becomes_a_ticket_once_and_is_counted(world: World) -> None:
    supervisor = world.actor("zhaozhuren")
    new = calls.NewCall(unit="LL01", campaign="CC2026", content="门口电杆倾斜", callback_wanted=True)
    with world.database.transaction() as session:
        call = calls.take_call(session, new, actor=supervisor, now=world.now)
        told = calls.CallFinding(level="general", category="线路")
        ticket = calls.to_ticket(session, call, told, actor=supervisor, now=world.now)
        assert (call.number, ticket.source, ticket.description) == ("LF2026-0001", "hotline", "门口电杆倾斜")
        with pytest.raises(calls.BadInput):
            calls.to_ticket(session, call, told, actor=supervisor, now=world.now)
        calls.answer(session, call, calls.CallAnswer(answer="本周扶正"), actor=supervisor, now=world.now)
        calls.call_back(session, call, calls.CallBack(satisfied=True), actor=supervisor, now=world.now)
        calls.settle(session, call, actor=supervisor, now=world.now)
        second = calls.take_call(
            session, new.model_copy(update={"answer": "已知悉"}), actor=supervisor, now=world.now
        )
        assert second.answered_at == world.now
        counts = calls.call_counts(session, session.get_one(Ticket, ticket.id).campaign)
    assert counts == calls.CallCounts(received=2, answered=2, settled=1, satisfied=1, asked=1)


def test_nobody_who_is_nobody_sees_anything(world: World, store, place) -> None:
    sent = send(world, store)
    with world.database.reading() as session:
        with pytest.raises(reports.NotFound):
            reports.report_by_id(session, sent.report.id, actor=reports.ANYBODY)
        assert places.list_places(session, actor=reports.ANYBODY).items == []
        assert places.list_places(session, actor=SYSTEM).items
