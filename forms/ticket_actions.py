"""The pages behind a ticket's buttons: each asks for what its event needs, and calls the command of the same name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ValidationError
from sqlalchemy.orm import Session

from domain import corrections, extensions, remediation, supervisions
from domain.errors import BadInput, NotFound
from domain.files import files_of, list_files
from domain.people import may_be_assigned
from domain.records import CancelKind, FileKind, Ticket
from domain.tickets import ticket_by_number, tickets_by_numbers
from forms.errors import PageRoute
from forms.field_words import ACT, words_for
from forms.fields import Form, Photo, Sent, SentForm, problems_of, status_of
from forms.pages import page, see_other
from forms.photos import take
from forms.reasons import explained
from forms.session import database_of, now_of, safe_path, settings_of, signed_in
from forms.tickets import ticket_page
from forms.words import _, language_of, say
from statemachines.extension import ExtensionEvent
from statemachines.labels import Labelled, Level
from statemachines.refusals import Refusal
from statemachines.roles import Actor
from statemachines.supervision import SupervisionLevel, SupervisionState, higher_than
from statemachines.ticket import TicketEvent, TicketState

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]

Command = Callable[..., object]


@dataclass(frozen=True, slots=True)
class Action:
    """One button: its event, the command, the input model with its fields, and where photos belong."""

    event: Labelled
    command: Command
    model: type[BaseModel]
    fields: tuple[str, ...] = ()
    moments: tuple[str, ...] = ()
    photos: bool = False
    fixed: Mapping[str, Any] | None = None
    """What the button itself says (verify: passed)."""
    blank: Mapping[str, Any] | None = None
    """What a field that was emptied means, where that is not "left out"."""
    asks: bool = True
    """False for a button that needs nothing more: it is pressed on the ticket's own page."""


ACTIONS: Mapping[str, Action] = {
    "assign": Action(
        TicketEvent.ASSIGN,
        remediation.assign,
        remediation.Assignment,
        ("assignee", "duty", "measure", "due", "budget", "emergency_plan"),
    ),
    "acknowledge": Action(
        TicketEvent.ACKNOWLEDGE, remediation.acknowledge, remediation.Acknowledgement, asks=False
    ),
    "progress": Action(
        TicketEvent.PROGRESS, remediation.progress, remediation.Progress, ("note",), photos=True
    ),
    "fix": Action(
        TicketEvent.FIX, remediation.fix, remediation.Fix, ("note", "cost"), ("fixed_at",), photos=True
    ),
    "fix_on_spot": Action(
        TicketEvent.FIX_ON_SPOT, remediation.fix_on_spot, remediation.Fix, ("note",), photos=True
    ),
    "verify": Action(
        TicketEvent.VERIFY,
        remediation.verify,
        remediation.Verification,
        ("opinion",),
        photos=True,
        fixed={"passed": True},
    ),
    "return": Action(
        TicketEvent.RETURN,
        remediation.verify,
        remediation.Verification,
        ("opinion", "due"),
        photos=True,
        fixed={"passed": False},
    ),
    "request": Action(
        ExtensionEvent.REQUEST,
        extensions.request,
        extensions.ExtensionRequest,
        ("due", "reason", "interim_measures"),
    ),
    "reassign": Action(
        TicketEvent.REASSIGN,
        remediation.reassign,
        remediation.Reassignment,
        ("assignee", "reason", "duty", "measure"),
    ),
    "supervise": Action(
        TicketEvent.SUPERVISE,
        supervisions.supervise,
        supervisions.Supervision,
        ("reason", "level", "requirements", "supervisor", "report_every_days"),
    ),
    "regrade": Action(
        TicketEvent.REGRADE,
        remediation.regrade,
        remediation.Regrading,
        ("level", "reason", "budget", "emergency_plan"),
    ),
    "transfer": Action(TicketEvent.TRANSFER, corrections.transfer, corrections.Transfer, ("unit", "reason")),
    "correct": Action(
        TicketEvent.CORRECT,
        corrections.correct,
        corrections.Correction,
        ("description", "category", "location", "quantity", "measure_unit", "reason"),
        blank={"description": "", "category": "", "location": "", "quantity": None},
    ),
    "cancel": Action(
        TicketEvent.CANCEL, remediation.cancel, remediation.Cancellation, ("kind", "duplicate_of", "reason")
    ),
}

