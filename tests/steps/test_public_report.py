import re
from io import BytesIO

import pytest
from pytest_bdd import given, parsers, scenarios, then, when
from sqlalchemy import func, select

from domain import places
from domain.digest import link
from domain.dispatches import items_of
from domain.records import Notice, Report, Ticket
from tests.forms.conftest import Browser, app, browser_of, settings, stranger, text_of  # noqa: F401 - fixtures
from tests.photos import photo

scenarios("public_report.feature")

SIGN = "/p/LL01-27"
COUNTS = {"零": 0, "一": 1, "两": 2}


def shots(count):
    colours = ("red", "green", "blue", "brown", "black", "white")
    return [("photos", (f"{c}.jpg", photo(colour=c), "image/jpeg")) for c in colours[:count]]


def report(browser, text, *, photos=0, **more):
    page = browser.get(f"{SIGN}/report").text
    told = {
        "csrf": re.search(r'name="csrf" value="([^"]+)"', page)[1],
        "key": re.search(r'name="key" value="([^"]+)"', page)[1],
        "text": text,
        **more,
    }
    return browser.client.post(f"{SIGN}/report", data=told, files=shots(photos) or None), told


def code_in(answer):
    assert answer.status_code == 303, text_of(answer)
    return re.match(r"/r/([0-9A-Z-]{14})\?", answer.headers["location"])[1]


def reports_there(world):
    with world.database.reading() as session:
        return session.scalar(select(func.count()).select_from(Report))


@pytest.fixture
def worker(app):  # noqa: F811
    return Browser(app, "203.0.113.10")


@pytest.fixture
def said():
    return {}


@pytest.fixture
def supervisor(browser_of):  # noqa: F811
    return browser_of("qiansuozhang")


@given("柳林所27#变台贴着检查点二维码")
def sign(world):
    with world.database.transaction() as session:
        new = places.NewPlace(code="LL01-27", name="27# 变台", unit="LL01", lat=26.57, lon=106.71)
        places.add_place(session, new, actor=world.actor("guanli"), now=world.now)


@given(parsers.parse('李敏已登记"{text}"'), target_fixture="number")
def known(world, text):
    return world.find(description=text, place="LL01-27").number


@when("没有登录的职工扫码")
def scans(worker, said):
    said["page"] = worker.get(SIGN)


@then("他可以登录后登记，也可以不登录直接报告")
def both_ways(said):
    assert f'href="{SIGN}/report"' in said["page"].text
    assert 'href="/login?next=/findings/new%3Fplace%3DLL01-27"' in said["page"].text


@when("检查员李敏扫码")
def inspector_scans(browser_of, said):  # noqa: F811
    inspector = browser_of("limin")
    answer = inspector.get(SIGN)
    assert answer.headers["location"] == "/findings/new?place=LL01-27"
    said["form"] = inspector.get("/findings/new?place=LL01-27").text


@then("她看到单位、地点、位置都已填好的上报表")
def filled_in(said):
    for filled in (
        'name="place" value="LL01-27"',
        'name="lat" value="26.57"',
        'value="27# 变台"',
        '<option value="LL01" selected>',
    ):
        assert filled in said["form"]


@when(
    parsers.parse('职工报告"{text}"，附{count}张照片，不留姓名'),
    converters={"count": COUNTS.get},
    target_fixture="code",
)
def reports(worker, text, count):
    return code_in(report(worker, text, photos=count)[0])


@when(parsers.parse('职工报告"{text}"，附零张照片，留下姓名"{name}"和电话"{phone}"'), target_fixture="code")
def reports_by_name(worker, text, name, phone):
    return code_in(report(worker, text, reporter_name=name, reporter_phone=phone)[0])


@then("他得到一个查询码")
def has_code(worker, code):
    assert code in text_of(worker.get(f"/r/{code}"))


@pytest.fixture
def address(world):
    def last():
        with world.database.reading() as session:
            return f"/reports/{session.scalars(select(Report.id).order_by(Report.id.desc()).limit(1)).one()}"

    return last


@then("柳林所的钱所长收到通知，通知里的链接登录后直接打开这份报告")
def told(world, address, stranger):  # noqa: F811
    with world.database.reading() as session:
        ((notice, item),) = items_of(session, Notice.kind == "report_received")
        assert notice.address == "qiansuozhang@example.org"
    path = link(item, "")
    assert path == address()
    door = stranger.get(path)
    assert (door.status_code, door.headers["location"]) == (303, f"/login?next={path}")
    assert stranger.sign_in("qiansuozhang", asked=path).headers["location"] == path
    assert stranger.get(path).status_code == 200


