"""One table says who may call what: every route is in it, every entry is a route, and the gate keeps to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient
from httpx import Response
from starlette.routing import Mount

from chuncha.access_table import ACCESS, PUBLIC_MOUNTS, Rule
from chuncha.app import create_app
from chuncha.gate import FORM_MAX_FILES, JSON_MAX_BYTES
from domain.access import sign_in
from domain.file_store import FileStore
from domain.people import NewPerson, add_person
from domain.rights import RIGHTS, Deed
from domain.settings import Settings
from forms.session import SESSION_COOKIE
from statemachines.roles import SYSTEM, Role
from tests.world import World

PLACES = {
    "number": "CC2026-LL01-0001",
    "id": "019d4a00-0000-7000-8000-000000000000",
    "sha256": "0" * 64,
    "code": "CC2026",
}


@pytest.fixture(scope="module")
def app(world_copy: World, tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    folder: Path = tmp_path_factory.mktemp("installation")
    files = FileStore.in_folder(folder / "files", max_bytes=2048)
    settings = Settings(data=folder, file_max_bytes=2048)
    return create_app(settings, database=world_copy.database, files=files, clock=lambda: world_copy.now)


@pytest.fixture(scope="module")
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, follow_redirects=False, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="module")
def ways_in(world_copy: World) -> dict[Role, tuple[str, str]]:
    """For each role somebody who holds only this one: their bearer token and the secret of their cookie."""
    ways = {}
    for role in Role:
        login = f"only-{role.value}"
        body = {
            "login": login,
            "name": role.zh,
            "unit": "XB",
            "roles": [role],
            "password": f"{login}-chuncha",
        }
        with world_copy.database.transaction() as session:
            add_person(session, NewPerson.model_validate(body), actor=SYSTEM, now=world_copy.now)
        with world_copy.database.transaction() as session:
            ways[role] = (
                world_copy.token(login),
                sign_in(session, login, f"{login}-chuncha", now=world_copy.now).secret,
            )
    return ways


def routes(app: FastAPI) -> set[tuple[str, str]]:
    """Every method and path of the application, the routers within routers included."""
    return {
        (method, route.path or "")
        for route in iter_route_contexts(app.router.routes)
        for method in (route.methods or ())
    }


def mounts(app: FastAPI) -> set[str]:
    return {
        route.path or ""
        for route in iter_route_contexts(app.router.routes)
        if isinstance(getattr(route, "original_route", route), Mount) or route.methods is None
    }


def address(path: str) -> str:
    return re.sub(r"{(\w+)}", lambda place: PLACES.get(place[1], "something"), path)


def guarded(*, page: bool, roles: bool = False) -> list[tuple[str, str]]:
    return [
        call
        for call, rule in ACCESS.items()
        if not rule.public and rule.page is page and (rule.roles or not roles)
    ]


def call(client: TestClient, method: str, path: str, **said: object) -> Response:
    client.cookies.clear()
    return client.request(method, address(path), **said)  # type: ignore[arg-type]


def test_every_route_is_in_the_table(app):
    assert routes(app) - set(ACCESS) == set(), "these routes say nowhere who may call them"


def test_every_entry_of_the_table_is_a_route(app):
    assert set(ACCESS) - routes(app) == set(), "these entries guard nothing"


def test_only_static_files_are_mounted(app):
    assert mounts(app) == set(PUBLIC_MOUNTS)


def test_what_is_public_is_decided_here_and_nowhere_else():
    """Whoever opens another address to everybody changes this list too, and is asked why."""
    assert {path for (_, path), rule in ACCESS.items() if rule.public} == {
        "/login",
        "/language/{lang}",
        "/problems/{code}",
        "/healthz",
        "/readyz",
        "/metrics",
        "/openapi.json",
        "/docs",
        "/docs/oauth2-redirect",
        # A calendar program cannot log in; the secret in the address is the key, and it can be revoked.
        "/calendar/{secret}.ics",
        # The shell of the app says nothing about anybody, and a phone asks for it before and after a login.
        "/manifest.webmanifest",
        "/service-worker.js",
        "/offline",
        # Any worker may report, by name or not (安全生产法 Art. 59, 74); the reply code is the key to the outcome.
        "/p/{code}",
        "/p/{code}/report",
        "/r",
        "/r/{code}",
    }


def test_a_route_added_without_an_entry_cannot_be_called_by_anybody(app, world_copy, ways_in):
    other = create_app(
        app.state.settings, database=world_copy.database, files=app.state.files, clock=lambda: world_copy.now
    )
    reached = []
    other.add_api_route("/api/v1/forgotten", lambda: reached.append(1), methods=["GET"])
    token, _ = ways_in[Role.ADMINISTRATOR]
    with TestClient(other) as client:
        for headers in ({}, {"Authorization": f"Bearer {token}"}):
            answer = client.get("/api/v1/forgotten", headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (403, "route-not-listed")
    assert reached == []


@pytest.mark.parametrize(("method", "path"), guarded(page=False))
@pytest.mark.parametrize("authorization", [None, "Bearer cc_nonsense", "Basic YTpi"])
def test_a_call_without_a_valid_token_is_answered_401(client, method, path, authorization):
    answer = call(client, method, path, headers={"Authorization": authorization} if authorization else {})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    if method != "HEAD":
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "unauthenticated"


@pytest.mark.parametrize(("method", "path"), guarded(page=True))
def test_a_page_sends_a_stranger_to_the_login(client, method, path):
    answer = call(client, method, path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login")


@pytest.mark.parametrize(("method", "path"), guarded(page=False))
def test_a_cookie_is_no_token(client, ways_in, method, path):
    """Otherwise a form of another site could call in the name of whoever is signed in."""
    _, secret = ways_in[Role.ADMINISTRATOR]
    assert call(client, method, path, headers={"Cookie": f"{SESSION_COOKIE}={secret}"}).status_code == 401


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize(("method", "path"), guarded(page=False, roles=True))
def test_a_call_turns_away_every_role_that_is_not_listed(client, ways_in, method, path, role):
    token, _ = ways_in[role]
    answer = call(client, method, path, headers={"Authorization": f"Bearer {token}"}, json={})
    if role in ACCESS[method, path].roles:
        assert answer.status_code != 401
        assert not (answer.status_code == 403 and answer.json()["code"] == "role-missing")
    else:
        assert (answer.status_code, answer.json()["code"]) == (403, "role-missing")


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize(("method", "path"), guarded(page=True, roles=True))
def test_a_page_turns_away_every_role_that_is_not_listed(client, ways_in, method, path, role):
    _, secret = ways_in[role]
    answer = call(client, method, path, headers={"Cookie": f"{SESSION_COOKIE}={secret}"})
    if role in ACCESS[method, path].roles and method == "GET":
        # Nothing is called by the made-up name in a path; who may come in is told that, not turned away.
        assert answer.status_code in ((200, 404) if "{" in path else (200,))
        return
    # Who may come in is stopped a step later: this form carries no token.
    words = "表单已失效" if role in ACCESS[method, path].roles else "无此权限"
    assert answer.status_code == 403
    assert words in answer.text


@pytest.mark.parametrize(
    ("method", "path", "deed"),
    [
        ("POST", "/api/v1/campaigns", Deed.CREATE_CAMPAIGN),
        ("POST", "/api/v1/campaigns/{code}/zero-reports", Deed.ZERO_REPORT),
        ("POST", "/campaigns/{code}/zero_report", Deed.ZERO_REPORT),
        ("POST", "/api/v1/campaigns/{code}/quantities", Deed.RECORD_QUANTITIES),
        ("POST", "/campaigns/{code}/quantities", Deed.RECORD_QUANTITIES),
        ("POST", "/api/v1/campaigns/{code}/summary", Deed.REQUEST_SUMMARY),
        ("POST", "/campaigns/{code}/summary", Deed.REQUEST_SUMMARY),
        ("POST", "/api/v1/inspections", Deed.PLAN_INSPECTION),
        ("POST", "/inspections", Deed.PLAN_INSPECTION),
        ("POST", "/api/v1/tools", Deed.REGISTER_TOOL),
        ("POST", "/api/v1/tools/{number}/tests", Deed.TEST_TOOL),
    ],
)
def test_the_gate_lets_in_exactly_those_whom_the_command_will_not_turn_away(method, path, deed):
    assert ACCESS[method, path].roles == set(RIGHTS[deed])


def test_one_time_passwords_open_no_page_but_the_one_to_change_them(client, world_copy):
    body = {
        "login": "neuling",
        "name": "新人",
        "unit": "XB",
        "roles": ["supervisor"],
        "password": "one-time-only",
    }
    with world_copy.database.transaction() as session:
        add_person(
            session, NewPerson.model_validate(body), actor=SYSTEM, now=world_copy.now
        ).password_is_one_time = True
    with world_copy.database.transaction() as session:
        secret = sign_in(session, "neuling", "one-time-only", now=world_copy.now).secret
    here = {"Cookie": f"{SESSION_COOKIE}={secret}"}
    for method, path in guarded(page=True):
        if path in {"/password", "/logout"} or method != "GET":
            continue
        if (roles := ACCESS[method, path].roles) and Role.SUPERVISOR not in roles:
            continue  # not theirs with any password
        answer = call(client, method, path, headers=here)
        # After the change the page that was asked for is shown.
        assert answer.status_code == 303, path
        assert answer.headers["location"].partition("?")[0] == "/password", path
    assert call(client, "GET", "/password", headers=here).status_code == 200


class TestBodies:
    def send(self, client, ways_in, method, path, **said):
        token, _ = ways_in[Role.INSPECTOR]
        headers = {"Authorization": f"Bearer {token}", **said.pop("headers", {})}
        return call(client, method, path, headers=headers, **said)

    def test_a_body_that_says_it_is_too_long_is_not_read(self, client, ways_in):
        answer = self.send(client, ways_in, "POST", "/api/v1/findings", content=b"x" * (JSON_MAX_BYTES + 1))
        assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")
        assert str(JSON_MAX_BYTES) in answer.json()["detail"]

    def test_a_body_without_a_length_is_counted_as_it_comes(self, client, ways_in):
        pieces = (b"x" * 65536 for _ in range(JSON_MAX_BYTES // 65536 + 1))
        answer = self.send(client, ways_in, "POST", "/api/v1/findings", content=pieces)
        assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")

    def test_a_file_may_be_as_large_as_the_installation_says(self, client, ways_in, app):
        largest = app.state.settings.file_max_bytes
        answer = self.send(client, ways_in, "PUT", "/api/v1/files/{sha256}", content=b"x" * (largest + 2))
        assert answer.status_code == 413
        answer = self.send(client, ways_in, "PUT", "/api/v1/files/{sha256}", content=b"x" * largest)
        assert answer.status_code != 413

    def test_a_form_has_room_for_its_photos_and_no_more(self, client, ways_in, app):
        _, secret = ways_in[Role.INSPECTOR]
        most = FORM_MAX_FILES * app.state.settings.file_max_bytes
        answer = call(
            client,
            "POST",
            "/findings/new",
            headers={
                "Cookie": f"{SESSION_COOKIE}={secret}",
                "Content-Type": "multipart/form-data; boundary=b",
            },
            content=b"x" * (most + 1),
        )
        assert answer.status_code == 413

    def test_who_may_not_come_in_is_told_so_before_the_body_is_read(self, client):
        read = []

        def body():
            read.append(1)
            yield b"{}"

        answer = call(client, "POST", "/api/v1/findings", content=body())
        assert answer.status_code == 401


def test_an_unknown_address_and_a_wrong_method_are_answered_as_such(client):
    assert call(client, "GET", "/api/v1/nothing").status_code == 404
    assert call(client, "DELETE", "/api/v1/tickets").status_code == 405
    assert call(client, "GET", "/nothing").status_code == 404


def test_a_rule_asks_for_one_thing():
    for (method, path), rule in ACCESS.items():
        assert not (rule.public and (rule.roles or rule.by_chart)), (method, path)
        assert not (rule.by_chart and rule.roles), (method, path)
    assert Rule() == Rule(roles=frozenset())
