"""Coming in and going out: cookies, tokens, one-time passwords, and no way to another site."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from chuncha.app import create_app
from domain.access import set_password
from domain.database import Database
from domain.file_store import FileStore
from domain.settings import Settings
from forms.session import safe_path
from statemachines.roles import SYSTEM
from tests.forms.conftest import Browser, SignedIn, heading_of, text_of
from tests.world import World


def test_a_stranger_is_sent_to_the_login_and_then_where_they_wanted(stranger: Browser) -> None:
    sent = stranger.get("/tickets?state=fixed")
    assert (sent.status_code, sent.headers["location"]) == (303, "/login?next=/tickets%3Fstate%3Dfixed")

    came = stranger.sign_in("limin", asked="/tickets?state=fixed")

    assert (came.status_code, came.headers["location"]) == (303, "/tickets?state=fixed")
    assert stranger.get("/tickets?state=fixed").status_code == 200


@pytest.mark.parametrize(
    "wanted",
    [
        "https://elsewhere.example/",
        "//elsewhere.example",
        "/\\elsewhere.example",
        "/a\\b",
        "javascript:alert(1)",
        "/\nx",
        "",
        "/login",
    ],
)
def test_the_login_never_leads_to_another_site(wanted: str) -> None:
    assert safe_path(wanted) == "/"


def test_the_cookie_is_http_only_and_lax(stranger: Browser) -> None:
    cookie = next(
        value
        for value in stranger.sign_in("limin").headers.get_list("set-cookie")
        if value.startswith("chuncha_session=") and "Max-Age=0" not in value
    )
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie


def test_behind_tls_the_cookie_is_secure(world: World, database: Database, store: FileStore) -> None:
    app = create_app(
        Settings(public_url="https://chuncha.example.org"),
        database=database,
        files=store,
        clock=lambda: world.now,
    )
    browser = Browser(app)
    browser.client.base_url = "https://testserver"  # type: ignore[assignment]
    cookies = browser.sign_in("limin").headers.get_list("set-cookie")
    assert all("Secure" in cookie for cookie in cookies if cookie.startswith("chuncha_session="))


def test_a_wrong_password_says_neither_which_was_wrong_nor_forgets_the_name(stranger: Browser) -> None:
    for login in ("limin", "nobody"):
        answer = stranger.sign_in(login, "wrong")
        assert answer.status_code == 401
        assert "登录名或密码不对" in text_of(answer)
        assert f'value="{login}"' in answer.text
        assert "wrong" not in answer.text


def test_guessing_is_slowed(stranger: Browser) -> None:
    for _ in range(5):
        stranger.sign_in("limin", "wrong")
    answer = stranger.sign_in("limin")
    assert answer.status_code == 429
    assert "秒后再试" in text_of(answer)


def test_a_login_form_of_another_site_is_refused(app: FastAPI) -> None:
    client = TestClient(app, follow_redirects=False)
    told = {"login": "limin", "password": "limin-chuncha", "csrf": "made-up"}
    assert client.post("/login", data=told).status_code == 403


def test_a_form_without_the_sessions_token_changes_nothing(browser_of: SignedIn, world: World) -> None:
    number = world.assigned().number
    browser = browser_of("wangjianguo")
    for token in ("", "x" * 43, browser_of("zhaozhuren").token("/account")):
        answer = browser.client.post(f"/tickets/{number}/fix", data={"csrf": token, "note": "已更换"})
        assert answer.status_code == 403
        assert "表单已失效" in text_of(answer)
    assert world.ticket(number).state == "assigned"


def test_a_one_time_password_must_be_replaced_before_anything_else(stranger: Browser, world: World) -> None:
    with world.database.transaction() as session:
        set_password(session, "limin", "once-only-1", one_time=True, actor=SYSTEM, now=world.now)

    asked = stranger.sign_in("limin", "once-only-1", asked="/tickets").headers["location"]
    assert asked == "/password?next=/tickets"
    assert stranger.get("/tickets").headers["location"] == "/password?next=/tickets"

    short = stranger.post("/password", {"current": "once-only-1", "password": "short", "again": "short"})
    assert (short.status_code, "至少8个字符" in text_of(short)) == (422, True)
    differ = stranger.post("/password", {"current": "once-only-1", "password": "a" * 9, "again": "b" * 9})
    assert "两次输入的新密码不一样" in text_of(differ)

    new = "mine-alone-2"
    done = stranger.post("/password", {"current": "once-only-1", "password": new, "again": new})
    assert done.status_code == 303
    assert stranger.get("/tickets").status_code == 200
    assert Browser(stranger.client.app).sign_in("limin", new).headers["location"] == "/"  # type: ignore[arg-type]


def test_signing_out_ends_the_session_on_the_server(browser_of: SignedIn) -> None:
    browser = browser_of("limin")
    secret = browser.client.cookies["chuncha_session"]
    assert browser.post("/logout", page="/account").headers["location"] == "/login"
    browser.client.cookies.set("chuncha_session", secret)
    assert browser.get("/account").status_code == 303


def test_the_other_language_is_one_click_away_and_stays(browser_of: SignedIn) -> None:
    browser = browser_of("limin")
    assert heading_of(browser.get("/campaigns")) == "检查活动"
    answer = browser.post("/language/en", {"next": "/campaigns"}, page="/account")
    assert answer.headers["location"] == "/campaigns"
    page = browser.get("/campaigns")
    assert heading_of(page) == "Campaigns"
    assert '<html lang="en"' in page.text
    assert browser.post("/language/xx", page="/account").status_code == 404


def test_the_login_page_speaks_english_too(stranger: Browser) -> None:
    assert stranger.post("/language/en", {"next": "/login"}, page="/login").headers["location"] == "/login"
    assert heading_of(stranger.get("/login")) == "Sign in"
