"""Browser code comes from npm by a lock without addresses, and is bundled at set-up."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from forms.field_day import SHELL
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


def test_the_finding_form_is_light_enough_for_a_bad_line(browser_of):
    browser = browser_of("limin")
    form = browser.get("/findings/new")
    named = set(re.findall(r'(?:src|href)="(/static/[^"#]+)', form.text))
    chunks = {
        f"/static/built/chunks/{path.name}"
        for path in (HOUSE / "forms/static/built/chunks").glob("*.js")
        if not path.name.startswith("charts-")  # loaded by the board alone
    }
    weight = len(form.content) + sum(_on_the_line(browser.client, url) for url in named | chunks)
    assert len(named) > 4
    assert weight <= 120 * 1024, f"{weight / 1024:.0f} KB"


def _on_the_line(client, url):
    """Bytes as they travel, compressed."""
    with client.stream("GET", url, headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.status_code == 200, url
        return sum(len(part) for part in answer.iter_raw())


def test_every_page_of_the_day_has_its_looks_and_its_code_on_the_phone(browser_of):
    browser = browser_of("limin")
    kept = set(re.findall(r'"(/static/[^"]+)"', browser.get("/service-worker.js").text))
    for path in SHELL:
        named = set(
            re.findall(r'(?:src|href)="(/static/[^"#]+\.(?:css|js|svg)[^"#]*)', browser.get(path).text)
        )
        assert named <= kept, path


def test_a_missing_build_says_what_to_run():
    with pytest.raises(NotBuilt, match="run: make setup"):
        static("built/not-there.js")
