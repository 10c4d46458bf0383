"""docker-compose.yml, run as processes: a campaign is played on it, and what it runs on is killed meanwhile."""

from __future__ import annotations

import json
import shutil
import ssl
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import URL, func, select

from domain.database import Database
from domain.escalation import sweep_all
from domain.file_store import FileStore, StoreUnreachable, sha256_of
from domain.flow_requests import NewRun, ask
from domain.records import FlowRequest, FlowRun, Notice, StepRecord, Ticket
from domain.settings import Settings
from tests.forms.conftest import TOKEN, text_of
from tests.mail_server import MailServer
from tests.many import many_assigned
from tests.photos import photo
from tests.spread.compose import read_compose
from tests.spread.engine import IMAGES, Container, Engine, package_version, programs_of_the_images, until
from tests.spread.listener import Listener
from tests.world import World, build_world

pytestmark = [pytest.mark.prefect, pytest.mark.slow, pytest.mark.timeout(1500)]

SECRETS = {
    # With the signs that break an address, a shell line or a header when somebody forgets to quote them.
    "database_password": "p@ss/w:o?r%d $x'\"& 密",
    "files_secret": "s3/cret+with=signs&more",
    "prefect_auth": "watcher:kan%-$dao",
}


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
        """Ask for a run as a supervisor does."""
        with self.database.transaction() as session:
            new = NewRun(flow=flow)
            return ask(session, new, actor=self.world.actor("zhaozhuren"), now=datetime.now(UTC)).id

    def request(self, key: UUID) -> FlowRequest:
        with self.database.reading() as session:
            return session.get_one(FlowRequest, key)

    def run_to_its_end(self, flow: str) -> None:
        """Ask for a run and wait for its good end."""
        self.wait_for(self.ask(flow))

    def wait_for(self, key: UUID) -> None:
        until(lambda: self.request(key).ended_at is not None, 240, lambda: self.story(key))
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
        read_compose({}),
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
    until(authority.exists, 30, lambda: "the proxy has made its authority")
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


def test_the_door_is_tls_and_says_so(stack: Stack) -> None:
    answer = stack.outside.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert "max-age" in answer.headers["strict-transport-security"]
    assert stack.outside.get("/metrics").status_code == 404, "figures are for whoever watches from inside"
    (door,) = stack.engine.containers["proxy"]
    plain = httpx.get(f"http://{door.address}:8080/tickets", headers={"Host": "localhost"})
    assert (plain.status_code, plain.headers["location"]) == (308, "https://localhost/tickets")
    assert stack.outside.get("/readyz").json() == {"ready": True, "reasons": []}


def test_the_scheduler_lets_nobody_in_without_its_secret(stack: Stack) -> None:
    assert httpx.get(f"{stack.scheduler.base_url}/admin/version").status_code == 401
    assert stack.scheduler.get("/admin/version").json() == "3.8.8"
    workers = stack.scheduler.post("/work_pools/chuncha/workers/filter", json={}).json()
    assert len([each for each in workers if each["status"] == "ONLINE"]) == 2


def test_files_lie_in_the_store_under_their_hash(stack: Stack) -> None:
    (at,) = (each.address for each in stack.engine.containers["store"])
    told = {
        "files_url": "s3://chuncha/files",
        "files_endpoint": f"http://{at}:8333",
        "files_key_id": "chuncha",
    }
    store = FileStore.open(Settings(**told, files_secret=SECRETS["files_secret"]))
    data = photo(size=(900, 600))
    assert not store.exists(sha256_of(data))
    assert store.get(store.put(data)) == data
    assert store.put(data) == sha256_of(data)
    assert (sha256_of(data), len(data)) in list(store.everything())
    assert store.derived(sha256_of(data), "thumb")[:2] == b"\xff\xd8"
    sender = uuid4()
    store.put_part("a" * 64, sender, 0, b"hello, ")
    store.put_part("a" * 64, sender, 7, b"world")
    assert store.join("a" * 64, sender, [(0, 7), (7, 12)]) == b"hello, world"
    store.drop_parts("a" * 64, sender, [(0, 7), (7, 12), (7, 12)])
    with pytest.raises(FileNotFoundError):
        store.get("0" * 64)
    stranger = FileStore.open(Settings(**told, files_secret="guessed"))
    with pytest.raises(StoreUnreachable):
        stranger.exists(sha256_of(data))


