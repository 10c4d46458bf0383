"""Pages for acts on many tickets: choose, say what to do, see what would become of each, do it, read the result.

Without JavaScript all of it works: the queue sends the numbers, each page carries them on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import ValidationError
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from domain import bulk
from domain.bulk import (
    MOST,
    Bulk,
    BulkAssignment,
    BulkDecisions,
    BulkReassignment,
    BulkVerification,
    Outcome,
)
from domain.campaign_settings import settings_of
from domain.desks import act_once, bulk_act
from domain.errors import BadInput, explain
from domain.extensions import pending_extensions
from domain.files import files_of_all
from domain.people import assignees_for
from domain.records import FileKind, Ticket
from domain.tickets import tickets_by_numbers
from forms import dates
from forms.errors import PageRoute
from forms.fields import Form, Problem, Sent, SentForm, problems_of, status_of
from forms.pages import page, see_other
from forms.reasons import explained
from forms.session import database_of, now_of, signed_in
from forms.words import _, language_of, say
from statemachines.chart import Option, option
from statemachines.extension import ExtensionEvent
from statemachines.labels import Labelled, Language
from statemachines.refusals import Refusal
from statemachines.roles import Actor
from statemachines.ticket import TicketEvent

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]
Key = Annotated[UUID, Path(alias="id")]
Act = Literal["assign", "reassign", "verify", "decide"]

EVENTS: Mapping[str, Labelled] = {
    "assign": TicketEvent.ASSIGN,
    "reassign": TicketEvent.REASSIGN,
    "verify": TicketEvent.VERIFY,
    "decide": ExtensionEvent.APPROVE,
}

TITLES: Mapping[str, str] = {
    "assign": _("批量下达整改"),
    "reassign": _("批量改派"),
    "verify": _("批量复查"),
    "decide": _("批量审批延期"),
}

NAMES: Mapping[str, str] = {
    "assignee": _("定人（责任人）"),
    "duty": _("定责（职责）"),
    "measure": _("定责（措施）"),
    "due": _("定期（整改期限）"),
    "reason": _("理由"),
}

FIELDS: Mapping[str, tuple[str, ...]] = {
    "assign": ("assignee", "duty", "measure", "due"),
    "reassign": ("assignee", "reason", "duty", "measure"),
}

#: What a verdict's button says for the row's model.
VERDICTS: Mapping[str, Mapping[str, bool]] = {
    "verify": {"pass": True, "return": False},
    "decide": {"approve": True, "refuse": False},
}


class _TakenBack(Exception):
    """Something is missing in the form: nothing is kept, the form comes back."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__()
        self.problems = problems


@dataclass(frozen=True, slots=True)
class _Row:
    """A ticket on a page of many: whether it may be done, its photos, its request for more time."""

    key: str
    version: int
    ticket: Ticket
    option: Option
    photos: Mapping[FileKind, Sequence[Any]]
    extension: Any = None


def _chosen(given: Sequence[object]) -> list[str]:
    """The numbers chosen, each once, as many as one act takes."""
    numbers = list(
        dict.fromkeys(str(each).strip() for each in given if isinstance(each, str) and each.strip())
    )
    if not numbers:
        raise BadInput(
            "/number",
            "missing",
            zh="还没有选择隐患单，请在列表中勾选。",
            en="No ticket is chosen; tick some in the list.",
        )
    if len(numbers) > MOST:
        raise BadInput(
            "/number",
            "too-many",
            zh=f"一次最多办理{MOST}张，现选了{len(numbers)}张，请分批办理。",
            en=f"At most {MOST} at a time; {len(numbers)} are chosen. Do them in parts.",
        )
    return numbers


def _rows(session: Session, request: Request, act: Act, numbers: list[str], actor: Actor) -> list[_Row]:
    now = now_of(request)
    tickets = tickets_by_numbers(session, numbers, actor=actor)
    if act == "decide":
        return [
            _Row(
                str(each.id),
                each.version,
                each.ticket,
                option(each, "approve", actor=actor, now=now),
                {},
                each,
            )
            for each in pending_extensions(session, tickets)
        ]
    files = files_of_all(session, tickets) if act == "verify" else {}
    rows = []
    for ticket in tickets:
        known = {"independent_team": settings_of(ticket.campaign).independent_team} if act == "verify" else {}
        listed = files.get(ticket.id, [])
        rows.append(
            _Row(
                ticket.number,
                ticket.version,
                ticket,
                option(ticket, EVENTS[act].value, actor=actor, now=now, **known),
                {kind: [each for each in listed if each.kind is kind] for kind in FileKind},
            )
        )
    return rows


def _form_page(
    request: Request,
    act: Act,
    numbers: list[str],
    form: Form,
    *,
    actor: Actor,
    status: int = 200,
    outcomes: Sequence[Outcome] | None = None,
) -> Response:
    """The page of an act; with `outcomes` the preview of what would become of each row."""
    lang, now = language_of(request), now_of(request)
    with database_of(request).reading() as session:
        rows = _rows(session, request, act, numbers, actor)
        needs_person = act in FIELDS
        return page(
            request,
            f"bulk_{act}.html" if act in VERDICTS else "bulk.html",
            status=status,
            form=form,
            act=act,
            title=say(lang, TITLES[act]),
            names={field: say(lang, words) for field, words in NAMES.items()},
            fields=FIELDS.get(act, ()),
            rows=rows,
            people=assignees_for(session, [row.ticket.unit.path for row in rows]) if needs_person else [],
            unseen=len(numbers) - len({row.ticket.number for row in rows}),
            outcomes=[
                (each, explained(each.due, lang, now=now) if each.due else None) for each in outcomes or ()
            ],
            previewed=outcomes is not None,
            fresh_id=str(uuid7()),
        )


