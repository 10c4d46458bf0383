"""The work queue: tickets in sight by views, filters of one's own and columns of one's own, chosen for acts on many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated
from urllib.parse import parse_qsl
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response
from markupsafe import Markup, escape
from pydantic import ValidationError
from sqlalchemy.orm import Session

from domain.bulk import MOST
from domain.desks import (
    ChosenColumns,
    NewFilter,
    QueueColumn,
    choose_columns,
    columns_of,
    filters_of,
    forget_filter,
    keep_filter,
)
from domain.people import unit_choices
from domain.queue import View, counts_of
from domain.tickets import TicketOrder, list_tickets
from forms.errors import PageRoute
from forms.fields import Form, SentForm, problems_of, status_of
from forms.narrowing import address_of, narrowed_by
from forms.pages import page, see_other
from forms.session import database_of, now_of, signed_in
from forms.words import _, language_of, say
from statemachines.labels import Language, Level
from statemachines.refusals import Refusal
from statemachines.roles import Actor
from statemachines.ticket import TicketState

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]
Key = Annotated[UUID, Path(alias="id")]

PER_PAGE = 40

#: What each view is called, and the list's address for it.
VIEWS: Mapping[View, tuple[str, str]] = {
    View.LATE: (_("超期"), address_of({"overdue": ["1"], "sort": ["due"]})),
    View.UNTAKEN: (_("没人接"), address_of({"untaken": ["1"], "sort": ["age"]})),
    View.RETURNED: (
        _("被退回"),
        address_of({"returned_at_least": ["1"], "state": ["assigned"], "sort": ["due"]}),
    ),
    View.TO_VERIFY: (_("待复查"), address_of({"state": ["fixed"], "sort": ["age"]})),
    View.THIS_WEEK: (_("本周到期"), address_of({"due_in": ["this-week"], "sort": ["due"]})),
    View.ASKING: (_("延期待批"), address_of({"extension_pending": ["1"], "sort": ["due"]})),
    View.MINE: (_("我的整改"), address_of({}, mine=True)),
}

ORDERS: Mapping[TicketOrder, str] = {
    TicketOrder.RECENT: _("新登记的在前"),
    TicketOrder.DUE: _("按期限先后"),
    TicketOrder.RISK: _("按风险高低"),
    TicketOrder.AGE: _("发现早的在前"),
}


@dataclass(frozen=True, slots=True)
class _Tab:
    """A view or a kept filter: its words, where it leads, how many tickets it has now (None: not counted)."""

    words: str
    address: str
    count: int | None = None
    current: bool = False
    key: UUID | None = None
    urgent: bool = False


def _same(one: str, other: str) -> bool:
    """Whether two addresses of the list ask for the same, whatever the order of their words."""
    return sorted(parse_qsl(one.partition("?")[2])) == sorted(parse_qsl(other.partition("?")[2]))


def _tabs(
    session: Session, request: Request, actor: Actor, here: str, lang: Language
) -> tuple[list[_Tab], list[_Tab]]:
    counts = counts_of(session, actor, now=now_of(request))
    views = [_Tab(say(lang, _("全部")), "/tickets", current=_same(here, "/tickets"))]
    views += [
        _Tab(
            say(lang, words),
            address,
            counts[view],
            current=_same(here, address),
            urgent=view in (View.LATE, View.UNTAKEN),
        )
        for view, (words, address) in VIEWS.items()
    ]
    own = [
        _Tab(kept.name, f"/tickets?{kept.query}", current=_same(here, f"/tickets?{kept.query}"), key=kept.id)
        for kept in filters_of(session, actor)
    ]
    return views, own


@lru_cache(maxsize=64)
def _options(units: tuple[tuple[str, str, int], ...], chosen: str | None) -> Markup:
    """The choice of units, hundreds of lines that are the same until a unit changes: drawn once."""
    lines = (
        f'<option value="{escape(code)}"{" selected" if code == chosen else ""}>{"　" * depth}{escape(name)}</option>'
        for code, name, depth in units
    )
    return Markup("".join(lines))  # noqa: S704 - escaped above


def queue_page(
    request: Request, *, actor: Actor, cursor: str | None = None, form: Form | None = None, status: int = 200
) -> Response:
    """The list the address asks for. `form` carries what was wrong with a filter that was to be kept."""
    narrowed, lang = narrowed_by(request, actor), language_of(request)
    picked = list(dict.fromkeys(request.query_params.getlist("number")))[:MOST]
    with database_of(request).reading() as session:
        found = list_tickets(
            session,
            narrowed.wanted,
            actor=actor,
            now=now_of(request),
            limit=PER_PAGE,
            cursor=cursor,
            as_rows=True,
        )
        views, own = _tabs(session, request, actor, narrowed.address, lang)
        return page(
            request,
            "tickets.html",
            status=422 if narrowed.wrong else status,
            form=Form(narrowed.values, narrowed.wrong),
            keeping=form or Form(),
            found=found,
            cursor=cursor,
            narrowed=narrowed,
            chips=narrowed.chips(lang),
            views=views,
            own=own,
            picked=picked,
            elsewhere=[each for each in picked if each not in {ticket.number for ticket in found.items}],
            columns=columns_of(session, actor),
            every_column=tuple(QueueColumn),
            orders={order.value: say(lang, words) for order, words in ORDERS.items()},
            sort=narrowed.wanted.sort.value,
            units=_options(tuple(unit_choices(session, actor)), narrowed.values.get("unit")),
            states=tuple(TicketState),
            levels=tuple(Level),
            most=MOST,
        )


@router.get("/tickets")
def tickets(request: Request, actor: Who, cursor: str | None = None) -> Response:
    """Tickets in sight, narrowed by the address's filter, one page at a time."""
    return queue_page(request, actor=actor, cursor=cursor)


@router.post("/tickets/filters")
def keep(request: Request, actor: Who, sent: SentForm) -> Response:
    """Keep the address's filter under a name, and show the list by it."""
    here = narrowed_by(request, actor).address
    try:
        new = NewFilter(name=sent.text("name"), query=here.partition("?")[2])
        with database_of(request).transaction() as session:
            keep_filter(session, new, actor=actor, now=now_of(request))
    except (ValidationError, Refusal) as error:
        form = sent.form(problems_of(error, language_of(request)))
        return queue_page(request, actor=actor, form=form, status=status_of(error))
    return see_other(here, done="filter_kept")


@router.post("/tickets/filters/{id}/forget")
def forget(request: Request, actor: Who, key: Key, sent: SentForm) -> Response:
    """Delete one of one's own filters."""
    with database_of(request).transaction() as session:
        forget_filter(session, key, actor=actor)
    return see_other("/tickets", done="filter_forgotten")


@router.post("/tickets/columns")
def columns(request: Request, actor: Who, sent: SentForm) -> Response:
    """Remember the columns; none chosen means the usual ones."""
    chosen = [each for each in sent.data.getlist("column") if isinstance(each, str)]
    known = [column for column in QueueColumn if column.value in chosen]
    with database_of(request).transaction() as session:
        choose_columns(session, ChosenColumns.model_construct(columns=known), actor=actor)
    return see_other(narrowed_by(request, actor).address, done="columns")
