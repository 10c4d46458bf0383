"""Every schedule in one screen, Asia/Shanghai, each away from the full hour so that nothing starts all at once.

Many workers may serve the same schedules: a run that finds another one going is cancelled as a courtesy, and the
commands themselves are safe to run twice and at once.
"""

from __future__ import annotations

from typing import Any

from prefect import Flow, serve
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.deployments.runner import RunnerDeployment
from prefect.schedules import Cron
from prefect.types.entrypoint import EntrypointType

from domain.clock import real_time
from domain.heartbeats import expect
from flows.advance_campaigns import advance_campaigns
from flows.deliver_notices import deliver_notices
from flows.forget_expired import forget_expired
from flows.here import opened
from flows.plan_inspections import plan_inspections
from flows.publish_summaries import publish_summaries
from flows.sweep_deadlines import sweep_deadlines

SCHEDULES: tuple[tuple[Flow[..., Any], str, str], ...] = (
    (sweep_deadlines, "every-5-minutes", "2-59/5 * * * *"),
    (deliver_notices, "every-minute", "* * * * *"),
    (advance_campaigns, "hourly-at-07", "7 * * * *"),
    (plan_inspections, "daily-at-0512", "12 5 * * *"),
    # Papers asked for by a person are promised within minutes (api/summaries.py).
    (publish_summaries, "every-5-minutes", "4-59/5 * * * *"),
    (forget_expired, "daily-at-0341", "41 3 * * *"),
)
"""Flow, name of its deployment (which says when), cron. domain/heartbeats.py knows how long each may be silent."""

ONE_AT_A_TIME = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW)


def deployments() -> list[RunnerDeployment]:
    """A deployment of each flow, found again by module so that it runs from any folder."""
    return [
        flow.to_deployment(  # type: ignore[misc]
            name,
            schedule=Cron(cron, timezone="Asia/Shanghai"),
            concurrency_limit=ONE_AT_A_TIME,
            entrypoint_type=EntrypointType.MODULE_PATH,
        )
        for flow, name, cron in SCHEDULES
    ]


def serve_all() -> None:
    """Run every flow by its schedule until the process is ended, against the Prefect server at PREFECT_API_URL.

    The schedules go on over a restart: pausing them is for people to decide.
    """
    with opened() as here, here.database.transaction() as session:
        expect(session, now=real_time())
    serve(*deployments(), pause_on_shutdown=False, limit=4)