@router.get("/tickets/bulk/acts/{id}")
def result(request: Request, actor: Who, key: Key) -> Response:
    """What became of each row."""
    with database_of(request).reading() as session:
        done = bulk_act(session, key, actor=actor)
        lang = language_of(request)
        refused = [row["number"] for row in done.rows if not row["done"]]
        return page(
            request, "bulk_result.html", title=say(lang, TITLES[done.act]), done_act=done, refused=refused
        )


@router.get("/tickets/bulk/{act}")
def bulk_form(request: Request, actor: Who, act: Act) -> Response:
    """The tickets chosen in the queue, and what is to be said of them."""
    numbers = _chosen(request.query_params.getlist("number"))
    return _form_page(request, act, numbers, Form(), actor=actor)


@router.post("/tickets/bulk/{act}")
def bulk_act_on(request: Request, actor: Who, act: Act, sent: SentForm) -> Response:
    """Show what would become of each row, or do it: once for each form, however often it is sent."""
    numbers = _chosen(sent.data.getlist("number"))
    lang = language_of(request)
    try:
        wanted = _wanted(act, numbers, sent, lang)
        if wanted.preview:
            with database_of(request).transaction() as session:
                outcomes = bulk.act(session, wanted, actor=actor, now=now_of(request))
            return _form_page(request, act, numbers, sent.form(()), actor=actor, outcomes=outcomes)
        key = _key(sent)
        with database_of(request).transaction() as session:
            act_once(
                session,
                key,
                act,
                lambda: _done(session, request, act, wanted, actor),
                actor=actor,
                now=now_of(request),
            )
    except _TakenBack as back:
        return _form_page(request, act, numbers, sent.form(back.problems), actor=actor, status=422)
    except (ValidationError, Refusal) as error:
        return _form_page(
            request,
            act,
            numbers,
            sent.form(problems_of(error, lang)),
            actor=actor,
            status=status_of(error),
        )
    return see_other(f"/tickets/bulk/acts/{key}")


def _key(sent: Sent) -> UUID:
    try:
        return UUID(sent.text("id"))
    except ValueError:
        return uuid7()


def _version(sent: Sent, key: str) -> int | None:
    told = sent.text(f"version-{key}")
    return int(told) if told.isdecimal() and len(told) < 9 else None


def _wanted(act: Act, numbers: list[str], sent: Sent, lang: Language) -> Bulk:
    """The act as its input model. Raises ValidationError; _TakenBack when no verdict was given or a row is wrong."""
    if act in FIELDS:
        model: type[BulkAssignment | BulkReassignment] = (
            BulkAssignment if act == "assign" else BulkReassignment
        )
        rows = [{"number": number, "version": _version(sent, number)} for number in numbers]
        return sent.read(model, *FIELDS[act], items=rows, preview=sent.text("step") != "commit")
    name = "number" if act == "verify" else "id"
    keys = numbers if act == "verify" else [str(each) for each in sent.data.getlist("extension")]
    items = []
    for key in keys:
        verdict = sent.text(f"verdict-{key}")
        if verdict in VERDICTS[act]:
            said = sent.given(f"opinion-{key}", f"due-{key}")
            item: dict[str, Any] = {field.split("-", 1)[0]: value for field, value in said.items()}
            item["passed" if act == "verify" else "approved"] = VERDICTS[act][verdict]
            items.append({name: key, "version": _version(sent, key), **item})
    if not items:
        sentence = say(lang, _("还没有选择结论，请至少办理一张。"))
        raise _TakenBack([Problem(None, sentence)])
    try:
        return (BulkVerification if act == "verify" else BulkDecisions).model_validate({"items": items})
    except ValidationError as error:
        raise _TakenBack(
            [_about(fault.pointer, fault.sentence, items, name) for fault in explain(error.errors(), lang)]
        ) from error


def _about(pointer: str, sentence: str, items: Sequence[Mapping[str, Any]], name: str) -> Problem:
    """A problem of one row, at its field: /items/3/due is due-CC2026-XB03-0017."""
    steps = pointer.split("/")[1:]
    if len(steps) < 3:
        return Problem(None, sentence)
    return Problem(f"{steps[2]}-{items[int(steps[1])][name]}", sentence)


def _done(session: Session, request: Request, act: Act, wanted: Bulk, actor: Actor) -> list[dict[str, Any]]:
    """Do it. What is missing in the form takes everything back; other refusals stand as the row's outcome."""
    outcomes = bulk.act(session, wanted, actor=actor, now=now_of(request))
    lang = language_of(request)
    missing = [
        Problem(
            f"{_field(each.refusal)}-{each.key}",
            f"{each.number}{say(lang, _('：'))}{each.refusal.sentence(lang)}",
        )
        for each in outcomes
        if act in VERDICTS and each.refusal is not None and each.refusal.status == 422
    ]
    if missing:
        raise _TakenBack(missing)
    return [_kept(each) for each in outcomes]


def _field(refusal: Refusal) -> str:
    told = next(iter(refusal.missing), "")
    return "due" if told == "due" or refusal.code.startswith("due-") else "opinion"


def _kept(outcome: Outcome) -> dict[str, Any]:
    """A row as the act keeps it: what is shown, in both languages."""
    return {
        "number": outcome.number,
        "done": outcome.done,
        "description": outcome.description,
        "state": outcome.state.value if outcome.state else None,
        "assignee": outcome.assignee,
        "due": {lang: dates.deadline(outcome.due_at, lang) for lang in ("zh", "en")}
        if outcome.due_at
        else None,
        "why": {lang: outcome.refusal.sentence(lang) for lang in ("zh", "en")} if outcome.refusal else None,
    }
