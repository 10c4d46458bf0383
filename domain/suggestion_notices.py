"""What people are told about a suggestion of the union, and who."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from domain import outbox
from domain.notices import local_time
from domain.records import Person, Suggestion
from statemachines.labels import Language, label
from statemachines.suggestion import SuggestionEvent, Verdict

#: event → (Chinese title, English title, what to do in Chinese, what to do in English)
OCCASIONS: Mapping[str, tuple[str, str, str, str]] = {
    "made": (
        "工会意见书",
        "Suggestion of the union",
        "请研究并在期限前书面答复；不采纳的须说明理由。",
        "Please study it and answer in writing by the deadline; not adopting it needs a reason.",
    ),
    SuggestionEvent.ANSWER: (
        "工会意见已答复",
        "Suggestion answered",
        "请审阅答复：认可的了结，不认可的可提出异议。",
        "Please read the answer: settle the suggestion, or dispute it.",
    ),
    SuggestionEvent.DISPUTE: (
        "工会对答复有异议",
        "Answer disputed by the union",
        "请在期限前作出书面说明。",
        "Please explain in writing by the deadline.",
    ),
    SuggestionEvent.EXPLAIN: (
        "异议已书面说明",
        "Dispute explained",
        "请审阅说明：认可的了结，不认可的可再提异议。",
        "Please read the explanation: settle the suggestion, or dispute it again.",
    ),
    SuggestionEvent.SETTLE: ("工会意见已了结", "Suggestion settled", "无须再办。", "Nothing more to do."),
}


def made(session: Session, suggestion: Suggestion, *, now: datetime) -> None:
    """To the addressee."""
    _tell(session, [suggestion.addressee], suggestion, "made", now=now)


def happened(session: Session, suggestion: Suggestion, event: str, *, now: datetime) -> None:
    """To the other side: the union hears of answers, the administration of everything else."""
    told: Sequence[Person | None] = [suggestion.addressee, suggestion.answered_by]
    if event in {SuggestionEvent.ANSWER, SuggestionEvent.EXPLAIN}:
        told = [suggestion.issued_by]
    _tell(session, told, suggestion, event, now=now)


def facts_of(suggestion: Suggestion, event: str, language: Language) -> list[tuple[str, str]]:
    """The lines of the notice: label and value. Unit, ticket and people must be loaded."""
    zh = language == "zh"
    lines = [
        ("编号" if zh else "Number", suggestion.number),
        ("单位" if zh else "Unit", suggestion.unit.name),
        ("意见" if zh else "Suggestion", suggestion.text),
    ]
    if suggestion.ticket is not None:
        lines.append(("隐患单" if zh else "Ticket", suggestion.ticket.number))
    if suggestion.adopted is not None:
        verdict = label(Verdict.ADOPTED if suggestion.adopted else Verdict.NOT_ADOPTED, language)
        between = "：" if zh else ": "
        said = f"{verdict}{between}{suggestion.answer}" if suggestion.answer else verdict
        lines.append(("答复" if zh else "Answer", said))
    if suggestion.dispute:
        lines.append(("异议" if zh else "Dispute", suggestion.dispute))
    if suggestion.explanation and event != SuggestionEvent.DISPUTE:
        lines.append(("说明" if zh else "Explanation", suggestion.explanation))
    if event in {"made", SuggestionEvent.DISPUTE}:
        lines.append(("期限" if zh else "Deadline", local_time(suggestion.answer_due_at, language)))
    return lines


def _tell(
    session: Session, people: Sequence[Person | None], suggestion: Suggestion, event: str, *, now: datetime
) -> None:
    zh_title, en_title, zh_act, en_act = OCCASIONS[event]
    for person in dict.fromkeys(person for person in people if person is not None):
        language: Language = "en" if person.language == "en" else "zh"
        between = "：" if language == "zh" else ": "
        lines = [f"{name}{between}{value}" for name, value in facts_of(suggestion, event, language)]
        outbox.tell(
            session,
            person,
            key=f"suggestion:{suggestion.id}:{event}:{suggestion.version}",
            kind=f"suggestion_{event}",
            subject=f"{zh_title if language == 'zh' else en_title} {suggestion.number}",
            body="\n".join([zh_act if language == "zh" else en_act, "", *lines]),
            now=now,
            ticket=suggestion.ticket,
            campaign=suggestion.campaign if suggestion.ticket is None else None,
        )