@when("钱所长受理，定为一般隐患", target_fixture="number")
def accepts(supervisor, address):
    page = supervisor.get(address()).text
    description = re.search(r'<textarea id="description"[^>]*>([^<]*)<', page)[1]
    location = re.search(r'<input id="location"[^>]*value="([^"]*)"', page)[1]
    told = {
        "campaign": "CC2026",
        "unit": "LL01",
        "description": description,
        "location": location,
        "level": "general",
        "category": "变压器",
    }
    answer = supervisor.post(f"{address()}/accept", told, page=address())
    assert answer.status_code == 303, text_of(answer)
    return re.match(r"/tickets/([^?]+)", answer.headers["location"])[1]


@then(parsers.parse('隐患单的描述、地点、照片和发现时间都与报告相同，来源是"{source}"'))
def same(world, number, source):
    ticket = world.ticket(number)
    with world.database.reading() as session:
        reported = session.scalars(select(Report).where(Report.ticket_id == ticket.id)).one()
    assert (ticket.description, ticket.found_at) == (reported.text, reported.received_at)
    assert (ticket.location, ticket.source) == ("27# 变台", source)
    assert (ticket.files_expected, ticket.files_arrived) == (2, 2)


@then(parsers.parse('凭查询码查到"{state}"和隐患单编号'))
def outcome_with_number(worker, code, state, number):
    seen = text_of(worker.get(f"/r/{code}"))
    assert state in seen
    assert number in seen


@when("隐患单下达、整改并复查合格")
def goes_on(world, number):
    world.do(number, "assign", by="zhaozhuren", assignee="wangjianguo", duty="负责处理", measure="更换密封垫")
    world.do(number, "fix", by="wangjianguo", note="已更换密封垫并补油")
    world.do(number, "verify", by="limin", passed=True, opinion="合格")


@then(parsers.parse('凭查询码查到"{state}"和怎样整改的'))
def outcome_with_fix(worker, code, state):
    seen = text_of(worker.get(f"/r/{code}"))
    assert state in seen
    assert "已更换密封垫并补油" in seen


@then("查到的结果里没有任何人的姓名")
def nameless(worker, code):
    seen = text_of(worker.get(f"/r/{code}"))
    assert not [name for name in ("钱所长", "王建国", "李敏", "赵主任") if name in seen]


@when("钱所长不受理，没有写理由", target_fixture="answer")
def declines_without(supervisor, address):
    return supervisor.post(f"{address()}/decline", {"reason": " "}, page=address())


@then("报告仍待受理")
def undecided(worker, code, answer):
    assert answer.status_code == 422
    assert "待受理" in text_of(worker.get(f"/r/{code}"))


@when(parsers.parse('钱所长不受理，理由是"{reason}"'))
def declines(supervisor, address, reason):
    assert supervisor.post(f"{address()}/decline", {"reason": reason}, page=address()).status_code == 303


@then(parsers.parse('凭查询码查到"{state}"和"{words}"'))
def outcome_with(worker, code, state, words):
    seen = text_of(worker.get(f"/r/{code}"))
    assert state in seen
    assert words in seen


@then("钱所长在报告页看到李敏登记的那张隐患单")
def sees_known(supervisor, address, number):
    seen = text_of(supervisor.get(address()))
    assert "可能是同一处隐患" in seen
    assert number in seen


@when("钱所长把报告并入那张隐患单")
def joins(supervisor, address, number):
    answer = supervisor.post(f"{address()}/join", {"ticket": number}, page=address())
    assert answer.headers["location"].startswith(f"/tickets/{number}")


@then("那张隐患单多了一张照片，凭查询码查到它的编号")
def joined(world, worker, code, number):
    assert world.ticket(number).files_arrived == 1
    assert number in text_of(worker.get(f"/r/{code}"))


@when("职工把同一张报告表提交了两次")
def twice(worker, said):
    first, told = report(worker, "漏油", photos=1)
    again = worker.client.post(f"{SIGN}/report", data=told, files=shots(1))
    said["codes"] = {code_in(first), code_in(again)}


@then("两次得到同一个查询码，只有一份报告")
def once(world, said):
    assert len(said["codes"]) == 1
    assert reports_there(world) == 1


@then(parsers.parse('钱所长在报告页看到"{name}"'))
def sees_name(supervisor, address, name):
    assert name in text_of(supervisor.get(address()))


@then("检查员李敏打不开这份报告")
def unseen(browser_of, address):  # noqa: F811
    assert browser_of("limin").get(address()).status_code in {403, 404}


