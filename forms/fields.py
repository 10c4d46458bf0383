"""What a form sent: its fields as text, its photos with their hashes, and what was wrong with them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from domain.errors import BadInput, FieldError, explain
from domain.file_store import sha256_of
from domain.files import FILES_PER_CALL, FileTooLarge, ListedFile
from forms.session import OPEN_FORMS, LoginNeeded, check_token, settings_of, visitor
from forms.words import _, say
from statemachines.labels import Language
from statemachines.refusals import Refusal

M = TypeVar("M", bound=BaseModel)

MOST_FIELDS = 5000
MOST_FILE_FIELDS = 1100
"""An inspection's form has one for each item of its checklist, most of them left empty."""
LONGEST_FIELD = 256 * 1024


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo as it came: its bytes, and how a record lists it."""

    listed: ListedFile
    data: bytes


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong: the field's name (None: the whole form) and the sentence for the reader."""

    field: str | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Form:
    """What goes back into a form's fields, with the problems found: never a reader's work lost."""

    values: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    photos_lost: bool = False

    def value(self, name: str, otherwise: object = "") -> str:
        """What stands in a field."""
        given = self.values.get(name)
        return given if given is not None else ("" if otherwise is None else str(otherwise))

    def problem(self, name: str) -> str | None:
        """The first sentence about a field."""
        return next((each.sentence for each in self.problems if each.field == name), None)


@dataclass(frozen=True, slots=True)
class Sent:
    """A form that was sent, its token checked."""

    data: FormData

    def text(self, name: str) -> str:
        """A field's text, without spaces around it; empty when it was not sent."""
        given = self.data.get(name)
        return given.strip() if isinstance(given, str) else ""

    def given(self, *names: str) -> dict[str, Any]:
        """The fields that were filled in; a line ends in browsers with CR LF, in records with LF."""
        return {name: text.replace("\r\n", "\n") for name in names if (text := self.text(name))}

    def moment(self, name: str) -> dict[str, Any]:
        """A date-and-time field, which browsers send without a zone: here it is Asia/Shanghai's."""
        text = self.text(name)
        return {name: f"{text}+08:00"} if text else {}

    def read(self, model: type[M], *names: str, **more: object) -> M:
        """The named fields as an input model. Raises pydantic's ValidationError."""
        return model.model_validate({**self.given(*names), **more})

    def photos(self, name: str, request: Request, *, most: int | None = None) -> list[Photo]:
        """The photos chosen in a file field, each of at most `most` bytes (left out: what the installation takes).

        Raises PhotoTooLarge, BadInput for too many.
        """
        most = most or settings_of(request).file_max_bytes
        chosen = [each for each in self.data.getlist(name) if isinstance(each, UploadFile) and each.filename]
        if len(chosen) > FILES_PER_CALL:
            raise BadInput(
                f"/{name}",
                "too-many",
                zh=f"一次最多{FILES_PER_CALL}张照片。",
                en=f"Choose at most {FILES_PER_CALL} photos at a time.",
            )
        found = []
        for each in chosen:
            if (each.size or 0) > most:
                raise PhotoTooLarge(name=_basename(each.filename), most=most // 2**20, field=name)
            if data := each.file.read():
                listed = ListedFile(name=_basename(each.filename), sha256=sha256_of(data), size=len(data))
                found.append(Photo(listed, data))
        return found

    def form(self, problems: Iterable[Problem]) -> Form:
        """This form again, with what is wrong."""
        texts = {name: value for name, value in self.data.multi_items() if isinstance(value, str)}
        lost = any(isinstance(value, UploadFile) and value.filename for value in self.data.values())
        return Form(texts, tuple(problems), photos_lost=lost)


class PhotoTooLarge(FileTooLarge):
    """A chosen photo is larger than the installation accepts."""

    code = "photo-too-large"
    zh = "照片“{name}”超过{most} MB，请压缩后再传。"
    en = "The photo “{name}” is larger than {most} MB; make it smaller."

    def __init__(self, *, name: str, most: int, field: str) -> None:
        super().__init__(name=name, most=most)
        self.pointer = f"/{field}"


def _basename(name: str | None) -> str:
    """The name as people know it: no folders, no control signs, not too long."""
    last = (name or "photo").replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(sign for sign in last if ord(sign) >= 32)[-255:].strip() or "photo"


def field_of(pointer: str, renamed: Mapping[str, str]) -> str | None:
    """The form's field for a JSON pointer: its first step, by the name the form gives it."""
    first = pointer.removeprefix("/").split("/", 1)[0]
    return renamed.get(first, first) or None


def problems_of(
    error: ValidationError | Refusal, language: Language, *, renamed: Mapping[str, str] | None = None
) -> list[Problem]:
    """What was wrong, field by field. `renamed` gives a form's own name for a fact (files → photos)."""
    names = renamed or {}
    if isinstance(error, ValidationError):
        return [_problem(each, language, names) for each in explain(error.errors(), language)]
    sentence = error.sentence(language)
    if pointer := getattr(error, "pointer", None):
        return [Problem(field_of(pointer, names), sentence)]
    if error.missing:
        return [Problem(names.get(name, name), sentence) for name in error.missing]
    return [Problem(None, sentence)]


def _problem(fault: FieldError, language: Language, names: Mapping[str, str]) -> Problem:
    if not fault.pointer and fault.rule.endswith("-missing"):
        # A rule over several fields names the one to fill in: measure-unit-missing is the field measure_unit.
        name = fault.rule.removesuffix("-missing").replace("-", "_")
        return Problem(names.get(name, name), say(language, _("必须填写。")))
    return Problem(field_of(fault.pointer, names), fault.sentence)


def status_of(error: ValidationError | Refusal) -> int:
    """The HTTP status that says why the form came back."""
    return 422 if isinstance(error, ValidationError) else error.status


async def _sent(request: Request) -> AsyncIterator[Sent]:
    """Read the form of a POST and check its token. Raises FormExpired, LoginNeeded, HTTPException 411 or 413."""
    most = settings_of(request).file_max_bytes * FILES_PER_CALL
    async for sent in read_form(request, most=most, max_files=MOST_FILE_FIELDS, max_fields=MOST_FIELDS):
        yield sent


async def read_form(request: Request, *, most: int, max_files: int, max_fields: int) -> AsyncIterator[Sent]:
    """Read a form of at most `most` bytes and check its token. Raises FormExpired, LoginNeeded, HTTPException 411 or
    413.
    """
    length = request.headers.get("content-length")
    if length is None or not length.isdigit():
        raise HTTPException(411)
    if int(length) > most:
        raise HTTPException(413)
    if not hasattr(request.state, "password_is_one_time"):
        # The application's gate has been here already; alone (in a small test) the cookie is read now.
        await run_in_threadpool(visitor, request)
    if request.state.actor is None and not request.url.path.startswith(OPEN_FORMS):
        raise LoginNeeded
    async with request.form(max_files=max_files, max_fields=max_fields, max_part_size=LONGEST_FIELD) as data:
        given = data.get("csrf")
        check_token(request, given if isinstance(given, str) else "")
        yield Sent(data)


SentForm = Annotated[Sent, Depends(_sent)]
