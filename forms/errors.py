"""Pages for what went wrong: a route that answers with them, and handlers for what no route answers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from pydantic import ValidationError
from sqlalchemy.exc import DataError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from domain.errors import FieldError, explain
from forms.json_answers import asks_for_json, problem_json
from forms.pages import page
from forms.session import LoginNeeded, PasswordNeeded, login_address, password_address
from forms.words import _, language_of, say
from statemachines.refusals import Refusal

log = logging.getLogger(__name__)

#: What a status means to a reader: heading, and what to do.
SAID: Mapping[int, tuple[str, str]] = {
    400: (_("请求无法识别"), _("请返回上一页，刷新后重试。")),
    403: (_("无此权限"), _("这一页不对您开放。如需办理，请联系本单位管理员。")),
    404: (_("找不到这一页"), _("可能已被移动，或您无权查看。请核对网址或编号。")),
    405: (_("不能这样打开"), _("这个网址只接受表单提交，请从页面上的按钮进入。")),
    411: (_("请求无法识别"), _("浏览器没有说明表单的大小，请换一个浏览器重试。")),
    413: (_("内容过大"), _("照片合计过大，请减少张数或压缩后再传。未保存任何内容。")),
    422: (_("填写有误"), _("请返回上一页核对。未保存任何内容。")),
    500: (_("系统出错"), _("这次操作没有保存。请稍后重试；若仍不行，请把时间和页面告诉管理员。")),
    503: (_("暂时不能使用"), _("系统正在启动或维护，请稍后重试。")),
}


def error_page(
    request: Request, status: int, *, refusal: Refusal | None = None, faults: Sequence[FieldError] = ()
) -> Response:
    """The page for a status, with the refusal's own words when there is one, and each field that was wrong."""
    lang = language_of(request)
    heading, advice = SAID.get(status, SAID[500 if status >= 500 else 400])
    return page(
        request,
        "error.html",
        status=status,
        code=status,
        heading=refusal.title(lang) if refusal else say(lang, heading),
        advice=refusal.sentence(lang) if refusal else say(lang, advice),
        faults=faults,
    )


async def answer(request: Request, error: Exception) -> Response | None:
    """The answer to an error a page raised, or None when it is not ours to answer."""
    if asks_for_json(request):
        return problem_json(request, error)
    match error:
        case LoginNeeded():
            return RedirectResponse(login_address(request), status_code=303)
        case PasswordNeeded():
            asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            where = password_address(asked if request.method == "GET" else "/")
            return RedirectResponse(where, status_code=303)
        case Refusal():
            return await run_in_threadpool(error_page, request, error.status, refusal=error)
        case RequestValidationError():
            # A path or query that is no number, no UUID: there is no such page.
            return await run_in_threadpool(error_page, request, 404)
        case ValidationError():
            # A form without a page of its own to come back to, sent with what its fields do not let through.
            faults = explain(error.errors(), language_of(request))
            return await run_in_threadpool(error_page, request, 422, faults=faults)
        case DataError():
            # Text with a NUL character, a number beyond every column: nothing a person types, so no field is named.
            return await run_in_threadpool(error_page, request, 422)
        case HTTPException():
            return await run_in_threadpool(error_page, request, error.status_code)
    return None


class PageRoute(APIRoute):
    """A route whose errors are pages, so that the JSON routes of the same application keep theirs."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await handler(request)
            except Exception as error:
                if (said := await answer(request, error)) is not None:
                    return said
                log.exception("page %s %s failed", request.method, request.url.path)
                return await run_in_threadpool(error_page, request, 500)

        return handled
