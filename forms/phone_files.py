"""Taking in what a phone exported: the file is chosen, what would become of each item is shown, then it is done."""

from __future__ import annotations

from typing import Annotated, NoReturn
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from domain.errors import BadInput
from domain.file_store import sha256_of
from domain.phone_files import LARGEST_EXPORT, NotAPhoneFile, Outcome, PhoneFile, read_phone_file, take_in
from forms.errors import PageRoute
from forms.fields import Form, Sent, SentForm, problems_of, status_of
from forms.pages import page
from forms.session import database_of, files_of, now_of, signed_in
from forms.words import language_of
from statemachines.refusals import Refusal
from statemachines.roles import Actor

router = APIRouter(route_class=PageRoute)

Who = Annotated[Actor, Depends(signed_in)]


class _OnlyLooking(Exception):
    """Ends the transaction of a preview, so that nothing of it stays."""


@router.get("/field/import")
def import_form(request: Request, actor: Who) -> Response:
    """Choose a file."""
    return _page(request, Form())


@router.post("/field/import")
def import_file(request: Request, actor: Who, sent: SentForm) -> Response:
    """Show what would become of a file's items, or take them in; each is done or refused for itself."""
    try:
        data, name = _chosen(request, sent, actor)
        file = read_phone_file(data)
    except Refusal as refusal:
        return _page(
            request, sent.form(problems_of(refusal, language_of(request))), status=status_of(refusal)
        )
    taking = sent.text("do") == "take"
    outcomes = [_one(request, file, position, actor, keep=taking) for position in range(len(file.items))]
    if taking:
        files_of(request).drop_parts(name, _id(actor), [(0, len(data))])
    staged = None if taking else f"{name}:{len(data)}"
    return _page(request, Form(), outcomes=outcomes, staged=staged, taken=taking)


def _chosen(request: Request, sent: Sent, actor: Actor) -> tuple[bytes, str]:
    """The file that was chosen, kept aside for the second step, or the one kept aside in the first."""
    store = files_of(request)
    chosen = sent.data.get("file")
    if isinstance(chosen, UploadFile) and chosen.filename:
        if (chosen.size or 0) > LARGEST_EXPORT:
            raise HTTPException(413)
        data = chosen.file.read()
        name = sha256_of(data)
        read_phone_file(data)
        store.put_part(name, _id(actor), 0, data)
        return data, name
    name, _, length = sent.text("staged").partition(":")
    counted = len(length) <= len(str(LARGEST_EXPORT)) and length.isdecimal() and int(length) <= LARGEST_EXPORT
    if len(name) != 64 or not name.isalnum() or not counted:
        raise BadInput(
            "/file", "missing", zh="请选择手机导出的文件。", en="Choose a file exported on a phone."
        )
    try:
        return store.join(name, _id(actor), [(0, int(length))]), name
    except FileNotFoundError as error:
        raise NotAPhoneFile from error


def _one(request: Request, file: PhoneFile, position: int, actor: Actor, *, keep: bool) -> Outcome:
    outcome: Outcome | None = None
    try:
        with database_of(request).transaction() as session:
            item = file.items[position]
            store = files_of(request) if keep else None
            outcome = take_in(session, file, item, store, actor=actor, now=now_of(request))
            if not keep or outcome.fate == "refused":
                _undo()
    except _OnlyLooking:
        pass
    except Refusal as refusal:
        # The database's own law, or somebody who was first.
        return Outcome(file.items[position], "refused", refusal=refusal)
    assert outcome is not None
    return outcome


def _undo() -> NoReturn:
    raise _OnlyLooking


def _id(actor: Actor) -> UUID:
    assert actor.id is not None
    return actor.id


def _page(
    request: Request,
    form: Form,
    *,
    outcomes: list[Outcome] | None = None,
    staged: str | None = None,
    taken: bool = False,
    status: int = 200,
) -> Response:
    return page(
        request,
        "phone_file.html",
        status=status,
        form=form,
        outcomes=outcomes,
        staged=staged,
        taken=taken,
        fates={
            fate: sum(each.fate == fate for each in outcomes or ()) for fate in ("new", "known", "refused")
        },
    )
