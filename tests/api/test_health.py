from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fastapi.testclient import TestClient
from sqlalchemy import text

from domain import heartbeats
from tests.world import World


def test_alive_asks_nothing_of_the_database(client: TestClient, world: World) -> None:
    world.database.close()
    assert client.get("/healthz").json() == {"status": "alive"}


def test_ready_when_schema_and_flows_are(client: TestClient, world: World) -> None:
    with world.database.transaction() as session:
        heartbeats.expect(session, now=datetime.now(UTC))
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "reasons": []})


def test_a_late_flow_is_named(client: TestClient, world: World) -> None:
    with world.database.transaction() as session:
        heartbeats.expect(session, now=datetime.now(UTC) - timedelta(hours=1))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert any("sweep-deadlines" in reason for reason in answer.json()["reasons"])


def test_a_schema_of_another_version_is_not_ready(client: TestClient, world: World) -> None:
    with world.database.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = 'older'"))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "chuncha migrate" in answer.json()["reasons"][0]


def test_figures_for_prometheus(client: TestClient, world: World) -> None:
    world.assigned(due="2026-04-02")
    world.later(days=2)
    with world.database.transaction() as session:
        heartbeats.begin(session, "deliver-notices", now=world.now)
        heartbeats.finish(session, "deliver-notices", {}, now=world.now)
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert 'chuncha_tickets{state="assigned"} 1.0' in answer.text
    assert "chuncha_tickets_overdue 1.0" in answer.text
    assert "chuncha_notices_waiting" in answer.text
    assert 'chuncha_flow_last_success_timestamp_seconds{flow="deliver-notices"}' in answer.text
