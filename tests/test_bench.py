"""The benchmark runs from an empty folder to its tables; what it measures is `make bench`'s business."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import report
from bench.__main__ import measure, measure_desk


def test_every_journey_is_measured_beside_its_baseline(tmp_path: Path):
    measured = measure(tickets=500, rounds=1, size=4)
    for name in (
        "submit a finding",
        "assign a ticket",
        "queue page",
        "ticket list (API)",
        "campaign status (API)",
    ):
        rows = [line for line in measured.splitlines() if line.startswith(f"| {name}")]
        assert rows and all(row.count("|") == 11 for row in rows), name
    assert "tickets per second" in measured
    page = tmp_path / "performance.md"
    page.write_text(f"said by people\n{report.BEGIN}\nold\n{report.END}\nalso by people\n")
    report.write(page, measured)
    assert page.read_text() == f"said by people\n{report.BEGIN}\n{measured}\n{report.END}\nalso by people\n"


def test_a_page_without_a_place_for_figures_is_left_alone(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text("nothing here")
    with pytest.raises(ValueError, match="no place"):
        report.write(page, "figures")
    assert page.read_text() == "nothing here"


def test_every_page_of_the_desk_is_measured():
    measured = measure_desk(tickets=500, rounds=1, size=4, stations=2, teams=2)
    for name in (
        "board of the bureau, after a change",
        "board of the bureau, nothing changed",
        "queue",
        "search 渗漏油",
        "last page, by recent",
        "ticket page",
    ):
        assert any(line.startswith(f"| {name} |") for line in measured.splitlines()), name
    assert "nothing did" in measured
