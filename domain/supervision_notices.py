"""What people are told about supervision and plans of treatment, and who."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from domain import outbox
from domain.notices import facts_of, local_time
from domain.people import holders
from domain.records import Person, SupervisionOrder, Ticket, TreatmentPlan
from statemachines.labels import Language, label
from statemachines.roles import Actor, Role
from statemachines.treatment_plan import PlanState

#: kind → (Chinese title, English title, what to do in Chinese, what to do in English)
OCCASIONS: Mapping[str, tuple[str, str, str, str]] = {
    "supervised": (
        "列入督办",
        "Under supervision",
        "本单已列入督办，请加紧整改，按期报告进展。",
        "This ticket is now under supervision; please fix it soon and report progress by the dates set.",
    ),
    "supervision_reported": (
        "督办进展",
        "Progress under supervision",
        "督办隐患有新进展，请审阅。",
        "There is a new report on a supervised hazard; please read it.",
    ),
    "delisted": (
        "已摘牌",
        "Delisted",
        "隐患已销号，督办结束。",
        "The hazard is closed and its supervision ended.",
    ),
    "plan_drafted": (
        "治理方案待审批",
        "Plan of treatment to be decided",
        "治理方案已编制，请审批。",
        "A plan of treatment is laid before you; please decide.",
    ),
    "plan_approved": (
        "治理方案已批准",
        "Plan of treatment approved",
        "请按方案治理。",
        "Please treat the hazard by the plan.",
    ),
    "plan_refused": (
        "治理方案未批准",
        "Plan of treatment refused",
        "请按意见修改后重新报批。",
        "Please change it as the opinion says and lay it before the leader again.",
    ),
}

Lines = tuple[list[tuple[str, str]], list[tuple[str, str]]]
"""What is said besides the ticket's own facts: label and value, in Chinese and in English."""


def listed(session: Session, order: SupervisionOrder, *, now: datetime) -> None:
    """The person responsible, who watches over it, and the leaders."""
    ticket = order.ticket
    people = [ticket.assignee, order.supervisor, *holders(session, Role.LEADER, ticket.unit.path)]
    _tell(session, people, ticket, "supervised", about=order.number, lines=_of(order), now=now)


def reported(session: Session, order: SupervisionOrder, text: str, *, by: Actor, now: datetime) -> None:
    """Who watches over it and who listed it, but not whoever reports."""
    zh, en = _of(order)
    lines = [*zh, ("进展", text)], [*en, ("Progress", text)]
    people = [person for person in (order.supervisor, order.listed_by) if person.id != by.id]
    about = f"{order.number}:{len(order.reports)}"
    _tell(session, people, order.ticket, "supervision_reported", about=about, lines=lines, now=now)


def delisted(session: Session, order: SupervisionOrder, *, now: datetime) -> None:
    """The person responsible, who watched over it and who listed it."""
    opinion = order.delist_opinion or ""
    lines = [("摘牌意见", opinion)], [("Opinion", opinion)]
    people = [order.ticket.assignee, order.supervisor, order.listed_by]
    _tell(session, people, order.ticket, "delisted", about=order.number, lines=lines, now=now)


def plan_drafted(session: Session, plan: TreatmentPlan, *, now: datetime) -> None:
    """The leaders who may decide on it."""
    leaders = holders(session, Role.LEADER, plan.ticket.unit.path)
    people = [person for person in leaders if person.id != plan.drafted_by_id]
    lines = [("编制人", plan.drafted_by.name)], [("Drafted by", plan.drafted_by.name)]
    _tell(session, people, plan.ticket, "plan_drafted", about=str(plan.id), lines=lines, now=now)


def plan_decided(session: Session, plan: TreatmentPlan, *, now: datetime) -> None:
    """Whoever drafted it and the person responsible."""
    kind = "plan_approved" if plan.state is PlanState.APPROVED else "plan_refused"
    said = [plan.opinion] if plan.opinion else []
    lines = [("意见", each) for each in said], [("Opinion", each) for each in said]
    people = [plan.drafted_by, plan.ticket.assignee]
    _tell(session, people, plan.ticket, kind, about=str(plan.id), lines=lines, now=now)


def _of(order: SupervisionOrder) -> Lines:
    zh = [
        ("督办文号", order.number),
        ("督办级别", label(order.level, "zh")),
        ("督办人", order.supervisor.name),
    ]
    en = [
        ("Order", order.number),
        ("Level", label(order.level, "en")),
        ("Supervised by", order.supervisor.name),
    ]
    if order.requirements:
        zh.append(("督办要求", order.requirements))
        en.append(("Required", order.requirements))
    if order.next_report_at is not None:
        zh.append(("下次报告", local_time(order.next_report_at, "zh")))
        en.append(("Next report", local_time(order.next_report_at, "en")))
    return zh, en


def _tell(
    session: Session,
    people: Iterable[Person | None],
    ticket: Ticket,
    kind: str,
    *,
    about: str,
    lines: Lines,
    now: datetime,
) -> None:
    zh_title, en_title, zh_act, en_act = OCCASIONS[kind]
    for person in dict.fromkeys(person for person in people if person is not None):
        language: Language = "en" if person.language == "en" else "zh"
        between = "：" if language == "zh" else ": "
        own = lines[0] if language == "zh" else lines[1]
        said = [f"{name}{between}{value}" for name, value in [*facts_of(ticket, language), *own]]
        outbox.tell(
            session,
            person,
            key=f"{ticket.id}:{kind}:{about}",
            kind=kind,
            subject=f"{zh_title if language == 'zh' else en_title} {ticket.number} {ticket.description[:40]}",
            body="\n".join([zh_act if language == "zh" else en_act, "", *said]),
            now=now,
            ticket=ticket,
            responsible=person.id == ticket.assignee_id,
        )
