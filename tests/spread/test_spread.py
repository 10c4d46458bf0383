"""docker-compose.yml, run as processes: a campaign is played on it, and what it runs on is killed meanwhile."""

from __future__ import annotations

import shutil
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import psutil
import pytest
from sqlalchemy import URL, func, select, text

from domain.database import Database
from domain.escalation import sweep_all
from domain.file_store import FileStore, StoreUnreachable, sha256_of
from domain.records import FlowRequest, FlowRun, Notice, StepRecord, Ticket
from domain.settings import Settings
from tests.forms.conftest import TOKEN
from tests.mail_server import MailServer
from tests.many import many_assigned
from tests.photos import photo
from tests.spread.compose import read_compose
from tests.spread.engine import IMAGES, Container, Engine, package_version, programs_of_the_images
from tests.spread.listener import Listener
from tests.waiting import START, until
from tests.world import World, build_world

pytestmark = [pytest.mark.prefect, pytest.mark.slow, pytest.mark.timeout(1500)]

SECRETS = {
    # With the signs that break an address, a shell line or a header when somebody forgets to quote them.
    "database_password": "p@ss/w:o?r%d $x'\"& 密",
    "files_secret": "s3/cret+with=signs&more",
    "prefect_auth": "watcher:kan%-$dao",
}


LATE = 1500
"""Tickets overdue: three batches of the sweep, so that it can be cut short between them."""
TURN = 300
"""Seconds until a run that was asked for is at work or over: others may have their turn first, and each is a program."""


