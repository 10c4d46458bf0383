from __future__ import annotations

from io import BytesIO

from openpyxl import load_workbook
from sqlalchemy import select

from domain.records import Summary
from tests.api.conftest import Caller
from tests.world import World


def test_a_draft_is_written_right_after_it_was_asked_for(supervisor: Caller, world: World) -> None:
    world.find()
    assert supervisor.get("/campaigns/CC2026/summary").status_code == 404
    asked = supervisor.post("/campaigns/CC2026/summary")
    assert (asked.status_code, asked.json()["published_at"]) == (202, None)
    told = supervisor.get(asked.headers["location"]).json()
    assert (told["revision"], told["final"], told["published_at"]) == (1, False, "2026-04-01T10:00:00+08:00")
    assert told["figures"]["hazards"]
    assert supervisor.get("/campaigns/CC2026/summary").json() == told
    for ending, media_type, begins in (
        ("docx", "wordprocessingml", b"PK"),
        ("html", "text/html", b"<!"),
        ("pdf", "application/pdf", b"%PDF"),
    ):
        paper = supervisor.get(told["papers"][ending])
        assert paper.content.startswith(begins)
        assert media_type in paper.headers["content-type"]
        known = {"If-None-Match": paper.headers["etag"]}
        assert supervisor.get(told["papers"][ending], headers=known).status_code == 304


def test_the_ledger_has_every_ticket_in_sight(supervisor: Caller, world: World) -> None:
    number = world.assigned().number
    answer = supervisor.get("/campaigns/CC2026/ledger.xlsx")
    assert answer.status_code == 200
    assert "filename*=UTF-8''2026" in answer.headers["content-disposition"]
    sheet = load_workbook(BytesIO(answer.content), read_only=True).worksheets[0]
    assert any(number in row for row in sheet.iter_rows(values_only=True))


def test_a_final_one_ends_the_campaign_and_not_before_its_time(supervisor: Caller) -> None:
    answer = supervisor.post("/campaigns/CC2026/summary", {"final": True})
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong-state")


def test_who_may_not_ask_is_told_so(assignee: Caller, world: World) -> None:
    answer = assignee.post("/campaigns/CC2026/summary")
    assert (answer.status_code, answer.json()["code"]) == (403, "role-missing")
    with world.database.reading() as session:
        assert session.scalars(select(Summary)).all() == []
