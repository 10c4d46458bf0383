"""What the pages know of their reader: unit, roles, and what they were told."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import ValidationError
from sqlalchemy import select

from domain import feeds
from domain.people import ROOT_CODE, units_in_sight
from domain.records import Unit
from domain.visibility import WATCH_ABSENCES
from forms.absences import own_absences
from forms.errors import PageRoute
from forms.fields import Form, SentForm, problems_of, status_of
from forms.pages import page, see_other
from forms.session import database_of, now_of, settings_of, signed_in
from forms.words import language_of
from statemachines.refusals import Refusal
from statemachines.roles import Actor

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]


@router.get("/account")
def account(request: Request, actor: Who) -> Response:
    """One's own page: unit, roles, notices, calendar feeds, language, password, the way out."""
    return _account_page(request, actor, Form())


@router.post("/account/feeds")
def make_feed(request: Request, actor: Who, sent: SentForm) -> Response:
    """Make a calendar feed and show its address, this once."""
    try:
        new = sent.read(feeds.NewFeed, "unit")
        with database_of(request).transaction() as session:
            made = feeds.make_feed(session, new, actor=actor, now=now_of(request))
    except (ValidationError, Refusal) as error:
        form = sent.form(problems_of(error, language_of(request)))
        return _account_page(request, actor, form, status=status_of(error))
    address = f"{settings_of(request).public_url.rstrip('/')}/calendar/{made.secret}.ics"
    return _account_page(request, actor, Form(), address=address)


@router.post("/account/feeds/{id}/revoke")
def revoke_feed(
    request: Request, actor: Who, key: Annotated[UUID, Path(alias="id")], sent: SentForm
) -> Response:
    """Close a feed: its address stops working at once."""
    with database_of(request).transaction() as session:
        feeds.revoke_feed(session, key, actor=actor, now=now_of(request))
    return see_other("/account", done="feed_revoked")


def _account_page(
    request: Request, actor: Actor, form: Form, *, address: str | None = None, status: int = 200
) -> Response:
    with database_of(request).reading() as session:
        paths = {grant.unit_path for grant in actor.grants}
        names = {unit.path: unit.name for unit in session.scalars(select(Unit).where(Unit.path.in_(paths)))}
        unit = session.get_one(Unit, actor.unit_id)
        return page(
            request,
            "account.html",
            unit=unit,
            at_root=unit.code == ROOT_CODE,
            roles=[(grant.role, names.get(grant.unit_path, grant.unit_path)) for grant in actor.grants],
            absences=own_absences(session, actor, now=now_of(request)),
            watches=bool(actor.roles & set(WATCH_ABSENCES)),
            status=status,
            form=form,
            feeds=feeds.feeds_of(session, actor),
            units=units_in_sight(session, actor),
            address=address,
        )
