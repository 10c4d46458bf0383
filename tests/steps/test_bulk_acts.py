"""Steps of features/bulk_acts.feature."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError
from pytest_bdd import given, parsers, scenarios, then, when
from sqlalchemy import func, select

from domain import bulk
from domain.bulk import BulkAssignment, BulkDecisions, BulkReassignment, BulkVerification, Outcome
from domain.history import history_of
from domain.records import Extension, History, Notice, Person, Ticket
from statemachines.labels import local_day
from tests.world import World

scenarios("bulk_acts.feature")

LOGINS = {
    "赵主任": "zhaozhuren",
    "钱所长": "qiansuozhang",
    "郑局长": "zhengju",
    "李敏": "limin",
    "孙华": "sunhua",
    "王建国": "wangjianguo",
}
UNITS = {"柳林供电所": "LL01", "石桥供电所": "SQ02"}
LEVELS = {"一般": "general", "较大": "serious", "重大": "major"}
PLACES = {"第一项": 0, "第二项": 1, "第三项": 2}
DONE = "(?P<which>一般隐患|较大隐患|重大隐患|孙华整改的那张|第一项|第二项|第三项)"


class Story:
    """The tickets of a scenario by what they are called, how they were seen, and what became of each row."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.numbers: dict[str, str] = {}
        self.versions: dict[str, int] = {}
        self.outcomes: dict[str, Outcome] = {}
        self.asked: list[str] = []
        self.wrong: ValidationError | None = None
        self.before: tuple[int, int] = (0, 0)

    def run(self, who: str, model: type[Any], **said: Any) -> None:
        actor = self.world.actor(LOGINS[who])
        self.wrong = None
        try:
            wanted = model.model_validate(said)
        except ValidationError as wrong:
            self.wrong = wrong
            return
        with self.world.database.transaction() as session:
            made = bulk.act(session, wanted, actor=actor, now=self.world.now)
        self.outcomes = {each.key: each for each in made}

    def rows(self) -> list[dict[str, object]]:
        return [{"number": each, "version": self.versions[each]} for each in self.numbers.values()]

    def outcome(self, called: str) -> Outcome:
        key = self.asked[PLACES[called]] if self.asked else self.numbers[called.removesuffix("隐患")]
        return self.outcomes[key]

    def ticket(self, called: str) -> Ticket:
        return self.world.ticket(self.numbers[called.removesuffix("隐患")])

    def written(self) -> tuple[int, int]:
        with self.world.database.reading() as session:
            happened = session.scalar(select(func.count()).select_from(History)) or 0
            return happened, session.scalar(select(func.count()).select_from(Notice)) or 0

    def told(self, who: str, kind: str) -> int:
        """Of how many tickets this person was told this."""
        with self.world.database.reading() as session:
            query = (
                select(func.count(Notice.ticket_id.distinct()))
                .join(Person, Person.id == Notice.person_id)
                .where(Person.login == LOGINS[who], Notice.kind == kind)
            )
            return session.scalar(query) or 0


# Assign.


@given("柳林供电所有一般隐患、较大隐患和重大隐患各一项待三定")
def one_of_each(story: Story) -> None:
    story.numbers = {name: story.world.find(level=level).number for name, level in LEVELS.items()}


@given("石桥供电所有一般隐患一项待三定")
def elsewhere(story: Story) -> None:
    story.numbers = {"一般": story.world.find(unit="SQ02").number}


def assign(story: Story, who: str, *, preview: bool) -> None:
    fixed = {"assignee": "wangjianguo", "duty": "负责停电处理", "measure": "停电更换密封垫"}
    story.run(who, BulkAssignment, items=story.rows(), preview=preview, **fixed)


@when(parsers.re("(?P<who>赵主任)预览把它们批量下达给王建国$"))
def previewed(story: Story, who: str) -> None:
    story.versions = {each: story.world.ticket(each).version for each in story.numbers.values()}
    story.before = story.written()
    assign(story, who, preview=True)


