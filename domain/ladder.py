"""The ladder of reminders and escalations (domain rules 6.5): which step comes when for a deadline, and whom it tells.

Pure computation over the campaign's settings and the calendar; domain/escalation.py climbs it. Times of steps are
aware, in Asia/Shanghai: a step before or after the deadline comes at 08:30 of its working day, step 0 the moment the
deadline has passed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Protocol
from uuid import UUID

from sqlalchemy import func, inspect, select
from sqlalchemy.orm import Session

from domain.campaign_settings import Act, CampaignSettings, LadderStep, Told, settings_of
from domain.deadlines import Skipped, end_of_day
from domain.records import History, Notice, Person, RoleGrant, StepRecord, Ticket, Unit
from domain.tickets import RUNNING
from domain.workdays import NATIONAL, ONE_DAY, WorkCalendar
from statemachines.labels import LOCAL, Language, Level, local_day
from statemachines.roles import Role

MORNING = time(8, 30, tzinfo=LOCAL)
QUIET_FROM, QUIET_UNTIL = time(22, 0), time(7, 0)
"""Quiet hours, Asia/Shanghai: nobody is told anything then, except about what runs by the hour (rules 6.5)."""

SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One step for one deadline: when, and the days passed over on the way from the deadline."""

    step: LadderStep
    at: datetime
    skipped: tuple[Skipped, ...] = ()

    def why(self, language: Language) -> str:
        """How the time was found: "到期前第3个工作日，跳过4月4日清明、4月5日清明"."""
        days = self.step.after_workdays
        if language == "zh":
            text = "整改期限已过" if not days else f"到期{'前' if days < 0 else '后'}第{abs(days)}个工作日"
            passed = "、".join(f"{each.day.month}月{each.day.day}日{each.zh}" for each in self.skipped)
            return f"{text}，跳过{passed}" if passed else text
        side = "before" if days < 0 else "after"
        text = (
            f"{abs(days)} working day{'s' if abs(days) > 1 else ''} {side} the deadline"
            if days
            else "the deadline has passed"
        )
        passed = ", ".join(f"{each.day.isoformat()} ({each.en})" for each in self.skipped)
        return f"{text}, passing over {passed}" if passed else text


@lru_cache(maxsize=4096)
def _away(calendar: WorkCalendar, day: date, count: int) -> tuple[date, tuple[Skipped, ...]]:
    """The `count`-th working day from `day`, and the days off between them in the order of the calendar."""
    target = calendar.add(day, count)
    first, last = min(day, target) + ONE_DAY, max(day, target)
    between = (calendar.day(first + ONE_DAY * n) for n in range((last - first).days))
    return target, tuple(Skipped(each.day, each.zh, each.en) for each in between if not each.working)


def planned(step: LadderStep, due_at: datetime, calendar: WorkCalendar = NATIONAL) -> PlannedStep:
    """When this step comes for a deadline, by the working days of the unit."""
    if step.after_workdays == 0:
        return PlannedStep(step, due_at.astimezone(LOCAL) + SECOND)
    day, skipped = _away(calendar, local_day(due_at), step.after_workdays)
    return PlannedStep(step, datetime.combine(day, MORNING), skipped)


def planned_steps(level: Level, due_at: datetime, settings: CampaignSettings) -> list[PlannedStep]:
    """The whole ladder of a deadline for this level, earliest first."""
    return [planned(step, due_at) for step in settings.ladder if step.is_for(level)]


def next_step_at(
    steps: Iterable[PlannedStep], *, due_at: datetime, recorded: frozenset[str], now: datetime
) -> datetime | None:
    """The earliest step still to climb.

    A reminder whose time was already past when its deadline was set is left out: whoever was just given two days
    need not hear that three are left. A step after the deadline is never left out.
    """
    ahead = [
        each.at for each in steps if each.step.code not in recorded and (each.at > now or each.at > due_at)
    ]
    return min(ahead, default=None)


def recorded_steps(session: Session, tickets: Sequence[UUID]) -> dict[tuple[UUID, int], frozenset[str]]:
    """The codes of the steps already recorded, by ticket and due version."""
    found: defaultdict[tuple[UUID, int], set[str]] = defaultdict(set)
    rows = session.execute(
        select(StepRecord.ticket_id, StepRecord.due_version, StepRecord.step).where(
            StepRecord.ticket_id.in_(tickets)
        )
    )
    for ticket_id, version, code in rows:
        found[ticket_id, version].add(code)
    return {key: frozenset(codes) for key, codes in found.items()}


