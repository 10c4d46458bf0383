"""Imports of whole tables through the browser: every bad row is named, or everything is imported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import UploadFile

from domain.errors import BadInput, NotFound
from domain.imports import Report, import_table
from domain.rights import RIGHTS, Deed
from forms.errors import PageRoute
from forms.fields import Form, SentForm, problems_of
from forms.pages import page
from forms.session import database_of, now_of, signed_in
from forms.words import _, language_of
from statemachines.refusals import Refusal, RoleMissing
from statemachines.roles import Actor

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]


@dataclass(frozen=True, slots=True)
class Kind:
    """A table that can be imported here: its words, its columns, who may, and where it is seen afterwards."""

    words: str
    columns: str
    deed: Deed
    back: str


KINDS: Mapping[str, Kind] = {
    "units": Kind(_("导入单位"), "code, name, kind, parent", Deed.IMPORT_UNITS, "/admin/units"),
    "people": Kind(
        _("导入人员"), "login, name, unit, roles, email, phone", Deed.IMPORT_PEOPLE, "/admin/people"
    ),
    "checklist": Kind(
        _("导入检查表"),
        "code, category, item, criterion, level, measure, deadline_days",
        Deed.IMPORT_CHECKLIST,
        "/admin/checklists",
    ),
}


def _kind(name: str, actor: Actor) -> Kind:
    kind = KINDS.get(name)
    if kind is None:
        raise NotFound(what=name)
    if not actor.roles & set(RIGHTS[kind.deed]):
        raise RoleMissing(roles=RIGHTS[kind.deed], event=kind.deed)
    return kind


def _import_page(
    request: Request, name: str, form: Form, *, actor: Actor, report: Report | None = None, status: int = 200
) -> Response:
    kind = _kind(name, actor)
    lang = language_of(request)
    return page(
        request,
        "import.html",
        status=status,
        form=form,
        name=name,
        kind=kind,
        report=report,
        errors=[each.sentence(lang) for each in report.errors] if report else [],
    )


@router.get("/admin/import/{kind}")
def form_page(request: Request, actor: Who, kind: str) -> Response:
    """Which columns the table has, and the file to choose."""
    return _import_page(request, kind, Form(), actor=actor)


@router.post("/admin/import/{kind}")
def take(request: Request, actor: Who, kind: str, sent: SentForm) -> Response:
    """Import the table, all or nothing."""
    _kind(kind, actor)
    file = sent.data.get("file")
    data = file.file.read() if isinstance(file, UploadFile) else b""
    try:
        if not isinstance(file, UploadFile) or not data:
            raise BadInput("/file", "missing", zh="请先选择文件。", en="Choose the file first.")
        with database_of(request).transaction() as session:
            report = import_table(
                session,
                kind,
                data,
                file.filename or "table.csv",
                actor=actor,
                now=now_of(request),
                code=sent.text("code") or None,
                name=sent.text("name") or None,
            )
    except Refusal as error:
        form = sent.form(problems_of(error, language_of(request)))
        return _import_page(request, kind, form, actor=actor, status=error.status)
    return _import_page(request, kind, Form(), actor=actor, report=report, status=200 if report.good else 422)
