"""The in-box, the delivery log, the receipt, and the ways out, as people see them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from sqlalchemy import select, update

from domain.delivery import deliver_all
from domain.outlets import NewOutlet, add_outlet
from domain.records import Notice, Person
from domain.settings import Settings
from statemachines.roles import SYSTEM
from tests.forms.conftest import SignedIn, heading_of, text_of
from tests.http_server import WeComServer
from tests.mail_server import MailServer
from tests.world import World


@pytest.fixture
def wecom() -> Iterator[WeComServer]:
    server = WeComServer()
    yield server
    server.stop()


def notices(world: World, login: str) -> list[Notice]:
    with world.database.reading() as session:
        query = select(Notice).join(Notice.person).where(Person.login == login).order_by(Notice.id)
        return list(session.scalars(query))


def test_the_count_stands_on_every_page_until_it_is_read(world: World, browser_of: SignedIn) -> None:
    number = world.assigned().number
    browser = browser_of("wangjianguo")
    for path in ("/", "/campaigns", f"/tickets/{number}"):
        assert "通知：1 条未读" in re.sub(
            r"<[^>]*aria-label=\"([^\"]*)\"[^>]*>", r"\1", browser.get(path).text
        )
    (notice,) = notices(world, "wangjianguo")
    opened = browser.get(f"/inbox/{notice.id}")
    assert (opened.status_code, opened.headers["location"]) == (303, f"/tickets/{number}")
    assert "条未读" not in browser.get("/").text
    (notice,) = notices(world, "wangjianguo")
    assert notice.read_at == world.now
    assert notice.acknowledged_at is None


def test_who_has_a_ticket_before_them_has_read_what_its_page_knew_of(
    world: World, browser_of: SignedIn
) -> None:
    number = world.assigned().number
    world.assigned()
    browser = browser_of("wangjianguo")
    page = browser.get(f"/tickets/{number}").text
    first, _about_another = notices(world, "wangjianguo")
    assert first.read_at is None, "a phone fetches the page to keep it: that is no reading"
    up_to = re.search(r'name="up_to" value="([^"]+)"', page)
    assert up_to
    assert up_to[1] == str(first.id)
    world.do(number, "fix", by="wangjianguo", note="已更换密封垫")
    world.do(number, "verify", by="limin", passed=False, opinion="仍有渗漏", due="2026-04-20")
    answer = browser.post(f"/tickets/{number}/seen", {"up_to": up_to[1]}, page="/account")
    assert answer.json() == {"unread": 2}
    assert [bool(each.read_at) for each in notices(world, "wangjianguo")] == [True, False, False]
    assert first.acknowledged_at is None
    assert 'name="up_to"' not in browser_of("zhaozhuren").get(f"/tickets/{number}").text


def test_a_notice_is_acknowledged_and_the_first_time_counts(world: World, browser_of: SignedIn) -> None:
    world.assigned()
    browser = browser_of("wangjianguo")
    (notice,) = notices(world, "wangjianguo")
    first = world.now
    for _ in range(2):
        answer = browser.post(f"/inbox/{notice.id}", page="/account")
        assert answer.headers["location"] == "/inbox?done=acknowledged"
        world.later(hours=1)
    (notice,) = notices(world, "wangjianguo")
    assert (notice.read_at, notice.acknowledged_at) == (first, first)


def test_all_means_what_was_on_the_page(world: World, browser_of: SignedIn) -> None:
    world.assigned()
    world.assigned()
    browser = browser_of("wangjianguo")
    up_to = re.search(r'name="up_to" value="([^"]+)"', browser.get("/inbox").text)
    assert up_to
    world.assigned()
    browser.post("/inbox", {"up_to": up_to[1]}, page="/account")
    assert [bool(each.acknowledged_at) for each in notices(world, "wangjianguo")] == [True, True, False]
    assert text_of(browser.get("/inbox?unread=1")).count("整改通知 CC2026") >= 1


def test_nobody_reads_or_acknowledges_for_another(world: World, browser_of: SignedIn) -> None:
    world.assigned()
    (notice,) = notices(world, "wangjianguo")
    other = browser_of("zhaozhuren")
    assert other.get(f"/inbox/{notice.id}").status_code == 404
    assert other.post(f"/inbox/{notice.id}", page="/account").status_code == 404
    assert other.post("/inbox", {"up_to": str(notice.id)}, page="/account").status_code == 404
    assert other.post("/inbox", {"up_to": "none"}, page="/account").status_code == 404
    assert notices(world, "wangjianguo")[0].read_at is None


def test_a_long_in_box_is_read_page_by_page(world: World, browser_of: SignedIn) -> None:
    for _ in range(41):
        world.assigned()
    browser = browser_of("wangjianguo")
    first = browser.get("/inbox")
    assert first.text.count('class="card item notice') == 40
    link = re.search(r'href="(/inbox\?cursor=[^"]+)"', first.text)
    assert link
    assert browser.get(link[1]).text.count('class="card item notice') == 1


def test_the_log_and_the_receipt_say_what_the_channel_answered(
    world: World, browser_of: SignedIn, mail: MailServer
) -> None:
    number = world.assigned().number
    mail.refuse["limin@example.org"] = "550 no such mailbox"
    world.do(number, "fix", by="wangjianguo", note="已更换密封垫并补油")
    deliver_all(world.database, Settings(smtp_url=mail.url), as_of=world.now)
    with world.database.transaction() as session:
        session.execute(update(Notice).where(Notice.kind == "assigned").values(acknowledged_at=world.now))
    page = text_of(browser_of("zhaozhuren").get(f"/tickets/{number}/notices"))
    for part in (
        "王建国",
        "wangjianguo@example.org",
        "250 taken as 1",
        "已送达",
        "550 no such mailbox",
        "未送达",
    ):
        assert part in page
    receipt = browser_of("zhaozhuren").get(f"/tickets/{number}/receipt")
    assert heading_of(receipt) == "送达回证"
    for part in (number, "受送达人（签名）", "250 taken as 1", "550 no such mailbox"):
        assert part in text_of(receipt)
    assert "打印时间 2026年4月1日 10:00" in text_of(receipt)
    rows = re.findall(r"<tr><td>.*?</tr>", receipt.text, flags=re.S)
    times = {"550" in row: row.count("<time") for row in rows}
    assert times == {False: 2, True: 0}, "what was not delivered has no time of delivery"


def test_who_does_not_see_the_ticket_sees_no_log(world: World, browser_of: SignedIn) -> None:
    number = world.assigned().number
    stranger = browser_of("zhouhai")
    for page in ("notices", "receipt"):
        assert stranger.get(f"/tickets/{number}/{page}").status_code == 404


def test_an_outlet_is_tested_switched_off_and_on_by_who_looks_after_it(
    world: World, browser_of: SignedIn, wecom: WeComServer
) -> None:
    url = f"{wecom.url}/cgi-bin/webhook/send?key=good-secret-key"
    new = NewOutlet.model_validate(
        {
            "kind": "wecom",
            "name": "安全群",
            "unit": "LL01",
            "url": url,
            "owner": "qiansuozhang",
            "private_allowed": True,
        }
    )
    with world.database.transaction() as session:
        outlet, _ = add_outlet(session, new, actor=SYSTEM, now=world.now)
    browser = browser_of("qiansuozhang")
    page = browser.get("/outlets")
    assert "good-secret-key" not in page.text
    assert "正常" in text_of(page)
    answer = browser.post(f"/outlets/{outlet.id}/test", page="/outlets")
    assert answer.headers["location"] == "/outlets?done=outlet_taken"
    assert "这是一条测试消息" in wecom.taken[0]["markdown"]["content"]
    assert '{"errcode": 0' in text_of(browser.get("/outlets"))
    browser.post(f"/outlets/{outlet.id}/off", page="/outlets")
    assert "已停用" in text_of(browser.get("/outlets"))
    browser.post(f"/outlets/{outlet.id}/on", page="/outlets")
    assert "正常" in text_of(browser.get("/outlets"))
    assert browser.post(f"/outlets/{outlet.id}/melt", page="/outlets").status_code == 404
    other = browser_of("shisuozhang")
    assert "安全群" not in other.get("/outlets").text
    assert other.post(f"/outlets/{outlet.id}/off", page="/account").status_code == 404
    assert browser_of("limin").get("/outlets").status_code == 403
