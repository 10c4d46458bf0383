"""The ticket page shows just the buttons a person may press, and each button's form does what it says."""

from __future__ import annotations

import re
from datetime import datetime

import pytest

from domain.escalation import sweep_all
from tests.forms.conftest import Browser, SignedIn, text_of, text_of_html
from tests.photos import listed, photo
from tests.world import World

BUTTON = re.compile(r'(?:href|action)="/tickets/[^/"]+/([a-z_]+)"')


def buttons(browser: Browser, number: str) -> set[str]:
    page = browser.get(f"/tickets/{number}")
    assert page.status_code == 200
    return set(BUTTON.findall(page.text)) - {"photos", "notices", "seen"}


@pytest.mark.parametrize(
    ("login", "found", "assigned", "fixed"),
    [
        ("limin", {"fix_on_spot"}, set(), {"verify", "return"}),
        ("wangjianguo", None, {"acknowledge", "progress", "fix", "request"}, set()),
        (
            "zhaozhuren",
            {"assign", "fix_on_spot", "cancel", "regrade", "transfer", "correct", "supervise"},
            {"reassign", "cancel", "regrade", "transfer", "correct", "supervise"},
            {"verify", "return", "correct", "supervise"},
        ),
        ("zhengju", {"supervise"}, {"supervise"}, {"supervise"}),
    ],
)
def test_each_person_sees_just_their_buttons(
    browser_of: SignedIn,
    world: World,
    login: str,
    found: set[str] | None,
    assigned: set[str],
    fixed: set[str],
) -> None:
    browser = browser_of(login)
    if found is not None:
        assert buttons(browser, world.find().number) == found
    assert buttons(browser, world.assigned().number) == assigned
    assert buttons(browser, world.fixed().number) == fixed


def test_the_other_buttons_have_their_reasons(browser_of: SignedIn, world: World) -> None:
    page = text_of(browser_of("wangjianguo").get(f"/tickets/{world.fixed().number}"))
    assert "为什么不能办其他事项" in page
    assert "本单由您整改，须由他人复查。" in page


def test_the_deadline_explains_itself(browser_of: SignedIn, world: World) -> None:
    number = world.assigned(level="serious", found_at="2026-03-28T09:00:00+08:00").number
    page = text_of(browser_of("limin").get(f"/tickets/{number}"))
    assert "4月7日（周二）24:00" in page
    assert "较大隐患默认 7 天整改，发现当日不计。已跳过4月4日–4月6日清明。" in page


def test_the_story_says_what_happened(browser_of: SignedIn, world: World) -> None:
    page = text_of(browser_of("limin").get(f"/tickets/{world.assigned().number}"))
    assert "发现并上报" in page
    assert "责任人：王建国" in page


def chasing_of(browser: Browser, number: str) -> list[str]:
    """The lines of the section 催办计划, as they are read."""
    page = browser.get(f"/tickets/{number}").text
    section = page.split('id="chasing"')[1].split("</section>")[0]
    return [text_of_html(line) for line in section.split("<li")[1:]]


def test_the_page_says_who_will_be_told_when_why_and_how(browser_of: SignedIn, world: World) -> None:
    number = world.acknowledged().number
    browser = browser_of("limin")
    first, *_ = planned = chasing_of(browser, number)
    assert "提醒 王建国" in first
    assert "4月13日 08:30 （计划） · 邮件" in first
    assert "到期前第3个工作日" in first
    assert all("（计划）" in line for line in planned)
    assert any("跳过4月18日周六、4月19日周日" in line for line in planned)


def test_what_was_told_stays_on_the_page(browser_of: SignedIn, world: World) -> None:
    number = world.acknowledged().number
    world.now = datetime.fromisoformat("2026-04-13T09:00:00+08:00")
    sweep_all(world.database, as_of=world.now)
    done, *ahead = chasing_of(browser_of("limin"), number)
    assert "提醒 王建国" in done
    assert "4月13日 09:00 · 邮件" in done
    assert "到期前第3个工作日" in done
    assert ahead
    assert all("（计划）" in line for line in ahead)


