from __future__ import annotations

from io import BytesIO
from uuid import UUID

from openpyxl import load_workbook
from sqlalchemy import select

from domain import summaries
from domain.file_store import FileStore
from domain.records import Summary
from tests.api.conftest import Caller
from tests.world import World


def _published(world: World, store: FileStore) -> UUID:
    """Do what the flow does with the one summary that waits, with a line of text for each paper."""
    with world.database.transaction() as session:
        [key] = summaries.waiting(session)
        frozen = summaries.freeze(session, key, now=world.now)
    papers = {ending: store.put(f"{frozen.campaign}.{ending}".encode()) for ending in ("docx", "html", "pdf")}
    with world.database.transaction() as session:
        summaries.publish(session, key, papers, now=world.now)
    return key


def test_a_draft_is_asked_for_and_read_once_it_is_written(
    supervisor: Caller, world: World, store: FileStore
) -> None:
    world.find()
    assert supervisor.get("/campaigns/CC2026/summary").status_code == 404
    asked = supervisor.post("/campaigns/CC2026/summary")
    assert asked.status_code == 202
    waiting = supervisor.get(asked.headers["location"]).json()
    assert (waiting["revision"], waiting["final"], waiting["published_at"], waiting["figures"]) == (
        1,
        False,
        None,
        None,
    )
    assert supervisor.get("/campaigns/CC2026/summary.docx").status_code == 404
    _published(world, store)
    told = supervisor.get("/campaigns/CC2026/summary").json()
    assert told["published_at"] == "2026-04-01T10:00:00+08:00"
    assert told["figures"]
    for ending, media_type in (
        ("docx", "wordprocessingml"),
        ("html", "text/html"),
        ("pdf", "application/pdf"),
    ):
        paper = supervisor.get(told["papers"][ending])
        assert paper.content == f"CC2026.{ending}".encode()
        assert media_type in paper.headers["content-type"]
        assert (
            supervisor.get(
                told["papers"][ending], headers={"If-None-Match": paper.headers["etag"]}
            ).status_code
            == 304
        )


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
