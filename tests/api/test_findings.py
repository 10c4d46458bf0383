from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from tests.api.conftest import Caller, finding, rows
from tests.photos import listed, photo
from tests.world import World


def test_a_finding_becomes_a_ticket_with_a_number(inspector: Caller) -> None:
    answer = inspector.submit(found_at="2026-04-01T09:14:00+08:00", quantity=2, measure_unit="处")
    assert answer.status_code == 201
    ticket = answer.json()
    assert ticket["number"] == "CC2026-LL01-0001"
    assert ticket["campaign"] == "CC2026"
    assert ticket["unit"] == "LL01"
    assert ticket["finder"] == "limin"
    assert ticket["state"] == "found"
    assert ticket["found_at"] == "2026-04-01T09:14:00+08:00"
    assert ticket["quantity"] == 2
    assert ticket["overdue"] is False
    assert answer.headers["location"] == "/api/v1/tickets/CC2026-LL01-0001"
    assert inspector.get(answer.headers["location"]).json() == ticket
    assert inspector.get(answer.headers["location"]).headers["etag"] == answer.headers["etag"]


def test_the_same_finding_sent_again_is_the_same_ticket(inspector: Caller, world: World) -> None:
    sent = finding(id=str(uuid4()))
    first = inspector.post("/findings", sent)
    before = rows(world)
    second = inspector.post("/findings", sent)
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json() == first.json()
    assert rows(world) == before


def test_the_same_id_with_other_content_is_refused(inspector: Caller) -> None:
    key = str(uuid4())
    inspector.submit(id=key)
    answer = inspector.submit(id=key, description="另一处隐患")
    assert answer.status_code == 409
    assert answer.json()["code"] == "same-id-other-content"


def test_one_finding_sent_eight_times_at_once_is_one_ticket(inspector: Caller, world: World) -> None:
    sent = finding(id=str(uuid4()))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: inspector.post("/findings", sent), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert {answer.json()["number"] for answer in answers} == {"CC2026-LL01-0001"}
    assert rows(world)["tickets"] == 1


def test_numbers_are_never_given_twice(inspector: Caller) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: inspector.submit(), range(24)))
    numbers = sorted(answer.json()["number"] for answer in answers)
    assert numbers == [f"CC2026-LL01-{n:04d}" for n in range(1, 25)]


def test_a_finding_lists_its_files_before_they_arrive(inspector: Caller) -> None:
    ticket = inspector.submit(files=[listed(photo(), "渗油.jpg")]).json()
    assert (ticket["files_expected"], ticket["files_arrived"]) == (1, 0)
    [file] = ticket["files"]
    assert (file["name"], file["kind"], file["arrived"]) == ("渗油.jpg", "before", False)


def test_a_batch_gives_every_finding_its_own_fate(inspector: Caller, world: World) -> None:
    answer = inspector.post(
        "/findings/batch",
        [
            finding(id=str(uuid4())),
            finding(unit="NOWHERE"),
            {"campaign": "CC2026"},
            finding(description="第二处"),
        ],
    )
    assert answer.status_code == 207
    items = answer.json()["items"]
    assert [item["status"] for item in items] == [201, 422, 422, 201]
    assert items[0]["ticket"]["number"] == "CC2026-LL01-0001"
    assert items[1]["problem"]["errors"][0]["pointer"] == "/unit"
    assert items[1]["problem"]["errors"][0]["rule"] == "unknown-unit"
    assert {error["pointer"] for error in items[2]["problem"]["errors"]} >= {"/unit", "/description"}
    assert rows(world)["tickets"] == 2


def test_a_batch_sent_again_doubles_nothing(inspector: Caller, world: World) -> None:
    queue = [finding(id=str(uuid4()), description=f"隐患 {n}") for n in range(5)]
    inspector.post("/findings/batch", queue[:3])
    again = inspector.post("/findings/batch", queue).json()["items"]
    assert [item["status"] for item in again] == [200, 200, 200, 201, 201]
    assert rows(world)["tickets"] == 5


def test_a_batch_has_at_most_two_hundred_findings(inspector: Caller) -> None:
    answer = inspector.post("/findings/batch", [finding()] * 201)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["rule"] == "too-many"