@then(parsers.parse('隐患单页面和查询结果都没有"{name}"'))
def not_passed_on(browser_of, worker, code, number, name):  # noqa: F811
    assert name not in browser_of("limin").get(f"/tickets/{number}").text
    assert name not in worker.get(f"/r/{code}").text


@when("有人连猜三十一个查询码", target_fixture="answers")
def guesses(worker):
    return [worker.get(f"/r/AAAA-BBBB-{n:04d}") for n in range(31)]


@then("前三十次都说没有这个查询码，最后一次被拦下")
def shut_out(answers):
    assert [answer.status_code for answer in answers] == [404] * 30 + [429]


@then("另一个地址的职工仍能查询")
def others_look_up(app, worker):  # noqa: F811
    code = code_in(report(Browser(app, "198.51.100.7"), "漏油")[0])
    assert Browser(app, "198.51.100.8").get(f"/r/{code}").status_code == 200
    assert worker.get(f"/r/{code}").status_code == 429


@when("同一地址一小时内提交二十一份报告", target_fixture="answers")
def floods(worker):
    return [report(worker, f"第{n}处漏油")[0] for n in range(21)]


@then("第二十一份被拦下，页面上还留着他写的字")
def held_back(world, answers):
    assert [answer.status_code for answer in answers] == [303] * 20 + [429]
    assert ">第20处漏油</textarea>" in answers[-1].text
    assert reports_there(world) == 20


@then("另一个地址的职工仍能报告")
def others_report(app):  # noqa: F811
    assert report(Browser(app, "198.51.100.7"), "漏油")[0].status_code == 303


@when("有人提交含脚本的文字", target_fixture="answer")
def script(worker):
    return report(worker, "<script>alert(1)</script>", location='"><img src=x onerror=alert(1)>')[0]


@then("页面把它当文字显示")
def shown_as_text(supervisor, address, answer):
    assert answer.status_code == 303
    page = supervisor.get(address())
    assert "<script>alert(1)" not in page.text
    assert "<img src=x" not in page.text
    assert "<script>alert(1)</script>" in text_of(page)
    assert "'unsafe-inline'" not in page.headers["content-security-policy"]


@when("有人提交不是照片的文件", target_fixture="answer")
def no_photo(worker):
    page = worker.get(f"{SIGN}/report").text
    told = dict(re.findall(r'type="hidden" name="(csrf|key)" value="([^"]+)"', page), text="漏油")
    files = {"photos": ("x.jpg", BytesIO(b"<svg onload=alert(1)>"), "image/jpeg")}
    return worker.client.post(f"{SIGN}/report", data=told, files=files)


@then("表单退回并说明只接受照片")
def says_photos_only(answer):
    assert answer.status_code == 422
    assert "只接受 JPEG、PNG、WebP 照片" in text_of(answer)


@when("有人提交六张照片", target_fixture="answer")
def six(worker):
    return report(worker, "漏油", photos=6)[0]


@then("表单退回并说明最多五张")
def says_five(answer):
    assert answer.status_code == 422
    assert "最多5张照片" in text_of(answer)


@when("有人不带表单口令提交", target_fixture="refused")
def without_token(worker, world):
    before = reports_there(world)
    told = {"key": "k" * 24, "text": "漏油"}
    return worker.client.post(f"{SIGN}/report", data=told), before


@when("有人提交超过限制的大文件", target_fixture="refused")
def huge(worker, world):
    before = reports_there(world)
    length = str(60 * 2**20)
    headers = {"Content-Type": "multipart/form-data; boundary=b", "Content-Length": length}
    return worker.client.post(f"{SIGN}/report", content=b"--b", headers=headers), before


@then("被拒绝，没有新报告")
def rejected(world, refused):
    answer, before = refused
    assert answer.status_code in {403, 413}
    assert reports_there(world) == before


@when("检查点被停用")
def retired(world):
    with world.database.transaction() as session:
        place = places.place_by_code(session, "LL01-27", actor=world.actor("guanli"))
        places.retire_place(session, place, retired=True, actor=world.actor("guanli"), now=world.now)


@then("扫码的人看到已停用的提示，不能提交报告")
def says_retired(world, worker):
    page = worker.get(SIGN)
    assert "已停用" in text_of(page)
    assert "/report" not in page.text
    token = re.search(r'name="csrf" value="([^"]+)"', worker.get("/login").text)[1]
    told = {"csrf": token, "key": "k" * 24, "text": "漏油"}
    assert worker.client.post(f"{SIGN}/report", data=told).status_code == 410
    with world.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Ticket)) == 0
