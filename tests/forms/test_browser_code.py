"""Browser code comes from npm by a lock without addresses, and is bundled at set-up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from forms.pages import NotBuilt, static

HOUSE = Path(__file__).parents[2]


def test_the_lock_names_every_package_with_its_hash_and_no_address():
    text = (HOUSE / "package-lock.json").read_text(encoding="utf-8")
    assert "://" not in text
    packages = json.loads(text)["packages"]
    assert len(packages) > 5
    assert all(package.get("integrity") for name, package in packages.items() if name)


def test_every_entry_point_is_built(app):
    built = [path.name for path in (HOUSE / "forms" / "static" / "built").glob("*.js")]
    assert "forms.js" in built, "run: make setup"
    with TestClient(app) as client:
        for name in built:
            answer = client.get(static(f"built/{name}"))
            assert answer.status_code == 200
            assert "immutable" in answer.headers["cache-control"]


def test_a_missing_build_says_what_to_run():
    with pytest.raises(NotBuilt, match="run: make setup"):
        static("built/not-there.js")
