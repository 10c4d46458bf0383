"""Letters through a real SMTP server."""

import email.utils
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update

from domain.bundling import bundle
from domain.delivery import deliver_all
from domain.digest import link
from domain.dispatches import ChannelDown, Item, Letter, NotDelivered
from domain.mail import Postman, compose
from domain.records import Channel, Dispatch, Person
from domain.settings import Settings
from tests.mail_server import MailServer, text_of
from tests.waiting import PATIENCE
from tests.world import World

PUBLIC = "https://chuncha.example.org"


def item(**said: object) -> Item:
    return Item(
        path=None,
        **{
            "kind": "assigned",
            "subject": "整改提醒 CC2026-LL01-0001 变压器渗漏油",
            "body": "请按期整改。\n\n编号：CC2026-LL01-0001",
            "person": "王建国",
            "phone": None,
            "responsible": True,
            "instead_of": None,
            "ticket": "CC2026-LL01-0001",
            "campaign": None,
            "place": "柳林供电所",
            "what": "变压器渗漏油",
            "due_at": None,
            "photo": None,
            **said,
        },
    )


def letter(address: str = "wang@example.org", **said: object) -> Letter:
    return Letter(
        dispatch_id=UUID("0196f000-0000-7000-8000-000000000001"),
        channel=Channel.EMAIL,
        address=address,
        language="zh",
        attempts=1,
        items=(item(**said),),
    )


def postman(mail: MailServer) -> Postman:
    return Postman(mail.url, mail_from="chuncha@example.org", public_url=PUBLIC, timeout=PATIENCE)


def test_a_letter_arrives_with_its_words_its_link_and_its_own_message_id(mail, now) -> None:
    with postman(mail) as post:
        assert post.send(letter(), now=now) == "250 taken as 1"
    (message,) = mail.messages
    assert message["Subject"] == "整改提醒 CC2026-LL01-0001 变压器渗漏油"
    assert message["From"] == "chuncha@example.org"
    assert message["To"] == "wang@example.org"
    assert message["Message-ID"] == "<0196f000-0000-7000-8000-000000000001@chuncha>"
    assert email.utils.parsedate_to_datetime(message["Date"]) == now
    assert message["Auto-Submitted"] == "auto-generated"
    assert "编号：CC2026-LL01-0001" in text_of(message)
    assert f"在春查中办理：{PUBLIC}/tickets/CC2026-LL01-0001" in text_of(message)
    html = message.get_body(("html",)).get_content()
    assert f'href="{PUBLIC}/tickets/CC2026-LL01-0001"' in html
    assert "在春查中办理" in html


def test_several_notices_are_one_letter_by_what_to_do_each_with_its_photo(mail, now) -> None:
    due = now + timedelta(days=9)
    late, soon, news = (f"CC2026-LL01-000{place}" for place in (1, 2, 3))
    items = (
        item(kind="verified", subject=f"已销号 {news}", ticket=news),
        item(kind="remind", subject=f"整改提醒 {soon}", ticket=soon, due_at=due),
        item(kind="escalate", subject=f"逾期催办 {late}", ticket=late, due_at=now, photo="ab" * 32),
    )
    with postman(mail) as post:
        post.send(replace(letter(), items=items), now=now)
    (message,) = mail.messages
    assert message["Subject"] == "春查通知：逾期1件、待办1件、知悉1件"
    html = message.get_body(("html",)).get_content()
    for said, headings in ((text_of(message), "== {}（1） =="), (html, "{} · 1")):
        places = [said.index(headings.format(name)) for name in ("已逾期，立即处理", "待办", "知悉")]
        assert places == sorted(places)
        assert [said.index(number) > place for number, place in zip((late, soon, news), places, strict=True)]
        for number in (late, soon, news):
            assert f"{PUBLIC}/tickets/{number}" in said
        assert said.count(f"{PUBLIC}/photos/{'ab' * 32}") == 1


def test_what_people_wrote_is_only_text_in_the_html(mail, now) -> None:
    with postman(mail) as post:
        post.send(letter(body='<script>alert("1")</script>\n.\n第二行'), now=now)
    html = mail.messages[0].get_body(("html",)).get_content()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "第二行" in text_of(mail.messages[0])


def test_one_connection_serves_a_batch(mail, now) -> None:
    with postman(mail) as post:
        for _ in range(3):
            post.send(letter(), now=now)
            first = post._server
        assert post._server is first
    assert len(mail.messages) == 3


@pytest.mark.parametrize(
    ("answer", "permanent"), [("550 5.1.1 no such mailbox", True), ("451 4.3.0 later", False)]
)
def test_what_time_heals_is_told_apart_from_what_it_does_not(mail, now, answer: str, permanent: bool) -> None:
    mail.refuse["wang@example.org"] = answer
    with postman(mail) as post:
        with pytest.raises(NotDelivered) as refused:
            post.send(letter(), now=now)
        assert post.send(letter("li@example.org"), now=now).startswith("250")
    assert refused.value.permanent is permanent
    assert str(refused.value) == answer


