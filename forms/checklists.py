"""Checklists as they stand, and every edition of them: what was added, removed and changed, by whom."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from domain.checklists import checklist_by_code, list_checklists
from domain.history import history_of
from domain.rights import RIGHTS, Deed
from forms.errors import PageRoute
from forms.pages import page
from forms.session import database_of, signed_in
from statemachines.roles import Actor

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]


@router.get("/admin/checklists")
def list_page(request: Request, actor: Who) -> Response:
    """Every checklist. Everybody may read them."""
    with database_of(request).reading() as session:
        return page(
            request,
            "checklists.html",
            checklists=list_checklists(session),
            may_import=bool(actor.roles & set(RIGHTS[Deed.IMPORT_CHECKLIST])),
        )


@router.get("/admin/checklists/{code}")
def one(request: Request, actor: Who, code: str) -> Response:
    """One checklist with its items, and its editions, newest first."""
    with database_of(request).reading() as session:
        checklist = checklist_by_code(session, code)
        editions = [row for row in history_of(session, checklist) if row.event == "imported"]
        return page(request, "checklist.html", checklist=checklist, editions=list(reversed(editions)))
