"""What people are told about a ticket, and who: one function per occasion, called inside the command's transaction.

A notice carries enough to act on: number, place, what, what to do, by when. The link is added when it is sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from domain import outbox
from domain.people import holders
from domain.records import Extension, Person, Ticket, Unit
from statemachines.extension import ExtensionState
from statemachines.labels import LOCAL, Language, Level, label
from statemachines.roles import Actor, Role
from statemachines.ticket import APPROVERS, TicketState

#: kind → (Chinese title, English title, what to do in Chinese, what to do in English)
OCCASIONS: dict[str, tuple[str, str, str, str]] = {
    "found": (
        "新登记隐患",
        "New hazard",
        "请按三定下达整改。",
        "Please assign it under the three-fixed rule.",
    ),
    "assigned": (
        "整改通知",
        "To be rectified by you",
        "请签收，按期整改，完成后附整改后照片上报。",
        "Please acknowledge, fix it by the deadline, and report with photos after the fix.",
    ),
    "fixed": (
        "待复查",
        "To be re-checked",
        "整改已报完成，请复查。",
        "The fix is reported; please re-check.",
    ),
    "first_pass": (
        "待第二人复查",
        "Second re-check needed",
        "重大隐患已有一人复查合格，请另一人复查。",
        "One person has verified this major hazard; another must follow.",
    ),
    "verified": ("已销号", "Closed", "复查合格，已销号。", "The re-check passed; the ticket is closed."),
    "returned": (
        "复查不合格",
        "Returned",
        "复查不合格，请重新整改。",
        "The re-check failed; please fix it again.",
    ),
    "propose_supervision": (
        "建议督办",
        "Supervision proposed",
        "已两次复查不合格，建议列入督办。",
        "The re-check has failed twice; consider listing it for supervision.",
    ),
    "cancelled": (
        "已作废",
        "Cancelled",
        "本单已作废，无须整改。",
        "This ticket is cancelled; nothing is to be done.",
    ),
    "relieved": (
        "已改派他人",
        "Given to somebody else",
        "本单已改由他人负责，您无须再办。",
        "Somebody else is responsible for this ticket now; there is nothing left for you to do.",
    ),
    "received": (
        "转来隐患",
        "Passed on to your unit",
        "请按三定下达整改。",
        "Please assign it under the three-fixed rule.",
    ),
    "transferred": (
        "已转办",
        "Passed on to another unit",
        "本单已转由其他单位办理，您无须再办。",
        "This ticket was passed on to another unit; there is nothing left for you to do.",
    ),
    "corrected": (
        "隐患单已更正",
        "Ticket corrected",
        "本单内容有更正，请按更正后的内容办理。",
        "What this ticket says was corrected; please go by what it says now.",
    ),
    "mentioned": (
        "有人提到您",
        "You were mentioned",
        "请查看留言。",
        "Please read the comment.",
    ),
    "recalendared": (
        "期限随日历调整",
        "Deadline moved by the calendar",
        "放假安排有变，整改期限随之调整，请按新期限整改。",
        "The working days have changed and the deadline with them; please keep to the new one.",
    ),
    "extension_requested": (
        "延期待审批",
        "Extension to be decided",
        "责任人申请延期，请审批。",
        "The assignee asks for more time; please decide.",
    ),
    "extension_approved": (
        "延期已批准",
        "Extension granted",
        "请按新期限整改。",
        "Please keep to the new deadline.",
    ),
    "extension_refused": (
        "延期未批准",
        "Extension refused",
        "请仍按原期限整改。",
        "Please keep to the present deadline.",
    ),
}


def local_time(moment: datetime | None, language: Language) -> str:
    """A moment as a notice gives it, in Asia/Shanghai; the end of a day is 24:00 in Chinese."""
    if moment is None:
        return "未定" if language == "zh" else "not set"
    local = moment.astimezone(LOCAL)
    if language == "en":
        return local.strftime("%d %b %Y %H:%M")
    clock = "24:00" if (local.hour, local.minute) == (23, 59) else local.strftime("%H:%M")
    return f"{local.year}年{local.month}月{local.day}日 {clock}"


def facts_of(ticket: Ticket, language: Language) -> list[tuple[str, str]]:
    """The lines every notice about a ticket carries: label and value. Unit and assignee must be loaded."""
    zh = language == "zh"
    place = "，".join(part for part in (ticket.unit.name, ticket.location) if part)
    lines = [
        ("编号" if zh else "Number", ticket.number),
        ("地点" if zh else "Place", place),
        ("隐患" if zh else "Hazard", ticket.description),
        ("等级" if zh else "Level", label(ticket.level, language)),
    ]
    if ticket.assignee is not None:
        lines.append(("责任人" if zh else "Assignee", ticket.assignee.name))
    if ticket.measure:
        lines.append(("措施" if zh else "Measure", ticket.measure))
    if ticket.due_at is not None:
        lines.append(("期限" if zh else "Deadline", local_time(ticket.due_at, language)))
    return lines


def _tell(
    session: Session,
    people: Iterable[Person | None],
    ticket: Ticket,
    kind: str,
    *,
    now: datetime,
    about: UUID | None = None,
    extra_zh: str = "",
    extra_en: str = "",
) -> None:
    """One notice for each person: once for the version of the ticket this command writes, or once `about` a record."""
    zh_title, en_title, zh_act, en_act = OCCASIONS[kind]
    session.flush()
    for person in dict.fromkeys(person for person in people if person is not None):
        zh = person.language != "en"
        language: Language = "zh" if zh else "en"
        between = "：" if zh else ": "
        lines = [f"{name}{between}{value}" for name, value in facts_of(ticket, language)]
        extra = extra_zh if zh else extra_en
        outbox.tell(
            session,
            person,
            key=f"{ticket.id}:{kind}:{about or ticket.version}",
            kind=kind,
            subject=f"{zh_title if zh else en_title} {ticket.number} {ticket.description[:40]}",
            body="\n".join([zh_act if zh else en_act, *([extra] if extra else []), "", *lines]),
            now=now,
            ticket=ticket,
            responsible=person.id == ticket.assignee_id,
        )


def found(session: Session, ticket: Ticket, *, now: datetime) -> None:
    """A serious finding is told to the supervisors, a major one to the leaders too; general ones wait in the queue."""
    if ticket.level == Level.GENERAL:
        return
    people = holders(session, Role.SUPERVISOR, ticket.unit.path)
    if ticket.level == Level.MAJOR:
        people += holders(session, Role.LEADER, ticket.unit.path)
    _tell(session, people, ticket, "found", now=now)


def assigned(session: Session, ticket: Ticket, *, now: datetime) -> None:
    """整改通知 to the person responsible."""
    _tell(session, [ticket.assignee], ticket, "assigned", now=now)


def _watchers(session: Session, ticket: Ticket) -> list[Person]:
    """Who re-checks: the finder, unless they made the fix themselves; then the supervisors."""
    if ticket.finder_id != ticket.fixer_id:
        return [ticket.finder]
    return [p for p in holders(session, Role.SUPERVISOR, ticket.unit.path) if p.id != ticket.fixer_id]


def fixed(session: Session, ticket: Ticket, *, now: datetime) -> None:
    """The fix awaits a re-check."""
    _tell(session, _watchers(session, ticket), ticket, "fixed", now=now)


def verified(session: Session, ticket: Ticket, *, now: datetime) -> None:
    """Closed: told to the person responsible; after the first of two passes the supervisors find the second person."""
    if ticket.state == TicketState.VERIFIED:
        _tell(session, [ticket.assignee], ticket, "verified", now=now)
    else:
        _tell(session, holders(session, Role.SUPERVISOR, ticket.unit.path), ticket, "first_pass", now=now)


def returned(session: Session, ticket: Ticket, *, now: datetime, propose_supervision: bool) -> None:
    """Returned to the person responsible; the second time supervisors and leaders are asked about 督办."""
    _tell(session, [ticket.assignee], ticket, "returned", now=now)
    if propose_supervision:
        path = ticket.unit.path
        people = holders(session, Role.SUPERVISOR, path) + holders(session, Role.LEADER, path)
        _tell(session, people, ticket, "propose_supervision", now=now)


def cancelled(session: Session, ticket: Ticket, *, now: datetime) -> None:
    """Struck: the finder and the person responsible hear why."""
    _tell(
        session,
        [ticket.finder, ticket.assignee],
        ticket,
        "cancelled",
        now=now,
        extra_zh=f"原因：{ticket.cancel_reason}",
        extra_en=f"Reason: {ticket.cancel_reason}",
    )


def relieved(
    session: Session, ticket: Ticket, previous: Person | None, *, reason: str, now: datetime
) -> None:
    """Reassigned: who had it hears that it is no longer theirs, so that nobody looks for a task that has gone."""
    if previous is not None and previous.id != ticket.assignee_id:
        _tell(
            session,
            [previous],
            ticket,
            "relieved",
            now=now,
            extra_zh=f"理由：{reason}",
            extra_en=f"Reason: {reason}",
        )


def transferred(
    session: Session,
    ticket: Ticket,
    *,
    sender: Unit,
    previous: Person | None,
    reason: str,
    actor: Actor,
    now: datetime,
) -> None:
    """Passed on: the receiving unit's supervisors are to assign it; who had it is relieved."""
    zh = f"转出单位：{sender.name}\n理由：{reason}"
    en = f"From: {sender.name}\nReason: {reason}"
    receivers = [
        person for person in holders(session, Role.SUPERVISOR, ticket.unit.path) if person.id != actor.id
    ]
    _tell(session, receivers, ticket, "received", now=now, extra_zh=zh, extra_en=en)
    _tell(session, [previous], ticket, "transferred", now=now, extra_zh=zh, extra_en=en)


