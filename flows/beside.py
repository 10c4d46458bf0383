"""What goes on beside the runs, in the process that starts them: requests of people are given to the scheduler, and of
runs that nobody came to do only the latest is kept.

Any number of processes may do this at once. It never ends the process: what is not possible now is tried again soon.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.deployments import run_deployment
from prefect.exceptions import PrefectException
from prefect.states import Cancelled
from sqlalchemy.exc import SQLAlchemyError

from domain.clock import real_time
from domain.database import Database
from domain.flow_requests import not_taken, take
from flows.deployments import NAMES
from flows.here import opened

log = logging.getLogger(__name__)

LOOK_FOR_REQUESTS = 3.0
"""Seconds between two looks for what people asked for."""
LOOK_FOR_MISSED = 60.0
"""Seconds between two looks for runs nobody came to do."""
MOST_MISSED = 200
"""How many of them are looked at for each flow at once: the scheduler's limit for one answer."""


def begin_beside() -> None:
    """Begin in a thread that ends with the process."""
    for work, pause in ((hand_over, LOOK_FOR_REQUESTS), (skip_missed, LOOK_FOR_MISSED)):
        threading.Thread(target=_again_and_again, args=(work, pause), name=work.__name__, daemon=True).start()


def _again_and_again(work: Callable[[Database], int], pause: float) -> None:
    with opened() as here:
        while True:
            try:
                work(here.database)
            except (SQLAlchemyError, httpx.HTTPError, PrefectException) as error:
                log.warning("%s: %s: %s", work.__name__, type(error).__name__, error)
            except Exception:
                log.exception("%s", work.__name__)
            time.sleep(pause)


def hand_over(database: Database) -> int:
    """Give every request that waits to the scheduler; returns how many. Raises what kept it from taking one."""
    count = 0
    while True:
        with database.transaction() as session:
            request = take(session, now=real_time())
        if request is None:
            return count
        asked = {"as_of": request.as_of, "dry_run": request.dry_run, "request": str(request.id)}
        try:
            run_deployment(
                NAMES[request.flow],
                parameters=asked,
                timeout=0,
                as_subflow=False,
                idempotency_key=f"{request.id}:{request.tries}",
            )
        except Exception as error:
            with database.transaction() as session:
                not_taken(session, request.id, f"{type(error).__name__}: {error}")
            raise
        count += 1


def skip_missed(_: Database) -> int:
    """After a time without workers one run of each flow does the work of all it missed: cancel the others.

    Runs people asked for are kept. Returns how many were cancelled.
    """
    count = 0
    with get_client(sync_client=True) as client:
        for name in NAMES.values():
            deployment = client.read_deployment_by_name(name)
            for run in _missed(client, deployment.id, now=real_time())[1:]:
                client.set_flow_run_state(run.id, Cancelled(message="a later run does its work"))
                count += 1
    return count


def _missed(client: SyncPrefectClient, deployment_id: Any, *, now: datetime) -> list[Any]:
    """Scheduled runs whose time has passed and that nobody has begun, the latest first."""
    found = client.read_flow_runs(
        flow_run_filter=FlowRunFilter(
            deployment_id=FlowRunFilterDeploymentId(any_=[deployment_id]),
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED])),
            expected_start_time=FlowRunFilterExpectedStartTime(before_=now),
        ),
        sort=FlowRunSort.EXPECTED_START_TIME_DESC,
        limit=MOST_MISSED,
    )
    return [run for run in found if run.auto_scheduled]
