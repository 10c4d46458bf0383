"""Suggestions of the union as people use them: made from a ticket, answered, disputed, printed."""

from __future__ import annotations

import re

import pytest

from domain import suggestions
from domain.suggestions import NewSuggestion, SuggestionAnswer
from tests.forms.conftest import Browser, SignedIn, heading_of, text_of
from tests.world import World

BUTTON = re.compile(r'(?:href|action)="/suggestions/[^/"]+/([a-z_]+)"')


@pytest.fixture
def made(world: World) -> str:
    """The address of a suggestion 李敏 made to 郑局长."""
    told = {"text": "增配绝缘手套", "addressee": "zhengju", "unit": "LL01"}
    with world.database.transaction() as session:
        new = NewSuggestion.model_validate(told)
        return f"/suggestions/{suggestions.make(session, new, actor=world.actor('limin'), now=world.now).id}"


def answered(world: World, address: str, **said: object) -> None:
    with world.database.transaction() as session:
        actor = world.actor("zhengju")
        row = suggestions.suggestion_by_key(session, address.rsplit("/", 1)[1], actor=actor, lock=True)
        suggestions.answer(session, row, SuggestionAnswer.model_validate(said), actor=actor, now=world.now)


def buttons(browser: Browser, address: str) -> set[str]:
    page = browser.get(address)
    assert page.status_code == 200
    return set(BUTTON.findall(page.text)) - {"paper"}


def test_a_ticket_leads_to_a_suggestion_and_shows_it(browser_of: SignedIn, world: World) -> None:
    number = world.find(level="major").number
    inspector = browser_of("limin")
    link = f"/suggestions/new?ticket={number}"
    assert link in inspector.get(f"/tickets/{number}").text
    form = text_of(inspector.get(link))
    assert "郑局长（县供电局）" in form
    assert "不填则为 4月2日（周四）24:00" in form, "about a major hazard: the next working day"
    sent = {"ticket": number, "text": "立即停电撤人", "addressee": "zhengju"}
    answer = inspector.post("/suggestions/new", sent, page=link)
    assert answer.status_code == 303
    page = inspector.get(answer.headers["location"])
    assert heading_of(page) == "工会意见书 工劳监意〔2026〕1号"
    assert "受文人将收到通知" in text_of(page)
    assert "立即停电撤人" in inspector.get(f"/tickets/{number}").text


def test_who_may_not_suggest_is_not_offered_it(browser_of: SignedIn, world: World) -> None:
    number = world.assigned().number
    assignee = browser_of("wangjianguo")
    assert "/suggestions/new" not in assignee.get(f"/tickets/{number}").text
    assert assignee.get(f"/suggestions/new?ticket={number}").status_code == 403


def test_the_unit_is_chosen_before_the_addressee(browser_of: SignedIn) -> None:
    inspector = browser_of("limin")
    assert "受文人" not in text_of(inspector.get("/suggestions/new"))
    people = text_of(inspector.get("/suggestions/new?unit=LL01"))
    assert "钱所长" in people
    assert "石所长" not in people, "the supervisor of another station"


def test_what_was_filled_in_comes_back_with_what_is_wrong(browser_of: SignedIn) -> None:
    inspector = browser_of("limin")
    sent = {"unit": "LL01", "text": "增配绝缘手套", "addressee": "zhengju", "answer_due": "2026-03-01"}
    answer = inspector.post("/suggestions/new", sent, page="/suggestions/new?unit=LL01")
    assert answer.status_code == 422
    assert "答复期限须晚于现在。" in text_of(answer)
    assert "增配绝缘手套" in answer.text


def test_each_person_sees_just_their_buttons(browser_of: SignedIn, world: World, made: str) -> None:
    union, leader, other = browser_of("limin"), browser_of("zhengju"), browser_of("zhangqiang")
    assert (buttons(union, made), buttons(leader, made), buttons(other, made)) == (set(), {"answer"}, set())
    answered(world, made, adopted=False, answer="今年没有资金")
    assert buttons(union, made) == {"settle", "dispute"}
    assert buttons(leader, made) == set()


def test_answered_disputed_explained_and_settled(browser_of: SignedIn, made: str) -> None:
    union, leader = browser_of("limin"), browser_of("zhengju")
    silent = leader.post(f"{made}/answer", {"adopted": "false"})
    assert silent.status_code == 422
    assert "须书面说明理由" in text_of(silent)
    told = leader.post(f"{made}/answer", {"adopted": "false", "answer": "今年没有资金"})
    assert told.headers["location"] == f"{made}?done=suggestion_answer"
    assert union.post(f"{made}/dispute", {"reason": "手套已过期"}).status_code == 303
    again = leader.get(f"{made}/explain")
    assert "手套已过期" in text_of(again)
    assert leader.post(f"{made}/explain", {"explanation": "从大修费列支", "adopt": "1"}).status_code == 303
    assert union.post(f"{made}/settle", page=made).status_code == 303
    page = text_of(union.get(made))
    for words in ("已了结", "答复：不采纳", "提出异议", "从大修费列支", "了结"):
        assert words in page


def test_a_button_that_is_not_ones_own_says_why(browser_of: SignedIn, made: str) -> None:
    assert "由受文人或本单位领导答复" in text_of(browser_of("zhangqiang").get(f"{made}/answer"))
    assert browser_of("zhangqiang").get(f"{made}/no_such_thing").status_code == 404


def test_the_paper_has_its_answer_slip(browser_of: SignedIn, world: World, made: str) -> None:
    union = browser_of("limin")
    blank = text_of(union.get(f"{made}/paper"))
    assert "工会劳动保护监督检查意见书 工劳监意〔2026〕1号" in blank
    assert "2026年4月8日（周三）24:00前书面答复" in blank
    assert "☐ 采纳" in blank
    answered(world, made, adopted=True, answer="四月底前配齐")
    filled = text_of(union.get(f"{made}/paper"))
    assert "☑ 采纳" in filled
    assert "四月底前配齐" in filled


def test_the_list_is_narrowed_and_says_what_is_late(browser_of: SignedIn, world: World, made: str) -> None:
    supervisor = browser_of("zhaozhuren")
    assert "增配绝缘手套" in text_of(supervisor.get("/suggestions?state=issued&unit=XB"))
    assert "没有符合条件的工会意见" in text_of(supervisor.get("/suggestions?state=settled"))
    assert "没有符合条件的工会意见" in text_of(supervisor.get("/suggestions?overdue=1"))
    world.later(days=8)
    assert "逾期未答复" in text_of(supervisor.get("/suggestions?overdue=1"))
    wrong = supervisor.get("/suggestions?state=nonsense")
    assert wrong.status_code == 422


def test_another_stations_supervisor_does_not_see_it(browser_of: SignedIn, made: str) -> None:
    elsewhere = browser_of("shisuozhang")
    assert elsewhere.get(made).status_code == 404
    assert "增配绝缘手套" not in elsewhere.get("/suggestions").text


def test_it_can_be_read_in_english(browser_of: SignedIn, made: str) -> None:
    leader = browser_of("zhengju")
    leader.client.cookies.set("chuncha_language", "en")
    page = text_of(leader.get(made))
    assert "What is suggested" in page
    assert "Answer due" in page
