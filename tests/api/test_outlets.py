"""Ways out over the API: who may, what is never shown, a test, a rotation."""

from __future__ import annotations

from collections.abc import Callable

from standardwebhooks import Webhook

from tests.api.conftest import Caller
from tests.http_server import HttpServer, Say
from tests.world import World


def new(**said: object) -> dict[str, object]:
    return {
        "kind": "webhook",
        "name": "ERP",
        "unit": "XB",
        "url": "https://erp.example.org/hooks/secret-path",
        **said,
    }


def test_a_webhooks_secret_is_shown_once_and_its_address_never_whole(
    calling: Callable[[str], Caller],
) -> None:
    administrator = calling("guanli")
    made = administrator.post("/outlets", new())
    assert made.status_code == 201, made.text
    secret = made.json()["secret"]
    assert secret.startswith("whsec_")
    location = made.headers["location"]
    for answer in (
        administrator.get(location),
        administrator.get("/outlets"),
        calling("zhaozhuren").get("/outlets"),
    ):
        assert answer.status_code == 200
        assert secret not in answer.text
        assert "secret-path" not in answer.text
    assert administrator.get(location).json()["url"] == "https://erp.example.org/…path"


def test_it_is_for_supervisors_and_administrators_of_the_unit(calling: Callable[[str], Caller]) -> None:
    assert calling("limin").post("/outlets", new()).status_code == 403
    assert calling("qiansuozhang").post("/outlets", new(unit="LL01")).status_code == 201
    elsewhere = calling("shisuozhang").post("/outlets", new(unit="LL01"))
    assert elsewhere.status_code in {403, 422}
    assert calling("shisuozhang").get("/outlets").json() == {"items": []}


def test_an_address_that_is_none_is_named(calling: Callable[[str], Caller]) -> None:
    answer = calling("guanli").post("/outlets", new(url="erp.example.org/hook"))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/url"


def test_what_is_changed_changes_and_the_rest_stays(calling: Callable[[str], Caller]) -> None:
    administrator = calling("guanli")
    path = administrator.post("/outlets", new()).headers["location"]
    changed = administrator("PATCH", path, json={"name": "ERP 2", "owner": "zhaozhuren"})
    assert changed.status_code == 200, changed.text
    assert changed.json().items() >= {"name": "ERP 2", "owner": "zhaozhuren", "unit": "XB"}.items()


def test_a_test_message_is_sent_now_and_the_answer_told(
    world: World, calling: Callable[[str], Caller]
) -> None:
    answers = iter([Say(body="thanks"), Say(status=404, body="nobody here")])
    server = HttpServer(lambda got: next(answers))
    administrator = calling("guanli")
    made = administrator.post("/outlets", new(url=f"{server.url}/hook", private_allowed=True))
    path = made.headers["location"]
    assert administrator.post(f"{path}/test").json() == {"taken": True, "answer": "200 thanks"}
    assert administrator.post(f"{path}/test").json() == {"taken": False, "answer": "404 nobody here"}
    server.stop()
    got = server.got[0]
    assert got.json["type"] == "outlet.test"
    assert got.headers["webhook-signature"].startswith("v1,")
    assert administrator.get(path).json()["last"]["answer"] == "404 nobody here"


def test_a_secret_is_rotated_and_an_outlet_switched_off_and_on(calling: Callable[[str], Caller]) -> None:
    administrator = calling("guanli")
    made = administrator.post("/outlets", new())
    path = made.headers["location"]
    rotated = administrator.post(f"{path}/rotate").json()
    assert rotated["secrets"] == 2
    assert rotated["secret"] != made.json()["secret"]
    Webhook(rotated["secret"])
    assert administrator.post(f"{path}/switch-off").json()["health"] == "off"
    assert administrator.post(f"{path}/switch-on").json()["health"] == "working"
