"""Publish summaries: freeze, check, write the papers outside any transaction, then publish or refuse.

Safe to kill anywhere and to run on many workers: the frozen figures are kept, files are stored by content, and the last
step is one transaction that a second one finds done.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from domain import summaries
from domain.campaigns import campaign_by_code
from domain.database import Database
from domain.figure_checks import check, check_text
from domain.file_store import FileStore
from domain.records import Summary
from papers.blocks import printed_pieces
from papers.ledger import campaign_ledger
from papers.summary import blocks_of, write
from statemachines.refusals import FiguresMismatch
from statemachines.roles import SYSTEM

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Published:
    """What a run did: campaigns summed up, summaries published and refused ("CC2026 第2版"), or would do."""

    summed_up: list[str] = field(default_factory=list)
    published: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def said(self) -> dict[str, Any]:
        """As a heartbeat keeps it."""
        return asdict(self)


def publish_due(database: Database, store: FileStore, *, as_of: datetime, dry_run: bool = False) -> Published:
    """Sum up the campaigns whose day has come, then write every summary that was asked for.

    `dry_run` names what would be done and changes nothing. One that fails does not hold up the others; their errors are
    raised together at the end.
    """
    done = Published()
    with database.reading() as session:
        due = summaries.due_to_sum_up(session, now=as_of)
        waiting = summaries.waiting(session)
    if dry_run:
        done.summed_up = due
        done.published = [str(summary_id) for summary_id in waiting]
        return done
    for code in due:
        with database.transaction() as session:
            ready = summaries.sum_up_by_the_clock(session, code, now=as_of)
        (done.refused if ready is None else done.summed_up).append(code)
    with database.reading() as session:
        waiting = summaries.waiting(session)
    errors: list[Exception] = []
    for summary_id in waiting:
        try:
            summary, name = publish_summary(database, store, summary_id, now=as_of)
        except Exception as error:  # noqa: BLE001 - one paper that cannot be written must not hold up the others
            error.add_note(f"summary {summary_id}")
            errors.append(error)
            continue
        (done.published if summary.published_at else done.refused).append(name)
    if errors:
        raise ExceptionGroup("summaries could not be written", errors)
    return done


def publish_summary(
    database: Database, store: FileStore, summary_id: UUID, *, now: datetime
) -> tuple[Summary, str]:
    """Write the papers of one summary and publish it, or refuse it with the figures that do not add up.

    Returns the summary and its name. Raises NotFound.
    """
    with database.transaction() as session:
        frozen = summaries.freeze(session, summary_id, now=now)
    name = f"{frozen.campaign} 第{frozen.revision}版"
    mismatches = check(frozen.snapshot)
    papers: dict[str, str] = {}
    if not mismatches and not frozen.settled:
        blocks = blocks_of(frozen.snapshot)
        mismatches = check_text(frozen.snapshot, printed_pieces(blocks))
        if not mismatches:
            papers = {ending: store.put(paper) for ending, paper in write(frozen.snapshot, blocks).items()}
    with database.transaction() as session:
        if mismatches:
            return summaries.refuse(session, summary_id, mismatches, now=now), name
        return summaries.publish(session, summary_id, papers, now=now), name


def publish_now(database: Database, store: FileStore, summary_id: UUID, *, now: datetime) -> None:
    """Try to publish right after it was asked for, so that nobody waits for the clock.

    Whatever goes wrong is logged: the request stands, and the flow that publishes takes it up.
    """
    try:
        publish_summary(database, store, summary_id, now=now)
    except Exception:
        log.exception("summary %s was not published at once", summary_id)


def draft_summary(
    database: Database, store: FileStore, code: str, *, now: datetime, folder: Path
) -> list[Path]:
    """Ask for a draft, publish it at once, and write its papers and the ledger into `folder`; returns their paths.

    Raises NotFound, FiguresMismatch.
    """
    with database.transaction() as session:
        campaign = campaign_by_code(session, code, actor=SYSTEM)
        asked = summaries.request_summary(session, campaign, final=False, actor=SYSTEM, now=now).id
    summary, _name = publish_summary(database, store, asked, now=now)
    if summary.mismatches:
        raise FiguresMismatch(figures=tuple(mismatch["zh"] for mismatch in summary.mismatches))
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for ending, sha256 in summary.papers.items():
        path = folder / f"{code}-summary.{ending}"
        path.write_bytes(store.get(sha256))
        written.append(path)
    with database.reading(snapshot=True) as session:
        campaign = campaign_by_code(session, code, actor=SYSTEM)
        path = folder / f"{code}-ledger.xlsx"
        path.write_bytes(campaign_ledger(session, campaign, actor=SYSTEM, now=now))
    return [*written, path]
