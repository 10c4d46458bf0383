"""Held reports and calls over HTTP: read, decided once, counted."""

from __future__ import annotations

from domain import places, reports
from domain.file_store import FileStore
from domain.places import NewPlace
from tests.api.conftest import Caller
from tests.world import World


def reported(world: World, store: FileStore) -> str:
    """A report somebody sent from a sign; its id."""
    with world.database.transaction() as session:
        new = NewPlace.model_validate({"code": "LL-27", "name": "柳林线 27# 变台", "unit": "LL01"})
        places.add_place(session, new, actor=world.actor("guanli"), now=world.now)
        told = reports.NewReport.model_validate({"key": "a" * 40, "text": "变压器漏油"})
        there = places.place_on_sign(session, "LL-27")
        return str(reports.submit_report(session, store, there, told, [], now=world.now).report.id)


def test_a_report_is_held_until_a_supervisor_takes_it(
    supervisor: Caller, inspector: Caller, world: World, store: FileStore
) -> None:
    key = reported(world, store)
    [line] = supervisor.get("/reports?state=received").json()["items"]
    assert (line["id"], line["place"], line["ticket"]) == (key, "LL-27", None)
    assert inspector.get("/reports").json()["items"] == []
    assert inspector.get(f"/reports/{key}").status_code == 404
    refused = supervisor.post(f"/reports/{key}/decline", {})
    assert (refused.status_code, refused.json()["code"]) == (422, "reason-missing")
    told = {"campaign": "CC2026", "level": "general", "category": "生产设备/变压器台区"}
    taken = supervisor.post(f"/reports/{key}/accept", told)
    assert (taken.status_code, taken.json()["state"]) == (200, "accepted")
    assert supervisor.get(f"/tickets/{taken.json()['ticket']}").json()["description"] == "变压器漏油"
    assert supervisor.post(f"/reports/{key}/join", {"ticket": "CC2026-LL01-0001"}).status_code == 409


def test_a_call_is_written_down_answered_settled_and_counted(supervisor: Caller) -> None:
    new = {"unit": "LL01", "campaign": "CC2026", "content": "门口电杆倾斜", "callback_wanted": True}
    made = supervisor.post("/calls", new, headers={"Idempotency-Key": "one"})
    again = supervisor.post("/calls", new, headers={"Idempotency-Key": "one"})
    assert made.status_code == 201
    assert made.json() == again.json()
    at = made.headers["location"].removeprefix("/api/v1")
    told = {"level": "general", "category": "线路"}
    assert supervisor.post(f"{at}/ticket", told).json()["ticket"] == "CC2026-LL01-0001"
    assert supervisor.post(f"{at}/link", {"ticket": "CC2026-LL01-0001"}).status_code == 422
    assert supervisor.post(f"{at}/settle").status_code in {409, 422}
    assert supervisor.post(f"{at}/answer", {"answer": "本周扶正"}).json()["answer"] == "本周扶正"
    assert supervisor.post(f"{at}/call-back", {"satisfied": True}).json()["satisfied"] is True
    assert supervisor.post(f"{at}/settle").json()["state"] == "settled"
    assert supervisor.get("/calls?campaign=CC2026&state=open").json()["items"] == []
    figures = supervisor.get("/campaigns/CC2026/call-figures").json()
    counted = {"received": 1, "answered": 1, "settled": 1, "satisfied": 1, "asked": 1}
    assert figures == {"campaign": "CC2026", **counted}
