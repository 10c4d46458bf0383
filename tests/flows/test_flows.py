"""Each flow does its work, does nothing the second time, and writes nothing in a dry run."""

import asyncio
import importlib
import pkgutil
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

import flows
from domain.access import WEB_LOGIN_LASTS, SignedIn, sign_in
from domain.campaigns import campaign_by_code
from domain.flow_requests import NewRun, ask
from domain.flow_runs import held
from domain.heartbeats import LONGEST_SILENCE, heartbeats, late
from domain.records import History, Inspection, Notice, StepRecord
from domain.settings import SettingsWrong
from domain.summaries import request_summary
from flows import (
    advance_campaigns,
    deliver_notices,
    forget_expired,
    plan_inspections,
    publish_summaries,
    sweep_deadlines,
)
from flows.here import worked
from statemachines.roles import SYSTEM
from tests.domain.test_planning import rota
from tests.mail_server import MailServer
from tests.world import World

AS_OF = datetime.fromisoformat("2026-04-17T09:00:00+08:00")


def written(world: World) -> list[int]:
    with world.database.reading() as session:
        return [
            session.scalar(select(func.count()).select_from(table)) or 0
            for table in (History, Notice, StepRecord, Inspection)
        ]


def prepare(world: World) -> None:
    """Something for every flow: a ticket overdue, a letter waiting, a phase due, a visit to plan, a draft, an ended login."""
    world.acknowledged()
    world.find(unit="SQ02")
    rota(world, "once", "2026-04-20", "2026-04-24")
    with world.database.transaction() as session:
        campaign = campaign_by_code(session, "CC2026", actor=SYSTEM)
        request_summary(session, campaign, final=False, actor=SYSTEM, now=world.now)
        ended = AS_OF - WEB_LOGIN_LASTS
        assert isinstance(sign_in(session, "limin", "limin-chuncha", now=ended), SignedIn)


FLOWS = {
    "sweep-deadlines": (sweep_deadlines, {"matters": 2, "steps": 5, "told": 7, "put_off": 0}),
    "deliver-notices": (deliver_notices, {"sent": 1}),
    "advance-campaigns": (advance_campaigns, {"moved": ["CC2026 rectify"]}),
    "plan-inspections": (plan_inspections, {"planned": 2}),
    "publish-summaries": (publish_summaries, {"published": ["CC2026 第1版"]}),
    "forget-expired": (forget_expired, {"logins": 1, "answers": 0}),
}


@pytest.mark.parametrize("name", FLOWS)
def test_a_flow_does_its_work_once_and_beats(installed: World, name: str) -> None:
    module, expected = FLOWS[name]
    prepare(installed)
    before = written(installed)
    module.run(AS_OF, dry_run=True)
    assert written(installed) == before, "a dry run writes nothing"
    outcome = module.run(AS_OF, dry_run=False)
    assert outcome.items() >= expected.items()
    after = written(installed)
    again = module.run(AS_OF, dry_run=False)
    assert written(installed) == after, "the second run changes nothing"
    assert not any(value for key, value in again.items() if key != "held")
    with installed.database.reading() as session:
        assert [row.flow for row in heartbeats(session)] == [name]
        assert name not in {each.flow for each in late(session, now=datetime.now(UTC))}


def test_letters_of_a_flow_arrive(installed: World, mail: MailServer) -> None:
    prepare(installed)
    sweep_deadlines.run(AS_OF, dry_run=False)
    sent = deliver_notices.run(AS_OF, dry_run=False)["sent"]
    addresses = [message["To"] for message in mail.messages]
    assert len(addresses) == sent
    assert len(set(addresses)) == sent, "one message a person"
    assert "wangjianguo@example.org" in addresses


def test_a_flow_without_a_database_says_which_setting_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHUNCHA_DATABASE_URL", raising=False)
    with pytest.raises(SettingsWrong, match="CHUNCHA_DATABASE_URL"):
        sweep_deadlines.run(AS_OF, dry_run=False)


def test_a_flow_that_cannot_reach_its_database_fails_aloud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHUNCHA_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    with pytest.raises(OperationalError):
        sweep_deadlines.run(AS_OF, dry_run=False)


def test_a_scheduled_run_gives_way_to_one_at_work_and_one_that_was_asked_for_does_not(
    installed: World,
) -> None:
    prepare(installed)
    with installed.database.transaction() as session:
        asked = ask(
            session, NewRun(flow="sweep-deadlines"), actor=installed.actor("zhaozhuren"), now=AS_OF
        ).id

    def sweep(request: UUID | None = None) -> dict[str, Any]:
        run = worked("sweep-deadlines", sweep_deadlines.run, AS_OF, dry_run=False, request=request)
        return asyncio.run(run)

    with held(installed.database, "sweep-deadlines"):
        assert sweep() == {"another_run_is_going": True}
        assert written(installed)[2] == 0
        assert sweep(asked)["steps"] == 5
    assert sweep()["steps"] == 0, "its turn, with nothing left to do"


def test_every_flow_module_is_scheduled_and_its_heartbeat_expected() -> None:
    from flows.deployments import SCHEDULES, deployments

    modules = {
        name
        for _, name, _ in pkgutil.iter_modules(flows.__path__)
        if name not in ("artifacts", "beside", "deployments", "here", "proof_of_life", "worker")
    }
    scheduled = {flow.fn.__module__.removeprefix("flows.") for flow, _, _ in SCHEDULES}
    assert scheduled == modules
    assert {flow.name for flow, _, _ in SCHEDULES} == set(LONGEST_SILENCE)
    for deployment in deployments():
        module, function = str(deployment.entrypoint).rsplit(".", 1)
        assert hasattr(importlib.import_module(module), function)
        assert all(schedule.schedule.timezone == "Asia/Shanghai" for schedule in deployment.schedules)
        assert deployment.concurrency_limit is None, (
            "the scheduler forgets who holds its limits when restarted"
        )


@pytest.mark.prefect
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", FLOWS)
def test_a_flow_runs_under_prefect(installed: World, prefect_server: None, name: str) -> None:
    module, expected = FLOWS[name]
    prepare(installed)
    flow = getattr(module, name.replace("-", "_"))
    outcome = asyncio.run(flow(as_of=AS_OF.isoformat()))
    assert outcome.items() >= expected.items()
    again = asyncio.run(flow(as_of=AS_OF.isoformat(), dry_run=True))
    assert not any(value for key, value in again.items() if key != "held")
