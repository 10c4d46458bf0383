"""When each step of a ladder comes for a matter (domain rules 6.5), and what people read of it.

Pure computation over the ladder and the unit's calendar; domain/escalation.py climbs it, domain/recipients.py says whom
a step tells. Times of steps are aware, in Asia/Shanghai: a step counted in working days comes at 08:30 of its day, step
0 the moment the matter's moment has passed, a step counted in hours by the clock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.deadlines import Skipped, end_of_day
from domain.ladder_settings import Ladder, LadderStep, QuietHours
from domain.many_rows import among
from domain.records import Matter, StepRecord
from domain.workdays import NATIONAL, ONE_DAY, WorkCalendar
from statemachines.labels import LOCAL, Language, Level, local_day

MORNING = time(8, 30, tzinfo=LOCAL)
SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One step for one moment: when, and the days passed over on the way. `time` counts its repeats, 0 the first."""

    step: LadderStep
    at: datetime
    skipped: tuple[Skipped, ...] = ()
    time: int = 0

    @property
    def code(self) -> str:
        """The step's code; of a repeat with its number behind a dot."""
        return f"{self.step.code}.{self.time}" if self.time else self.step.code

    def counts(self, *, anchor_at: datetime, planned_from: datetime) -> bool:
        """Whether it is part of a plan made at that moment.

        A reminder whose time was already past when its moment was set is left out: whoever was just given two days
        need not hear that three are left. A step after the moment is never left out.
        """
        return self.at > planned_from or self.at > anchor_at

    def why(self, matter: Matter, language: Language) -> str:
        """How the time was found: "到期前第3个工作日，跳过4月4日清明、4月5日清明"."""
        text = _counted(self.step, matter, language)
        if self.time:
            text += f"，第{self.time}次重复" if language == "zh" else f", repeated for the {self.time}. time"
        if not self.skipped:
            return text
        if language == "zh":
            passed = "、".join(f"{each.day.month}月{each.day.day}日{each.zh}" for each in self.skipped)
            return f"{text}，跳过{passed}"
        passed = ", ".join(f"{each.day.isoformat()} ({each.en})" for each in self.skipped)
        return f"{text}, passing over {passed}"


#: matter → the moment it is counted from, for the first step after it: (zh, en), and the moment itself: (zh, en)
_MOMENTS: dict[Matter, tuple[str, str, str, str]] = {
    Matter.UNASSIGNED: ("登记后仍未三定", "not assigned since it was recorded", "登记", "recording"),
    Matter.UNACKNOWLEDGED: ("下达后未签收", "not acknowledged since assigned", "下达", "assignment"),
    Matter.DEADLINE: ("整改期限已过", "the deadline has passed", "到期", "the deadline"),
    Matter.UNCHECKED: ("报完成后未复查", "not re-checked since the fix", "报完成", "the fix"),
    Matter.EXTENSION: ("申请后未审批", "not decided since requested", "申请", "the request"),
    Matter.INSPECTION: ("计划日已过未检查", "the planned day has passed", "计划日", "the planned day"),
    Matter.SUGGESTION: (
        "答复期限已过",
        "the day of the answer has passed",
        "答复期限",
        "the day of the answer",
    ),
    Matter.REPORT: ("收到后未受理", "not decided since it came in", "收到", "its arrival"),
    Matter.TOOL: ("试验有效期已过", "its last test has run out", "试验到期", "the end of its last test"),
    Matter.SUPERVISION: (
        "报告期限已过",
        "the day of the report has passed",
        "报告期限",
        "the day of the report",
    ),
}


def _counted(step: LadderStep, matter: Matter, language: Language) -> str:
    passed_zh, passed_en, moment_zh, moment_en = _MOMENTS[matter]
    count = step.after_workdays if step.after_workdays is not None else step.after_hours
    assert count is not None
    if count == 0:
        return passed_zh if language == "zh" else passed_en
    days = step.after_workdays is not None
    if language == "zh":
        side = "前" if count < 0 else "后"
        unit = f"第{abs(count)}个工作日" if days else f"{abs(count)}小时"
        return f"{moment_zh}{side}{unit}"
    unit = "working day" if days else "hour"
    plural = "s" if abs(count) > 1 else ""
    return f"{abs(count)} {unit}{plural} {'before' if count < 0 else 'after'} {moment_en}"


@lru_cache(maxsize=4096)
def _away(calendar: WorkCalendar, day: date, count: int) -> tuple[date, tuple[Skipped, ...]]:
    """The `count`-th working day from `day`, and the days off between them in the order of the calendar."""
    target = calendar.add(day, count)
    first, last = min(day, target) + ONE_DAY, max(day, target)
    between = (calendar.day(first + ONE_DAY * n) for n in range((last - first).days))
    return target, tuple(Skipped(each.day, each.zh, each.en) for each in between if not each.working)


