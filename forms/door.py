"""Coming in and going out: login, logout, the language, one's password."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import APIRouter, Depends, Request, Response

from domain.access import change_own_password, sign_in, sign_out
from domain.errors import BadInput
from forms.errors import PageRoute, error_page
from forms.fields import Form, Problem, SentForm, problems_of, status_of
from forms.pages import page, see_other
from forms.session import (
    SESSION_COOKIE,
    close_session,
    database_of,
    door_token,
    holder_of_password,
    keep_door_token,
    now_of,
    open_session,
    password_address,
    safe_path,
    settings_of,
    visitor,
)
from forms.words import LANGUAGE_COOKIE, LANGUAGES, _, language_of, say
from statemachines.refusals import Refusal
from statemachines.roles import Actor

router = APIRouter(route_class=PageRoute)


def _door(request: Request, form: Form, *, asked: str, status: int = 200) -> Response:
    token = door_token(request)
    answer = page(request, "login.html", status=status, form=form, next=asked, door=token)
    keep_door_token(request, answer, token)
    return answer


@router.get("/login")
def login_form(request: Request) -> Response:
    """The login form; who is in already goes where they wanted."""
    asked = safe_path(request.query_params.get("next"))
    return see_other(asked) if visitor(request) else _door(request, Form(), asked=asked)


@router.post("/login")
def login(request: Request, sent: SentForm) -> Response:
    """Open a web login, then show the page that was asked for."""
    asked = safe_path(sent.text("next"))
    given = sent.data.get("password")
    with database_of(request).transaction() as session:
        outcome = sign_in(
            session,
            sent.text("login")[:64],
            given[:200] if isinstance(given, str) else "",
            now=now_of(request),
        )
    if isinstance(outcome, Refusal):
        lang = language_of(request)
        return _door(request, sent.form(problems_of(outcome, lang)), asked=asked, status=status_of(outcome))
    answer = see_other(password_address(asked) if outcome.person.password_is_one_time else asked)
    open_session(request, answer, outcome.secret)
    return answer


@router.post("/logout")
def logout(request: Request, sent: SentForm) -> Response:
    """End this browser's web login. The form's token has been checked with the form."""
    with database_of(request).transaction() as session:
        sign_out(session, request.cookies.get(SESSION_COOKIE, ""))
    answer = see_other("/login")
    close_session(answer)
    return answer


@router.post("/language/{lang}")
def language(request: Request, lang: str, sent: SentForm) -> Response:
    """Remember the language in this browser; the records stay as they are."""
    if lang not in LANGUAGES:
        return error_page(request, 404)
    asked = sent.text("next")
    answer = see_other("/login" if asked == "/login" else safe_path(asked))
    answer.set_cookie(
        LANGUAGE_COOKIE,
        lang,
        max_age=365 * 24 * 3600,
        httponly=True,
        samesite="lax",
        secure=settings_of(request).secure,
    )
    return answer


Holder = Annotated[Actor, Depends(holder_of_password)]


def _password_form(request: Request, form: Form, status: int = 200) -> Response:
    one_time = cast(bool, request.state.password_is_one_time)
    asked = safe_path(form.value("next") or request.query_params.get("next"))
    return page(request, "password.html", status=status, form=form, one_time=one_time, next=asked)


@router.get("/password")
def password_form(request: Request, actor: Holder) -> Response:
    """The form for a new password."""
    return _password_form(request, Form())


@router.post("/password")
def password(request: Request, actor: Holder, sent: SentForm) -> Response:
    """Set one's own password; other browsers are signed out."""
    lang = language_of(request)
    current, new, again = (str(sent.data.get(name) or "")[:200] for name in ("current", "password", "again"))
    if new != again:
        problem = Problem("again", say(lang, _("两次输入的新密码不一样。")))
        return _password_form(request, Form(problems=(problem,)), 422)
    try:
        with database_of(request).transaction() as session:
            change_own_password(
                session,
                actor,
                current=current,
                new=new,
                keep=request.cookies.get(SESSION_COOKIE, ""),
                now=now_of(request),
            )
    except BadInput as refusal:
        return _password_form(request, Form(problems=tuple(problems_of(refusal, lang))), refusal.status)
    return see_other(safe_path(sent.text("next")), done="password")