def test_what_was_told_day_after_day_stands_in_one_line(browser_of: SignedIn, world: World) -> None:
    assured = {"budget": 3000, "emergency_plan": "专人看护"}
    number = world.acknowledged(level="major", due="2026-04-15", **assured).number
    mornings = [f"2026-04-{day:02}T09:00:00+08:00" for day in (2, 3, 7, 8)]
    for morning in mornings:
        world.now = datetime.fromisoformat(morning)
        sweep_all(world.database, as_of=world.now)
    folded, *rest = [line for line in chasing_of(browser_of("limin"), number) if "共 4 次" in line]
    assert not rest
    assert "提醒 王建国" in folded
    assert "4月2日 09:00 – 4月8日 09:00" in folded


def test_a_ticket_out_of_sight_is_not_found(browser_of: SignedIn, world: World) -> None:
    number = world.find(unit="SQ02").number
    for path in (f"/tickets/{number}", f"/tickets/{number}/assign"):
        answer = browser_of("qiansuozhang").get(path)
        assert answer.status_code == 404
        assert "或您无权查看" in text_of(answer)


def test_assigning_names_what_is_missing_and_keeps_what_was_typed(browser_of: SignedIn, world: World) -> None:
    number, browser = world.find().number, browser_of("zhaozhuren")

    answer = browser.post(f"/tickets/{number}/assign", {"measure": "停电更换密封垫"})

    assert answer.status_code == 422
    assert 'href="#assignee"' in answer.text
    assert 'href="#duty"' in answer.text
    assert "停电更换密封垫</textarea>" in answer.text
    assert "三定不全" in text_of(answer)
    assert world.ticket(number).state == "found"


def test_only_those_who_may_be_responsible_are_offered(browser_of: SignedIn, world: World) -> None:
    page = browser_of("zhaozhuren").get(f"/tickets/{world.find().number}/assign").text
    assert re.findall(r'<option value="(\w+)"', page) == ["sunhua", "wangjianguo"]


def test_a_day_as_deadline_ends_at_midnight(browser_of: SignedIn, world: World) -> None:
    number = world.find().number
    told = {"assignee": "wangjianguo", "duty": "负责", "measure": "更换", "due": "2026-04-10"}
    answer = browser_of("zhaozhuren").post(f"/tickets/{number}/assign", told)
    assert answer.headers["location"] == f"/tickets/{number}?done=assign"
    assert "4月10日（周五）24:00" in text_of(browser_of("limin").get(f"/tickets/{number}"))


def test_a_past_deadline_is_refused_at_its_field(browser_of: SignedIn, world: World) -> None:
    number = world.find(found_at="2026-03-20T09:00:00+08:00").number
    told = {"assignee": "wangjianguo", "duty": "负责", "measure": "更换", "due": "2026-03-31"}
    answer = browser_of("zhaozhuren").post(f"/tickets/{number}/assign", told)
    assert (answer.status_code, "已过" in text_of(answer)) == (422, True)


def test_a_major_hazard_asks_for_the_five_assurances(browser_of: SignedIn, world: World) -> None:
    number, browser = world.find(level="major").number, browser_of("zhaozhuren")
    told = {"assignee": "wangjianguo", "duty": "负责", "measure": "加装围栏", "budget": "20000"}
    answer = browser.post(f"/tickets/{number}/assign", told)
    assert (answer.status_code, 'href="#emergency_plan"' in answer.text) == (422, True)
    done = browser.post(f"/tickets/{number}/assign", {**told, "emergency_plan": "专人看守"})
    assert done.status_code == 303


def test_acknowledge_progress_and_fix(browser_of: SignedIn, world: World) -> None:
    number, browser = world.assigned().number, browser_of("wangjianguo")
    page = f"/tickets/{number}"

    assert browser.post(f"{page}/acknowledge", page=page).status_code == 303
    assert "acknowledge" not in buttons(browser, number)
    assert browser.post(f"{page}/progress", {"note": "材料已到"}).status_code == 303
    world.later(minutes=30)
    told = {"note": "已更换密封垫", "fixed_at": "2026-04-01T10:20", "cost": "350"}
    done = browser.post(f"{page}/fix", told, files=[("photos", ("后.jpg", photo(), "image/jpeg"))])

    assert done.headers["location"] == f"{page}?done=fix"
    ticket = world.ticket(number)
    assert (ticket.state, str(ticket.cost), ticket.files_arrived) == ("fixed", "350.00", 1)
    shown = text_of(browser.get(page))
    assert "整改后" in shown
    assert "材料已到" in shown