def _planned(
    step: LadderStep, anchor_at: datetime, calendar: WorkCalendar, *, repeat: int = 0
) -> PlannedStep:
    again = step.repeat.every_workdays * repeat if step.repeat is not None else 0
    if step.after_hours is not None:
        at = anchor_at.astimezone(LOCAL) + timedelta(hours=step.after_hours)
        if not again:
            return PlannedStep(step, at + (SECOND if step.after_hours == 0 else timedelta(0)))
        day, skipped = _away(calendar, local_day(at), again)
        return PlannedStep(step, datetime.combine(day, at.timetz()), skipped, repeat)
    days = (step.after_workdays or 0) + again
    if days == 0:
        return PlannedStep(step, anchor_at.astimezone(LOCAL) + SECOND, (), repeat)
    day, skipped = _away(calendar, local_day(anchor_at), days)
    return PlannedStep(step, datetime.combine(day, MORNING), skipped, repeat)


def planned_steps(
    ladder: Ladder, anchor_at: datetime, level: Level | None, calendar: WorkCalendar = NATIONAL
) -> list[PlannedStep]:
    """Every step of a matter of this level counted from its moment, repeats included, earliest first.

    A reminder is repeated only until the moment it reminds of.
    """
    steps = [
        _planned(step, anchor_at, calendar, repeat=repeat)
        for step in ladder
        if step.is_for(level)
        for repeat in range(1 + (step.repeat.times if step.repeat else 0))
    ]
    return sorted(
        (each for each in steps if not (each.time and each.step.before and each.at > anchor_at)),
        key=lambda each: each.at,
    )


def next_step_at(
    steps: Iterable[PlannedStep], *, anchor_at: datetime, recorded: frozenset[str], planned_from: datetime
) -> datetime | None:
    """The earliest step still to climb."""
    ahead = [
        each.at
        for each in steps
        if each.code not in recorded and each.counts(anchor_at=anchor_at, planned_from=planned_from)
    ]
    return min(ahead, default=None)


def planning_from(
    steps: Iterable[PlannedStep],
    *,
    anchor_at: datetime,
    recorded: frozenset[str],
    before: datetime,
    waits_since: datetime | None,
    now: datetime,
) -> datetime:
    """From when the steps count after they were planned anew at `now`; `before` they counted from.

    A step that has come and waits for a sweep (`waits_since`) is not lost to that. It stays as it was where nothing
    hangs on it.
    """
    # A plan made by a clock that ran ahead is put right.
    before = min(before, now)
    since = max(before, now if waits_since is None or waits_since > now else waits_since - SECOND)
    left_out = any(
        each.code not in recorded
        and each.counts(anchor_at=anchor_at, planned_from=before)
        and not each.counts(anchor_at=anchor_at, planned_from=since)
        for each in steps
    )
    return since if left_out else before


def recorded_steps(
    session: Session, matters: Sequence[tuple[Matter, UUID]]
) -> dict[tuple[Matter, UUID, int], frozenset[str]]:
    """The codes of the steps already recorded, by matter, subject and turn."""
    found: defaultdict[tuple[Matter, UUID, int], set[str]] = defaultdict(set)
    rows = session.execute(
        select(StepRecord.matter, StepRecord.subject_id, StepRecord.turn, StepRecord.step).where(
            among(StepRecord.subject_id, {subject_id for _, subject_id in matters})
        )
    )
    for matter, subject_id, turn, code in rows:
        found[matter, subject_id, turn].add(code)
    return {key: frozenset(codes) for key, codes in found.items()}


def key_of(subject: UUID, code: str, turn: int) -> str:
    """How the notices of a step name their occasion."""
    return f"{subject}:{code}:{turn}"


def matter_of(key: str) -> tuple[UUID, int] | None:
    """The subject and the turn in the key of a step's notice; None for a key of another making."""
    subject, _, rest = key.partition(":")
    try:
        return UUID(subject), int(rest.split(":")[1])
    except (ValueError, IndexError):
        return None


def by_the_hour(level: Level | None, anchor_at: datetime, matter: Matter) -> bool:
    """Whether the matter does not wait for morning: a major hazard, or a deadline by the clock (24 h)."""
    if level is Level.MAJOR:
        return True
    return matter is Matter.DEADLINE and anchor_at.astimezone(LOCAL) != end_of_day(anchor_at)


def outside_quiet_hours(
    moment: datetime, quiet: QuietHours | None, calendar: WorkCalendar = NATIONAL
) -> datetime:
    """The moment itself, or the end of the quiet hours when it lies in them or on a quiet day off."""
    if quiet is None:
        return moment
    begin, end = quiet.hours()
    local = moment.astimezone(LOCAL)
    clock, day = local.time(), local.date()
    over_midnight = begin > end
    inside = (clock >= begin or clock < end) if over_midnight else begin <= clock < end
    if inside and over_midnight and clock >= begin:
        day += ONE_DAY
    if quiet.days_off and not calendar.is_workday(day):
        return datetime.combine(calendar.next(day), end, tzinfo=LOCAL)
    return datetime.combine(day, end, tzinfo=LOCAL) if inside else moment
