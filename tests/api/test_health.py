from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from domain import heartbeats
from domain.delivery import deliver_all
from domain.settings import Settings
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
    world.assigned(due="2026-04-09")
    world.assigned(due="2026-04-30")
    told_at = world.now
    world.later(days=2)
    with world.database.transaction() as session:
        heartbeats.begin(session, "deliver-notices", now=world.now)
        heartbeats.finish(session, "deliver-notices", {}, now=world.now)
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    figures = {
        f"{sample.name} {' '.join(sample.labels.values())}".strip(): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    assert figures == {
        "chuncha_tickets assigned": 3,
        "chuncha_tickets_due": 1,
        "chuncha_tickets_overdue": 1,
        "chuncha_notices_waiting": 3,
        "chuncha_notices_oldest_waiting_timestamp_seconds": told_at.timestamp(),
        "chuncha_flow_last_success_timestamp_seconds deliver-notices": world.now.timestamp(),
        "chuncha_calendar_year_missing": 0,
    }
    deliver_all(world.database, Settings(smtp_url=None), as_of=world.now)
    assert "chuncha_notices_waiting 0.0" in client.get("/metrics").text
