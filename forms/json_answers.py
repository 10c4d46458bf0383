"""Answers for our own code in the browser, where it asked for JSON and not for a page."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import ValidationError
from sqlalchemy.exc import DataError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from domain.errors import FieldError, explain
from forms.session import LoginNeeded, PasswordNeeded, check_token, visitor
from forms.words import _, language_of, say
from statemachines.refusals import Refusal

NO_STORE = {"Cache-Control": "no-store"}

#: What goes wrong before a command is reached: status, stable code, sentence.
_BEFORE: dict[type[Exception], tuple[int, str, str]] = {
    LoginNeeded: (401, "login-needed", _("登录已过期，请重新登录。手机上存的都还在。")),
    PasswordNeeded: (403, "password-needed", _("请先设置自己的密码。手机上存的都还在。")),
    DataError: (422, "unstorable", _("内容里有不能保存的字符，请改后再发。")),
    RequestValidationError: (422, "bad-request", _("地址或内容无法识别。")),
}


def asks_for_json(request: Request) -> bool:
    """Whether our own code asks, which takes JSON and nothing else."""
    return request.headers.get("accept", "").startswith("application/json")


def answer_json(body: object, status: int = 200, *, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer that nobody keeps."""
    return JSONResponse(body, status, headers={**NO_STORE, **(headers or {})})


def problem_json(request: Request, error: Exception) -> Response | None:
    """The problem in the reader's language, or None when the error is not one we foresee."""
    lang = language_of(request)
    if isinstance(error, Refusal):
        pointer = getattr(error, "pointer", None)
        faults = [FieldError(pointer, error.code, error.sentence(lang))] if pointer else []
        return _problem(error.status, error.code, error.title(lang), error.sentence(lang), faults)
    if isinstance(error, ValidationError):
        faults = explain(error.errors(), lang)
        return _problem(
            422, "bad-input", say(lang, _("填写有误")), faults[0].sentence if faults else "", faults
        )
    if isinstance(error, HTTPException):
        return _problem(error.status_code, "http", str(error.detail), str(error.detail))
    for kind, (status, code, words) in _BEFORE.items():
        if isinstance(error, kind):
            return _problem(status, code, say(lang, words), say(lang, words))
    return None


def _problem(status: int, code: str, title: str, detail: str, faults: Sequence[FieldError] = ()) -> Response:
    errors = [{"field": fault.pointer, "rule": fault.rule, "detail": fault.sentence} for fault in faults]
    return answer_json({"code": code, "title": title, "detail": detail, "errors": errors}, status)


class JsonRoute(APIRoute):
    """A route of our own code: JSON in and out, the form's token in the header X-CSRF-Token of everything but reads."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                if request.method not in {"GET", "HEAD"}:
                    # The application's gate has been here already; alone (in a small test) the cookie is read now.
                    await run_in_threadpool(visitor, request)
                    check_token(request, request.headers.get("x-csrf-token", ""))
                return await handler(request)
            except ClientDisconnect:
                # The signal went half way through a photo: nobody reads the answer, and nothing is wrong here.
                return Response(status_code=400)
            except Exception as error:
                # A person who opens the address by hand is sent to the door like on any page.
                at_the_door = isinstance(error, (LoginNeeded, PasswordNeeded)) and not asks_for_json(request)
                if not at_the_door and (said := problem_json(request, error)) is not None:
                    return said
                raise

        return handled
