"""Every schedule in one screen, Asia/Shanghai, each away from the full hour so that nothing starts all at once.

On one machine a runner serves them; on many they are deployed to a pool of workers. Either way a scheduled run that
finds another one of its flow at work ends at once (domain/flow_runs.py). The scheduler's own limits are not used for
that: it forgets who holds them when it is restarted, and would then cancel every run to come.
"""

from __future__ import annotations

import logging
from typing import Any

from prefect import Flow, serve
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import ObjectAlreadyExists
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

log = logging.getLogger(__name__)

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

NAMES = {flow.name: f"{flow.name}/{name}" for flow, name, _ in SCHEDULES}
"""Each flow's deployment as the scheduler calls it."""

POOL = "chuncha"
"""The pool whose workers run the flows of an installation of many machines, each run a process of its own."""

AT_ONCE = 4
"""Runs one worker or runner has at work at the same time."""


IN_POOL = {"command": "python -m prefect.engine"}
"""What a worker of the pool starts: the code is installed, and fetching it first would cost a second process."""


def deployments(*, pooled: bool = False) -> list[RunnerDeployment]:
    """A deployment of each flow, found again by module so that it runs from any folder; `pooled` for workers."""
    return [
        flow.to_deployment(  # type: ignore[misc]
            name,
            schedule=Cron(cron, timezone="Asia/Shanghai"),
            entrypoint_type=EntrypointType.MODULE_PATH,
            # A runner without a pool refuses them.
            job_variables=IN_POOL if pooled else None,
        )
        for flow, name, cron in SCHEDULES
    ]


def serve_all() -> None:
    """Run every flow by its schedule until the process is ended, against the Prefect server at PREFECT_API_URL.

    The schedules go on over a restart: pausing them is for people to decide.
    """
    expect_all()
    serve(*deployments(), pause_on_shutdown=False, limit=AT_ONCE)


def deploy_all() -> None:
    """Tell the Prefect server the pool and every schedule, as this release has them; workers take it from there."""
    with get_client(sync_client=True) as client:
        try:
            client.create_work_pool(WorkPoolCreate(name=POOL, type="process"))
        except ObjectAlreadyExists:
            log.info("the pool %s is there already", POOL)
    for deployment in deployments(pooled=True):
        deployment.apply(work_pool_name=POOL)
    expect_all()


def expect_all() -> None:
    """From now on a flow that is silent is late."""
    with opened() as here, here.database.transaction() as session:
        expect(session, now=real_time())
