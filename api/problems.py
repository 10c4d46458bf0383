"""Whatever goes wrong is told as a problem (RFC 9457): stable type and code, localised sentence, what to mend."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from html import escape
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Path, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import BaseModel, Field
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm.exc import StaleDataError
from starlette.exceptions import HTTPException

from api.language import language_of
from domain.errors import BadInput, FieldError, NotFound, Stale, explain, refusal_for
from statemachines.labels import Language
from statemachines.refusals import REFUSALS, Refusal

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

#: How a route declares a problem in its `responses`.
CONTENT = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}


class Unauthenticated(Refusal):
    """No token, or one that is unknown, expired or revoked."""

    code, status = "unauthenticated", 401
    title_zh, title_en = "未认证", "Not authenticated"
    zh = "请在 Authorization 头中给出有效的令牌：Bearer <令牌>。"
    en = "Give a valid token in the Authorization header: Bearer <token>."


class MalformedJson(Refusal):
    """The body is not JSON at all."""

    code, status = "malformed-json", 400
    title_zh, title_en = "JSON 格式错误", "Malformed JSON"
    zh = "请求内容不是合格的 JSON。"
    en = "The body is not valid JSON."


class InvalidInput(Refusal):
    """Fields are missing, unknown or of the wrong form; `errors` names each."""

    code, status = "invalid-input", 422
    title_zh, title_en = "填写有误", "Invalid input"
    zh = "有{count}处填写有误，未保存任何内容。"
    en = "{count} fields are wrong; nothing was saved."


class Unstorable(Refusal):
    """A value no field of the records can hold, such as text with a NUL character."""

    code, status = "unstorable-value", 422
    title_zh, title_en = "内容无法保存", "A value cannot be stored"
    zh = "内容含有无法保存的字符或超出范围的数，未保存任何内容。"
    en = "A text holds a character that cannot be stored, or a number is out of range; nothing was saved."


class NoSuchPlace(Refusal):
    """There is nothing at this address."""

    code, status = "no-such-address", 404
    title_zh, title_en = "没有这个地址", "No such address"
    zh = "没有这个地址，可用的调用见 /docs。"
    en = "There is nothing at this address; /docs lists the calls."


class MethodNotAllowed(Refusal):
    """The address exists, but not for this method."""

    code, status = "method-not-allowed", 405
    title_zh, title_en = "不支持这种方法", "Method not allowed"
    zh = "这个地址不支持这种 HTTP 方法。"
    en = "This address does not support this HTTP method."


class TooLarge(Refusal):
    """The body is larger than any call needs."""

    code, status = "too-large", 413
    title_zh, title_en = "内容过大", "Body too large"
    zh = "请求内容不得超过{most}字节。"
    en = "A body has at most {most} bytes."


class Unexpected(Refusal):
    """A mistake of the program; nothing was saved and the log has the details."""

    code, status = "unexpected", 500
    title_zh, title_en = "系统错误", "Internal error"
    zh = "系统出错，未保存任何内容，请稍后再试；仍不行请联系管理员。"
    en = "Something went wrong on our side and nothing was saved. Try again; if it stays, tell an administrator."


class OtherRefusal(Refusal):
    """An answer of the web server itself that has no rule of its own."""

    code, status = "request-refused", 400
    title_zh, title_en = "请求被拒绝", "Request refused"
    zh = "请求被拒绝：{reason}。"
    en = "The request was refused: {reason}."


class WrongField(BaseModel):
    """One wrong value: `pointer` is a JSON pointer into the body (or /name of a parameter, see `in`)."""

    pointer: str
    place: str = Field(serialization_alias="in", examples=["body"])
    rule: str
    detail: str


class Problem(BaseModel):
    """RFC 9457 problem details. `code` is the last part of `type`; both are stable, the sentences are not."""

    type: str = Field(examples=["/problems/three-fixed-missing"])
    title: str = Field(examples=["三定不全"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["三定不全，缺：定期（整改期限）。"])
    instance: str = Field(examples=["/api/v1/tickets/CC2026-XB03-0017/assign"])
    code: str = Field(examples=["three-fixed-missing"])
    errors: list[WrongField] = Field(default_factory=list)
    allowed: list[str] | None = Field(
        default=None, description="For a refused transition: the events this caller may cause now."
    )


#: Which field a rule speaks of, where the rule is about one present but wrong.
_ABOUT = {
    "due-in-past": "due",
    "due-before-found": "due",
    "due-not-later": "due",
    "extension-too-long": "due",
    "fixed-in-future": "fixed_at",
    "fixed-before-found": "fixed_at",
}

#: Facts counted from the listed files.
_FROM_FILES = {"before_photos", "after_photos"}


def problem(
    refusal: Refusal,
    language: Language,
    instance: str,
    errors: Iterable[WrongField] = (),
    *,
    place: str = "body",
) -> dict[str, Any]:
    """The problem document of a refusal, in the reader's language; `place` is where its pointers lead."""
    told = Problem(
        type=f"/problems/{refusal.code}",
        title=refusal.title(language),
        status=refusal.status,
        detail=_row(refusal, language) + refusal.sentence(language),
        instance=instance,
        code=refusal.code,
        errors=list(errors) or _fields(refusal, language, place),
        allowed=[str(event) for event in refusal.allowed]
        if refusal.allowed or refusal.status == 409
        else None,
    )
    return told.model_dump(by_alias=True, exclude_none=True)


def _row(refusal: Refusal, language: Language) -> str:
    """Which of several things told at once is refused, to stand before the sentence."""
    if refusal.row is None:
        return ""
    place, name = refusal.row
    if language == "zh":
        return f"第{place + 1}项{f'“{name}”' if name else ''}："
    return f"Item {place + 1}{f' (“{name}”)' if name else ''}: "


