"""Every call with data made up from its own schema, right and wrong: no 500, and no answer the schema does not know."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

import api
from chuncha.app import create_app
from domain import heartbeats, suggestions
from domain.file_store import FileStore
from domain.people import NewPerson, add_person
from domain.settings import Settings
from domain.suggestions import NewSuggestion
from statemachines.roles import SYSTEM, Role
from tests.photos import listed, photo
from tests.world import World

load_all_checks()

# Who may do what, and which facts belong together, no schema says: data right by the schema may still be refused.
HELD_TO = [
    CHECKS.get_one(name)
    for name in (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
        "response_headers_conformance",
        "negative_data_rejection",
    )
]

#: Examples per call: right ones, and wrong ones.
EXAMPLES = {GenerationMode.POSITIVE: 24, GenerationMode.NEGATIVE: 14}


def _calls() -> list[tuple[str, str, GenerationMode]]:
    """Every call; in both modes unless there is nothing one could say wrong."""
    app = FastAPI()
    app.include_router(api.router)
    api.install(app)
    return [
        (method, path, mode)
        for path, methods in app.openapi()["paths"].items()
        for method, call in methods.items()
        for mode in EXAMPLES
        if mode is GenerationMode.POSITIVE or call.get("parameters")
    ]


CALLS = _calls()


@pytest.fixture(scope="module")
def schema(world_copy: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The schema of an application in which there is something to find, called by somebody who may do everything."""
    folder: Path = tmp_path_factory.mktemp("schemathesis")
    world = world_copy
    app = create_app(
        Settings(data=folder),
        database=world.database,
        files=FileStore.in_folder(folder / "files", max_bytes=100_000),
        clock=lambda: world.now,
    )
    found = schemathesis.openapi.from_asgi("/openapi.json", app)
    found.config.update(headers=_everybody(world))
    return found


def _everybody(world: World) -> dict[str, str]:
    with world.database.transaction() as session:
        new = NewPerson(login="quanneng", name="全能", unit="XB", roles=list(Role))
        add_person(session, new, actor=SYSTEM, now=world.now)
    return world.bearer("quanneng")


@pytest.fixture(scope="module")
def known(world_copy: World) -> dict[str, Any]:
    """Values that exist, put in place of made-up ones in half of the right examples."""
    world = world_copy
    number = world.find(files=[listed(photo())]).number
    with world.database.transaction() as session:
        new = NewSuggestion(text="增配绝缘手套", addressee="zhengju", unit="LL01")
        made = suggestions.make(session, new, actor=world.actor("limin"), now=world.now).number
    return {
        "number": number,
        "suggestion": made,
        "addressee": "zhengju",
        "substitute": "zhengju",
        "code": "CC2026",
        "campaign": "CC2026",
        "unit": "LL01",
        "assignee": "wangjianguo",
        "sha256": listed(photo())["sha256"],
        "due": (world.now + timedelta(days=5)).isoformat(),
        "found_at": world.now.isoformat(),
    }


@pytest.fixture
def on_time(world_copy: World) -> None:
    """Every flow has just ended: a service that is not ready says 503, rightly, and this file may take minutes."""
    with world_copy.database.transaction() as session:
        for flow in heartbeats.LONGEST_SILENCE:
            heartbeats.begin(session, flow, now=datetime.now(UTC))
            heartbeats.finish(session, flow, {}, now=datetime.now(UTC))


def _settle(case: Case, known: dict[str, Any]) -> None:
    for name in set(case.path_parameters or {}) & known.keys():
        if case.path.startswith("/api/v1/suggestions"):
            case.path_parameters[name] = known["suggestion"]
        elif not case.path.startswith("/api/v1/tools"):
            case.path_parameters[name] = known[name]
    for said in case.body if isinstance(case.body, list) else [case.body]:
        if isinstance(said, dict):
            said.update({name: known[name] for name in said.keys() & known.keys() - {"number", "code"}})


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("method", "path", "mode"), CALLS, ids=[f"{m} {p} {mode.value}" for m, p, mode in CALLS]
)
def test_a_call_keeps_to_its_schema(
    schema: Any,
    known: dict[str, Any],
    request: pytest.FixtureRequest,
    method: str,
    path: str,
    mode: GenerationMode,
) -> None:
    if path == "/readyz":
        request.getfixturevalue("on_time")
    operation = schema[path][method]

    @settings(
        max_examples=EXAMPLES[mode],
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), settled=st.booleans())
    def keeps(case: Case, settled: bool) -> None:
        if settled and mode is GenerationMode.POSITIVE:
            _settle(case, known)
        case.call_and_validate(checks=HELD_TO)

    keeps()