def plan_next_step(session: Session, ticket: Ticket, *, now: datetime) -> None:
    """Set `ticket.next_step_at` from its state, level, deadline and campaign; called after each change of these.

    Outside the states in which a deadline runs there is no next step. The campaign must be loaded.
    """
    if ticket.state not in RUNNING or ticket.due_at is None:
        ticket.next_step_at = None
        return
    recorded: frozenset[str] = frozenset()
    # A deadline this very command has set has no steps behind it.
    if not inspect(ticket).attrs.due_version.history.has_changes():
        # The command is half written: a flush here would raise the version once more.
        with session.no_autoflush:
            recorded = recorded_steps(session, [ticket.id]).get((ticket.id, ticket.due_version), recorded)
    steps = planned_steps(ticket.level, ticket.due_at, settings_of(ticket.campaign))
    ticket.next_step_at = next_step_at(steps, due_at=ticket.due_at, recorded=recorded, now=now)


def by_the_hour(level: Level, due_at: datetime) -> bool:
    """Whether the matter does not wait for morning: a major hazard, or a deadline by the clock (24 h)."""
    return level is Level.MAJOR or due_at.astimezone(LOCAL) != end_of_day(due_at)


def outside_quiet_hours(moment: datetime) -> datetime:
    """The moment itself, or 07:00 when it lies in the quiet hours."""
    local = moment.astimezone(LOCAL)
    if QUIET_UNTIL <= local.time() < QUIET_FROM:
        return moment
    day = local.date() + (ONE_DAY if local.time() >= QUIET_FROM else timedelta(0))
    return datetime.combine(day, QUIET_UNTIL, tzinfo=LOCAL)


# Whom a step tells.

ROLES_TOLD = (Role.SUPERVISOR, Role.LEADER, Role.INSPECTOR)


class Concerns(Protocol):
    """What the recipients of a step are found from: the ticket itself, or the columns the sweep reads."""

    @property
    def unit_path(self) -> str: ...
    @property
    def assignee_id(self) -> UUID | None: ...
    @property
    def finder_id(self) -> UUID: ...


def unit_and_above(path: str) -> list[str]:
    """The paths of a unit and of all above it: "/XB/XB03/" → "/", "/XB/", "/XB/XB03/"."""
    codes = path.strip("/").split("/") if path != "/" else []
    return ["/", *("/" + "/".join(codes[: n + 1]) + "/" for n in range(len(codes)))]


class Recipients:
    """Who is told, looked up once for a batch of tickets: two queries, however many tickets there are."""

    def __init__(self, session: Session, tickets: Sequence[Concerns]) -> None:
        named = {key for t in tickets for key in (t.assignee_id, t.finder_id) if key is not None}
        self._people = {
            person.id: person
            for person in session.scalars(select(Person).where(Person.id.in_(named), Person.active))
        }
        paths = {path for ticket in tickets for path in unit_and_above(ticket.unit_path)}
        rows = session.execute(
            select(RoleGrant.role, Unit.path, Person)
            .join(Unit, Unit.id == RoleGrant.unit_id)
            .join(Person, Person.id == RoleGrant.person_id)
            .where(Unit.path.in_(paths), RoleGrant.role.in_(ROLES_TOLD), Person.active)
            .order_by(func.length(Unit.path).desc(), Person.login)
        )
        self._holders: defaultdict[tuple[Role, str], list[Person]] = defaultdict(list)
        for role, path, person in rows:
            self._holders[role, path].append(person)

    def of(self, told: Iterable[Told], ticket: Concerns) -> list[Person]:
        """The people these words mean for this ticket, each once. People no longer active are not told."""
        found = [person for word in told for person in self._meant(word, ticket)]
        return list(dict.fromkeys(found))

    def _meant(self, word: Told, ticket: Concerns) -> list[Person]:
        match word:
            case Told.ASSIGNEE:
                return self._named(ticket.assignee_id)
            case Told.INSPECTOR:
                # The inspector of a ticket is who found it; the others only when that person has left.
                return self._named(ticket.finder_id) or self._holding(Role.INSPECTOR, ticket)
            case Told.UNIT_LEADER:
                return self._unit_leader(ticket)
            case Told.SUPERVISOR:
                return self._holding(Role.SUPERVISOR, ticket)
            case Told.LEADER:
                return self._holding(Role.LEADER, ticket)

    def _named(self, person_id: UUID | None) -> list[Person]:
        return [self._people[person_id]] if person_id in self._people else []

    def _holding(self, role: Role, ticket: Concerns) -> list[Person]:
        upwards = reversed(unit_and_above(ticket.unit_path))
        return [person for path in upwards for person in self._holders[role, path]]

    def _unit_leader(self, ticket: Concerns) -> list[Person]:
        for path in reversed(unit_and_above(ticket.unit_path)):
            if found := self._holders[Role.LEADER, path] or self._holders[Role.SUPERVISOR, path]:
                return found
        return []


