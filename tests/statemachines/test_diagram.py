"""The documentation drawn from the charts."""

import subprocess
import sys

from statemachines.campaign import CampaignChart
from statemachines.diagram import architecture, mermaid, table
from statemachines.ticket import TicketChart, TicketEvent


def test_the_ticket_is_drawn_with_its_labels() -> None:
    drawn = mermaid(TicketChart).splitlines()
    assert drawn[0] == "stateDiagram-v2"
    assert "    [*] --> found" in drawn
    assert "    found --> assigned : 下达整改 assign" in drawn
    assert "    fixed --> assigned : 复查不合格 return" in drawn
    assert "    verified --> [*]" in drawn
    assert not any("escalate" in line for line in drawn)


def test_the_table_says_who_and_what_for_every_event() -> None:
    rows = table(TicketChart).splitlines()
    assert len(rows) == 2 + len(TicketEvent)
    assert "| `cancel` 作废 | found or assigned | cancelled | supervisor | reason | `reason` |" in rows
    assert any("unchanged or verified" in row and "not the fixer" in row for row in rows)
    assert all(cell.strip() for row in rows for cell in row.strip("|").split("|"))


def test_a_campaign_phase_names_the_clock() -> None:
    assert "supervisor or leader or administrator or the clock" in table(CampaignChart)


def test_it_can_be_printed() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "statemachines.diagram"], capture_output=True, encoding="utf-8", check=True
    )
    assert printed.stdout == architecture()
    assert architecture().count("```mermaid") == 9
