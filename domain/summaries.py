"""Summaries (总结): asked for, frozen, then published or refused with the figures that do not add up.

A draft may be asked for at any time and is frozen when its papers are written. The final one sums the campaign up: its
figures are frozen and checked first, and only when all of them stand does the campaign move. The papers themselves are
written outside any transaction (papers/publishing.py); each step here may be repeated after a crash.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from domain import outbox
from domain.campaigns import campaign_by_code, event_due, move_campaign
from domain.errors import NotFound
from domain.figure_checks import Mismatch, check
from domain.figures import freeze_figures
from domain.history import record
from domain.people import holders
from domain.records import Campaign, Person, Summary
from domain.rights import Deed, must_be_allowed
from statemachines.campaign import CampaignEvent, CampaignState
from statemachines.chart import option
from statemachines.refusals import FiguresMismatch
from statemachines.roles import SYSTEM, Actor, Role

# Asking.


def request_summary(
    session: Session, campaign: Campaign, *, final: bool, actor: Actor, now: datetime
) -> Summary:
    """Ask for a summary: the next revision, written by the flow or by `papers.publishing.publish`.

    A final one sums the campaign up at once (`sum_up`). Raises RoleMissing, and for a final one what `sum_up` raises.
    """
    if final:
        return sum_up(session, campaign, actor=actor, now=now)
    if not actor.system:
        must_be_allowed(actor, Deed.REQUEST_SUMMARY, at=campaign.unit.path)
    return _asked(session, campaign, final=False, actor=actor, now=now)


def sum_up(session: Session, campaign: Campaign, *, actor: Actor, now: datetime) -> Summary:
    """End the campaign: freeze its figures as they stand, check each, move it to 总结, and ask for the final papers.

    Campaign as `campaign_by_code` loads it. Raises WrongState, RoleMissing, and FiguresMismatch naming every figure
    that does not add up.
    """
    may = option(campaign, CampaignEvent.SUMMARISE, actor=actor, now=now)
    if may.refusal is not None:
        raise may.refusal
    snapshot = _frozen(session, campaign, cut_off=now)
    wrong = [mismatch.sentence(actor.language) for mismatch in check(snapshot)]
    move_campaign(session, campaign, CampaignEvent.SUMMARISE, {}, actor=actor, now=now, mismatches=wrong)
    summary = _asked(session, campaign, final=True, actor=actor, now=now)
    summary.snapshot, summary.cut_off = snapshot, now
    session.flush()
    return summary


def _asked(session: Session, campaign: Campaign, *, final: bool, actor: Actor, now: datetime) -> Summary:
    # Revisions are counted under the campaign's lock, so that two who ask at once get two numbers.
    session.execute(select(Campaign.id).where(Campaign.id == campaign.id).with_for_update(key_share=True))
    last = session.scalar(select(func.max(Summary.revision)).where(Summary.campaign_id == campaign.id))
    summary = Summary(
        campaign_id=campaign.id,
        revision=(last or 0) + 1,
        final=final,
        requested_at=now,
        requested_by_id=actor.id,
    )
    session.add(summary)
    session.flush()
    record(session, summary, "request", actor=actor, now=now, campaign=campaign, revision=summary.revision)
    return summary


def _frozen(session: Session, campaign: Campaign, *, cut_off: datetime) -> dict[str, Any]:
    """The figures, read on a connection of their own whose every query sees one moment."""
    engine = session.get_bind().engine
    options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with engine.connect().execution_options(**options) as connection, Session(connection) as reading:
        whole = campaign_by_code(reading, campaign.code, actor=SYSTEM)
        return freeze_figures(reading, whole, cut_off=cut_off)


# Reading.


def latest_summary(session: Session, campaign: Campaign, *, published: bool = True) -> Summary:
    """The newest published revision (or the newest of any kind) of a campaign the reader may see. Raises NotFound."""
    query = (
        select(Summary).where(Summary.campaign_id == campaign.id).order_by(Summary.revision.desc()).limit(1)
    )
    if published:
        query = query.where(Summary.published_at.is_not(None))
    summary = session.scalars(query).one_or_none()
    if summary is None:
        raise NotFound(what="总结")
    return summary


def list_summaries(session: Session, campaign: Campaign) -> list[Summary]:
    """Every revision, newest first."""
    return list(
        session.scalars(
            select(Summary).where(Summary.campaign_id == campaign.id).order_by(Summary.revision.desc())
        )
    )


def waiting(session: Session) -> list[UUID]:
    """Summaries asked for and neither published nor refused, oldest first."""
    query = select(Summary.id).where(Summary.published_at.is_(None), Summary.refused_at.is_(None))
    return list(session.scalars(query.order_by(Summary.requested_at, Summary.id)))


def published_after(session: Session, moment: datetime) -> list[tuple[str, int]]:
    """Campaign code and revision of every summary published after the moment, in that order."""
    query = (
        select(Campaign.code, Summary.revision)
        .join(Campaign, Campaign.id == Summary.campaign_id)
        .where(Summary.published_at > moment)
        .order_by(Summary.published_at)
    )
    return [(code, revision) for code, revision in session.execute(query)]


def due_to_sum_up(session: Session, *, now: datetime) -> list[str]:
    """Codes of the campaigns the clock may sum up: the day of their last phase has come."""
    rechecking = session.scalars(
        select(Campaign.code).where(Campaign.state == CampaignState.RECHECKING).order_by(Campaign.code)
    )
    return [
        code
        for code in rechecking
        if event_due(campaign_by_code(session, code, actor=SYSTEM), now=now) is CampaignEvent.SUMMARISE
    ]


# Publishing.


@dataclass(frozen=True, slots=True)
class Frozen:
    """What the papers of one summary are written from. `settled`: published or refused already."""

    summary_id: UUID
    campaign: str
    revision: int
    final: bool
    snapshot: dict[str, Any]
    settled: bool


def freeze(session: Session, summary_id: UUID, *, now: datetime) -> Frozen:
    """Freeze the figures of a summary unless they are already; whoever comes second gets the first one's figures.

    Raises NotFound.
    """
    summary = _locked(session, summary_id)
    if summary.snapshot is None:
        summary.snapshot, summary.cut_off = _frozen(session, summary.campaign, cut_off=now), now
    return Frozen(
        summary.id,
        summary.campaign.code,
        summary.revision,
        summary.final,
        summary.snapshot,
        settled=summary.published_at is not None or summary.refused_at is not None,
    )


def publish(session: Session, summary_id: UUID, papers: Mapping[str, str], *, now: datetime) -> Summary:
    """Papers (file ending → SHA-256 in the store) are written: publish, and tell the leaders of a final one.

    A second time changes nothing.
    """
    summary = _locked(session, summary_id)
    if summary.published_at is not None or summary.refused_at is not None:
        return summary
    summary.papers = dict(papers)
    summary.published_at = now
    campaign = summary.campaign
    record(session, summary, "publish", actor=SYSTEM, now=now, papers=dict(papers), revision=summary.revision)
    if summary.final:
        _tell(
            session,
            campaign,
            key=f"summary:{summary.id}:published",
            kind="summary_published",
            zh=(f"{campaign.name}总结已生成", "总结数字已逐项核对，请审阅签发。"),
            en=(
                f"{campaign.name}: the summary is ready",
                "Every figure was checked. Please read and sign it.",
            ),
            now=now,
        )
    return summary


def refuse(session: Session, summary_id: UUID, mismatches: Sequence[Mismatch], *, now: datetime) -> Summary:
    """Figures do not add up: nothing is published, and the leaders are told which. A second time changes nothing."""
    summary = _locked(session, summary_id)
    if summary.published_at is not None or summary.refused_at is not None:
        return summary
    summary.mismatches = [mismatch.as_json() for mismatch in mismatches]
    summary.refused_at = now
    record(session, summary, "refuse", actor=SYSTEM, now=now, mismatches=summary.mismatches)
    _tell_refused(session, summary.campaign, summary, mismatches, now=now)
    return summary


def sum_up_by_the_clock(session: Session, code: str, *, now: datetime) -> UUID | None:
    """Sum a campaign up on its day; figures that do not add up are recorded and told once.

    Returns the summary whose papers are to be written, None when it is refused. Tried again only after something the
    figures depend on has changed them.
    """
    campaign = campaign_by_code(session, code, actor=SYSTEM, lock=True)
    if event_due(campaign, now=now) is not CampaignEvent.SUMMARISE:
        return None
    try:
        return sum_up(session, campaign, actor=SYSTEM, now=now).id
    except FiguresMismatch:
        snapshot = _frozen(session, campaign, cut_off=now)
        mismatches = check(snapshot)
    said = [mismatch.as_json() for mismatch in mismatches]
    last = session.scalars(
        select(Summary)
        .where(Summary.campaign_id == campaign.id, Summary.final)
        .order_by(Summary.revision.desc())
        .limit(1)
    ).one_or_none()
    if last is None or last.mismatches != said:
        summary = _asked(session, campaign, final=True, actor=SYSTEM, now=now)
        summary.snapshot, summary.cut_off = snapshot, now
        refuse(session, summary.id, mismatches, now=now)
    return None


def _locked(session: Session, summary_id: UUID) -> Summary:
    summary = session.scalars(
        select(Summary)
        .where(Summary.id == summary_id)
        .options(joinedload(Summary.campaign).joinedload(Campaign.unit))
        .with_for_update(of=Summary)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if summary is None:
        raise NotFound(what=str(summary_id))
    return summary


def _tell_refused(
    session: Session, campaign: Campaign, summary: Summary, mismatches: Sequence[Mismatch], *, now: datetime
) -> None:
    _tell(
        session,
        campaign,
        key=f"summary:{summary.id}:refused",
        kind="summary_refused",
        zh=(
            f"{campaign.name}总结数字核对不符，未发布",
            "\n".join([*(mismatch.sentence("zh") for mismatch in mismatches), "请更正或补登记录后再生成。"]),
        ),
        en=(
            f"{campaign.name}: the summary is held back, figures do not add up",
            "\n".join(
                [
                    *(mismatch.sentence("en") for mismatch in mismatches),
                    "Correct or complete the records, then ask for it again.",
                ]
            ),
        ),
        now=now,
    )


def _tell(
    session: Session,
    campaign: Campaign,
    *,
    key: str,
    kind: str,
    zh: tuple[str, str],
    en: tuple[str, str],
    now: datetime,
) -> None:
    for person in _concerned(session, campaign):
        subject, body = en if person.language == "en" else zh
        outbox.tell(
            session,
            person,
            key=key,
            kind=kind,
            subject=subject,
            body=body,
            now=now,
            campaign=campaign,
        )


def _concerned(session: Session, campaign: Campaign) -> list[Person]:
    """The leaders over the campaign's unit, else its supervisors."""
    leaders = holders(session, Role.LEADER, campaign.unit.path)
    return leaders or holders(session, Role.SUPERVISOR, campaign.unit.path)