@dataclass
class Stack:
    """Everything of the file, running, with the bureau in its database."""

    engine: Engine
    world: World
    mail: MailServer
    listener: Listener
    outside: httpx.Client
    """Somebody at the door."""
    scheduler: httpx.Client

    @property
    def database(self) -> Database:
        return self.world.database

    def workers(self) -> list[Container]:
        return self.engine.containers["worker"]

    def call(self, method: str, path: str, *, by: str, **more: Any) -> Any:
        """A call through the door, which must succeed; its JSON."""
        answer = self.outside.request(method, f"/api/v1{path}", headers=self.world.bearer(by), **more)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def ask(self, flow: str) -> UUID:
        """Ask for a run on the supervisor's page."""
        page = self.outside.get("/flows")
        told = {"csrf": TOKEN.search(page.text)[1]}  # type: ignore[index]
        answer = self.outside.post(f"/flows/{flow}/run", data=told)
        assert (answer.status_code, answer.headers["location"]) == (303, "/flows?done=run_asked")
        with self.database.reading() as session:
            asked = (FlowRequest.flow == flow, FlowRequest.ended_at.is_(None))
            return session.scalars(select(FlowRequest.id).where(*asked)).one()

    def log_in(self, login: str) -> None:
        """Somebody at the door opens their pages."""
        self.outside.cookies.clear()
        page = self.outside.get("/login")
        self.outside.cookies.update(page.cookies)
        told = {"login": login, "password": f"{login}-chuncha", "csrf": TOKEN.search(page.text)[1]}  # type: ignore[index]
        assert self.outside.post("/login", data=told).status_code == 303

    def request(self, key: UUID) -> FlowRequest:
        with self.database.reading() as session:
            return session.get_one(FlowRequest, key)

    def sweeps_at_work(self) -> list[FlowRun]:
        """Those begun and not ended."""
        with self.database.reading() as session:
            begun = (FlowRun.flow == "sweep-deadlines", FlowRun.finished_at.is_(None))
            return list(session.scalars(select(FlowRun).where(*begun)))

    def at_work_on(self, name: object) -> Container | None:
        """The worker whose process holds this lock: a run's, or when nobody asked for the run its flow's; None once it ended."""
        holder = text(
            "SELECT client_port FROM pg_stat_activity JOIN pg_locks USING (pid)"
            " WHERE locktype = 'advisory' AND granted AND objsubid = 2"
            " AND (classid, objid) = (SELECT (hashtext(:space)::bigint & 4294967295)::oid,"
            " (hashtext(:run)::bigint & 4294967295)::oid)"
        )
        with self.database.reading() as session:
            port = session.scalar(holder, {"space": "chuncha flow", "run": str(name)})
        for worker in self.workers() if port is not None else ():
            for process in worker.everything():
                with suppress(psutil.NoSuchProcess):
                    if port in {each.laddr.port for each in process.net_connections("tcp")}:
                        return worker
        return None

    def store(self, secret: str) -> FileStore:
        """The store of files, opened with this secret."""
        (at,) = (each.address for each in self.engine.containers["store"])
        told = {
            "files_url": "s3://chuncha/files",
            "files_endpoint": f"http://{at}:8333",
            "files_key_id": "chuncha",
        }
        return FileStore.open(Settings(**told, files_secret=secret))

    def steps(self, numbers: set[str]) -> dict[UUID, tuple[str, ...]]:
        """The steps recorded for each of these tickets."""
        found: dict[UUID, tuple[str, ...]] = {}
        with self.database.reading() as session:
            rows = session.execute(
                select(Ticket.id, StepRecord.step)
                .join(StepRecord, StepRecord.ticket_id == Ticket.id)
                .where(Ticket.number.in_(numbers))
                .order_by(Ticket.id, StepRecord.step)
            )
            for ticket, step in rows:
                found[ticket] = (*found.get(ticket, ()), step)
        return found

    def workers_online(self) -> int:
        """How many workers the scheduler has heard of: each tells of itself some seconds after it can take work."""
        known = self.scheduler.post("/work_pools/chuncha/workers/filter", json={}).json()
        return len([each for each in known if each["status"] == "ONLINE"])

    def wait_for(self, key: UUID) -> None:
        until(lambda: self.request(key).ended_at is not None, lambda: self.story(key), seconds=TURN)
        assert self.request(key).error is None, self.story(key)

    def story(self, key: UUID) -> str:
        """What a request came to, and what the workers said."""
        request = self.request(key)
        said = [
            f"{each.service.name}-{each.number}: {each.log.read_text()[-3000:]}" for each in self.workers()
        ]
        told = f"{request.flow}: handed {request.handed_at}, tries {request.tries}, error {request.error}"
        return "\n".join([told, *said])


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """Up, once for the tests of this file."""
    programs_of_the_images()
    folder = Path(tempfile.mkdtemp(prefix="chuncha-spread-"))
    folder.chmod(0o755)  # PostgreSQL runs as somebody else
    mail, listener = MailServer(), Listener()
    mail.start()
    engine = Engine(
        # Two web containers of one process each: what a second process in each would add is time to start.
        read_compose({"CHUNCHA_WEB_PROCESSES": "1"}),
        {**SECRETS, "smtp_url": mail.url, "ping_url": listener.url},
        folder,
    )
    try:
        engine.up()
        yield from _with_the_bureau(engine, mail, listener)
    finally:
        engine.down()
        mail.stop()
        listener.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _with_the_bureau(engine: Engine, mail: MailServer, listener: Listener) -> Iterator[Stack]:
    (at,) = (each.address for each in engine.containers["database"])
    password = SECRETS["database_password"]
    url = URL.create("postgresql+psycopg", "chuncha", password, at, database="chuncha")
    database = Database(url.render_as_string(hide_password=False), pool_size=2)
    world = build_world(database, now=datetime.now(UTC) - timedelta(days=30))
    (door,) = engine.containers["proxy"]
    authority = door.folder / "data/caddy/pki/authorities/local/root.crt"
    until(authority.exists, "the proxy has made its authority", seconds=START)
    outside = httpx.Client(
        base_url=f"https://{door.address}:8443",
        headers={"Host": "localhost", "Accept-Language": "zh-CN"},
        verify=ssl.create_default_context(cafile=str(authority)),
        event_hooks={"request": [_for_localhost]},
        timeout=60,
    )
    (server,) = engine.containers["prefect"]
    scheduler = httpx.Client(
        base_url=f"http://{server.address}:4200/api",
        auth=tuple(SECRETS["prefect_auth"].split(":", 1)),  # type: ignore[arg-type]
        timeout=60,
        # It ends connections nobody used for five seconds; a call made just then would meet a closed one.
        limits=httpx.Limits(max_keepalive_connections=0),
    )
    with outside, scheduler:
        yield Stack(engine, world, mail, listener, outside, scheduler)
    database.close()


def _for_localhost(request: httpx.Request) -> None:
    """The certificate is for the name people type, not for the address the test found."""
    request.extensions = {**request.extensions, "sni_hostname": "localhost"}


def test_every_image_is_pinned_to_the_version_tested_here() -> None:
    for service in read_compose({}).values():
        image, _, tag = service.image.partition(":")
        if image == "chuncha":
            continue
        package = package_version(image)
        assert package == tag or (image == "postgres" and package.startswith(f"{tag}.")), (
            f"{service.image}, but {IMAGES[image]} {package}"
        )