NAMES: Mapping[str, str] = {
    "assignee": _("定人（责任人）"),
    "duty": _("定责（职责）"),
    "measure": _("定责（措施）"),
    "due": _("定期（整改期限）"),
    "budget": _("资金（元）"),
    "emergency_plan": _("应急预案"),
    "note": _("说明"),
    "fixed_at": _("完成时间"),
    "cost": _("费用（元）"),
    "photos": _("照片"),
    "opinion": _("复查意见"),
    "reason": _("理由"),
    "interim_measures": _("临时防范措施"),
    "level": _("等级"),
    "requirements": _("督办要求"),
    "supervisor": _("督办人"),
    "report_every_days": _("几天报告一次"),
    "unit": _("接收单位"),
    "description": _("是什么隐患"),
    "category": _("类别"),
    "location": _("在哪里"),
    "quantity": _("数量"),
    "measure_unit": _("计量单位"),
    "kind": _("作废原因"),
    "duplicate_of": _("重复于哪一张"),
}

BEFORE_SHOWN = 4
"""Photos before the fix that stand beside the field for those after it."""

RENAMED = {"files": "photos", "after_photos": "photos", "before_photos": "photos"}


def _action(name: str) -> Action:
    if name not in ACTIONS:
        raise NotFound(what=name)
    return ACTIONS[name]


def _action_page(
    request: Request, number: str, name: str, form: Form, *, actor: Actor, status: int = 200
) -> Response:
    """The form of an action; the ticket's own page, with the reason, when this person may not do it now."""
    action, now, lang = _action(name), now_of(request), language_of(request)
    with database_of(request).reading() as session:
        ticket = ticket_by_number(session, number, actor=actor)
        if not action.asks:
            return ticket_page(request, session, ticket, actor=actor, form=form, status=status)
        due = remediation.proposed_due(session, ticket, now=now) if name == "assign" else None
        return page(
            request,
            "action.html",
            status=status,
            form=form,
            names={field: say(lang, words) for field, words in NAMES.items()},
            action=name,
            event=action.event,
            ticket=ticket,
            people=may_be_assigned(session, ticket.unit.path) if "assignee" in action.fields else [],
            due=due,
            due_reason=explained(due, lang, now=now) if due else None,
            levels=[level for level in Level if level is not ticket.level],
            **_supervising(session, ticket, name),
            kinds=tuple(CancelKind),
            receivers=corrections.receiving_units(session, ticket, actor=actor) if name == "transfer" else [],
            assigned=ticket.state is TicketState.ASSIGNED,
            before=[
                each.sha256
                for each in (files_of(session, ticket) if name in {"fix", "fix_on_spot", "progress"} else [])
                if each.kind is FileKind.BEFORE and each.arrived_at is not None
            ][:BEFORE_SHOWN],
            limit_mb=settings_of(request).file_max_bytes // 2**20,
            words=words_for(lang, ACT),
        )


def _supervising(session: Session, ticket: Ticket, name: str) -> dict[str, Any]:
    """What the form of an order of supervision offers: the levels above the one in force, and who may watch."""
    if name != "supervise":
        return {}
    in_force = next(
        (o for o in supervisions.orders_of(session, ticket) if o.state is SupervisionState.OPEN), None
    )
    return {
        "in_force": in_force,
        "supervision_levels": [
            level for level in SupervisionLevel if in_force is None or higher_than(in_force.level, level)
        ],
        "supervisors": supervisions.possible_supervisors(session, ticket.unit.path),
        "report_days": supervisions.REPORT_DAYS[ticket.level],
    }