def test_a_campaign_is_played_on_it(stack: Stack) -> None:
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

    data = photo(size=(1200, 900))
    finding = {
        "campaign": "SP1",
        "unit": "LL01",
        "description": "27# 变台变压器渗漏油",
        "level": "general",
        "category": "生产设备/变压器台区",
        "source": "inspection",
        "files": [{"name": "1.jpg", "sha256": sha256_of(data), "size": len(data)}],
    }
    number = call("POST", "/findings", by="limin", json=finding)["number"]
    call("PUT", f"/files/{sha256_of(data)}", by="limin", content=data)
    three_fixed = {"assignee": "wangjianguo", "duty": "负责停电处理", "measure": "停电更换密封垫"}
    call("POST", f"/tickets/{number}/assign", by="zhaozhuren", json=three_fixed)
    stack.run_to_its_end("deliver-notices")
    assert [m["To"] for m in stack.mail.messages].count("wangjianguo@example.org") == 1

    call("POST", f"/tickets/{number}/acknowledge", by="wangjianguo", json={})
    call("POST", f"/tickets/{number}/fix", by="wangjianguo", json={"note": "已更换密封垫并补油", "files": []})
    verified = {"passed": True, "opinion": "现场复查合格", "files": []}
    assert call("POST", f"/tickets/{number}/verify", by="limin", json=verified)["state"] == "verified"
    photo_seen = stack.outside.get(f"/api/v1/files/{sha256_of(data)}", headers=stack.world.bearer("limin"))
    assert photo_seen.content == data, "from the store, through any web process"

    call("POST", "/campaigns/SP1/zero-reports", by="shisuozhang", json={"unit": "SQ02"})
    for event in ("rectify", "recheck", "summarise"):
        call("POST", f"/campaigns/SP1/{event}", by="zhaozhuren", json={})
    stack.run_to_its_end("publish-summaries")
    paper = stack.outside.get("/api/v1/campaigns/SP1/summary.docx", headers=stack.world.bearer("zhaozhuren"))
    assert (paper.status_code, paper.content[:2]) == (200, b"PK")
    until(
        lambda: stack.scheduler.get("/artifacts/summary-sp1/latest").is_success,
        60,
        lambda: "the link is left",
    )
    link = stack.scheduler.get("/artifacts/summary-sp1/latest").json()
    assert "https://localhost/campaigns/SP1/summary" in link["data"]


def test_a_supervisor_runs_a_sweep_from_the_page(stack: Stack) -> None:
    world = stack.world
    overdue = world.acknowledged()
    page = stack.outside.get("/login")
    stack.outside.cookies.update(page.cookies)
    told = {"login": "zhaozhuren", "password": "zhaozhuren-chuncha", "csrf": TOKEN.search(page.text)[1]}  # type: ignore[index]
    assert stack.outside.post("/login", data=told).status_code == 303
    page = stack.outside.get("/flows")
    csrf = {"csrf": TOKEN.search(page.text)[1]}  # type: ignore[index]
    pinged = len(stack.listener.heard)
    answer = stack.outside.post("/flows/sweep-deadlines/run", data=csrf)
    assert (answer.status_code, answer.headers["location"]) == (303, "/flows?done=run_asked")

    def done() -> bool:
        return "要求人 赵主任" in text_of(stack.outside.get("/flows?flow=sweep-deadlines"))

    until(done, 240, lambda: text_of(stack.outside.get("/flows")))
    until(lambda: len(stack.listener.heard) > pinged, 60, lambda: "whoever waits for the sweep was called")
    # Left a moment after the run was noted as ended, by this sweep or by the scheduled one that came first.
    tables = {"artifacts": {"key": {"any_": ["sweep-deadlines"]}}}

    def shown() -> bool:
        found = stack.scheduler.post("/artifacts/filter", json=tables).json()
        return any(overdue.number in json.dumps(each["data"]) for each in found)

    until(shown, 60, lambda: stack.scheduler.post("/artifacts/filter", json=tables).text)


def test_a_web_process_that_dies_is_passed_over(stack: Stack) -> None:
    first, _ = stack.engine.containers["web"]
    stack.engine.kill(first)
    answers = [stack.outside.get("/healthz").status_code for _ in range(20)]
    assert answers == [200] * 20
    stack.engine.start(first)
    stack.engine.until_healthy(first)


@pytest.mark.parametrize("how", ["told to end", "killed"])
def test_workers_restarted_for_a_new_release_in_the_middle_of_a_sweep_do_each_step_once(
    stack: Stack, how: str
) -> None:
    world, tickets = stack.world, 2000
    sweep_all(world.database, as_of=datetime.now(UTC))
    numbers = set(many_assigned(world, tickets))
    request = stack.ask("sweep-deadlines")

    def begun() -> bool:
        with world.database.reading() as session:
            return len(_steps(session, numbers)) > 0

    until(begun, 240, lambda: stack.story(request))
    for worker in stack.workers():
        stack.engine.stop(worker) if how == "told to end" else stack.engine.kill(worker)
    with world.database.reading() as session:
        run = session.scalars(select(FlowRun).where(FlowRun.request_id == request)).one()
        swept = len(_steps(session, numbers))
    if how == "killed":
        assert run.finished_at is None, "it was killed at work"
        assert swept < tickets, "it was cut short"
    else:
        assert run.finished_at is not None, "it was let come to its end"
    for worker in stack.workers():
        stack.engine.start(worker)
    stack.wait_for(request)
    for worker in stack.workers():
        stack.engine.until_healthy(worker)
    with world.database.reading() as session:
        steps = _steps(session, numbers)
        told = session.execute(
            select(Notice.ticket_id, func.count())
            .where(Notice.kind.in_(["remind", "escalate"]), Notice.ticket_id.in_(steps))
            .group_by(Notice.ticket_id)
        ).all()
    assert len(steps) == tickets
    assert len(set(steps.values())) == 1, f"every ticket the same steps: {Counter(steps.values())}"
    assert len({count for _, count in told}) == 1, "everybody told once of each"
    assert sweep_all(world.database, as_of=datetime.now(UTC), dry_run=True).told == 0


def _steps(session: Any, numbers: set[str]) -> dict[UUID, tuple[str, ...]]:
    """The steps recorded for each of these tickets."""
    rows = session.execute(
        select(Ticket.id, StepRecord.step)
        .join(StepRecord, StepRecord.ticket_id == Ticket.id)
        .where(Ticket.number.in_(numbers))
        .order_by(Ticket.id, StepRecord.step)
    )
    found: dict[UUID, tuple[str, ...]] = {}
    for ticket, step in rows:
        found[ticket] = (*found.get(ticket, ()), step)
    return found
