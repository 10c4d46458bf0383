"""Steps of features/suggestions.feature."""

from datetime import date, datetime

import pytest
from pytest_bdd import given, parsers, scenarios, then, when
from sqlalchemy import select

from domain import suggestions
from domain.deadlines import end_of_day
from domain.history import history_of
from domain.records import Notice, Person
from domain.suggestions import Dispute, Explanation, NewSuggestion, SuggestionAnswer
from statemachines.refusals import Refusal
from statemachines.roles import SYSTEM

pytestmark = pytest.mark.usefixtures("world")  # steps ask for it too late for the database to hold the bureau

scenarios("suggestions.feature")


class Story:
    """The one suggestion of a scenario, the ticket it is about, and what came of the last step."""

    key = ""
    ticket: str | None = None
    refusal: Refusal | None = None


@pytest.fixture
def story():
    return Story()


def login(world, name):
    with world.database.reading() as session:
        return session.scalars(select(Person.login).where(Person.name == name)).one()


def seen(world, story):
    with world.database.reading() as session:
        return suggestions.suggestion_by_key(session, story.key, actor=SYSTEM)


def make(world, story, who, whom, text):
    actor = world.actor(login(world, who))
    about = {"ticket": story.ticket} if story.ticket else {"unit": "LL01"}
    new = NewSuggestion.model_validate({"text": text, "addressee": login(world, whom), **about})
    with world.database.transaction() as session:
        story.key = str(suggestions.make(session, new, actor=actor, now=world.now).id)


def happen(world, story, who, command, told=None):
    actor = world.actor(login(world, who))
    story.refusal = None
    said = () if told is None else (told,)
    try:
        with world.database.transaction() as session:
            row = suggestions.suggestion_by_key(session, story.key, actor=SYSTEM, lock=True)
            command(session, row, *said, actor=actor, now=world.now)
    except Refusal as refusal:
        story.refusal = refusal


@given(parsers.parse("{who}登记了一条重大隐患"))
def major(world, story, who):
    story.ticket = world.find(by=login(world, who), level="major").number


@given(parsers.parse("{who}向{whom}提出了工会意见"))
def made(world, story, who, whom):
    make(world, story, who, whom, "增配绝缘手套")


@when(parsers.parse('{who}于 {day} 向{whom}提出工会意见 "{text}"'))
def make_on(world, story, who, day, whom, text):
    world.now = datetime.fromisoformat(f"{day}T10:00:00+08:00")
    make(world, story, who, whom, text)


@when(parsers.parse('{who}就这条隐患向{whom}提出工会意见 "{text}"'))
def make_about(world, story, who, whom, text):
    make(world, story, who, whom, text)


@when(parsers.re("(?P<who>[^\\d，]+?)采纳$"))
def adopt(world, story, who):
    happen(world, story, who, suggestions.answer, SuggestionAnswer(adopted=True))


@when(parsers.parse("{who}不采纳，不写理由"))
def refuse_silently(world, story, who):
    happen(world, story, who, suggestions.answer, SuggestionAnswer(adopted=False))


@when(parsers.parse('{who}不采纳，理由是 "{reason}"'))
def refuse(world, story, who, reason):
    happen(world, story, who, suggestions.answer, SuggestionAnswer(adopted=False, answer=reason))


@when(parsers.parse('{who}提出异议 "{reason}"'))
def dispute(world, story, who, reason):
    happen(world, story, who, suggestions.dispute, Dispute(reason=reason))


@when(parsers.parse('{who}书面说明 "{words}"，改为采纳'))
def explain(world, story, who, words):
    happen(world, story, who, suggestions.explain, Explanation(answer=words, adopt=True))


@when(parsers.parse("{who}了结"))
def settle(world, story, who):
    happen(world, story, who, suggestions.settle)


@then(parsers.parse('意见书的编号是 "{number}"'))
def has_number(world, story, number):
    assert seen(world, story).number == number


@then(parsers.parse("答复期限是 {day}"))
def due_on(world, story, day):
    assert seen(world, story).answer_due_at == end_of_day(date.fromisoformat(day))


@then(parsers.parse('意见书的状态是 "{state}"'))
def has_state(world, story, state):
    assert seen(world, story).state.zh == state


@then("意见已采纳")
def is_adopted(world, story):
    assert seen(world, story).adopted is True


@then(parsers.parse('意见书的经过是 "{events}"'))
def went(world, story, events):
    with world.database.reading() as session:
        assert [row.event for row in history_of(session, seen(world, story))] == events.split()


@then(parsers.parse('{who}收到通知 "{subject}"'))
def told(world, who, subject):
    with world.database.reading() as session:
        mine = select(Notice.subject).join(Notice.person).where(Person.name == who)
        assert subject in session.scalars(mine).all()


@then(parsers.parse('被拒绝："{words}"'))
def was_refused(story, words):
    assert story.refusal is not None
    assert words in story.refusal.sentence("zh")
