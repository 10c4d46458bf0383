"""Shows it: the demo, played as a real process, prints every figure of a real spring inspection."""

from __future__ import annotations

import csv
import email
import email.policy
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil
import pytest
from docx import Document
from sqlalchemy import func, select, update
from typer.testing import CliRunner

from chuncha.commands import app
from chuncha.demo.play import FolderTaken
from chuncha.demo.spring.bureau import Bureau
from chuncha.demo.spring.story import write_story
from chuncha.installation import Installation, open_installation
from domain.campaigns import campaign_by_code
from domain.dispatches import what_waits
from domain.figure_checks import check
from domain.figures import freeze_figures
from domain.records import Dispatch, Notice, QuantityRecord, Ticket
from domain.samples import SPRING_INSPECTION_FIGURES, sample
from domain.settings import read_settings
from papers.summary import write
from statemachines.roles import SYSTEM
from statemachines.ticket import TicketState

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

FIGURES = list(csv.DictReader(io.StringIO(sample(SPRING_INSPECTION_FIGURES).decode())))


@dataclass
class Played:
    """What one run of the demo left in its folder."""

    folder: Path
    said: str

    @cached_property
    def paper(self) -> bytes:
        return next((self.folder / "papers").glob("*.docx")).read_bytes()

    @cached_property
    def text(self) -> str:
        return text_of(self.paper)

    @cached_property
    def summary(self) -> dict[str, Any]:
        return json.loads((self.folder / "papers" / "summary.json").read_text())