def test_the_door_is_tls_and_what_stands_behind_it_asks_for_secrets(stack: Stack) -> None:
    answer = stack.outside.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert "max-age" in answer.headers["strict-transport-security"]
    assert stack.outside.get("/metrics").status_code == 404, "figures are for whoever watches from inside"
    (door,) = stack.engine.containers["proxy"]
    plain = httpx.get(f"http://{door.address}:8080/tickets", headers={"Host": "localhost"})
    assert (plain.status_code, plain.headers["location"]) == (308, "https://localhost/tickets")
    assert stack.outside.get("/readyz").json() == {"ready": True, "reasons": []}

    assert httpx.get(f"{stack.scheduler.base_url}/admin/version").status_code == 401
    assert stack.scheduler.get("/admin/version").json() == version("prefect")
    until(lambda: stack.workers_online() == 2, "the scheduler has heard of two workers", seconds=START)

    store, data = stack.store(SECRETS["files_secret"]), photo(size=(900, 600))
    assert not store.exists(sha256_of(data))
    assert store.get(store.put(data)) == data
    assert (sha256_of(data), len(data)) in list(store.everything())
    assert store.derived(sha256_of(data), "thumb")[:2] == b"\xff\xd8"
    sender = uuid4()
    store.put_part("a" * 64, sender, 0, b"hello, ")
    store.put_part("a" * 64, sender, 7, b"world")
    assert store.join("a" * 64, sender, [(0, 7), (7, 12)]) == b"hello, world"
    store.drop_parts("a" * 64, sender, [(0, 7), (7, 12), (7, 12)])
    with pytest.raises(FileNotFoundError):
        store.get("0" * 64)
    with pytest.raises(StoreUnreachable):
        stack.store("guessed").exists(sha256_of(data))


def test_a_web_process_that_dies_is_passed_over(stack: Stack) -> None:
    first, _ = stack.engine.containers["web"]
    stack.engine.kill(first)
    answers = [stack.outside.get("/healthz").status_code for _ in range(20)]
    assert answers == [200] * 20
    stack.engine.start(first)


def test_a_worker_told_to_end_finishes_the_sweep_it_is_at(stack: Stack) -> None:
    late = set(many_assigned(stack.world, 4 * LATE))
    stack.log_in("zhaozhuren")
    request = stack.ask("sweep-deadlines")
    until(lambda: len(stack.steps(late)) > 0, lambda: stack.story(request), seconds=TURN)
    # A scheduled sweep may have come first: then it is the one that is meant.
    run, *_ = stack.sweeps_at_work()
    told_to_end = stack.at_work_on((run.request_id and run.id) or run.flow)
    assert told_to_end is not None, "it was over before anybody was told"
    with stack.database.reading() as session:
        assert session.get_one(FlowRun, run.id).finished_at is None, "it was over before anybody was told"
    stack.engine.stop(told_to_end)
    with stack.database.reading() as session:
        ended = session.get_one(FlowRun, run.id)
    assert (ended.finished_at is not None, ended.error) == (True, None), stack.story(request)
    assert ended.outcome["matters"] >= LATE, "it did what it had begun"
    assert told_to_end.process is not None
    assert told_to_end.process.returncode == 0, "of itself, within its grace"
    # The new release comes to its place, and nothing is left over or done twice.
    stack.engine.start(told_to_end)
    stack.wait_for(request)
    steps = stack.steps(late)
    assert len(steps) == 4 * LATE
    assert len(set(steps.values())) == 1, "every ticket the same steps"
    stack.engine.until_healthy(told_to_end)


