"""What people read of a ticket's ladders: every step of every matter, past and planned."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from domain.calendars import calendar_of
from domain.chases import ladder_for
from domain.deadlines import Skipped
from domain.ladder import PlannedStep, planned_steps, recorded_steps
from domain.ladder_settings import Ladder
from domain.matters import Subject, complete
from domain.recipients import Recipients
from domain.records import Chase, History, Matter, Notice, Person, StepRecord, Ticket
from statemachines.labels import Language

REPEATS_LISTED = 10
"""A step repeated more often is listed by its next time alone."""


@dataclass(frozen=True, slots=True)
class Escalation:
    """One step of one matter, past or planned. `whom` are names; `done_at` is None while it is planned."""

    matter: Matter
    step: str
    act: str
    due_version: int
    planned_at: datetime
    done_at: datetime | None
    whom: tuple[str, ...]
    channels: tuple[str, ...]
    zh: str
    en: str
    skipped: tuple[Skipped, ...]

    def why(self, language: Language) -> str:
        """Why this step, and why then."""
        return self.zh if language == "zh" else self.en


def escalations(session: Session, ticket: Ticket, *, now: datetime) -> list[Escalation]:
    """Every step of the ticket's matters, past and planned, in the order of time. Unit and campaign must be loaded."""
    return sorted(
        [*_past(session, ticket), *_ahead(session, ticket, now=now)],
        key=lambda each: (each.done_at is None, each.done_at or each.planned_at, each.planned_at),
    )


def previewed(
    session: Session, ticket: Ticket, ladders: Mapping[Matter, Ladder], *, now: datetime
) -> list[Escalation]:
    """The steps ahead if these ladders held: who would be told when. Nothing is written."""
    return sorted(_ahead(session, ticket, now=now, instead=ladders), key=lambda each: each.planned_at)


def _ahead(
    session: Session, ticket: Ticket, *, now: datetime, instead: Mapping[Matter, Ladder] | None = None
) -> list[Escalation]:
    chases = session.scalars(select(Chase).where(Chase.ticket_id == ticket.id).order_by(Chase.id)).all()
    subjects = [
        Subject(
            chase.id,
            chase.matter,
            chase.subject_id,
            "",
            chase.campaign_id,
            chase.ticket_id,
            chase.unit_id,
            ticket.unit.path,
            ticket.unit.name,
            chase.level,
            chase.anchor_at,
            chase.turn,
            chase.planned_from,
        )
        for chase in chases
    ]
    complete(session, subjects)
    recorded = recorded_steps(session, [(each.matter, each.id) for each in subjects])
    calendar = calendar_of(session, ticket.unit.path)
    ladders = {
        each.matter: instead[each.matter]
        if instead is not None and each.matter in instead
        else ladder_for(session, each.matter, unit_path=ticket.unit.path, campaign=ticket.campaign)
        for each in subjects
    }
    steps = [step for ladder in ladders.values() for step in ladder]
    recipients = Recipients(session, subjects, steps, on=now)
    found = []
    for subject in subjects:
        daily: set[str] = set()
        climbed = recorded.get((subject.matter, subject.id, subject.turn), frozenset())
        for each in planned_steps(ladders[subject.matter], subject.anchor_at, subject.level, calendar):
            # Ladders that are only tried out would be planned now.
            since = now if instead is not None else subject.planned_from
            if each.code in climbed or not each.counts(anchor_at=subject.anchor_at, planned_from=since):
                continue
            if each.step.repeat is not None and each.step.repeat.times > REPEATS_LISTED:
                # What comes day after day is listed once, by its next time.
                if each.step.code in daily:
                    continue
                daily.add(each.step.code)
            told = recipients.of(each.step.to, subject)
            conditions = "、".join(each.step.only_if)
            found.append(
                Escalation(
                    matter=subject.matter,
                    step=each.code,
                    act=each.step.act.value,
                    due_version=subject.turn,
                    planned_at=each.at,
                    done_at=None,
                    whom=tuple(one.name() for one in told if not one.away),
                    channels=_channels(each, [one.person for one in told]),
                    zh=each.why(subject.matter, "zh") + (f"（仅当 {conditions}）" if conditions else ""),
                    en=each.why(subject.matter, "en") + (f" (only if {conditions})" if conditions else ""),
                    skipped=each.skipped,
                )
            )
    return found


def _channels(planned: PlannedStep, people: list[Person]) -> tuple[str, ...]:
    own = {"email" if person.email else "inbox" for person in people}
    return tuple(sorted({channel.value for channel in planned.step.channels} or own))


def _past(session: Session, ticket: Ticket) -> list[Escalation]:
    told = _told(session, ticket)
    reasons = _reasons(session, ticket)
    records = session.scalars(
        select(StepRecord).where(StepRecord.ticket_id == ticket.id).order_by(StepRecord.planned_at)
    )
    past = []
    for record in records:
        people = told[record.step, record.turn]
        why = reasons.get((record.matter, record.step, record.turn), {})
        later = ("", "") if record.told else ("（未另行通知）", " (nobody was told separately)")
        past.append(
            Escalation(
                matter=record.matter,
                step=record.step,
                act=why.get("act", ""),
                due_version=record.turn,
                planned_at=record.planned_at,
                done_at=record.done_at,
                whom=tuple(name for name, _ in people),
                channels=tuple(sorted({channel for _, channel in people})),
                zh=why.get("zh", record.step) + later[0],
                en=why.get("en", record.step) + later[1],
                skipped=(),
            )
        )
    return past


_ABSENT = aliased(Person)


def _told(session: Session, ticket: Ticket) -> defaultdict[tuple[str, int], list[tuple[str, str]]]:
    """Name and channel of everybody told, by step and turn: both stand in the notice's key."""
    told: defaultdict[tuple[str, int], list[tuple[str, str]]] = defaultdict(list)
    rows = session.execute(
        select(Notice.key, Person.name, _ABSENT.name, Notice.channel)
        .join(Person, Person.id == Notice.person_id)
        .outerjoin(_ABSENT, _ABSENT.id == Notice.instead_of_id)
        .where(Notice.ticket_id == ticket.id, Notice.kind.in_(["remind", "escalate"]))
        .order_by(Notice.id)
    )
    for key, name, absent, channel in rows:
        _, step, turn, *_ = key.split(":")
        told[step, int(turn)].append((f"{name}（代{absent}）" if absent else name, channel.value))
    return told


def _reasons(session: Session, ticket: Ticket) -> dict[tuple[Matter, str, int], dict[str, str]]:
    """Why each step was climbed when it was, as the history keeps it."""
    rows = session.scalars(
        select(History.facts).where(
            History.subject == "ticket", History.subject_id == ticket.id, History.event == "escalate"
        )
    )
    return {
        (Matter(facts["matter"]), code, facts["due_version"]): why
        for facts in rows
        if "matter" in facts
        for code, why in facts["why"].items()
    }
