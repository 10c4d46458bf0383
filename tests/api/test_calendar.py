"""The calls of the calendar: explain, read, preview, import."""

from __future__ import annotations

from tests.api.conftest import Caller
from tests.world import World

CLOSED = {
    "name": "柳林所检修",
    "unit": "LL01",
    "year": 2026,
    "days": [{"day": "2026-04-16", "working": False, "name": "检修放假"}],
}


def test_a_period_says_which_days_were_skipped_and_why(supervisor: Caller) -> None:
    found = supervisor.get("/calendar/explain?from=2026-04-01&days=3&unit=LL01").json()
    assert (found["end"], found["provisional"]) == ("2026-04-07", False)
    assert [(day["day"], day["name"]) for day in found["skipped"]] == [
        ("2026-04-04", "清明"),
        ("2026-04-05", "清明"),
        ("2026-04-06", "清明"),
    ]


def test_a_unit_out_of_sight_is_unknown(supervisor: Caller) -> None:
    answer = supervisor.get("/calendar/explain?from=2026-04-01&days=3&unit=NOWHERE")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/unit"


def test_a_calendar_is_previewed_then_imported_and_moves_the_deadline(
    administrator: Caller, world: World
) -> None:
    number = world.assigned().number
    preview = administrator.post("/calendar/preview", CLOSED)
    assert preview.status_code == 200, preview.text
    (move,) = preview.json()["moves"]
    assert (move["number"], move["after"]) == (number, "2026-04-17T23:59:59+08:00")
    assert administrator.get(f"/tickets/{number}").json()["due"] == "2026-04-16"
    made = administrator.post("/calendar/import", CLOSED)
    assert (made.status_code, made.json()["edition"]) == (201, 1)
    assert made.json()["moves"] == preview.json()["moves"]
    assert administrator.get(f"/tickets/{number}").json()["due"] == "2026-04-17"
    year = administrator.get("/calendar?year=2026&unit=LL01").json()
    assert year["editions"][0]["name"] == "柳林所检修"
    assert {
        "day": "2026-04-16",
        "working": False,
        "name": "检修放假",
        "source": "柳林所检修",
        "provisional": False,
    } in year["days"]


def test_who_is_no_administrator_imports_nothing(supervisor: Caller) -> None:
    assert supervisor.post("/calendar/import", CLOSED).status_code == 403
