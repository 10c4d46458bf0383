"""What must hold of the records whatever was killed, and ways to make much that falls due."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from random import Random

from sqlalchemy import func, select, update

from domain.chases import replan
from domain.records import Chase, History, Notice, StepRecord, Ticket
from tests.many import many_assigned
from tests.world import World

EVERY = timedelta(minutes=5)
"""Between two runs of the sweep (flows/deployments.py)."""


def falling_due(world: World, count: int, *, first: datetime, last: datetime, chance: Random) -> list[str]:
    """Assigned tickets whose deadlines pass between two moments; returns their numbers. All are chased as planned."""
    numbers = many_assigned(world, count)
    with world.database.transaction() as session:
        for chase in session.scalars(select(Chase).where(Chase.ticket_id.is_not(None)).order_by(Chase.id)):
            chase.anchor_at = first + chance.random() * (last - first)
            session.execute(
                update(Ticket)
                .where(Ticket.id == chase.ticket_id)
                .values(due_at=chase.anchor_at, first_due_at=chase.anchor_at)
            )
        session.flush()
        replan(session, session.scalars(select(Chase)).all(), now=first)
    return numbers


def steps_of(world: World) -> list[StepRecord]:
    with world.database.reading() as session:
        return list(session.scalars(select(StepRecord).order_by(StepRecord.planned_at)))


def nothing_is_half_written(world: World, *, now: datetime) -> None:
    """Steps, history, notices and the next step of each matter agree with each other.

    - A step stands once for each turn of a matter, and in exactly one entry of the history, which names it.
    - The history's count of people told is what stands in the outbox, each once, and in the step that spoke.
    - What each chase waits for is what its ladder says it has still to climb at `now`.
    """
    with world.database.reading() as session:
        steps = session.scalars(select(StepRecord)).all()
        entries = session.scalars(select(History).where(History.event == "escalate")).all()
        keys = session.scalars(select(Notice.key).where(Notice.kind.in_(["remind", "escalate"]))).all()
        chases = session.scalars(select(Chase)).all()
        waiting = {chase.id: chase.next_step_at for chase in chases}
        replan(session, chases, now=now)
        planned = {chase.id: chase.next_step_at for chase in chases}
        session.expunge_all()

    # What is chased about a ticket stands in the ticket's history, whichever record it is kept under.
    climbed = Counter((step.ticket_id or step.subject_id, step.turn, step.step) for step in steps)
    assert set(climbed.values()) <= {1}, "a step was recorded twice"
    told_of: Counter[tuple[object, int, str]] = Counter()
    named: Counter[tuple[object, int, str]] = Counter()
    for entry in entries:
        named.update((entry.subject_id, entry.facts["due_version"], code) for code in entry.facts["steps"])
        told_of[entry.subject_id, entry.facts["due_version"], entry.facts["step"]] = len(entry.facts["told"])
    assert named == climbed, "the history tells of other steps than the ledger"
    assert {place: told for place, told in told_of.items() if told} == {
        (step.ticket_id or step.subject_id, step.turn, step.step): step.told for step in steps if step.told
    }
    assert len(keys) == len(set(keys)), "a notice stands twice"
    outbox: defaultdict[tuple[str, int, str], set[str]] = defaultdict(set)
    for key in keys:
        subject, step, turn, person, _ = key.split(":")
        outbox[subject, int(turn), step].add(person)
    assert {place: len(people) for place, people in outbox.items()} == {
        (str(step.subject_id), step.turn, step.step): step.told for step in steps if step.told
    }, "what stands in the outbox is not what the ledger says was told"
    assert waiting == planned, "a matter waits for another step than its ladder says"


def each_once(world: World, numbers: Sequence[str], steps: Sequence[str]) -> None:
    """Every ticket has climbed exactly these steps."""
    with world.database.reading() as session:
        rows = session.execute(
            select(Ticket.number, StepRecord.step).join(Ticket, Ticket.id == StepRecord.ticket_id)
        )
        assert Counter(rows.tuples().all()) == Counter((number, step) for number in numbers for step in steps)


def due(world: World, *, now: datetime) -> int:
    """How many matters a sweep would take up."""
    with world.database.reading() as session:
        return session.scalar(select(func.count()).where(Chase.next_step_at <= now)) or 0


def late_by(world: World, step: str) -> Mapping[object, timedelta]:
    """How long after its time the step was climbed, by subject."""
    return {each.subject_id: each.done_at - each.planned_at for each in steps_of(world) if each.step == step}