def test_a_fix_in_the_future_is_refused(browser_of: SignedIn, world: World) -> None:
    number = world.assigned().number
    told = {"note": "已更换", "fixed_at": "2026-04-02T09:00"}
    answer = browser_of("wangjianguo").post(f"/tickets/{number}/fix", told)
    assert (answer.status_code, "晚于当前时间" in text_of(answer)) == (422, True)
    assert "已更换</textarea>" in answer.text


def test_a_pass_with_photos_of_the_recheck_closes_the_ticket(browser_of: SignedIn, world: World) -> None:
    number, browser = world.fixed().number, browser_of("limin")
    answer = browser.post(
        f"/tickets/{number}/verify",
        {"opinion": "现场复查合格"},
        files=[("photos", ("复.jpg", photo(colour="blue"), "image/jpeg"))],
    )
    assert answer.headers["location"] == f"/tickets/{number}?done=verify"
    assert world.ticket(number).state == "verified"
    assert "复查 合格" not in text_of(browser.get(f"/tickets/{number}"))
    assert buttons(browser, number) == set()


def test_a_major_hazard_waits_for_the_second_verifier(browser_of: SignedIn, world: World) -> None:
    number = world.fixed(level="major", budget="100", emergency_plan="看守").number
    first = browser_of("limin").post(f"/tickets/{number}/verify", {"opinion": "合格"})
    assert first.headers["location"].endswith("?done=verify_first")
    assert buttons(browser_of("limin"), number) == {"return"}
    second = browser_of("zhangqiang").post(f"/tickets/{number}/verify", {"opinion": "合格"})
    assert second.headers["location"].endswith("?done=verify")


def test_a_return_needs_its_opinion_and_is_counted(browser_of: SignedIn, world: World) -> None:
    number, browser = world.fixed().number, browser_of("limin")
    assert browser.post(f"/tickets/{number}/return", {"opinion": " "}).status_code == 422
    assert browser.post(f"/tickets/{number}/return", {"opinion": "仍渗油"}).status_code == 303
    assert "退回 1 次" in text_of(browser.get(f"/tickets/{number}"))


def test_missing_photos_are_counted_and_can_follow(browser_of: SignedIn, world: World) -> None:
    here, late = photo(colour="red"), photo(colour="blue")
    number = world.find(files=[listed(here, "一.jpg"), listed(late, "二.jpg")]).number
    browser, page = browser_of("limin"), f"/tickets/{number}"
    assert "共 2 张，已到 0 张" in text_of(browser.get(page))

    def send(data: bytes) -> object:
        return browser.post(f"{page}/photos", page=page, files=[("photos", ("x.jpg", data, "image/jpeg"))])

    assert send(here).headers["location"] == f"{page}?done=photos"
    assert "共 2 张，已到 1 张" in text_of(browser.get(page))
    other = send(photo(colour="black"))
    assert (other.status_code, "不是未送达的那张原照片" in text_of(other)) == (422, True)
    send(late)
    assert "未送达" not in text_of(browser.get(page))


def test_an_extension_is_asked_for_and_granted(browser_of: SignedIn, world: World) -> None:
    number = world.assigned().number
    page = f"/tickets/{number}"
    assignee, supervisor = browser_of("wangjianguo"), browser_of("zhaozhuren")

    bare = assignee.post(f"{page}/request", {"due": "2026-04-24", "reason": "等停电"})
    assert (bare.status_code, 'href="#interim_measures"' in bare.text) == (422, True)
    told = {"due": "2026-04-24", "reason": "等停电", "interim_measures": "加挂警示牌"}
    assert assignee.post(f"{page}/request", told).status_code == 303
    assert not re.findall(r"/extensions/", assignee.get(page).text)

    decision = re.search(r'href="(/extensions/[^"]+/approve)"', supervisor.get(page).text)
    assert decision
    assert supervisor.post(decision[1], {"opinion": "同意"}).headers["location"] == f"{page}?done=approve"
    shown = text_of(assignee.get(page))
    assert "4月24日（周五）24:00" in shown
    assert "延期 1 次" in shown