def _fields(refusal: Refusal, language: Language, place: str) -> list[WrongField]:
    if isinstance(refusal, BadInput):
        return [
            WrongField(
                pointer=refusal.pointer, place=place, rule=refusal.rule, detail=refusal.sentence(language)
            )
        ]
    names = refusal.missing or tuple(filter(None, [_ABOUT.get(refusal.code)]))
    pointers = dict.fromkeys("/files" if name in _FROM_FILES else f"/{name}" for name in names)
    if refusal.row is not None:
        at = f"/{refusal.row[0]}"
        pointers = dict.fromkeys([f"{at}{pointer}" for pointer in pointers] or [at])
    return [
        WrongField(pointer=pointer, place=place, rule=refusal.code, detail=refusal.sentence(language))
        for pointer in pointers
    ]


def wrong_fields(faults: Iterable[FieldError], place: str = "body") -> list[WrongField]:
    """Translated input errors as a problem lists them."""
    return [
        WrongField(pointer=fault.pointer, place=place, rule=fault.rule, detail=fault.sentence)
        for fault in faults
    ]


def told(
    request: Request,
    refusal: Refusal,
    errors: Iterable[WrongField] = (),
    headers: dict[str, str] | None = None,
) -> Response:
    """The HTTP response for a refusal: problem+json in the language the request asks for."""
    language = language_of(request)
    extra = {"Content-Language": "zh-CN" if language == "zh" else "en", "Vary": "Accept-Language"}
    if refusal.status == HTTPStatus.UNAUTHORIZED:
        extra["WWW-Authenticate"] = "Bearer"
    return JSONResponse(
        problem(
            refusal,
            language,
            request.url.path,
            errors,
            place="query" if request.method == "GET" else "body",
        ),
        refusal.status,
        headers=extra | (headers or {}),
        media_type=MEDIA_TYPE,
    )


def input_refusal(
    faults: Sequence[Any], language: Language, *, located: bool = True
) -> tuple[Refusal, list[WrongField]]:
    """The refusal for pydantic's errors; with `located` the first step of each location is where it was found."""
    if any(fault["type"] == "json_invalid" for fault in faults):
        return MalformedJson(), wrong_fields(explain([{**fault, "loc": ()} for fault in faults], language))
    errors: list[WrongField] = []
    for fault in faults:
        place, *inside = fault["loc"] if located and fault["loc"] else ("body", *fault["loc"])
        errors += wrong_fields(explain([{**fault, "loc": inside}], language), str(place))
    return InvalidInput(count=len(errors)), errors


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return told(request, error)


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    refusal, errors = input_refusal(error.errors(), language_of(request))
    return told(request, refusal, errors)


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, Refusal):
        # Raised while the body was read (the gate counts it); the framework hides it behind its own error.
        return told(request, error.__cause__)
    if error.status_code == HTTPStatus.BAD_REQUEST and "parsing the body" in str(error.detail):
        return told(request, MalformedJson())
    known: dict[int, type[Refusal]] = {401: Unauthenticated, 404: NoSuchPlace, 405: MethodNotAllowed}
    if error.status_code in known:
        return told(request, known[error.status_code](), headers=dict(error.headers or {}))
    refusal = OtherRefusal(reason=error.detail)
    response = told(request, refusal, headers=dict(error.headers or {}))
    response.status_code = error.status_code
    return response


def _stale(request: Request, error: Exception) -> Response:
    return told(request, Stale())


def _constraint(request: Request, error: Exception) -> Response:
    assert isinstance(error, IntegrityError)
    return told(request, refusal_for(error))


def _unstorable(request: Request, error: Exception) -> Response:
    return told(request, Unstorable())


def _unexpected(request: Request, error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return told(request, Unexpected())


HANDLERS = (
    (Refusal, _refused),
    (RequestValidationError, _invalid),
    (HTTPException, _http),
    (StaleDataError, _stale),
    (IntegrityError, _constraint),
    (DataError, _unstorable),
    (Exception, _unexpected),
)


def handle_problems(app: FastAPI) -> None:
    """Let every exception of the application be answered with a problem."""
    for kind, handler in HANDLERS:
        app.add_exception_handler(kind, handler)


router = APIRouter(tags=["problems"])


class ProblemType(BaseModel):
    """What a problem type means."""

    type: str
    code: str
    status: int
    title: str
    meaning: str


@router.get(
    "/problems/{code}",
    operation_id="explainProblem",
    response_model=ProblemType,
    responses={
        200: {"content": {"text/html": {"schema": {"type": "string"}}}},
        **{status: {"description": "No such problem.", "content": CONTENT} for status in (404, 422)},
    },
)
def explain_problem(
    code: Annotated[str, Path(pattern="^[a-z0-9-]{1,64}$", examples=["three-fixed-missing"])],
    request: Request,
) -> Response:
    """What a problem's `type` stands for: a page for a browser, JSON for a program. Open to everybody."""
    rule = REFUSALS.get(code)
    if rule is None:
        raise NotFound(what=code)
    meaning = ProblemType(
        type=f"/problems/{code}",
        code=code,
        status=rule.status,
        title=rule.title_zh if language_of(request) == "zh" else rule.title_en,
        meaning=rule.__doc__ or "",
    )
    if "text/html" not in request.headers.get("accept", ""):
        return JSONResponse(meaning.model_dump())
    return HTMLResponse(
        f'<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>{escape(code)}</title>'
        f"<h1>{escape(rule.title_zh)} · {escape(rule.title_en)}</h1><p>{escape(meaning.meaning)}</p>"
        f"<p><code>{escape(code)}</code> · HTTP {rule.status}</p></html>"
    )