@router.get("/tickets/{number}/{action}")
def action_form(request: Request, actor: Who, number: str, action: str) -> Response:
    """The form behind a button; a likely duplicate names the ticket it repeats."""
    values: dict[str, str] = {}
    if action == "cancel" and (other := request.query_params.get("duplicate_of", "")[:64]):
        again = say(language_of(request), _("与 %(number)s 重复登记。"), number=other)
        values = {"kind": CancelKind.DUPLICATE.value, "duplicate_of": other, "reason": again}
    return _action_page(request, number, action, Form(values), actor=actor)


@router.post("/tickets/{number}/photos")
def missing_photos(request: Request, actor: Who, number: str, sent: SentForm) -> Response:
    """Photos that were listed and have not arrived; others are not taken here."""
    try:
        with database_of(request).transaction() as session:
            ticket = ticket_by_number(session, number, actor=actor)
            take(request, session, _listed(request, session, ticket, sent), actor=actor)
    except Refusal as refusal:
        form = sent.form(problems_of(refusal, language_of(request)))
        with database_of(request).reading() as session:
            ticket = ticket_by_number(session, number, actor=actor)
            return ticket_page(request, session, ticket, actor=actor, form=form, status=refusal.status)
    return see_other(f"/tickets/{number}", done="photos")


def _listed(request: Request, session: Session, ticket: Ticket, sent: Sent) -> list[Photo]:
    awaited = {each.sha256 for each in files_of(session, ticket) if each.arrived_at is None}
    photos = sent.photos("photos", request)
    if not photos:
        raise BadInput("/photos", "missing", zh="请先选择照片。", en="Choose the photo first.")
    for photo in photos:
        if photo.listed.sha256 not in awaited:
            raise BadInput(
                "/photos",
                "not-listed",
                zh=f"“{photo.listed.name}”不是未送达的那张原照片，请选择上报时用的原文件。",
                en=f"“{photo.listed.name}” is not a photo that is missing; choose the file used when reporting.",
            )
    return photos


@router.post("/tickets/{number}/{action}")
def act(request: Request, actor: Who, number: str, action: str, sent: SentForm) -> Response:
    """Do it, in one transaction; come back to the ticket, or to the form with what is wrong."""
    wanted = _action(action)
    try:
        done = _do(request, actor, number, action, wanted, sent)
    except (ValidationError, Refusal) as error:
        problems = problems_of(error, language_of(request), renamed=RENAMED)
        return _action_page(
            request, number, action, sent.form(problems), actor=actor, status=status_of(error)
        )
    return see_other(safe_path(sent.text("back"), _after(request, actor, number)), done=done)


def _after(request: Request, actor: Actor, number: str) -> str:
    """Back to the ticket; to the list when it was passed on out of this person's sight."""
    with database_of(request).reading() as session:
        seen = tickets_by_numbers(session, [number], actor=actor)
    return f"/tickets/{number}" if seen else "/tickets"


def _do(request: Request, actor: Actor, number: str, name: str, action: Action, sent: Sent) -> str:
    photos = sent.photos("photos", request) if action.photos else []
    more: dict[str, Any] = dict(action.fixed or {})
    more |= {name: value for name, value in (action.blank or {}).items() if not sent.text(name)}
    for moment in action.moments:
        more |= sent.moment(moment)
    if action.photos:
        more["files"] = [photo.listed for photo in photos]
    told = sent.read(action.model, *action.fields, **more)
    with database_of(request).transaction() as session:
        ticket = ticket_by_number(session, number, actor=actor, lock=True)
        if name == "verify" and photos:
            # A pass asks whether every listed photo has arrived; those sent along have.
            list_files(
                session,
                ticket,
                [photo.listed for photo in photos],
                kind=FileKind.RECHECK,
                actor=actor,
                now=now_of(request),
            )
            take(request, session, photos, actor=actor)
            session.refresh(ticket, ["files_arrived"])
        action.command(session, ticket, told, actor=actor, now=now_of(request))
        take(request, session, photos, actor=actor)
        if name == "verify" and ticket.state is not TicketState.VERIFIED:
            return "verify_first"
    return name