@when(parsers.re("(?P<who>赵主任)确认批量下达给王建国$"))
def confirmed(story: Story, who: str) -> None:
    assign(story, who, preview=False)


@when(parsers.re("(?P<who>钱所长)批量下达给王建国$"))
def assigned_at_once(story: Story, who: str) -> None:
    story.versions = {each: story.world.ticket(each).version for each in story.numbers.values()}
    assign(story, who, preview=False)


@when("郑局长把一般隐患列入督办")
def changed_meanwhile(story: Story) -> None:
    story.world.do(story.numbers["一般"], "supervise", by="zhengju", reason="久拖不改")


@then(parsers.parse('预览写着一般隐患期限 "{general}"、较大隐患期限 "{serious}"'))
def each_its_own(story: Story, general: str, serious: str) -> None:
    for name, day in (("一般隐患", general), ("较大隐患", serious)):
        seen = story.outcome(name)
        assert seen.done and seen.due is not None, "a computed deadline explains itself"
        assert seen.due_at is not None and local_day(seen.due_at).isoformat() == day


@then(parsers.re('预览写着重大隐患不能办，理由提到 "(?P<words>.+)"$'))
def not_in_preview(story: Story, words: str) -> None:
    not_done(story, "重大隐患", words)


@then("什么都没有改动，谁也没有收到通知")
def nothing_written(story: Story) -> None:
    assert story.written() == story.before
    assert {story.world.ticket(each).state.zh for each in story.numbers.values()} == {"已登记"}


@then(parsers.parse('一般隐患和较大隐患是 "{state}"，期限与预览一致'))
def as_previewed(story: Story, state: str) -> None:
    for name, days in (("一般", 15), ("较大", 7)):
        ticket = story.ticket(name)
        assert (ticket.state.zh, ticket.assignee and ticket.assignee.name) == (state, "王建国")
        assert ticket.due_at == ticket.first_due_at == story.outcome(name).due_at
        outcome = story.outcome(name)
        assert outcome.due is not None and outcome.due.days == days


@then(parsers.parse("王建国收到 {count:d} 张新单的通知"))
def told_once(story: Story, count: int) -> None:
    assert story.told("王建国", "assigned") == count


# Verify.


@given("孙华和王建国各整改了柳林所检修班的一处隐患")
def two_fixed(story: Story) -> None:
    for name in ("孙华", "王建国"):
        number = story.world.fixed(by=LOGINS[name], unit="LL01-A").number
        story.numbers[f"{name}整改的那张"] = number


@when(parsers.re("(?P<who>孙华)批量复查，两张都合格$"))
def both_pass(story: Story, who: str) -> None:
    rows = [{"number": each, "passed": True, "opinion": "合格"} for each in story.numbers.values()]
    story.run(who, BulkVerification, items=rows)


@when(parsers.re("(?P<who>李敏)批量复查，王建国的合格、孙华的不合格但没有写意见$"))
def one_fails(story: Story, who: str) -> None:
    rows = [
        {"number": story.numbers["王建国整改的那张"], "passed": True, "opinion": "合格"},
        {"number": story.numbers["孙华整改的那张"], "passed": False},
    ]
    story.run(who, BulkVerification, items=rows)


# Reassign.


@given("王建国负责柳林供电所的两项隐患")
def two_assigned(story: Story) -> None:
    story.numbers = {name: story.world.assigned().number for name in ("第一项", "第二项")}


@when(parsers.re("(?P<who>赵主任)把它们批量改派给孙华，没有写理由$"))
def without_reason(story: Story, who: str) -> None:
    rows = [{"number": each} for each in story.numbers.values()]
    story.run(who, BulkReassignment, items=rows, assignee="sunhua", reason="")


@when(parsers.re('(?P<who>赵主任)把它们批量改派给孙华，理由是 "(?P<reason>.+)"$'))
def reassigned(story: Story, who: str, reason: str) -> None:
    rows = [{"number": each} for each in story.numbers.values()]
    story.run(who, BulkReassignment, items=rows, assignee="sunhua", reason=reason)


