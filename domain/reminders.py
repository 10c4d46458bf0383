"""What a step of the ladder says to a person: how late it is, what to do now, and the ticket's own facts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.ladder_settings import DATED, Act, LadderStep
from domain.matters import Subject
from domain.notices import local_time
from domain.recipients import Recipient
from domain.records import Matter
from domain.workdays import NATIONAL, ONE_DAY, WorkCalendar
from statemachines.labels import Language, Level, label, local_day

PROPOSE_SUPERVISION = 7
PROPOSE_LISTING = 15
"""Working days late from which 督办, then a higher level or 挂牌督办 is proposed (rules 6.5)."""

SUBJECT_LENGTH = 40


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


def _how_late(subject: Subject, now: datetime, language: Language, calendar: WorkCalendar) -> str:
    """Where the matter stands on its clock: 还有2个工作日到期, 已逾期3天, 已2天."""
    zh, due_at = language == "zh", subject.anchor_at
    if subject.matter not in DATED:
        days = days_late(due_at, now)
        return f"已{days}天" if zh else f"for {days} day{'s' if days != 1 else ''}"
    if now <= due_at:
        if local_day(now) == local_day(due_at):
            return "今日到期" if zh else "due today"
        left = workdays_left(due_at, now, calendar)
        if not left:
            return "到期前已无工作日" if zh else "no working day left"
        return f"还有{left}个工作日到期" if zh else f"due in {left} working day{'s' if left > 1 else ''}"
    late = days_late(due_at, now)
    if not late:
        return "已过期限" if zh else "past its date"
    return f"已逾期{late}天" if zh else f"{late} day{'s' if late > 1 else ''} overdue"


@dataclass(frozen=True, slots=True)
class _Said:
    """What is said of a matter: its title, what whoever is to act does, and what the others do."""

    title_zh: str
    title_en: str
    act_zh: str
    act_en: str
    urge_zh: str
    urge_en: str


_SAID: dict[Matter, _Said] = {
    Matter.UNASSIGNED: _Said(
        "待三定",
        "Not assigned",
        "请按三定下达整改：定责任人、责任和措施、期限。",
        "Please assign it: person, duty and measure, deadline.",
        "请按三定下达整改，或督促下达。",
        "Please assign it under the three-fixed rule, or see that it is done.",
    ),
    Matter.UNACKNOWLEDGED: _Said(
        "待签收",
        "Not acknowledged",
        "请签收整改通知，并按期整改。",
        "Please acknowledge the notice and fix it by the deadline.",
        "责任人尚未签收，请确认其已知悉。",
        "The assignee has not acknowledged; please make sure they know.",
    ),
    Matter.UNCHECKED: _Said(
        "待复查",
        "Not re-checked",
        "整改已报完成，请尽快复查。",
        "The fix is reported; please re-check it soon.",
        "整改已报完成，请复查或安排复查。",
        "The fix is reported; please re-check it or arrange it.",
    ),
    Matter.EXTENSION: _Said(
        "延期待审批",
        "Extension undecided",
        "责任人申请延期，请在原期限前审批。",
        "More time is asked for; please decide before the present deadline.",
        "延期申请尚未审批，请审批或督促审批。",
        "A request for more time is undecided; please see to it.",
    ),
    Matter.INSPECTION: _Said(
        "计划检查",
        "Planned inspection",
        "请按计划检查并提交；不能前往的，请说明原因。",
        "Please make the visit and submit it, or say why not.",
        "计划检查尚未完成，请检查或督促检查。",
        "A planned visit is not made; please make it or see that it is.",
    ),
    Matter.SUGGESTION: _Said(
        "工会意见待答复",
        "Suggestion to be answered",
        "请研究并书面答复工会意见；不采纳的须说明理由。",
        "Please answer it in writing; if it is not adopted, say why.",
        "工会意见尚未答复，请督促答复。",
        "The union's suggestion is unanswered; please see that it is answered.",
    ),
    Matter.REPORT: _Said(
        "群众报告待受理",
        "Public report undecided",
        "请核实并受理，或说明不受理的理由；报告人凭查询码在等答复。",
        "Please look into it and accept it, or say why not; the reporter is waiting for the outcome.",
        "群众报告尚未受理，请督促核实、答复。",
        "A worker's report is undecided; please see that it is looked into and answered.",
    ),
    Matter.TOOL: _Said(
        "工器具待试验",
        "Tool due for its test",
        "请安排试验；到期未试验的停止使用。",
        "Please have it tested; it is not used after its date.",
        "请安排试验；到期未试验的停止使用。",
        "Please have it tested; it is not used after its date.",
    ),
    Matter.SUPERVISION: _Said(
        "督办进展待报",
        "Report under supervision due",
        "请报告督办隐患的整改进展。",
        "Please report the progress of this supervised hazard.",
        "督办隐患的进展尚未报告，请督促报告。",
        "The progress of a supervised hazard is not reported; please see that it is.",
    ),
}


def _what_to_do(step: LadderStep, subject: Subject, *, responsible: bool, language: Language) -> str:
    zh = language == "zh"
    if subject.matter is not Matter.DEADLINE:
        said = _SAID[subject.matter]
        if responsible or (step.act is Act.REMIND and subject.matter is not Matter.UNACKNOWLEDGED):
            return said.act_zh if zh else said.act_en
        return said.urge_zh if zh else said.urge_en
    if responsible and _asks_for_progress(step, subject):
        return (
            "重大隐患须每日报告整改进展和临时防范情况，请今日下班前在工单上填报。"
            if zh
            else "A major hazard is reported on every day: please note today how far it is and what guards it."
        )
    if step.before:
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
    weight = step.hours // 24 * (2 if subject.level is Level.MAJOR else 1)
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


def _asks_for_progress(step: LadderStep, subject: Subject) -> bool:
    """Whether it is the daily question of a major hazard, not a warning of its deadline."""
    every_day = step.repeat is not None and step.repeat.every_workdays == 1
    return every_day and subject.matter is Matter.DEADLINE and subject.level is Level.MAJOR


def words(
    step: LadderStep,
    subject: Subject,
    told: Recipient,
    *,
    now: datetime,
    calendar: WorkCalendar = NATIONAL,
) -> Words:
    """The notice of this step to one person, in their language; who is responsible acts, all others urge."""
    language: Language = "en" if told.person.language == "en" else "zh"
    zh = language == "zh"
    title, late = _title(step, subject, zh=zh), _how_late(subject, now, language, calendar)
    act = _what_to_do(step, subject, responsible=told.responsible, language=language)
    lines = [
        f"{name}{'：' if zh else ': '}{value}" for name, value in _facts(subject, late, language) if value
    ]
    if told.instead_of is not None:
        name = told.instead_of.name
        act = f"您代理{name}。{act}" if zh else f"You stand in for {name}. {act}"
    late = f"（{late}）" if zh else f" ({late})"
    return Words(
        subject=f"{title}{late}{'' if zh else ' '}{subject.number} {subject.what[:SUBJECT_LENGTH]}",
        body="\n".join([act, "", *lines]),
    )


def _facts(subject: Subject, late: str, language: Language) -> list[tuple[str, str]]:
    """Number, place, what, who, by when: enough to act on."""
    zh = language == "zh"
    place = ("，" if zh else ", ").join(part for part in (subject.unit_name, subject.location) if part)
    when = local_time(subject.anchor_at, language)
    dated = subject.matter in DATED
    return [
        ("编号" if zh else "Number", subject.number),
        ("地点" if zh else "Place", place),
        (_WHAT[subject.record][0 if zh else 1], subject.what),
        ("等级" if zh else "Level", label(subject.level, language) if subject.level else ""),
        ("责任人" if zh else "Responsible", subject.assignee_name),
        ("措施" if zh else "Measure", subject.measure or ""),
        (
            ("期限" if zh else "Deadline") if dated else ("起算" if zh else "Since"),
            f"{when}（{late}）" if zh else f"{when} ({late})",
        ),
    ]


_WHAT = {
    "ticket": ("隐患", "Hazard"),
    "extension": ("隐患", "Hazard"),
    "inspection": ("检查表", "Checklist"),
    "suggestion": ("意见", "Suggestion"),
    "report": ("报告", "Report"),
    "tool": ("工器具", "Tool"),
    "supervisionorder": ("隐患", "Hazard"),
}


def _title(step: LadderStep, subject: Subject, *, zh: bool) -> str:
    if subject.matter is not Matter.DEADLINE:
        return _SAID[subject.matter].title_zh if zh else _SAID[subject.matter].title_en
    if _asks_for_progress(step, subject):
        return "每日整改进展" if zh else "Daily progress"
    if step.before:
        return "整改提醒" if zh else "Reminder"
    return "逾期催办" if zh else "Overdue"
