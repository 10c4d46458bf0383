from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import pytest
from PIL import Image

from domain.file_store import FileStore
from tests.api.conftest import THREE_FIXED, Caller, rows
from tests.photos import listed, photo
from tests.world import World


def _parts(data: bytes, count: int) -> list[tuple[bytes, str]]:
    """The bytes in so many parts, each with its Content-Range."""
    step = -(-len(data) // count)
    return [
        (data[at : at + step], f"bytes {at}-{min(at + step, len(data)) - 1}/{len(data)}")
        for at in range(0, len(data), step)
    ]


def test_a_listed_file_arrives(inspector: Caller) -> None:
    data = photo(taken="2026:04:01 09:14:00")
    ticket = inspector.submit(files=[listed(data)]).json()
    answer = inspector.send(data, listed(data)["sha256"])
    assert answer.status_code == 201
    assert answer.json() == {"sha256": listed(data)["sha256"], "complete": True, "arrived": []}
    seen = inspector.get(ticket["links"]["self"]).json()
    assert (seen["files_arrived"], seen["files"][0]["arrived"]) == (1, True)
    assert seen["version"] == ticket["version"]


def test_the_same_file_again_changes_nothing(inspector: Caller, world: World) -> None:
    data = photo()
    inspector.submit(files=[listed(data)])
    inspector.send(data, listed(data)["sha256"])
    before = rows(world)
    assert inspector.send(data, listed(data)["sha256"]).status_code == 200
    assert rows(world) == before


def test_a_file_already_there_has_arrived_at_once(inspector: Caller) -> None:
    data = photo()
    inspector.submit(files=[listed(data)])
    inspector.send(data, listed(data)["sha256"])
    assert inspector.submit(files=[listed(data)]).json()["files_arrived"] == 1


def test_one_file_listed_by_two_tickets_arrives_for_both(inspector: Caller) -> None:
    data = photo()
    numbers = [inspector.submit(files=[listed(data)]).json()["number"] for _ in range(2)]
    inspector.send(data, listed(data)["sha256"])
    assert [inspector.get(f"/tickets/{number}").json()["files_arrived"] for number in numbers] == [1, 1]


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 1, 0, 2], [0, 0, 1, 2, 2, 3]])
def test_parts_come_in_any_order_and_as_often_as_they_like(
    inspector: Caller, world: World, order: list[int]
) -> None:
    data = photo(size=(900, 700))
    sha256 = listed(data)["sha256"]
    number = inspector.submit(files=[listed(data)]).json()["number"]
    parts = _parts(data, 4)
    answers = [inspector.send(parts[at][0], sha256, **{"Content-Range": parts[at][1]}) for at in order]
    assert [answer.status_code for answer in answers] == [202] * (len(order) - 1) + [201]
    assert inspector.get(f"/tickets/{number}").json()["files_arrived"] == 1
    assert rows(world)["file_parts"] == 0


def test_sending_goes_on_where_it_broke_off(inspector: Caller) -> None:
    data = photo(size=(900, 700))
    sha256 = listed(data)["sha256"]
    inspector.submit(files=[listed(data)])
    first, second, third = _parts(data, 3)
    asked = inspector("HEAD", f"/files/{sha256}")
    assert (asked.status_code, asked.headers["upload-complete"], asked.headers["upload-offset"]) == (
        204,
        "?0",
        "0",
    )
    inspector.send(first[0], sha256, **{"Content-Range": first[1]})
    receipt = inspector.send(third[0], sha256, **{"Content-Range": third[1]}).json()
    assert [(part["first"], part["last"]) for part in receipt["arrived"]] == [
        (0, len(first[0]) - 1),
        (len(first[0]) + len(second[0]), len(data) - 1),
    ]
    asked = inspector("HEAD", f"/files/{sha256}")
    assert asked.headers["upload-offset"] == str(len(first[0]))
    assert inspector.send(second[0], sha256, **{"Content-Range": second[1]}).status_code == 201
    asked = inspector("HEAD", f"/files/{sha256}")
    assert (asked.headers["upload-complete"], "upload-offset" in asked.headers) == ("?1", False)


def test_wrong_bytes_are_refused_and_the_parts_forgotten(inspector: Caller, world: World) -> None:
    data = photo()
    sha256 = listed(data)["sha256"]
    inspector.submit(files=[listed(data)])
    damaged = bytes([data[0] ^ 1]) + data[1:]
    (one, first), (two, second) = _parts(damaged, 2)
    assert inspector.send(one, sha256, **{"Content-Range": first}).status_code == 202
    answer = inspector.send(two, sha256, **{"Content-Range": second})
    assert (answer.status_code, answer.json()["code"]) == (422, "file-hash-mismatch")
    assert (rows(world)["file_parts"], rows(world)["stored_files"]) == (0, 0)
    assert inspector("HEAD", f"/files/{sha256}").headers["upload-offset"] == "0"
    assert inspector.send(data, sha256).status_code == 201


