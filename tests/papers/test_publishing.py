"""Summaries are published once, refused by name, and survive being cut off in the middle."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from pathlib import Path
from uuid import UUID

import pytest
from docx import Document
from sqlalchemy import func, select

import papers.publishing
from domain import campaigns, summaries
from domain.campaigns import campaign_by_code
from domain.file_store import FileStore
from domain.history import history_of
from domain.records import Campaign, Notice, Summary
from papers.publishing import draft_summary, publish_due, publish_summary
from statemachines.campaign import CampaignState
from statemachines.refusals import FiguresMismatch
from statemachines.roles import SYSTEM
from tests.figures import record_all
from tests.refused import refused
from tests.world import World

STATED = {
    "action": "试验",
    "item": "安全工器具",
    "quantity": 193,
    "measure_unit": "付(双)",
    "counts_as": "total",
    "unit": "LL01",
    "date": "2026-03-20",
}
PARTS = [
    ("拉闸杆", 49, "付"),
    ("验电笔", 42, "支"),
    ("接地棒", 47, "付"),
    ("绝缘手套", 27, "付"),
    ("绝缘靴", 28, "双"),
]


def tools(world: World, *, missing: int = 0) -> None:
    parts = [
        {
            **STATED,
            "item": item,
            "quantity": n - (missing if item == "拉闸杆" else 0),
            "measure_unit": unit,
            "counts_as": "part",
        }
        for item, n, unit in PARTS
    ]
    record_all(world, [STATED, *parts])


def ask(world: World, *, final: bool = False, by: str = "zhaozhuren") -> UUID:
    actor = world.actor(by)
    with world.database.transaction() as session:
        campaign = campaign_by_code(session, "CC2026", actor=actor, lock=True)
        return summaries.request_summary(session, campaign, final=final, actor=actor, now=world.now).id


def recheck(world: World) -> None:
    """Move the campaign on to its re-check, and the clock to the day it is summed up."""
    for event, facts in (("rectify", {"reason": "石桥所道路中断"}), ("recheck", {})):
        with world.database.transaction() as session:
            campaign = campaign_by_code(session, "CC2026", actor=SYSTEM, lock=True)
            campaigns.move_campaign(session, campaign, event, facts, actor=SYSTEM, now=world.now)
    world.later(days=10)


def state(world: World) -> CampaignState:
    with world.database.reading() as session:
        return session.scalars(select(Campaign.state)).one()


def kept(world: World) -> list[Summary]:
    with world.database.reading() as session:
        return list(session.scalars(select(Summary).order_by(Summary.revision)))


def notices(world: World, kind: str) -> list[Notice]:
    with world.database.reading() as session:
        return list(session.scalars(select(Notice).where(Notice.kind == kind)))


def test_a_draft_is_written_and_the_campaign_goes_on(world: World, store: FileStore) -> None:
    world.find()
    ask(world)
    done = publish_due(world.database, store, as_of=world.now)
    assert done.published == ["CC2026 第1版"]
    (summary,) = kept(world)
    assert summary.published_at == world.now and not summary.final
    assert set(summary.papers) == {"docx", "html", "pdf"}
    text = "\n".join(p.text for p in Document(BytesIO(store.get(summary.papers["docx"]))).paragraphs)
    assert "共排查隐患1项" in text
    assert state(world) is CampaignState.INSPECTING
    assert notices(world, "summary_published") == []


def test_publishing_twice_changes_nothing(world: World, store: FileStore) -> None:
    asked = ask(world)
    publish_due(world.database, store, as_of=world.now)
    before = kept(world)[0]
    world.find()
    world.later(hours=1)
    assert publish_due(world.database, store, as_of=world.now).said() == {
        "summed_up": [],
        "published": [],
        "refused": [],
    }
    publish_summary(world.database, store, asked, now=world.now)
    after = kept(world)[0]
    assert (after.snapshot, after.papers, after.published_at) == (
        before.snapshot,
        before.papers,
        before.published_at,
    )
    with world.database.reading() as session:
        assert [entry.event for entry in history_of(session, after)] == ["request", "publish"]


def test_the_day_comes_and_the_clock_sums_the_campaign_up(world: World, store: FileStore) -> None:
    tools(world)
    recheck(world)
    done = publish_due(world.database, store, as_of=world.now)
    assert (done.summed_up, done.published) == (["CC2026"], ["CC2026 第1版"])
    assert state(world) is CampaignState.SUMMARISED
    (summary,) = kept(world)
    assert summary.final and summary.cut_off == world.now
    (notice,) = notices(world, "summary_published")
    assert notice.address == "zhengju@example.org"
    assert publish_due(world.database, store, as_of=world.now).said() == {
        "summed_up": [],
        "published": [],
        "refused": [],
    }


def test_before_its_day_the_clock_leaves_the_campaign_alone(world: World, store: FileStore) -> None:
    recheck(world)
    early = world.now - timedelta(days=9)
    assert publish_due(world.database, store, as_of=early).summed_up == []
    assert publish_due(world.database, store, as_of=world.now, dry_run=True).summed_up == ["CC2026"]
    assert (kept(world), state(world)) == ([], CampaignState.RECHECKING)


def test_a_stated_193_over_192_is_refused_told_once_and_mended_by_a_record(
    world: World, store: FileStore
) -> None:
    tools(world, missing=1)
    recheck(world)
    for _ in range(2):
        assert publish_due(world.database, store, as_of=world.now).refused == ["CC2026"]
    (summary,) = kept(world)
    assert summary.refused_at is not None and summary.papers == {}
    assert summary.mismatches[0]["zh"] == "试验安全工器具合计：写为193，按记录核算为48+42+47+27+28=192"
    (notice,) = notices(world, "summary_refused")
    assert "写为193" in notice.body
    assert state(world) is CampaignState.RECHECKING
    # Once the part that was forgotten is recorded, the next run sums up.
    record_all(
        world, [{**STATED, "item": "拉闸杆", "quantity": 1, "measure_unit": "付", "counts_as": "part"}]
    )
    assert publish_due(world.database, store, as_of=world.now).published == ["CC2026 第2版"]
    assert state(world) is CampaignState.SUMMARISED


def test_a_person_who_sums_up_is_told_which_figure_is_wrong(world: World) -> None:
    tools(world, missing=1)
    recheck(world)
    with refused("figures-mismatch", zh="写为193"):
        ask(world, final=True)
    assert (kept(world), state(world)) == ([], CampaignState.RECHECKING)


def test_a_final_summary_before_the_recheck_is_refused(world: World) -> None:
    with refused("wrong-state"):
        ask(world, final=True)


@pytest.mark.parametrize("login", ["limin", "wangjianguo", "shisuozhang", "robot"])
def test_who_may_not_ask(world: World, login: str) -> None:
    with refused("role-missing", zh="生成总结"):
        ask(world, by=login)


def test_cut_off_after_the_freeze_the_same_figures_are_published_later(
    world: World, store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.find()
    asked = ask(world)

    class Killed(BaseException):
        """The process ends here."""

    def die(*_arguments: object) -> None:
        raise Killed

    with monkeypatch.context() as cut:
        cut.setattr(papers.publishing, "write", die)
        with pytest.raises(Killed):
            publish_summary(world.database, store, asked, now=world.now)
    frozen_at = world.now
    world.find()
    world.later(hours=2)
    publish_due(world.database, store, as_of=world.now)
    (summary,) = kept(world)
    assert summary.snapshot is not None and summary.snapshot["hazards"]["counted"] == 1
    assert (summary.cut_off, summary.published_at) == (frozen_at, world.now)


def test_one_that_cannot_be_written_does_not_hold_up_the_next(
    world: World, store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(world)
    ask(world)
    real, calls = papers.publishing.write, []

    def fail_once(*arguments: object) -> dict[str, bytes]:
        calls.append(arguments)
        if len(calls) == 1:
            raise OSError("disk full")
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(papers.publishing, "write", fail_once)
    with pytest.raises(ExceptionGroup) as caught:
        publish_due(world.database, store, as_of=world.now)
    assert len(caught.value.exceptions) == 1
    assert [summary.published_at is not None for summary in kept(world)] == [False, True]


def test_revisions_count_up_and_the_newest_is_read(world: World, store: FileStore) -> None:
    for _ in range(3):
        ask(world)
    publish_due(world.database, store, as_of=world.now)
    with world.database.reading() as session:
        campaign = campaign_by_code(session, "CC2026", actor=SYSTEM)
        assert summaries.latest_summary(session, campaign).revision == 3
        assert session.scalar(select(func.count()).select_from(Summary)) == 3


def test_the_command_writes_papers_and_ledger_into_a_folder(
    world: World, store: FileStore, tmp_path: Path
) -> None:
    world.find()
    paths = draft_summary(world.database, store, "CC2026", now=world.now, folder=tmp_path / "papers")
    assert sorted(path.name for path in paths) == [
        "CC2026-ledger.xlsx",
        "CC2026-summary.docx",
        "CC2026-summary.html",
        "CC2026-summary.pdf",
    ]
    assert all(path.stat().st_size > 1000 for path in paths)


def test_the_command_refuses_wrong_figures(world: World, store: FileStore, tmp_path: Path) -> None:
    tools(world, missing=1)
    with pytest.raises(FiguresMismatch):
        draft_summary(world.database, store, "CC2026", now=world.now, folder=tmp_path)
