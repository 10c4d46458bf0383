"""Many tickets at once, for tests of what happens in bulk."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert, select, update
from uuid_utils.compat import uuid7

from domain.records import Chase, NumberCounter, Person, StepRecord, Ticket
from tests.world import World


def many_assigned(world: World, count: int, *, next_step_at: datetime | None = None) -> list[str]:
    """`count` assigned tickets like the one `world.acknowledged()` makes, each with its chase; returns their numbers.

    Those made afterwards are numbered on from them.
    """
    first = world.acknowledged()
    series, number = first.number[:-4], int(first.number[-4:])
    table = Ticket.__table__
    with world.database.transaction() as session:
        told = [column for column in table.c if column.computed is None]
        row = dict(session.execute(select(*told).where(table.c.id == first.id)).mappings().one())
        rows = [
            {
                **row,
                "id": uuid7(),
                "number": f"{series}{place:04}",
            }
            for place in range(number + 1, number + count)
        ]
        session.execute(insert(table), rows)  # type: ignore[arg-type]
        given = (NumberCounter.campaign_id == first.campaign_id, NumberCounter.unit_id == first.unit_id)
        session.execute(update(NumberCounter).where(*given).values(last=number + count - 1))
        chases = Chase.__table__
        chase = dict(session.execute(select(chases).where(chases.c.subject_id == first.id)).mappings().one())
        if next_step_at:
            chase["next_step_at"] = next_step_at
        same = [{**chase, "id": uuid7(), "subject_id": row["id"], "ticket_id": row["id"]} for row in rows]
        session.execute(insert(chases), same)  # type: ignore[arg-type]
    return [first.number, *(str(row["number"]) for row in rows)]


def many_people(world: World, count: int) -> None:
    """`count` people with the logins p0, p1, … and addresses of their own."""
    table = Person.__table__
    with world.database.transaction() as session:
        row = dict(session.execute(select(table).where(table.c.login == "limin")).mappings().one())
        rows = [
            {**row, "id": uuid7(), "login": f"p{place}", "email": f"p{place}@example.org"}
            for place in range(count)
        ]
        session.execute(insert(table), rows)  # type: ignore[arg-type]


def recorded(world: World) -> list[tuple[str, str, int]]:
    """Every step record: ticket number, step, how many were told."""
    with world.database.reading() as session:
        rows = session.execute(
            select(Ticket.number, StepRecord.step, StepRecord.told)
            .join(Ticket, Ticket.id == StepRecord.ticket_id)
            .order_by(Ticket.number, StepRecord.planned_at)
        )
        return [(number, step, told) for number, step, told in rows]