# What a person reads of the ladder.


@dataclass(frozen=True, slots=True)
class Escalation:
    """One step of one ticket, past or planned. `whom` are names; `done_at` is None while it is planned."""

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
    """Every step of the ticket, past and planned, in the order of time. Unit and campaign must be loaded."""
    settings = settings_of(ticket.campaign)
    past = _past(session, ticket, settings)
    if ticket.state not in RUNNING or ticket.due_at is None:
        return past
    climbed = {each.step for each in past if each.due_version == ticket.due_version}
    recipients = Recipients(session, [ticket])
    ahead = []
    for each in planned_steps(ticket.level, ticket.due_at, settings):
        left_out = each.at <= now and each.at <= ticket.due_at
        if each.step.code in climbed or (left_out and each.at != ticket.next_step_at):
            continue
        people = recipients.of(each.step.to, ticket)
        ahead.append(
            Escalation(
                step=each.step.code,
                act=each.step.act.value,
                due_version=ticket.due_version,
                planned_at=each.at,
                done_at=None,
                whom=tuple(person.name for person in people),
                channels=tuple(sorted({"email" if person.email else "inbox" for person in people})),
                zh=each.why("zh"),
                en=each.why("en"),
                skipped=each.skipped,
            )
        )
    return [*past, *ahead]


def _past(session: Session, ticket: Ticket, settings: CampaignSettings) -> list[Escalation]:
    told = _told(session, ticket)
    dues = _deadlines(session, ticket)
    steps = {step.code: step for step in settings.ladder}
    records = session.scalars(
        select(StepRecord).where(StepRecord.ticket_id == ticket.id).order_by(StepRecord.planned_at)
    )
    past = []
    for record in records:
        step, due_at = steps.get(record.step), dues.get(record.due_version)
        plan = planned(step, due_at) if step and due_at else None
        people = told[record.step, record.due_version]
        later = ("", "") if record.told else ("（未另行通知）", " (nobody was told separately)")
        past.append(
            Escalation(
                step=record.step,
                act=step.act.value if step else "",
                due_version=record.due_version,
                planned_at=record.planned_at,
                done_at=record.done_at,
                whom=tuple(name for name, _ in people),
                channels=tuple(sorted({channel for _, channel in people})),
                zh=(plan.why("zh") if plan else record.step) + later[0],
                en=(plan.why("en") if plan else record.step) + later[1],
                skipped=plan.skipped if plan else (),
            )
        )
    return past


def _told(session: Session, ticket: Ticket) -> defaultdict[tuple[str, int], list[tuple[str, str]]]:
    """Name and channel of everybody told, by step and due version: both stand in the notice's key."""
    told: defaultdict[tuple[str, int], list[tuple[str, str]]] = defaultdict(list)
    rows = session.execute(
        select(Notice.key, Person.name, Notice.channel)
        .join(Person, Person.id == Notice.person_id)
        .where(Notice.ticket_id == ticket.id, Notice.kind.in_(list(Act)))
        .order_by(Notice.id)
    )
    for key, name, channel in rows:
        _, step, version, *_ = key.split(":")
        told[step, int(version)].append((name, channel.value))
    return told


def _deadlines(session: Session, ticket: Ticket) -> dict[int, datetime]:
    """The deadline of each due version that was escalated, as the history keeps it."""
    rows = session.scalars(
        select(History.facts).where(
            History.subject == "ticket", History.subject_id == ticket.id, History.event == "escalate"
        )
    )
    return {facts["due_version"]: datetime.fromisoformat(facts["due"]) for facts in rows}