def test_another_persons_parts_are_their_own(inspector: Caller, supervisor: Caller) -> None:
    data = photo()
    sha256 = listed(data)["sha256"]
    inspector.submit(files=[listed(data)])
    (one, first), (two, second) = _parts(data, 2)
    garbage = bytes(len(one))
    assert supervisor.send(garbage, sha256, **{"Content-Range": first}).status_code == 202
    assert inspector.send(one, sha256, **{"Content-Range": first}).status_code == 202
    assert inspector.send(two, sha256, **{"Content-Range": second}).status_code == 201


@pytest.mark.parametrize(
    "wrong",
    [
        "bytes 0-1/2",
        "bytes */5",
        "bytes 5-2/9",
        "lines 0-9/10",
        "bytes 0-5/3",
        "bytes 0-99999999999999999999/5",
    ],
)
def test_a_range_that_does_not_fit_is_refused(inspector: Caller, world: World, wrong: str) -> None:
    data = photo()
    inspector.submit(files=[listed(data)])
    before = rows(world)
    answer = inspector.send(b"abc", listed(data)["sha256"], **{"Content-Range": wrong})
    assert (answer.status_code, answer.json()["code"]) == (422, "content-range-wrong")
    assert rows(world) == before


def test_what_no_ticket_lists_is_not_taken(inspector: Caller, store: FileStore) -> None:
    data = photo()
    assert inspector.send(data, listed(data)["sha256"]).status_code == 404
    assert inspector("HEAD", f"/files/{listed(data)['sha256']}").status_code == 404
    assert not store.exists(listed(data)["sha256"])


def test_a_file_of_a_ticket_out_of_sight_is_not_there(
    inspector: Caller, calling: Callable[[str], Caller]
) -> None:
    data = photo()
    inspector.submit(unit="LL01", files=[listed(data)])
    inspector.send(data, listed(data)["sha256"])
    outsider = calling("shisuozhang")
    assert outsider.get(f"/files/{listed(data)['sha256']}").status_code == 404
    assert outsider.send(data, listed(data)["sha256"]).status_code == 404


def test_a_file_is_read_as_sent_and_its_copies_say_nothing(inspector: Caller) -> None:
    data = photo(size=(2400, 1200), taken="2026:04:01 09:14:00", place=(26.5, 106.7))
    sha256 = listed(data)["sha256"]
    inspector.submit(files=[listed(data)])
    assert inspector.get(f"/files/{sha256}").status_code == 404
    inspector.send(data, sha256)
    original = inspector.get(f"/files/{sha256}")
    assert (original.content, original.headers["content-type"]) == (data, "image/jpeg")
    assert (
        inspector.get(f"/files/{sha256}", headers={"If-None-Match": original.headers["etag"]}).status_code
        == 304
    )
    with Image.open(BytesIO(inspector.get(f"/files/{sha256}", params={"copy": "thumb"}).content)) as thumb:
        assert thumb.size == (320, 160)
        assert not thumb.getexif()


def test_a_ticket_waits_for_its_photos_before_it_is_verified(
    inspector: Caller, supervisor: Caller, assignee: Caller
) -> None:
    before, after = photo(colour="red"), photo(colour="green")
    number = inspector.submit(files=[listed(before)]).json()["number"]
    assert supervisor.post(f"/tickets/{number}/assign", THREE_FIXED).status_code == 200
    fixed = assignee.post(f"/tickets/{number}/fix", {"note": "已更换密封垫", "files": [listed(after)]})
    assert fixed.status_code == 200
    assert {file["kind"] for file in fixed.json()["files"]} == {"before", "after"}
    inspector.send(before, listed(before)["sha256"])
    refused = inspector.post(f"/tickets/{number}/verify", {"passed": True, "opinion": "合格"})
    assert (refused.status_code, refused.json()["code"]) == (409, "files-missing")
    assignee.send(after, listed(after)["sha256"])
    verified = inspector.post(f"/tickets/{number}/verify", {"passed": True, "opinion": "合格"})
    assert (verified.status_code, verified.json()["state"]) == (200, "verified")


def test_a_re_check_lists_its_own_photos(inspector: Caller, world: World) -> None:
    data = photo(colour="white")
    number = world.fixed().number
    said = {"passed": True, "opinion": "合格", "files": [listed(data)]}
    verified = inspector.post(f"/tickets/{number}/verify", said)
    assert verified.status_code == 200, verified.text
    assert (verified.status_code, verified.json()["state"]) == (200, "verified")
    assert inspector.send(data, listed(data)["sha256"]).status_code == 201
    assert inspector.get(f"/tickets/{number}").json()["files"][0]["kind"] == "recheck"