@then(parsers.parse('整批没有受理，指出缺 "{field}"'))
def refused_whole(story: Story, field: str) -> None:
    assert story.wrong is not None
    assert [each["loc"] for each in story.wrong.errors()] == [(field,)]
    assert {story.ticket(name).assignee.login for name in story.numbers} == {"wangjianguo"}  # type: ignore[union-attr]


@then("两张都由孙华负责，三定和期限不变")
def taken_over(story: Story) -> None:
    for name in story.numbers:
        ticket = story.ticket(name)
        assert story.outcomes[ticket.number].done
        assert ticket.assignee is not None and ticket.assignee.name == "孙华"
        assert (ticket.duty, ticket.measure) == ("负责停电处理", "停电更换密封垫")
        assert ticket.due_at == ticket.first_due_at


@then(parsers.parse('经过里写着改派的理由 "{reason}"'))
def reason_kept(story: Story, reason: str) -> None:
    with story.world.database.reading() as session:
        for name in story.numbers:
            last = history_of(session, story.ticket(name))[-1]
            assert (last.event, last.facts["reason"], last.actor_name) == ("reassign", reason, "赵主任")


@then("孙华和王建国都收到了通知")
def both_told(story: Story) -> None:
    assert story.told("孙华", "assigned") == 2
    assert story.told("王建国", "relieved") == 2


# Extensions.


@given("王建国负责柳林供电所的三项隐患，都申请了延期")
def three_asked(story: Story) -> None:
    story.numbers = {name: story.world.assigned().number for name in PLACES}
    story.asked = [
        str(story.world.ask_extension(each, due="2026-04-24", reason="等停电", interim_measures="设警示牌"))
        for each in story.numbers.values()
    ]


@when(
    parsers.re(
        '(?P<who>赵主任)批量审批：第一项批准，第二项不批准并写明 "(?P<opinion>.+)"，第三项不批准但没有写理由$'
    )
)
def decided(story: Story, who: str, opinion: str) -> None:
    first, second, third = story.asked
    rows = [
        {"id": first, "approved": True},
        {"id": second, "approved": False, "opinion": opinion},
        {"id": third, "approved": False},
    ]
    story.run(who, BulkDecisions, items=rows)


@then(parsers.parse('第一项期限改为 "{day}"，首次期限不变'))
def extended(story: Story, day: str) -> None:
    ticket = story.ticket("第一项")
    assert story.outcome("第一项").done
    assert ticket.due_at is not None and local_day(ticket.due_at).isoformat() == day
    assert ticket.first_due_at == story.ticket("第二项").first_due_at


@then("第二项没有批准，期限不变")
def not_extended(story: Story) -> None:
    ticket = story.ticket("第二项")
    assert story.outcome("第二项").done, "refusing the request is the decision, and it was made"
    assert ticket.due_at == ticket.first_due_at


@then("第三项的申请仍待审批")
def still_open(story: Story) -> None:
    with story.world.database.reading() as session:
        states = {str(each.id): each.state.zh for each in session.scalars(select(Extension))}
    assert [states[key] for key in story.asked] == ["已批准", "未批准", "待审批"]


# What became of one row.


@then(parsers.re(f'{DONE}没有办成，理由提到 "(?P<words>.+)"$'))
def not_done(story: Story, which: str, words: str) -> None:
    refusal = story.outcome(which).refusal
    assert refusal is not None and words in refusal.sentence("zh")


@then(parsers.re(f"{DONE}办成了$"))
def done(story: Story, which: str) -> None:
    assert story.outcome(which).done


@then(parsers.re('(?P<called>重大隐患|王建国整改的那张|孙华整改的那张)是 "(?P<state>.+)"$'))
def stands(story: Story, called: str, state: str) -> None:
    assert story.ticket(called).state.zh == state


@then("那一张没有办成，结果不写隐患内容")
def says_nothing(story: Story) -> None:
    (outcome,) = story.outcomes.values()
    assert outcome.refusal is not None and outcome.refusal.code == "not-found"
    assert (outcome.description, outcome.unit) == ("", "")