def text_of(paper: bytes) -> str:
    """All words of a Word document: paragraphs, then the cells of its tables."""
    document = Document(io.BytesIO(paper))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(paragraph.text for paragraph in document.paragraphs), *cells])


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Played]:
    """Two runs with the same seed, played side by side."""
    folders = [tmp_path_factory.mktemp("demo") / "data" for _ in range(2)]
    command = Path(sys.executable).parent / "chuncha"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CHUNCHA_")}
    processes = [
        subprocess.Popen(
            [command, "demo", "--no-serve", "--data", folder],
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
    return [Played(folder, words) for folder, words in zip(folders, said, strict=True)]


@pytest.fixture(scope="module")
def played(runs: list[Played]) -> Played:
    return runs[0]


@pytest.fixture(scope="module")
def reopened(played: Played) -> Iterator[Installation]:
    """The installation the demo left behind, opened again."""
    with open_installation(read_settings(data=played.folder), own=True) as installation:
        yield installation


def as_printed(row: dict[str, str]) -> str:
    """How the paper says a figure: item, number, 余 when the source was a lower bound, unit of measure."""
    rough = "余" if re.search("[余多]", row["phrase"]) else ""
    if row["action"] == "自查":
        return f"{row['quantity']}{rough}{row['unit']}{row['item']}"
    return f"{row['item']}{row['quantity']}{rough}{row['unit']}"


@pytest.mark.parametrize("row", FIGURES, ids=[row["phrase"] for row in FIGURES])
def test_every_figure_stands_in_the_summary(played: Played, row: dict[str, str]) -> None:
    assert as_printed(row) in played.text


def test_the_verb_governs_its_objects(played: Played) -> None:
    assert "共处理渗漏变压器47台，检修开关25台，校正线路歪杆285余根，清扫针瓶4500个" in played.text
    assert "更换高压跌落保险8组、变台二次引线12处" in played.text


def test_what_has_no_verb_stands_apart_and_is_not_added(played: Played) -> None:
    assert "另有带电工器具50组、拉闸杆45根，原始记录未写明动作，单列，不计入合计" in played.text


def test_193_is_printed_because_its_parts_add_up(played: Played) -> None:
    tested = [row for row in FIGURES if row["group"] == "工器具试验"]
    assert sum(int(row["quantity"]) for row in tested) == 193
    assert "试验安全工器具193付(双)，其中" in played.text
    (total,) = played.summary["figures"]["quantities"]["totals"]
    assert (total["quantity"], total["stated"]) == ("193", ["193"])


def test_one_record_changed_changes_the_figure(reopened: Installation) -> None:
    with reopened.database.reading() as session:
        before = freeze_figures(session, the_campaign(session), cut_off=closed())
    assert "渗漏变压器47台" in text_of(write(before)["docx"])
    after = with_one_more(reopened, item="渗漏变压器", action="处理")
    assert check(after) == []
    text = text_of(write(after)["docx"])
    assert "渗漏变压器48台" in text
    assert "渗漏变压器47台" not in text


def test_a_tool_too_many_contradicts_the_stated_193_by_name(reopened: Installation) -> None:
    (mismatch,) = check(with_one_more(reopened, item="拉闸杆", action="试验"))
    assert "安全工器具" in mismatch.sentence("zh")
    assert {"193", "194"} <= set(re.findall(r"\d+", mismatch.sentence("zh")))


def with_one_more(installation: Installation, *, item: str, action: str) -> dict[str, Any]:
    """The figures as they would be with one record raised by one; nothing is kept."""
    with installation.database.engine.connect() as connection, connection.begin() as change:
        from sqlalchemy.orm import Session

        with Session(connection) as session:
            query = select(QuantityRecord.id).where(
                QuantityRecord.item == item,
                QuantityRecord.action == action,
                QuantityRecord.counts_as == "part",
            )
            key = session.scalars(query.order_by(QuantityRecord.id).limit(1)).one()
            session.execute(
                update(QuantityRecord)
                .where(QuantityRecord.id == key)
                .values(quantity=QuantityRecord.quantity + 1)
            )
            changed = freeze_figures(session, the_campaign(session), cut_off=closed())
        change.rollback()
    return changed


def the_campaign(session: Any) -> Any:
    return campaign_by_code(session, "CC2026", actor=SYSTEM)


def closed() -> datetime:
    return datetime.fromisoformat("2026-04-10T17:55:00+08:00")


def test_two_runs_with_the_same_seed_agree(runs: list[Played]) -> None:
    first, second = runs
    # The queries behind the figures name the campaign by its key, and visits their rota, which are new each time.
    one, two = (without_keys({**run.summary["figures"], "queries": None}) for run in runs)
    assert one == two
    assert first.text == second.text
    assert letters_of(first) == letters_of(second)


def letters_of(run: Played) -> list[tuple[str, str, str]]:
    """Every letter as day, addressee and subject; at which second of the evening it went out is left aside."""
    letters = [opened(letter) for letter in (run.folder / "mailbox").glob("*.eml")]
    return sorted((str(each["Date"])[:16], str(each["To"]), str(each["Subject"])) for each in letters)


def without_keys(figures: Any) -> Any:
    if isinstance(figures, dict):
        return {name: without_keys(value) for name, value in figures.items() if name != "rota"}
    return [without_keys(each) for each in figures] if isinstance(figures, list) else figures


def test_another_seed_tells_another_story_with_the_same_people() -> None:
    one, again, other = (write_story(seed, Bureau()) for seed in (1, 1, 2))
    assert [(step.at, step.by.login) for step in one.steps] == [
        (step.at, step.by.login) for step in again.steps
    ]
    assert one.steps != other.steps


def test_letters_really_arrived_and_every_one_is_in_the_outbox(
    played: Played, reopened: Installation
) -> None:
    letters = sorted((played.folder / "mailbox").glob("*.eml"))
    with reopened.database.reading() as session:
        sent = session.scalar(select(func.count()).where(Dispatch.sent_at.is_not(None)))
        left = what_waits(session, as_of=datetime(2100, 1, 1, tzinfo=UTC)).count
        chased = session.scalar(
            select(func.count())
            .select_from(Notice)
            .join(Dispatch, Dispatch.id == Notice.dispatch_id)
            .where(Notice.kind == "escalate", Dispatch.sent_at.is_not(None))
        )
    assert (len(letters), left) == (sent, 0)
    assert chased
    assert chased > 30
    subjects = [subject(letter) for letter in letters]
    assert sum("逾期" in each or "超期" in each for each in subjects) >= 30


def opened(letter: Path) -> EmailMessage:
    message = email.message_from_bytes(letter.read_bytes(), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def subject(letter: Path) -> str:
    message = opened(letter)
    assert message["To"].endswith("@yunling.example")
    return str(message["Subject"])


def test_the_campaign_was_lived_through(played: Played, reopened: Installation) -> None:
    figures = played.summary["figures"]
    every = figures["hazards"]["all"]
    assert every["total"] >= 250
    assert figures["coverage"]["visited"] == 15
    assert all(
        figures["hazards"]["by_level"][level]["tally"]["total"] for level in ("general", "serious", "major")
    )
    for happened in ("cancelled", "returns", "returned_twice", "on_the_spot", "supervised", "late"):
        assert every[happened], happened
    assert figures["extensions"]
    sample = figures["samples"]["recheck"]["counts"]
    assert (sample["checked"], sample["waiting"]) == (sample["drawn"], 0)
    assert sample["failed"], "something was bad again"
    assert f"按计划抽取{sample['drawn']}项，已现场抽查{sample['drawn']}项" in played.text
    assert figures["calls"]["received"] == figures["calls"]["answered"] == 3
    assert "受理来电来访3件" in played.text
    # What is open carries its 三定 in the paper, and goes on in the autumn campaign.
    listed = figures["open"]["listed"]
    assert listed
    assert all(each["assignee"] and each["measure"] and each["due"] for each in listed)
    with reopened.database.reading() as session:
        autumn = campaign_by_code(session, "QC2026", actor=SYSTEM)
        numbers = set(
            session.scalars(
                select(Ticket.number).where(
                    Ticket.campaign_id == autumn.id, Ticket.state == TicketState.ASSIGNED
                )
            )
        )
        assert the_campaign(session).state == "archived"
    assert numbers == {each["number"] for each in listed}


def test_the_papers_lie_in_the_folder(played: Played) -> None:
    assert {path.suffix for path in (played.folder / "papers").iterdir()} >= {
        ".docx",
        ".html",
        ".pdf",
        ".xlsx",
        ".json",
    }
    assert (played.folder / "mailbox" / "index.html").exists()


def test_the_planner_warned_of_the_holiday(played: Played) -> None:
    assert "2026-04-06是休息日（清明）" in played.said.replace("\n", "")


def test_nothing_is_left_running(runs: list[Played]) -> None:
    mine = psutil.Process().pid
    folders = [str(run.folder) for run in runs[1:]]
    left = [
        process.info
        for process in psutil.process_iter(["pid", "cmdline", "status"])
        if process.info["pid"] != mine
        and process.info["status"] != psutil.STATUS_ZOMBIE
        and any(folder in " ".join(process.info["cmdline"] or ()) for folder in folders)
    ]
    assert left == []


def test_a_folder_with_an_installation_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    refused = CliRunner().invoke(app, ["demo", "--no-serve", "--data", str(tmp_path)])
    assert isinstance(refused.exception, FolderTaken)
    assert list(tmp_path.iterdir()) == [tmp_path / "postgres"]
