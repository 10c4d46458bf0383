"""Whatever goes wrong is a problem; what the API says about itself is complete."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text

from api.problems import MEDIA_TYPE
from statemachines.refusals import REFUSALS
from tests.api.conftest import Caller
from tests.world import World


@pytest.mark.parametrize(
    "header", [None, "Bearer", "Bearer wrong", "Basic bGltaW46eA==", "bearer cc_nothing"]
)
def test_without_a_valid_token_there_is_nothing_to_see(client: TestClient, header: str | None) -> None:
    answer = client.get("/api/v1/tickets", headers={"Authorization": header} if header else {})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert answer.json()["code"] == "unauthenticated"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1/nothing", 404, "no-such-address"),
        ("DELETE", "/api/v1/tickets", 405, "method-not-allowed"),
        ("GET", "/api/v1/tickets/CC2026-LL01-9999", 404, "not-found"),
        ("POST", "/api/v1/extensions/not-a-uuid/approve", 422, "invalid-input"),
    ],
)
def test_every_refusal_of_the_web_is_a_problem(
    inspector: Caller, method: str, path: str, status: int, code: str
) -> None:
    answer = inspector(method, path, json={} if method == "POST" else None)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert answer.json()["instance"] == path
    if status == 405:
        assert "GET" in answer.headers["allow"]


def test_a_mistake_of_ours_tells_nothing_of_the_inside(
    app: FastAPI, calling: Callable[[str], Caller], world: World
) -> None:
    call = calling("limin")
    with world.database.transaction() as session:
        session.execute(text("ALTER TABLE history RENAME TO elsewhere"))
    answer = call.submit()
    assert (answer.status_code, answer.json()["code"]) == (500, "unexpected")
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert "history" not in answer.text
    with world.database.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM tickets")) == 0


def test_a_commit_that_fails_is_not_answered_as_done(calling: Callable[[str], Caller], world: World) -> None:
    call = calling("limin")
    with world.database.transaction() as session:
        session.execute(
            text(
                "CREATE FUNCTION no_commit() RETURNS trigger LANGUAGE plpgsql AS"
                " $$BEGIN RAISE EXCEPTION 'the disk is full'; END$$"
            )
        )
        session.execute(
            text(
                "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON tickets DEFERRABLE INITIALLY DEFERRED"
                " FOR EACH ROW EXECUTE FUNCTION no_commit()"
            )
        )
    assert call.submit().status_code == 500
    assert call.get("/tickets").json()["items"] == []


def test_every_problem_type_explains_itself(client: TestClient) -> None:
    for code, rule in REFUSALS.items():
        told: dict[str, Any] = client.get(f"/problems/{code}").json()
        assert (told["code"], told["status"]) == (code, rule.status)
        assert told["title"]
        page = client.get(f"/problems/{code}", headers={"Accept": "text/html,*/*"})
        assert page.headers["content-type"].startswith("text/html")
        assert code in page.text


def test_a_problem_type_nobody_uses_is_not_there(client: TestClient) -> None:
    assert client.get("/problems/nothing-of-the-kind").status_code == 404


def test_the_document_declares_problems_and_the_bearer_scheme(client: TestClient) -> None:
    schema = client.get("/openapi.json").json()
    assert schema["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    calls = [
        (path, method, call) for path, methods in schema["paths"].items() for method, call in methods.items()
    ]
    operations = [call["operationId"] for _, _, call in calls]
    assert len(set(operations)) == len(operations)
    for path, _, call in calls:
        assert call.get("summary")
        assert call.get("description")
        if path.startswith("/api/"):
            assert call["security"] == [{"token": []}]
            for status in ("401", "422"):
                content = call["responses"][status]["content"]
                assert content == {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    assert not {"HTTPValidationError", "ValidationError"} & schema["components"]["schemas"].keys()


def test_the_documentation_is_served(client: TestClient) -> None:
    assert client.get("/docs").status_code == 200
