"""The in-box and the delivery log over the API."""

from __future__ import annotations

from collections.abc import Callable

from domain.delivery import deliver_all
from domain.settings import Settings
from tests.api.conftest import Caller
from tests.mail_server import MailServer
from tests.world import World


def test_one_reads_and_acknowledges_ones_own_notices(world: World, calling: Callable[[str], Caller]) -> None:
    number = world.assigned().number
    mine = calling("wangjianguo")
    page = mine.get("/notices", params={"unread": True}).json()
    (notice,) = page["items"]
    assert (page["unread"], notice["ticket"], notice["responsible"]) == (1, number, True)
    done = mine.post(f"/notices/{notice['id']}/acknowledge")
    assert done.status_code == 200
    first = done.json()["acknowledged_at"]
    world.later(hours=1)
    assert mine.post(f"/notices/{notice['id']}/acknowledge").json()["acknowledged_at"] == first
    assert mine.get("/notices", params={"unread": True}).json() == {"items": [], "next": None, "unread": 0}
    assert [each["id"] for each in mine.get("/notices").json()["items"]] == [notice["id"]]


def test_another_persons_notice_does_not_exist(world: World, calling: Callable[[str], Caller]) -> None:
    world.assigned()
    (notice,) = calling("wangjianguo").get("/notices").json()["items"]
    for who in ("zhaozhuren", "guanli"):
        assert calling(who).get(f"/notices/{notice['id']}").status_code == 404
        assert calling(who).post(f"/notices/{notice['id']}/acknowledge").status_code == 404


def test_the_log_of_a_ticket_has_every_try(
    world: World, calling: Callable[[str], Caller], mail: MailServer
) -> None:
    number = world.assigned().number
    mail.refuse["wangjianguo@example.org"] = "451 later"
    deliver_all(world.database, Settings(smtp_url=mail.url), as_of=world.now)
    mail.refuse.clear()
    world.later(minutes=2)
    deliver_all(world.database, Settings(smtp_url=mail.url), as_of=world.now)
    (line,) = calling("zhaozhuren").get(f"/tickets/{number}/notices").json()["items"]
    assert (line["name"], line["through"], line["standing"]) == ("王建国", "email", "sent")
    assert [(each["outcome"], each["answer"]) for each in line["attempts"]] == [
        ("put_off", "451 later"),
        ("sent", "250 taken as 1"),
    ]
    assert calling("zhouhai").get(f"/tickets/{number}/notices").status_code == 404