def test_a_campaign_is_played_while_its_workers_are_replaced(stack: Stack) -> None:
    call, world = stack.call, stack.world
    first, second = stack.workers()
    number, shot = _found_and_assigned(stack)

    # The sweep's worker loses its power in the middle of it; the other does the rest.
    late = set(many_assigned(world, LATE))
    stack.log_in("zhaozhuren")
    pinged = len(stack.listener.heard)
    request = stack.ask("sweep-deadlines")
    until(lambda: len(stack.steps(late)) > 0, lambda: stack.story(request), seconds=TURN)
    with world.database.reading() as session:
        run = session.scalars(select(FlowRun).where(FlowRun.request_id == request)).first()
    # A scheduled sweep may have come first: then whoever does the work is at work on that.
    struck = (stack.at_work_on(run.id) if run is not None else None) or first
    stack.engine.kill(struck)
    stack.engine.start(struck)  # the new release comes to it meanwhile
    stack.wait_for(request)
    steps = stack.steps(late)
    assert len(steps) == LATE
    assert len(set(steps.values())) == 1, "every ticket the same steps"
    with world.database.reading() as session:
        told = session.execute(
            select(Notice.ticket_id, func.count())
            .where(Notice.kind.in_(["remind", "escalate"]), Notice.ticket_id.in_(steps))
            .group_by(Notice.ticket_id)
        ).all()
    assert len({count for _, count in told}) == 1, "everybody told once of each"
    assert sweep_all(world.database, as_of=datetime.now(UTC), dry_run=True).told == 0
    until(lambda: len(stack.listener.heard) > pinged, "whoever waits for the sweep was called", seconds=START)
    # The scheduler is shown what was done a moment after it is done.
    table = "/artifacts/sweep-deadlines/latest"
    until(lambda: stack.scheduler.get(table).is_success, "the sweep's table is left", seconds=START)

    # Then the other is told to end, and what comes next is done by the new one.
    other = second if struck is first else first
    stack.engine.until_healthy(struck)
    stack.engine.stop(other)

    call("POST", f"/tickets/{number}/acknowledge", by="wangjianguo", json={})
    call("POST", f"/tickets/{number}/fix", by="wangjianguo", json={"note": "已更换密封垫并补油", "files": []})
    verified = {"passed": True, "opinion": "现场复查合格", "files": []}
    assert call("POST", f"/tickets/{number}/verify", by="limin", json=verified)["state"] == "verified"
    photo_seen = stack.outside.get(f"/api/v1/files/{sha256_of(shot)}", headers=world.bearer("limin"))
    assert photo_seen.content == shot, "from the store, through any web process"
    call("POST", "/campaigns/SP1/zero-reports", by="shisuozhang", json={"unit": "SQ02"})
    for event in ("rectify", "recheck", "summarise"):
        call("POST", f"/campaigns/SP1/{event}", by="zhaozhuren", json={})
    asked = [stack.ask("publish-summaries"), stack.ask("deliver-notices")]
    for each in asked:
        stack.wait_for(each)
    assert any(message["To"] == "wangjianguo@example.org" for message in stack.mail.messages)
    paper = stack.outside.get("/api/v1/campaigns/SP1/summary.docx", headers=world.bearer("zhaozhuren"))
    assert (paper.status_code, paper.content[:2]) == (200, b"PK")
    link = "/artifacts/summary-sp1/latest"
    until(lambda: stack.scheduler.get(link).is_success, "the link to the summary is left", seconds=START)
    assert "https://localhost/campaigns/SP1/summary" in stack.scheduler.get(link).json()["data"]


def _found_and_assigned(stack: Stack) -> tuple[str, bytes]:
    """A campaign begun, a finding with a photo through the door, assigned; its number and the photo."""
    call, today = stack.call, datetime.now(UTC).date()
    days = [(today + timedelta(days=n)).isoformat() for n in range(10)]
    phases = ("mobilised", "inspecting", "rectifying", "rechecking", "summarised")
    campaign = {
        "code": "SP1",
        "name": "春查",
        "kind": "春查",
        "unit": "XB",
        "units": ["LL01", "SQ02"],
        "phases": {phase: {"from": days[n], "to": days[n]} for n, phase in enumerate(phases)},
    }
    call("POST", "/campaigns", by="zhaozhuren", json=campaign)
    held = {"notice_number": "工劳监〔2026〕12号", "held_on": days[0], "attendance": 63}
    call("POST", "/campaigns/SP1/mobilise", by="zhaozhuren", json=held)
    call("POST", "/campaigns/SP1/inspect", by="zhaozhuren", json={})
    shot = photo(size=(1200, 900))
    finding = {
        "campaign": "SP1",
        "unit": "LL01",
        "description": "27# 变台变压器渗漏油",
        "level": "general",
        "category": "生产设备/变压器台区",
        "source": "inspection",
        "files": [{"name": "1.jpg", "sha256": sha256_of(shot), "size": len(shot)}],
    }
    number = call("POST", "/findings", by="limin", json=finding)["number"]
    call("PUT", f"/files/{sha256_of(shot)}", by="limin", content=shot)
    three_fixed = {"assignee": "wangjianguo", "duty": "负责停电处理", "measure": "停电更换密封垫"}
    call("POST", f"/tickets/{number}/assign", by="zhaozhuren", json=three_fixed)
    return number, shot
