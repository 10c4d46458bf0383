"""Shows it: a month of weekly checks in a kindergarten, played as a real process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from docx import Document
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from chuncha.demo.kindergarten.garden import Garden
from chuncha.demo.kindergarten.story import FRIDAYS, MISSED, write_story
from chuncha.installation import Installation, open_installation
from domain.figure_checks import check
from domain.history import history_of
from domain.records import Inspection, Summary
from domain.settings import read_settings
from statemachines.inspection import InspectionState

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@dataclass
class Played:
    """What one run left in its folder."""

    folder: Path

    @cached_property
    def text(self) -> str:
        paper = next((self.folder / "papers").glob("*.docx")).read_bytes()
        return "\n".join(paragraph.text for paragraph in Document(BytesIO(paper)).paragraphs)

    @cached_property
    def figures(self) -> dict[str, Any]:
        return json.loads((self.folder / "papers" / "summary.json").read_text())["figures"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Played]:
    """Two runs with the same seed, played side by side."""
    folders = [tmp_path_factory.mktemp("kindergarten") / "data" for _ in range(2)]
    command = Path(sys.executable).parent / "chuncha"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CHUNCHA_")}
    processes = [
        subprocess.Popen(
            [command, "demo", "--sample", "kindergarten", "--no-serve", "--data", folder],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for folder in folders
    ]
    said = [process.communicate(timeout=1600)[0] for process in processes]
    for process, words in zip(processes, said, strict=True):
        assert process.returncode == 0, words
    return [Played(folder) for folder in folders]


@pytest.fixture(scope="module")
def played(runs: list[Played]) -> Played:
    return runs[0]


@pytest.fixture(scope="module")
def reopened(played: Played) -> Iterator[Installation]:
    """The installation the demo left behind, opened again."""
    with open_installation(read_settings(data=played.folder), own=True) as installation:
        yield installation


def test_every_friday_of_every_place_is_counted(played: Played) -> None:
    places = len(Garden().places)
    weekly, monthly, by_hand = played.figures["visits"]["by_rota"]
    assert (weekly["every"], monthly["every"], by_hand["every"]) == ("weekly", "monthly", None)
    assert weekly["counts"] == {
        "planned": places * len(FRIDAYS),
        "done": places * len(FRIDAYS) - 1,
        "late": 1,
        "missed": 1,
        "made_up": 1,
        "open": 0,
        "overdue": 0,
    }
    assert (monthly["counts"]["planned"], monthly["counts"]["done"]) == (2, 2)
    assert (by_hand["counts"]["planned"], by_hand["counts"]["done"]) == (1, 1)


def test_the_missed_week_stands_in_the_summary_with_what_made_up_for_it(played: Played) -> None:
    assert (
        "（每周一次）应检36次，已检35次（其中晚于计划日完成1次），未检1次（已补检1次），完成率97.22%"
        in played.text
    )
    assert "中一班2026年3月13日的检查" in played.text
    assert "已于2026年3月19日补检" in played.text


def test_the_missed_visit_was_recorded_by_the_clock_and_stays(reopened: Installation) -> None:
    with reopened.database.reading() as session:
        query = select(Inspection).where(Inspection.state == InspectionState.MISSED)
        missed = session.scalars(query.options(joinedload(Inspection.unit))).one()
        events = [(row.event, row.actor_name) for row in history_of(session, missed)]
        again = session.scalars(select(Inspection).where(Inspection.instead_of_id == missed.id)).one()
    assert (missed.unit.code, missed.planned_on, again.planned_on) == MISSED
    assert events[0] == ("planned", "系统时钟")
    assert events[1:-1] == [("escalate", "系统时钟")] * 3, "催检三次"
    assert events[-1] == ("miss", "系统时钟")
    assert "到期未检" in (missed.missed_reason or "")


def test_visits_were_planned_for_the_place_s_own_teacher(reopened: Installation) -> None:
    own = {place.code: place.checker.login for place in Garden().places}
    with reopened.database.reading() as session:
        query = select(Inspection).where(Inspection.rota_id.is_not(None))
        rows = session.scalars(query.options(joinedload(Inspection.unit), joinedload(Inspection.inspector)))
        assert {(row.unit.code, row.inspector.login) for row in rows if row.inspector} == set(own.items())


def test_the_month_was_lived_through(played: Played, reopened: Installation) -> None:
    every = played.figures["hazards"]["all"]
    assert every["total"] >= 20
    assert every["verified"] == every["total"]
    for happened in ("returns", "on_the_spot"):
        assert every[happened], happened
    (tools,) = played.figures["tests"]
    assert (tools["kind"], tools["passed"], tools["failed"]) == ("灭火器", 8, 1)
    with reopened.database.reading() as session:
        summary = session.scalars(select(Summary)).one()
        assert check(summary.snapshot or {}) == []


def test_two_runs_with_the_same_seed_agree(runs: list[Played]) -> None:
    first, second = runs
    assert first.text == second.text
    assert first.figures["hazards"] == second.figures["hazards"]
    keyless = [[{**each, "rota": None} for each in run.figures["visits"]["by_rota"]] for run in runs]
    assert keyless[0] == keyless[1]


def test_the_papers_lie_in_the_folder(played: Played) -> None:
    found = {path.suffix for path in (played.folder / "papers").iterdir()}
    assert found >= {".docx", ".html", ".pdf", ".xlsx", ".json"}


def test_another_seed_tells_another_story() -> None:
    one, again, other = (write_story(seed, Garden()) for seed in (1, 1, 2))
    assert one.steps == again.steps or [step.at for step in one.steps] == [step.at for step in again.steps]
    assert [step.at for step in one.steps] != [step.at for step in other.steps]
