"""The documentation says what the code does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent
PAGES = [*HOUSE.glob("*.md"), *HOUSE.glob("docs/**/*.md")]


def test_the_charts_in_the_documentation_are_current():
    done = subprocess.run([sys.executable, "docs/generate.py", "--check"], cwd=HOUSE, check=False)
    assert done.returncode == 0, "run: .venv/bin/python docs/generate.py"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(HOUSE)))
def test_every_local_link_leads_somewhere(page: Path):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(HOUSE)))
def test_every_file_named_in_the_documentation_exists(page: Path):
    rooms = r"(?:statemachines|domain|papers|api|forms|flows|chuncha|tests|bench|docs|features)"
    for name in re.findall(rf"`({rooms}/[\w./-]+\.\w+)`", page.read_text(encoding="utf-8")):
        assert (HOUSE / name).exists(), f"{page.name} names {name}"


def test_every_command_in_the_readme_is_known():
    known = subprocess.run(
        [sys.executable, "-m", "chuncha", "--help"], cwd=HOUSE, check=True, capture_output=True, text=True
    ).stdout
    for command in set(
        re.findall(r"\bchuncha ([a-z]+)\b", (HOUSE / "README.md").read_text(encoding="utf-8"))
    ):
        assert command in known, f"the README names `chuncha {command}`"
