"""A campaign that was told only what it must be told still has its summary."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from docx import Document

from domain.campaigns import NewCampaign, create_campaign
from domain.file_store import FileStore
from papers.publishing import draft_summary
from tests.world import World


def test_a_campaign_with_one_phase_and_nothing_done_is_summed_up(
    world: World, store: FileStore, tmp_path: Path
) -> None:
    told = {
        "code": "AQ2026",
        "name": "2026年秋查",
        "kind": "autumn",
        "unit": "XB",
        "units": ["LL01"],
        "phases": {"inspecting": {"from": "2026-09-01", "to": "2026-09-30"}},
    }
    with world.database.transaction() as session:
        create_campaign(
            session, NewCampaign.model_validate(told), actor=world.actor("zhaozhuren"), now=world.now
        )
    papers = draft_summary(world.database, store, "AQ2026", now=world.now, folder=tmp_path)
    [word] = [paper for paper in papers if paper.suffix == ".docx"]
    text = "\n".join(paragraph.text for paragraph in Document(BytesIO(word.read_bytes())).paragraphs)
    assert "“秋查”期间" in text
    assert "本次活动未登记动员情况" in text
    assert "计划检查1个单位，实际检查0个单位，检查覆盖率0.00%" in text
    assert "整改率—" in text