def corrected(
    session: Session, ticket: Ticket, *, changed: Iterable[str], reason: str, now: datetime
) -> None:
    """Corrected: told to the person responsible."""
    names = "、".join(CORRECTED[name][0] for name in changed)
    in_english = ", ".join(CORRECTED[name][1] for name in changed)
    _tell(
        session,
        [ticket.assignee],
        ticket,
        "corrected",
        now=now,
        extra_zh=f"更正：{names}\n理由：{reason}",
        extra_en=f"Corrected: {in_english}\nReason: {reason}",
    )


def mentioned(
    session: Session,
    ticket: Ticket,
    people: Iterable[Person],
    *,
    text: str,
    by: str,
    about: UUID,
    now: datetime,
) -> None:
    """A comment mentions them."""
    _tell(
        session,
        people,
        ticket,
        "mentioned",
        now=now,
        about=about,
        extra_zh=f"{by}：{text}",
        extra_en=f"{by}: {text}",
    )


#: What can be corrected, as a notice names it.
CORRECTED: dict[str, tuple[str, str]] = {
    "description": ("隐患", "hazard"),
    "category": ("类别", "category"),
    "location": ("地点", "place"),
    "quantity": ("数量", "quantity"),
    "measure_unit": ("计量单位", "unit of measure"),
}


