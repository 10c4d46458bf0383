"""Submit a finding from a form: photos are stored, nothing is half-written, nothing typed is lost."""

from __future__ import annotations

import hashlib
from io import BytesIO

from PIL import Image
from sqlalchemy import func, select

from domain.file_store import FileStore
from domain.records import FileListing, StoredFile, Ticket
from tests.forms.conftest import Browser, SignedIn, text_of
from tests.photos import photo
from tests.world import World

LEAK = {
    "campaign": "CC2026",
    "unit": "LL01",
    "description": "渗漏变压器",
    "level": "serious",
    "category": "生产设备/变压器台区",
    "quantity": "2",
    "measure_unit": "台",
    "location": "10kV 柳林线 27# 变台",
}


def only_ticket(world: World) -> Ticket:
    with world.database.reading() as session:
        return session.scalars(select(Ticket)).one()


def how_many(world: World, kind: type) -> int:
    with world.database.reading() as session:
        return session.scalar(select(func.count()).select_from(kind)) or 0


def submit(browser: Browser, data: dict[str, str], *photos: bytes, **more: bytes) -> object:
    files = [("photos", (f"现场{n}.jpg", data, "image/jpeg")) for n, data in enumerate(photos)]
    files += [(name, ("后.jpg", data, "image/jpeg")) for name, data in more.items()]
    return browser.post("/findings/new", data, files=files or None)


def test_a_finding_with_photos_becomes_a_ticket(browser_of: SignedIn, world: World, store: FileStore) -> None:
    before = photo(taken="2026:04:01 09:14:00", place=(36.0812, 111.519))
    browser = browser_of("limin")

    answer = submit(browser, LEAK, before, photo(colour="green"))

    ticket = only_ticket(world)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/tickets/{ticket.number}?done=submitted"
    assert (ticket.files_expected, ticket.files_arrived) == (2, 2)
    assert (str(ticket.quantity), ticket.measure_unit) == ("2.00", "台")
    assert store.get(hashlib.sha256(before).hexdigest()) == before
    page = browser.get(answer.headers["location"])
    assert "已上报。" in text_of(page)
    assert page.text.count("/photos/") == 4


def test_what_pages_show_is_a_copy_without_the_cameras_data(browser_of: SignedIn, world: World) -> None:
    original = photo(taken="2026:04:01 09:14:00", place=(36.0812, 111.519), size=(2000, 1500))
    browser = browser_of("limin")
    submit(browser, LEAK, original)
    sha256 = hashlib.sha256(original).hexdigest()

    thumb = browser.get(f"/photos/{sha256}?size=thumb")

    assert thumb.headers["content-type"] == "image/jpeg"
    assert "immutable" in thumb.headers["cache-control"]
    image = Image.open(BytesIO(thumb.content))
    assert not image.getexif()
    assert max(image.size) == 320
    again = browser.get(f"/photos/{sha256}?size=thumb", headers={"If-None-Match": thumb.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_photo_is_seen_by_those_who_see_a_ticket_that_lists_it(browser_of: SignedIn, world: World) -> None:
    data = photo()
    submit(browser_of("limin"), LEAK, data)
    address = f"/photos/{hashlib.sha256(data).hexdigest()}"
    assert browser_of("qiansuozhang").get(address).status_code == 200
    assert browser_of("shisuozhang").get(address).status_code == 404
    assert browser_of("limin").get("/photos/" + "0" * 64).status_code == 404
    assert browser_of("limin").get("/photos/../secret").status_code == 404


def test_a_form_sent_twice_makes_one_ticket(browser_of: SignedIn, world: World) -> None:
    browser = browser_of("limin")
    twice = {**LEAK, "id": "01890a5d-ac96-774b-bcce-b302099a8057"}
    first, second = submit(browser, twice, photo()), submit(browser, twice, photo())
    assert first.headers["location"] == second.headers["location"]
    assert how_many(world, Ticket) == 1


def test_wrong_fields_come_back_with_what_was_typed(browser_of: SignedIn, world: World) -> None:
    wrong = {**LEAK, "description": "漏" * 4001, "quantity": "两", "measure_unit": "", "level": "huge"}
    answer = submit(browser_of("limin"), wrong, photo())
    assert answer.status_code == 422
    for field in ("description", "quantity", "level"):
        assert f'href="#{field}"' in answer.text, field
    assert "漏" * 4001 in answer.text
    assert "10kV 柳林线 27# 变台" in answer.text
    assert "最多4000个字" in text_of(answer)
    assert "请重新选择" in text_of(answer)
    assert how_many(world, Ticket) == how_many(world, StoredFile) == 0


def test_a_quantity_needs_its_unit_of_measure(browser_of: SignedIn, world: World) -> None:
    answer = submit(browser_of("limin"), {**LEAK, "measure_unit": ""})
    assert 'href="#measure_unit"' in answer.text
    assert "measure-unit" not in text_of(answer)


def test_what_is_no_photo_is_refused_and_nothing_is_written(browser_of: SignedIn, world: World) -> None:
    answer = submit(browser_of("limin"), LEAK, photo(), b"%PDF-1.7 not a photo")
    assert answer.status_code == 422
    assert "只接受 JPEG、PNG、WebP 照片" in text_of(answer)
    assert how_many(world, Ticket) == how_many(world, FileListing) == how_many(world, StoredFile) == 0


def test_a_photo_too_large_is_named(browser_of: SignedIn, world: World, settings: object) -> None:
    answer = submit(browser_of("limin"), LEAK, b"\xff\xd8" + b"0" * (21 * 1024 * 1024))
    assert answer.status_code == 413
    assert "“现场0.jpg”超过20 MB" in text_of(answer)
    assert how_many(world, Ticket) == 0


def test_fixed_on_the_spot_needs_both_photos_and_is_one_act(browser_of: SignedIn, world: World) -> None:
    browser = browser_of("limin")
    spot = {**LEAK, "level": "general", "on_spot": "1", "note": "当场紧固"}

    refused = submit(browser, spot, photo())
    assert (refused.status_code, 'href="#after"' in refused.text) == (422, True)
    assert how_many(world, Ticket) == 0

    submit(browser, spot, photo(), after=photo(colour="green"))
    ticket = only_ticket(world)
    assert (ticket.state, ticket.on_the_spot, ticket.files_arrived) == ("fixed", True, 2)


def test_units_out_of_reach_are_neither_offered_nor_taken(browser_of: SignedIn, world: World) -> None:
    browser = browser_of("qiansuozhang")
    form = browser.get("/findings/new").text
    assert 'value="LL01"' in form
    assert 'value="SQ02"' not in form
    answer = submit(browser, {**LEAK, "unit": "SQ02"})
    assert (answer.status_code, 'href="#unit"' in answer.text) == (422, True)


def test_my_findings_are_mine(browser_of: SignedIn, world: World) -> None:
    mine, other = world.find(by="limin").number, world.find(by="zhangqiang").number
    page = text_of(browser_of("limin").get("/findings/mine"))
    assert mine in page
    assert other not in page
    assert "您还没有上报过隐患" in text_of(browser_of("zhaozhuren").get("/findings/mine"))
