"""Who is at the browser: the cookie, the CSRF token of their forms, and where they wanted to go."""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime
from typing import cast
from urllib.parse import quote, urlsplit

from fastapi import Request, Response

from domain.access import WEB_LOGIN_LASTS, WebActor, actor_from_cookie
from domain.database import Database
from domain.file_store import FileStore
from domain.inbox import unread_count
from domain.settings import Settings
from statemachines.refusals import Refusal
from statemachines.roles import Actor

SESSION_COOKIE = "chuncha_session"
OPEN_FORMS = ("/login", "/language/", "/p/")
"""Forms that are sent before there is a session, or by somebody who has none."""
DOOR_COOKIE = "chuncha_door"
"""Ties the login form to this browser: before there is a session, its token is compared with this cookie."""


class LoginNeeded(Exception):
    """Nobody is signed in; the page asked for is shown after the login."""


class PasswordNeeded(Exception):
    """The password is a one-time one; nothing else is done before a new one is set."""


class FormExpired(Refusal):
    """The form's token is not this session's: an old tab, or another site's form."""

    code, status = "form-expired", 403
    title_zh, title_en = "表单已失效", "The form has expired"
    zh = "这张表单已失效，未保存任何内容。请返回上一页，刷新后重新提交。"
    en = "This form has expired and nothing was saved. Go back, load the page again and resubmit."


def database_of(request: Request) -> Database:
    """The installation's database."""
    return cast(Database, request.app.state.database)


def files_of(request: Request) -> FileStore:
    """The installation's file store."""
    return cast(FileStore, request.app.state.files)


def settings_of(request: Request) -> Settings:
    """The installation's settings."""
    return cast(Settings, request.app.state.settings)


def now_of(request: Request) -> datetime:
    """The application's present moment, aware; the same for the whole request."""
    if not hasattr(request.state, "now"):
        request.state.now = request.app.state.clock()
    return cast(datetime, request.state.now)


def actor_of_request(request: Request) -> Actor | None:
    """Who the cookie stands for, kept in `request.state` as `actor`, `csrf` and `password_is_one_time`.

    The application's gate calls it before a page is reached; pages then read `request.state`.
    """
    secret = request.cookies.get(SESSION_COOKIE)
    found: WebActor | None = None
    if secret:
        with database_of(request).glance() as session:
            found = actor_from_cookie(session, secret, now=now_of(request))
            # In the same glance: a page that asked later would hold a second connection while it waits.
            if found and request.method == "GET":
                request.state.unread = unread_count(session, found.actor)
    request.state.actor = found.actor if found else None
    request.state.csrf = found.csrf_token if found else None
    request.state.password_is_one_time = bool(found and found.password_is_one_time)
    return found.actor if found else None


def unread_of(request: Request) -> int:
    """How many notices the reader of a page has not read, as the gate counted them; 0 for strangers and posts."""
    return cast(int, getattr(request.state, "unread", 0))


def visitor(request: Request) -> Actor | None:
    """Who is signed in, or None. For pages that are shown either way."""
    if not hasattr(request.state, "password_is_one_time"):
        actor_of_request(request)
    return cast("Actor | None", request.state.actor)


def holder_of_password(request: Request) -> Actor:
    """Who is signed in, with whatever password. For /password and /logout alone."""
    actor = visitor(request)
    if actor is None:
        raise LoginNeeded
    return actor


def signed_in(request: Request) -> Actor:
    """Who is signed in with a password of their own. Raises LoginNeeded, PasswordNeeded."""
    actor = holder_of_password(request)
    if request.state.password_is_one_time:
        raise PasswordNeeded
    return actor


def open_session(request: Request, response: Response, secret: str) -> None:
    """Give the browser its cookie."""
    response.set_cookie(
        SESSION_COOKIE,
        secret,
        max_age=int(WEB_LOGIN_LASTS.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=settings_of(request).secure,
        path="/",
    )
    response.delete_cookie(DOOR_COOKIE, path="/")


def close_session(response: Response) -> None:
    """Take the cookie away."""
    response.delete_cookie(SESSION_COOKIE, path="/")


def door_token(request: Request) -> str:
    """The token of the login form: the one this browser has, or a new one."""
    return request.cookies.get(DOOR_COOKIE) or secrets.token_urlsafe(32)


def keep_door_token(request: Request, response: Response, token: str) -> None:
    """Leave the login form's token in the browser."""
    response.set_cookie(
        DOOR_COOKIE, token, httponly=True, samesite="lax", secure=settings_of(request).secure, path="/"
    )


def check_token(request: Request, given: str) -> None:
    """Raise FormExpired unless a form carries the session's token (before a session: the door cookie's)."""
    expected = getattr(request.state, "csrf", None) or request.cookies.get(DOOR_COOKIE)
    if not expected or not hmac.compare_digest(expected.encode(), given.encode()):
        raise FormExpired


def safe_path(wanted: str | None, otherwise: str = "/") -> str:
    """A path of this site to go to, or `otherwise`: never another host, never a scheme."""
    if not wanted or not wanted.startswith("/") or wanted.startswith(("//", "/\\")) or "\\" in wanted:
        return otherwise
    if any(ord(sign) < 32 for sign in wanted):
        return otherwise
    parts = urlsplit(wanted)
    if parts.scheme or parts.netloc or parts.path in {"/login", "/logout"}:
        return otherwise
    return wanted


def password_address(asked: str) -> str:
    """Where a one-time password is replaced, remembering the page asked for."""
    return "/password" if asked == "/" else f"/password?next={quote(asked, safe='/')}"


def login_address(request: Request) -> str:
    """Where to sign in, remembering the page asked for."""
    if request.method != "GET":
        return "/login"
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return "/login" if asked == "/" else f"/login?next={quote(asked, safe='/')}"
