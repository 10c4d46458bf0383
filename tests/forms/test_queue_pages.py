"""The work queue and acts on many tickets, as people without JavaScript meet them."""

from __future__ import annotations

import re

from tests.forms.conftest import Browser, SignedIn, text_of
from tests.world import World


def numbers(page: str) -> list[str]:
    """The tickets a page lists, in order."""
    return list(dict.fromkeys(re.findall(r'href="/tickets/(CC[^"/]+)"', page)))


def hidden(page: str) -> dict[str, list[str]]:
    """Everything a form's hidden fields carry."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page):
        found.setdefault(name, []).append(value)
    return found


def press(browser: Browser, path: str, data: dict[str, object]):  # type: ignore[no-untyped-def]
    return browser.client.post(path, data=data)


def test_each_view_counts_what_it_lists(browser_of: SignedIn, world: World) -> None:
    world.find()
    late = world.acknowledged(due="2026-04-02").number
    back = world.fixed(due="2026-04-20").number
    world.do(back, "verify", by="limin", passed=False, opinion="仍渗油")
    fixed = world.fixed().number
    asking = world.acknowledged(due="2026-04-09").number
    world.ask_extension(asking, due="2026-04-14", reason="等停电", interim_measures="警示牌")
    world.later(days=3)
    browser = browser_of("zhaozhuren")
    page = browser.get("/tickets").text
    tabs = re.findall(r'<li><a href="(/tickets\?[^"]+)"[^>]*>(\S+) <span class="num[^"]*">(\d+)</span>', page)
    assert [words for _, words, _ in tabs] == [
        "超期",
        "没人接",
        "被退回",
        "待复查",
        "本周到期",
        "延期待批",
        "我的整改",
    ]
    for address, words, count in tabs:
        listed = numbers(browser.get(address.replace("&amp;", "&")).text)
        assert len(listed) == int(count), words
    by_words = {words: address.replace("&amp;", "&") for address, words, _ in tabs}
    assert numbers(browser.get(by_words["超期"]).text) == [late]
    assert numbers(browser.get(by_words["被退回"]).text) == [back]
    assert numbers(browser.get(by_words["待复查"]).text) == [fixed]
    assert numbers(browser.get(by_words["延期待批"]).text) == [asking]


def test_a_filter_is_kept_for_oneself_and_shared_by_its_link(browser_of: SignedIn, world: World) -> None:
    serious = world.find(level="serious").number
    world.find()
    mine, other = browser_of("zhaozhuren"), browser_of("shisuozhang")
    kept = mine.post("/tickets/filters?level=serious&cursor=x", {"name": "较大的"}, page="/tickets")
    assert kept.headers["location"] == "/tickets?level=serious&done=filter_kept"
    page = mine.get("/tickets").text
    assert "较大的" in page
    assert "较大的" not in other.get("/tickets").text
    assert numbers(mine.get("/tickets?level=serious").text) == [serious]
    assert numbers(other.get("/tickets?level=serious").text) == [], "who opens the link sees what they may"
    forget = re.search(r'action="(/tickets/filters/[^"]+/forget)"', page)
    assert forget
    assert other.post(forget[1], page="/tickets").status_code == 404
    assert mine.post(forget[1], page="/tickets").status_code == 303
    assert "较大的" not in mine.get("/tickets").text
    bare = mine.post("/tickets/filters?level=serious", {"name": " "}, page="/tickets")
    assert (bare.status_code, numbers(bare.text)) == (422, [serious])


def test_columns_are_remembered(browser_of: SignedIn, world: World) -> None:
    world.find()
    browser = browser_of("zhaozhuren")
    token = browser.token("/tickets")
    press(browser, "/tickets/columns?sort=risk", {"csrf": token, "column": ["finder", "hazard"]})
    heads = re.findall(r'<th role="columnheader"[^>]*>([^<]+)</th>', browser.get("/tickets").text)
    assert heads == ["编号", "隐患", "发现人"]
    press(browser, "/tickets/columns", {"csrf": token, "column": ["nonsense"]})
    assert "责任人" in text_of(browser.get("/tickets"))


def test_chosen_rows_are_carried_from_page_to_page(browser_of: SignedIn, world: World) -> None:
    first, second = world.find().number, world.find(unit="SQ02").number
    page = browser_of("zhaozhuren").get(f"/tickets?unit=SQ02&number={first}&number={second}").text
    assert "已选 2 张" in page
    assert f'value="{first}" data-elsewhere' in page
    assert re.search(rf'name="number" value="{second}" checked', page)


def test_many_are_assigned_after_a_preview_and_only_once(browser_of: SignedIn, world: World) -> None:
    ours, serious = world.find().number, world.find(level="serious").number
    major, hidden_one = world.find(level="major").number, "CC2026-XX99-0001"
    browser = browser_of("zhaozhuren")
    address = "/tickets/bulk/assign?" + "&".join(f"number={n}" for n in (ours, serious, major, hidden_one))
    form = browser.get(address)
    assert "另有 1 张已不在您的查看范围内" in text_of(form)
    told = {"assignee": "wangjianguo", "duty": "负责整改", "measure": "更换", "step": "preview"}
    seen = press(browser, "/tickets/bulk/assign", {**hidden(form.text), **told})
    shown = text_of(seen)
    assert "3 张中可办 2 张" in shown
    assert "较大隐患默认 7 天整改" in shown
    assert "五落实不全" in shown
    assert world.ticket(ours).state == "found"

    confirm = {**hidden(seen.text), "step": "commit"}
    assert confirm["number"] == [ours, serious]
    done = press(browser, "/tickets/bulk/assign", confirm)
    again = press(browser, "/tickets/bulk/assign", confirm)
    assert (done.status_code, again.headers["location"]) == (303, done.headers["location"])
    assert "已办理 2 张" in text_of(browser.get(done.headers["location"]))
    assert {world.ticket(number).version for number in (ours, serious)} == {2}, "done once"
    assert browser_of("qiansuozhang").get(done.headers["location"]).status_code == 404


def test_what_is_missing_for_all_comes_back_with_the_form(browser_of: SignedIn, world: World) -> None:
    browser, number = browser_of("zhaozhuren"), world.find().number
    form = browser.get(f"/tickets/bulk/assign?number={number}")
    bare = press(browser, "/tickets/bulk/assign", {**hidden(form.text), "duty": "负责", "step": "preview"})
    assert (bare.status_code, 'href="#assignee"' in bare.text) == (422, True)
    assert 'value="负责"' in bare.text
    assert browser.get("/tickets/bulk/assign").status_code == 422
    assert browser.get("/tickets/bulk/nonsense?number=x").status_code == 404


def test_many_are_verified_each_with_its_verdict(browser_of: SignedIn, world: World) -> None:
    good, bad, own = (world.fixed().number for _ in range(3))
    browser = browser_of("limin")
    form = browser.get(f"/tickets/bulk/verify?number={good}&number={bad}&number={own}")
    said = {**hidden(form.text), f"verdict-{good}": "pass", f"opinion-{good}": "合格"}
    empty = press(browser, "/tickets/bulk/verify", {**said, f"verdict-{bad}": "return", f"opinion-{bad}": ""})
    assert (empty.status_code, f'href="#opinion-{bad}"' in empty.text) == (422, True)
    assert world.ticket(good).state == "fixed", "nothing is kept of a form that comes back"
    done = press(
        browser, "/tickets/bulk/verify", {**said, f"verdict-{bad}": "return", f"opinion-{bad}": "仍渗油"}
    )
    assert done.status_code == 303
    assert [world.ticket(number).state for number in (good, bad, own)] == ["verified", "assigned", "fixed"]
    none = press(browser, "/tickets/bulk/verify", hidden(form.text))
    assert "还没有选择结论" in text_of(none)


def test_who_may_not_verify_is_told_before(browser_of: SignedIn, world: World) -> None:
    number = world.fixed(by="sunhua").number
    page = text_of(browser_of("sunhua").get(f"/tickets/bulk/verify?number={number}"))
    assert "本单由您整改，须由他人复查" in page
    leader = text_of(browser_of("zhengju").get(f"/tickets/bulk/verify?number={number}"))
    assert "须由本单位的检查员、安监主管办理" in leader


def test_extensions_are_decided_in_one_go(browser_of: SignedIn, world: World) -> None:
    one, two = (world.assigned().number for _ in range(2))
    keys = [
        str(world.ask_extension(n, due="2026-04-24", reason="等停电", interim_measures="警示牌"))
        for n in (one, two)
    ]
    browser = browser_of("zhaozhuren")
    form = browser.get(f"/tickets/bulk/decide?number={one}&number={two}")
    said = {**hidden(form.text), f"verdict-{keys[0]}": "approve", f"verdict-{keys[1]}": "refuse"}
    bare = press(browser, "/tickets/bulk/decide", said)
    assert (bare.status_code, f'href="#opinion-{keys[1]}"' in bare.text) == (422, True)
    done = press(browser, "/tickets/bulk/decide", {**said, f"opinion-{keys[1]}": "可带电作业"})
    assert "已办理 2 张" in text_of(browser.get(done.headers["location"]))


def test_another_unit_sees_nothing_of_it(browser_of: SignedIn, world: World) -> None:
    number = world.fixed(description="油枕渗漏").number
    stranger = browser_of("shisuozhang")
    assert numbers(stranger.get("/tickets?q=油枕").text) == []
    assert stranger.get(f"/tickets/{number}").status_code == 404
    for act in ("assign", "verify", "reassign", "decide"):
        page = stranger.get(f"/tickets/bulk/{act}?number={number}").text
        assert "油枕" not in page
    told = {"number": number, "assignee": "zhouhai", "reason": "转", "step": "commit"}
    done = stranger.post("/tickets/bulk/reassign", told, page="/tickets")
    result = text_of(stranger.get(done.headers["location"]))
    assert "油枕" not in result
    assert "1 张没有办理" in result
    said = stranger.post(f"/tickets/{number}/comments", {"text": "看看"}, page="/tickets")
    assert said.status_code == 404


def test_a_ticket_tells_its_story_with_who_was_told(browser_of: SignedIn, world: World) -> None:
    number = world.acknowledged().number
    browser, page = browser_of("zhaozhuren"), f"/tickets/{number}"
    wrong = browser.post(f"{page}/comments", {"text": "@shisuozhang 请看"}, page=page)
    assert (wrong.status_code, "不能提到@shisuozhang" in text_of(wrong)) == (422, True)
    assert "@shisuozhang 请看</textarea>" in wrong.text
    assert browser.post(f"{page}/comments", {"text": "@limin 请复核"}, page=page).status_code == 303
    corrected = {
        "description": "变压器渗油",
        "location": "",
        "category": "生产设备",
        "quantity": "",
        "measure_unit": "",
        "reason": "登记有误",
    }
    assert browser.post(f"{page}/correct", corrected).headers["location"] == f"{page}?done=correct"
    shown = text_of(browser.get(page))
    assert "告知 王建国 电子邮件" in shown
    assert "提到：李敏" in shown
    assert "隐患：27# 变台变压器渗漏油 → 变压器渗油" in shown
    assert "地点：10kV 柳林线 27# 变台 → （空）" in shown


def test_a_ticket_passed_out_of_sight_leads_back_to_the_list(browser_of: SignedIn, world: World) -> None:
    number = world.find().number
    browser = browser_of("qiansuozhang")
    form = browser.get(f"/tickets/{number}/transfer").text
    assert re.findall(r'<option value="([\w-]+)"', form) == ["XB", "LL01-A", "SQ02"]
    done = browser.post(f"/tickets/{number}/transfer", {"unit": "SQ02", "reason": "属石桥所"})
    assert done.headers["location"] == "/tickets?done=transfer"
    assert number in browser_of("shisuozhang").get("/tickets").text


def test_both_deadlines_say_how_they_came(browser_of: SignedIn, world: World) -> None:
    number = world.assigned(level="general").number
    key = world.ask_extension(number, due="2026-04-24", reason="等停电", interim_measures="警示牌")
    browser = browser_of("zhaozhuren")
    browser.post(f"/extensions/{key}/approve", {"opinion": "同意"})
    shown = text_of(browser.get(f"/tickets/{number}"))
    assert "赵主任于4月1日 10:00批准延期。" in shown
    assert "原期限 4月16日（周四）24:00" in shown
    assert "一般隐患默认 15 天整改，发现当日不计。" in shown
