"""What a step of the ladder says to a person: how late it is, what to do now, and the ticket's own facts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.campaign_settings import LadderStep
from domain.notices import local_time
from domain.workdays import NATIONAL, ONE_DAY, WorkCalendar
from statemachines.labels import Language, Level, label, local_day

PROPOSE_SUPERVISION = 7
PROPOSE_LISTING = 15
"""Working days late from which 督办, then a higher level or 挂牌督办 is proposed (rules 6.5)."""

SUBJECT_LENGTH = 40


class Urgent(Protocol):
    """What a reminder tells of a ticket."""

    @property
    def number(self) -> str: ...
    @property
    def unit_name(self) -> str: ...
    @property
    def location(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def level(self) -> Level: ...
    @property
    def assignee_name(self) -> str: ...
    @property
    def measure(self) -> str | None: ...
    @property
    def due_at(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Words:
    """One notice: the subject line and the plain text; the link is added when it is sent."""

    subject: str
    body: str


def days_late(due_at: datetime, now: datetime) -> int:
    """Calendar days since the day of the deadline, in Asia/Shanghai; 0 on the day itself."""
    return max(0, (local_day(now) - local_day(due_at)).days)


def workdays_left(due_at: datetime, now: datetime, calendar: WorkCalendar = NATIONAL) -> int:
    """Working days after today up to and including the day of the deadline."""
    day, last, left = local_day(now), local_day(due_at), 0
    while day < last:
        day += ONE_DAY
        left += calendar.is_workday(day)
    return left


def _how_late(due_at: datetime, now: datetime, language: Language) -> str:
    zh = language == "zh"
    if now <= due_at:
        if local_day(now) == local_day(due_at):
            return "今日到期" if zh else "due today"
        left = workdays_left(due_at, now)
        if not left:
            return "到期前已无工作日" if zh else "no working day left"
        return f"还有{left}个工作日到期" if zh else f"due in {left} working day{'s' if left > 1 else ''}"
    late = days_late(due_at, now)
    if not late:
        return "已过整改期限" if zh else "past its deadline"
    return f"已逾期{late}天" if zh else f"{late} day{'s' if late > 1 else ''} overdue"


def _what_to_do(step: LadderStep, level: Level, *, responsible: bool, language: Language) -> str:
    zh = language == "zh"
    if step.after_workdays < 0:
        if responsible:
            return (
                "请按期完成整改，附整改后照片上报；确需延期的，请在到期前申请并写明临时防范措施。"
                if zh
                else "Please fix it by the deadline and report with photos; if more time is needed, ask before the"
                " deadline and say what guards the hazard meanwhile."
            )
        return "请督促责任人按期整改。" if zh else "Please see that it is fixed by the deadline."
    if responsible:
        return (
            "请立即整改并上报，未完成前做好临时防范。"
            if zh
            else "Please fix it at once, report it, and keep the hazard guarded until then."
        )
    # For a major hazard the steps come in half the time (rules 6.5), so a day counts twice.
    weight = step.after_workdays * (2 if level is Level.MAJOR else 1)
    if weight >= PROPOSE_LISTING:
        return (
            "建议上调隐患等级或挂牌督办，请研究决定。"
            if zh
            else "Raising its level or a listed supervision is proposed; please decide."
        )
    if weight >= PROPOSE_SUPERVISION:
        return (
            "建议列入督办，请研究决定。" if zh else "Listing it for supervision is proposed; please decide."
        )
    return "请督促责任人立即整改。" if zh else "Please see that it is fixed at once."


def words(step: LadderStep, ticket: Urgent, *, responsible: bool, language: Language, now: datetime) -> Words:
    """The notice of this step to one person; `responsible` is the assignee, who acts, all others urge."""
    zh = language == "zh"
    title = _title(step, zh=zh)
    late = _how_late(ticket.due_at, now, language)
    between: Callable[[str, str], str] = (
        (lambda name, value: f"{name}：{value}") if zh else (lambda name, value: f"{name}: {value}")
    )
    place = ("，" if zh else ", ").join(part for part in (ticket.unit_name, ticket.location) if part)
    lines = [
        between("编号" if zh else "Number", ticket.number),
        between("地点" if zh else "Place", place),
        between("隐患" if zh else "Hazard", ticket.description),
        between("等级" if zh else "Level", label(ticket.level, language)),
        between("责任人" if zh else "Assignee", ticket.assignee_name),
        *([between("措施" if zh else "Measure", ticket.measure)] if ticket.measure else []),
        between(
            "期限" if zh else "Deadline",
            f"{local_time(ticket.due_at, language)}（{late}）"
            if zh
            else f"{local_time(ticket.due_at, language)} ({late})",
        ),
    ]
    act = _what_to_do(step, ticket.level, responsible=responsible, language=language)
    return Words(
        subject=f"{title}（{late}）{ticket.number} {ticket.description[:SUBJECT_LENGTH]}"
        if zh
        else f"{title} ({late}) {ticket.number} {ticket.description[:SUBJECT_LENGTH]}",
        body="\n".join([act, "", *lines]),
    )


def _title(step: LadderStep, *, zh: bool) -> str:
    if step.after_workdays < 0:
        return "整改提醒" if zh else "Reminder"
    return "逾期催办" if zh else "Overdue"
