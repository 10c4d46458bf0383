"""Reads docker-compose.yml as the engine would: anchors merged, variables filled in, every reference looked up."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

HOUSE = Path(__file__).parents[2]

KNOWN = {
    "build",
    "command",
    "configs",
    "depends_on",
    "deploy",
    "entrypoint",
    "environment",
    "healthcheck",
    "image",
    "init",
    "logging",
    "networks",
    "ports",
    "restart",
    "secrets",
    "shm_size",
    "stop_grace_period",
    "volumes",
}
"""What a service of ours may say; a word the engine does not know is an error there too."""

CONDITIONS = {"service_started", "service_healthy", "service_completed_successfully"}


@dataclass(frozen=True, slots=True)
class Check:
    """A health check: the command and how patient the engine is with it, seconds."""

    argv: list[str]
    patience: float


@dataclass(frozen=True, slots=True)
class Service:
    """One service with everything it refers to."""

    name: str
    image: str
    networks: list[str]
    entrypoint: list[str]
    command: list[str]
    environment: dict[str, str]
    secrets: list[str]
    configs: dict[str, str]
    """Path in the container → content."""
    volumes: list[str]
    """Paths in the container that outlive it."""
    depends_on: dict[str, str]
    check: Check | None
    replicas: int
    once: bool
    grace: float


def read_compose(
    variables: Mapping[str, str], path: Path = HOUSE / "docker-compose.yml"
) -> dict[str, Service]:
    """Every service by name. Raises AssertionError or KeyError for what the engine would refuse."""
    said = _filled(yaml.safe_load(path.read_text(encoding="utf-8")), variables)
    assert set(said) <= {"name", "services", "networks", "volumes", "configs", "secrets"} | {
        key for key in said if key.startswith("x-")
    }
    return {name: _service(name, each, said) for name, each in said["services"].items()}


def _service(name: str, said: dict[str, Any], whole: dict[str, Any]) -> Service:
    assert set(said) <= KNOWN, f"{name}: unknown {set(said) - KNOWN}"
    for network in said["networks"]:
        assert network in whole["networks"], f"{name}: no network {network}"
    for other, how in said.get("depends_on", {}).items():
        assert other in whole["services"], f"{name}: no service {other}"
        assert how["condition"] in CONDITIONS
    for secret in said.get("secrets", []):
        assert whole["secrets"][secret]["file"] == f"secrets/{secret}"
    kept = [each.partition(":") for each in said.get("volumes", [])]
    for volume, _, _ in kept:
        assert volume in whole["volumes"], f"{name}: no volume {volume}"
    check = said.get("healthcheck")
    return Service(
        name,
        said["image"],
        said["networks"],
        said.get("entrypoint", []),
        said["command"],
        {key: _text(value) for key, value in said.get("environment", {}).items()},
        said.get("secrets", []),
        {each["target"]: _content(whole["configs"][each["source"]]) for each in said.get("configs", [])},
        [inside for _, _, inside in kept],
        {other: how["condition"] for other, how in said.get("depends_on", {}).items()},
        _check(check) if check else None,
        said.get("deploy", {}).get("replicas", 1),
        said["restart"] == "no",
        seconds(said.get("stop_grace_period", "10s")),
    )


def _content(config: dict[str, str]) -> str:
    return config["content"] if "content" in config else (HOUSE / config["file"]).read_text(encoding="utf-8")


def _check(said: dict[str, Any]) -> Check:
    kind, *argv = said["test"]
    assert kind == "CMD", "no shell is needed for any of ours"
    waited = seconds(said.get("start_period", "0s"))
    return Check(argv, waited + said["retries"] * (seconds(said["interval"]) + seconds(said["timeout"])))


def seconds(text: str) -> float:
    """A duration as the file writes it."""
    found = re.fullmatch(r"(\d+)(s|m)", text)
    assert found, f"not a duration: {text}"
    return int(found[1]) * {"s": 1, "m": 60}[found[2]]


def _text(value: object) -> str:
    assert isinstance(value, str | int), f"quote it: {value!r}"
    assert not isinstance(value, bool), f"quote it: {value!r}"
    return str(value)


def _filled(value: Any, variables: Mapping[str, str]) -> Any:
    """Variables put in, as the engine does: ${NAME:-otherwise}, and $$ for a dollar sign."""
    if isinstance(value, dict):
        return {key: _filled(each, variables) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, variables) for each in value]
    if not isinstance(value, str):
        return value

    def filled(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        assert found["name"], f"not understood: {found[0]} in {value}"
        return variables.get(found["name"]) or found["otherwise"]

    return re.sub(r"\$\$|\$\{(?P<name>\w+):-(?P<otherwise>[^}]*)\}|\$", filled, value)