def test_a_letter_that_breaks_the_line_blocks_no_other(mail, now) -> None:
    def hang_up(message) -> str:
        return "421 4.3.2 closing" if message["To"] == "wang@example.org" else ""

    mail.on_message = hang_up
    with postman(mail) as post:
        with pytest.raises(NotDelivered) as refused:
            post.send(letter(), now=now)
        assert post.send(letter("li@example.org"), now=now).startswith("250")
    assert not refused.value.permanent


def test_a_server_that_cannot_be_reached_is_nobodys_fault(now) -> None:
    nobody = Postman("smtp://127.0.0.1:1", mail_from="a@b", public_url=PUBLIC, timeout=2)
    with nobody as post, pytest.raises(ChannelDown):
        post.send(letter(), now=now)


def test_a_password_is_not_sent_in_the_clear(mail, now, monkeypatch) -> None:
    monkeypatch.setattr("domain.mail.LOOPBACK", ())
    url = mail.url.replace("smtp://", "smtp://user:secret@")
    with_password = Postman(url, mail_from="a@b", public_url=PUBLIC, timeout=PATIENCE)
    with with_password as post, pytest.raises(ChannelDown, match="unencrypted"):
        post.send(letter(), now=now)


@pytest.mark.parametrize("address", ["not an address", "a@b@c", ""])
def test_an_address_that_cannot_be_written_is_given_up(mail, now, address: str) -> None:
    with postman(mail) as post, pytest.raises(NotDelivered) as refused:
        post.send(letter(address), now=now)
    assert refused.value.permanent


def test_a_sender_with_a_name_is_written_in_full(mail, now) -> None:
    with Postman(
        mail.url, mail_from="春查 <chuncha@example.org>", public_url=PUBLIC, timeout=PATIENCE
    ) as post:
        post.send(letter(), now=now)
    assert mail.messages[0]["From"] == "春查 <chuncha@example.org>"


def test_links_lead_to_what_it_is_about() -> None:
    assert link(item(), PUBLIC).endswith("/tickets/CC2026-LL01-0001")
    assert link(item(ticket=None, campaign="CC2026"), PUBLIC).endswith("/campaigns/CC2026")
    assert link(item(ticket=None), PUBLIC).endswith("/inbox")


def test_the_message_of_a_notice_is_the_same_each_time(now) -> None:
    first = compose(letter(), mail_from="a@b", public_url=PUBLIC, now=now)
    second = compose(letter(), mail_from="a@b", public_url=PUBLIC, now=now + timedelta(minutes=9))
    assert first["Message-ID"] == second["Message-ID"]


def test_what_the_commands_told_arrives_in_the_mailboxes(world: World, mail: MailServer) -> None:
    number = world.assigned().number
    world.do(number, "fix", by="wangjianguo", note="已更换密封垫并补油")
    mail.refuse["limin@example.org"] = "550 no such mailbox"
    done = deliver_all(world.database, Settings(smtp_url=mail.url), as_of=world.now)
    assert (done.sent, done.gave_up) == (1, 1)
    (message,) = mail.to("wangjianguo@example.org")
    assert message["Subject"].startswith(f"整改通知 {number}")
    with world.database.reading() as session:
        limin = session.scalars(select(Person).where(Person.login == "limin")).one()
        failed = session.scalars(select(Dispatch).where(Dispatch.person_id == limin.id)).one()
    assert failed.last_error == "550 no such mailbox"
    assert failed.gave_up_at is not None


def test_an_outage_delays_and_loses_nothing(world: World, mail: MailServer) -> None:
    world.assigned()
    nowhere = Settings(smtp_url="smtp://127.0.0.1:1")
    assert deliver_all(world.database, nowhere, as_of=world.now).down
    assert deliver_all(world.database, Settings(smtp_url=mail.url), as_of=world.later(minutes=2)).sent == 1


def test_a_message_to_an_unusable_address_does_not_stop_the_delivery(world: World, mail: MailServer) -> None:
    world.assigned()
    world.assigned(to="zhouhai", unit="SQ02")
    with world.database.transaction() as session:
        assert bundle(session, as_of=world.now, public_url=PUBLIC) == 2
        first = session.scalars(select(Dispatch.id).order_by(Dispatch.id)).first()
        session.execute(update(Dispatch).where(Dispatch.id == first).values(address="broken <"))
    done = deliver_all(world.database, Settings(smtp_url=mail.url), as_of=world.now)
    assert (done.sent, done.gave_up) == (1, 1)
