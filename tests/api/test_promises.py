"""ETag, If-Match, Idempotency-Key: what lets a program repeat a call without fear."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.api.conftest import THREE_FIXED, Caller, finding, rows
from tests.photos import listed, photo
from tests.world import World


def test_what_the_caller_has_is_not_sent_again(inspector: Caller) -> None:
    number = inspector.submit().json()["number"]
    first = inspector.get(f"/tickets/{number}")
    tag = first.headers["etag"]
    for wish in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = inspector.get(f"/tickets/{number}", headers={"If-None-Match": wish})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert inspector.get(f"/tickets/{number}", headers={"If-None-Match": '"9-9"'}).status_code == 200


def test_lists_have_tags_too(inspector: Caller) -> None:
    tag = inspector.get("/tickets").headers["etag"]
    assert inspector.get("/tickets", headers={"If-None-Match": tag}).status_code == 304
    inspector.submit()
    assert inspector.get("/tickets", headers={"If-None-Match": tag}).status_code == 200


def test_the_tag_changes_when_a_file_arrives_and_when_the_deadline_passes(
    inspector: Caller, supervisor: Caller, world: World
) -> None:
    data = photo()
    number = inspector.submit(files=[listed(data)]).json()["number"]
    supervisor.post(f"/tickets/{number}/assign", {**THREE_FIXED, "due": "2026-04-03"})
    tags = [inspector.get(f"/tickets/{number}").headers["etag"]]
    inspector.send(data, listed(data)["sha256"])
    tags.append(inspector.get(f"/tickets/{number}").headers["etag"])
    world.later(days=3)
    late = inspector.get(f"/tickets/{number}")
    tags.append(late.headers["etag"])
    assert late.json()["overdue"] is True
    assert len(set(tags)) == 3


def test_a_write_from_an_old_version_is_refused(supervisor: Caller, inspector: Caller, world: World) -> None:
    number = inspector.submit().json()["number"]
    tag = inspector.get(f"/tickets/{number}").headers["etag"]
    assert (
        supervisor.post(f"/tickets/{number}/assign", THREE_FIXED, headers={"If-Match": tag}).status_code
        == 200
    )
    before = rows(world)
    stale = supervisor.post(
        f"/tickets/{number}/regrade", {"level": "serious", "reason": "渗油加重"}, headers={"If-Match": tag}
    )
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition-failed")
    assert rows(world) == before


def test_a_photo_arriving_meanwhile_is_no_conflict(supervisor: Caller, inspector: Caller) -> None:
    data = photo()
    number = inspector.submit(files=[listed(data)]).json()["number"]
    tag = supervisor.get(f"/tickets/{number}").headers["etag"]
    inspector.send(data, listed(data)["sha256"])
    answer = supervisor.post(f"/tickets/{number}/assign", THREE_FIXED, headers={"If-Match": tag})
    assert answer.status_code == 200
    assert answer.headers["etag"] == supervisor.get(f"/tickets/{number}").headers["etag"]


def test_if_match_takes_a_list_and_a_star(supervisor: Caller, inspector: Caller) -> None:
    numbers = [inspector.submit().json()["number"] for _ in range(2)]
    for number, wish in zip(numbers, ["*", '"77-0", "1-0"'], strict=True):
        assert (
            supervisor.post(f"/tickets/{number}/assign", THREE_FIXED, headers={"If-Match": wish}).status_code
            == 200
        )


def test_the_same_key_and_body_get_the_first_answer(inspector: Caller, world: World) -> None:
    key = {"Idempotency-Key": "phone-1-000017"}
    first = inspector.post("/findings", finding(), headers=key)
    before = rows(world)
    second = inspector.post("/findings", finding(), headers=key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json() == first.json()
    for name in ("etag", "location"):
        assert second.headers[name] == first.headers[name]
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert rows(world) == before


def test_the_same_key_with_another_body_or_call_is_refused(inspector: Caller, world: World) -> None:
    key = {"Idempotency-Key": "phone-1-000018"}
    inspector.post("/findings", finding(), headers=key)
    before = rows(world)
    other = inspector.post("/findings", finding(description="另一处"), headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    assert rows(world) == before


def test_a_key_is_the_callers_own(inspector: Caller, supervisor: Caller) -> None:
    key = {"Idempotency-Key": "1"}
    first = inspector.post("/findings", finding(), headers=key).json()
    assert supervisor.post("/findings", finding(), headers=key).json()["number"] != first["number"]


def test_a_refused_request_may_be_mended_under_the_same_key(inspector: Caller) -> None:
    key = {"Idempotency-Key": "phone-1-000019"}
    assert inspector.post("/findings", finding(unit="NOWHERE"), headers=key).status_code == 422
    assert inspector.post("/findings", finding(), headers=key).status_code == 201


def test_the_same_key_sent_eight_times_at_once_does_the_work_once(inspector: Caller, world: World) -> None:
    key = {"Idempotency-Key": "burst"}
    inspector.get("/tickets")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: inspector.post("/findings", finding(), headers=key), range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert {answer.json()["number"] for answer in answers} == {"CC2026-LL01-0001"}
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 7
    assert rows(world)["tickets"] == 1


def test_two_people_assigning_at_once_leave_one_assignment(supervisor: Caller, inspector: Caller) -> None:
    number = inspector.submit().json()["number"]
    with ThreadPoolExecutor(6) as pool:
        answers = list(
            pool.map(lambda _: supervisor.post(f"/tickets/{number}/assign", THREE_FIXED), range(6))
        )
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 5
    history = supervisor.get(f"/tickets/{number}/history").json()["items"]
    assert [item["event"] for item in history].count("assign") == 1
