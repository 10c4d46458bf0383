"""A campaign's calendar played ahead without writing anything: who would be told how much on which day.

The flows' own commands run (advance, plan, record what was missed, sweep) on copies of the campaign's rows in temporary
tables, which stand before the real ones for this one connection. The transaction is made read-only once they are
copied, so PostgreSQL itself refuses a write to anything else, and it is rolled back at the end. Nothing is locked
and nothing is sent. It is the load if nobody acts: what is done in time is not chased, so the truth lies below.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from sqlalchemy import create_engine, func, select, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from domain.campaigns import campaign_by_code
from domain.database import Database
from domain.errors import BadInput
from domain.escalation import sweep
from domain.missing import record_missed
from domain.planning import advance_campaigns, plan_inspections
from domain.records import Base, Campaign, Inspection, Notice, Person, Rota, Ticket
from domain.workdays import ONE_DAY
from statemachines.labels import LOCAL, local_day
from statemachines.roles import SYSTEM

LONGEST = 550
"""Days played at most: a school year and a half."""

AFTERWARDS = timedelta(days=30)
"""Played beyond the campaign's last date, so that its last steps are seen."""

#: When the flows run in a day of the simulation.
ADVANCING, PLANNING, SWEEPING = time(0, 7), time(5, 12), time(8, 30)

#: Tables the flows write, and the campaign's rows in them; the others are read where they are.
_COPIED = {
    "campaigns": "id = :campaign",
    "tickets": "campaign_id = :campaign",
    "inspections": "campaign_id = :campaign",
    "rotas": "campaign_id = :campaign",
    "chases": "campaign_id = :campaign",
    "step_records": "ticket_id IN (SELECT id FROM public.tickets WHERE campaign_id = :campaign)",
    "notices": "false",
    "history": "false",
}


@dataclass(slots=True)
class Day:
    """One day of the play: visits on it, visits recorded as missed, phases begun, and messages by login."""

    day: date
    visits: int = 0
    missed: int = 0
    moved: list[str] = field(default_factory=list)
    told: Counter[str] = field(default_factory=Counter)

    @property
    def messages(self) -> int:
        """Messages of the day."""
        return self.told.total()


@dataclass(slots=True)
class Simulation:
    """The days played, and the names of the people told, by login."""

    days: list[Day]
    names: dict[str, str]

    def load(self) -> list[tuple[str, int, date, int]]:
        """By person: login, messages in all, their heaviest day and its messages; the most loaded first."""
        people = []
        for login in self.names:
            heaviest = max(self.days, key=lambda day: day.told[login])
            total = sum(day.told[login] for day in self.days)
            people.append((login, total, heaviest.day, heaviest.told[login]))
        return sorted(people, key=lambda each: (-each[1], each[0]))

    def peak(self) -> Day | None:
        """The day with the most messages; None when nobody would be told anything."""
        return max((day for day in self.days if day.messages), key=lambda day: day.messages, default=None)


def simulate(
    database: Database, code: str, *, now: datetime, first: date | None = None, until: date | None = None
) -> Simulation:
    """Play a campaign from `first` (today) to `until` (a month after its last date) as if nobody acted.

    Raises NotFound, BadInput for days out of order or more than LONGEST.
    """
    with database.reading() as session:
        campaign = campaign_by_code(session, code, actor=SYSTEM)
        begins = first or local_day(now)
        ends = until or max(begins, _last_day(session, campaign) + AFTERWARDS)
    if not begins <= ends <= begins + timedelta(days=LONGEST):
        raise BadInput(
            "/until",
            "days-to-simulate",
            zh=f"从{begins}到{ends}不能推演：结束不得早于开始，最多{LONGEST}天。",
            en=f"{begins} to {ends} cannot be played: not backwards, and at most {LONGEST} days.",
        )
    with _copy(database, campaign) as session:
        days = [_play(session, begins + ONE_DAY * number) for number in range((ends - begins).days + 1)]
        names = _count(session, days)
        _count_visits(session, days)
    return Simulation(days, names)


def _last_day(session: Session, campaign: Campaign) -> date:
    due = session.scalar(select(func.max(Ticket.due_at)).where(Ticket.campaign_id == campaign.id))
    rota = session.scalar(select(func.max(Rota.ends_on)).where(Rota.campaign_id == campaign.id))
    phases = [day for phase in campaign.phases for day in (phase.starts_on, phase.ends_on)]
    known = [day for day in (*phases, rota, local_day(due) if due else None) if day is not None]
    return max(known, default=local_day(campaign.created_at))


@contextmanager
def _copy(database: Database, campaign: Campaign) -> Iterator[Session]:
    """A session that meets the copies first, on a connection of its own: a statement another one has prepared already
    would go on meaning the real tables.
    """
    engine = create_engine(database.engine.url, poolclass=NullPool)
    with engine.connect() as connection, connection.begin() as transaction:
        for table, which in _COPIED.items():
            connection.execute(
                text(f"CREATE TEMPORARY TABLE {table} (LIKE public.{table} INCLUDING ALL) ON COMMIT DROP")
            )
            if which != "false":
                # What the database computes itself, it computes of the copy.
                every = Base.metadata.tables[table].columns
                named = ", ".join(column.name for column in every if column.computed is None)
                copied = f"SELECT {named} FROM public.{table} WHERE {which}"  # noqa: S608 - our own names
                rows = text(f"INSERT INTO pg_temp.{table} ({named}) {copied}")
                connection.execute(rows, {"campaign": campaign.id})
        connection.execute(text("SET TRANSACTION READ ONLY"))
        with Session(connection, expire_on_commit=False, join_transaction_mode="create_savepoint") as session:
            yield session
        transaction.rollback()
    engine.dispose()


def _play(session: Session, day: date) -> Day:
    """What the flows do on one day."""
    played = Day(day)
    played.moved = advance_campaigns(session, as_of=_at(day, ADVANCING)).moved
    played.missed = len(record_missed(session, as_of=_at(day, PLANNING)).visits)
    plan_inspections(session, as_of=_at(day, PLANNING))
    while sweep(session, as_of=_at(day, SWEEPING)).more:
        pass
    session.flush()
    session.expunge_all()
    return played


def _at(day: date, moment: time) -> datetime:
    return datetime.combine(day, moment, LOCAL)


def _count(session: Session, days: list[Day]) -> dict[str, str]:
    """Put the messages on their days; returns the people told, by login."""
    by_day = {day.day: day for day in days}
    names: dict[str, str] = {}
    rows = session.execute(
        select(Notice.not_before, Person.login, Person.name).join(Person, Person.id == Notice.person_id)
    )
    for moment, login, name in rows:
        # What is held back in the last night arrives after the last day; it belongs to the load all the same.
        on = by_day.get(local_day(moment), days[-1])
        on.told[login] += 1
        names[login] = name
    return names


def _count_visits(session: Session, days: list[Day]) -> None:
    by_day = {day.day: day for day in days}
    rows = session.execute(select(Inspection.planned_on, func.count()).group_by(Inspection.planned_on))
    for planned_on, count in rows:
        if planned_on in by_day:
            by_day[planned_on].visits = count