def recalendared(
    session: Session, ticket: Ticket, *, previous: datetime, calendar: str, now: datetime
) -> None:
    """The calendar moved the deadline: told to the person responsible."""
    _tell(
        session,
        [ticket.assignee],
        ticket,
        "recalendared",
        now=now,
        extra_zh=f"依据：{calendar}\n原期限：{local_time(previous, 'zh')}",
        extra_en=f"Because of: {calendar}\nDeadline before: {local_time(previous, 'en')}",
    )


def extension_requested(session: Session, ticket: Ticket, extension: Extension, *, now: datetime) -> None:
    """To those who may decide at this level."""
    approvers = [
        person for role in APPROVERS[ticket.level] for person in holders(session, role, ticket.unit.path)
    ]
    _tell(
        session,
        [person for person in approvers if person.id != extension.requested_by_id],
        ticket,
        "extension_requested",
        now=now,
        # Asking changes nothing in the ticket, so its version would not tell the second request from the first.
        about=extension.id,
        extra_zh=f"理由：{extension.reason}\n临时防范措施：{extension.interim_measures}\n"
        f"申请延至：{local_time(extension.proposed_due_at, 'zh')}",
        extra_en=f"Reason: {extension.reason}\nInterim measures: {extension.interim_measures}\n"
        f"Asked for: {local_time(extension.proposed_due_at, 'en')}",
    )


def extension_decided(session: Session, ticket: Ticket, extension: Extension, *, now: datetime) -> None:
    """To the one who asked."""
    granted = extension.state == ExtensionState.APPROVED
    kind = "extension_approved" if granted else "extension_refused"
    opinion = extension.opinion or ""
    _tell(
        session,
        [extension.requested_by],
        ticket,
        kind,
        now=now,
        about=extension.id,
        extra_zh=f"意见：{opinion}" if opinion else "",
        extra_en=f"Opinion: {opinion}" if opinion else "",
    )