def test_an_extension_is_refused_with_a_reason(browser_of: SignedIn, world: World) -> None:
    number = world.assigned().number
    key = world.ask_extension(number, due="2026-04-24", reason="等停电", interim_measures="警示牌")
    browser = browser_of("zhaozhuren")
    bare = browser.post(f"/extensions/{key}/refuse", {"opinion": ""})
    assert (bare.status_code, 'href="#opinion"' in bare.text) == (422, True)
    assert browser.post(f"/extensions/{key}/refuse", {"opinion": "可带电作业"}).status_code == 303
    assert browser_of("shisuozhang").get(f"/extensions/{key}/approve").status_code == 404


@pytest.mark.parametrize(
    ("action", "told", "bare"),
    [
        ("reassign", {"assignee": "sunhua", "reason": "王建国出差"}, {"assignee": "sunhua"}),
        ("supervise", {"reason": "影响供电"}, {}),
        ("regrade", {"level": "serious", "reason": "油位已低"}, {"reason": "油位已低"}),
        ("cancel", {"kind": "not_ours", "reason": "用户产权"}, {"kind": "duplicate", "reason": "重复"}),
    ],
)
def test_what_departs_from_the_path_needs_its_reason(
    browser_of: SignedIn, world: World, action: str, told: dict[str, str], bare: dict[str, str]
) -> None:
    number, browser = world.assigned().number, browser_of("zhaozhuren")
    refused = browser.post(f"/tickets/{number}/{action}", bare)
    assert refused.status_code == 422
    assert 'role="alert"' in refused.text
    done = browser.post(f"/tickets/{number}/{action}", told)
    assert done.headers["location"] == f"/tickets/{number}?done={action}"


def test_who_may_not_is_told_on_the_form(browser_of: SignedIn, world: World) -> None:
    number = world.fixed(by="sunhua").number
    answer = browser_of("sunhua").post(f"/tickets/{number}/verify", {"opinion": "合格"})
    assert answer.status_code == 403
    assert "本单由您整改，须由他人复查。" in text_of(answer)


def test_text_is_shown_never_run(browser_of: SignedIn, world: World) -> None:
    number = world.find(description="<script>alert(1)</script>", location='"><img src=x>').number
    for path in (f"/tickets/{number}", "/tickets", f"/tickets/{number}/cancel"):
        page = browser_of("zhaozhuren").get(path)
        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text
        assert "script-src" not in page.headers["content-security-policy"] or "unsafe" not in page.text


def test_the_list_is_filtered_and_paged(browser_of: SignedIn, world: World) -> None:
    for _ in range(41):
        world.find()
    late = world.assigned(to="zhouhai", unit="SQ02", description="歪杆").number
    world.later(days=30)
    browser = browser_of("zhaozhuren")

    first = browser.get("/tickets")
    following = re.search(r'href="(/tickets\?[^"]*cursor=[^"]+)"', first.text)
    assert following
    assert text_of(browser.get(following[1].replace("&amp;", "&"))).count("CC2026-LL01-") >= 2

    for query in ("overdue=1", "unit=SQ02", "state=assigned", "q=歪杆", "q=SQ02"):
        page = browser.get(f"/tickets?{query}").text
        assert set(re.findall(r'href="/tickets/(CC[^"]+)"', page)) == {late}, query
    assert "没有符合条件的隐患单" in text_of(browser.get("/tickets?level=major"))


def test_a_wrong_filter_is_said_and_the_rest_still_holds(browser_of: SignedIn, world: World) -> None:
    world.find()
    answer = browser_of("zhaozhuren").get("/tickets?state=nonsense&unit=SQ02")
    assert answer.status_code == 422
    assert "须为以下之一" in text_of(answer)
    assert browser_of("zhaozhuren").get("/tickets?cursor=nonsense").status_code == 422


def test_my_work_is_sorted_by_deadline(browser_of: SignedIn, world: World) -> None:
    later = world.assigned(due="2026-04-20").number
    sooner = world.assigned(due="2026-04-10").number
    world.assigned(to="sunhua")
    page = browser_of("wangjianguo").get("/tickets?mine=1").text
    assert list(dict.fromkeys(re.findall(r'href="/tickets/(CC[^"]+)"', page))) == [sooner, later]
