"""The life of a hazard in the trade's words: found, 三定, fixed, verified by another, and what may go otherwise."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from pytest_bdd import given, parsers, scenarios, then, when
from sqlalchemy import select

from domain import extensions, notices, supervision_notices
from domain.campaign_settings import CampaignSettings
from domain.extensions import Decision
from domain.history import history_of
from domain.records import Campaign, Extension, Notice, Person, RoleGrant, StoredFile, Ticket
from domain.tickets import is_overdue, ticket_by_number
from statemachines.labels import LOCAL, Level
from statemachines.refusals import Refusal
from statemachines.roles import Role
from statemachines.ticket import TicketEvent
from tests.photos import listed, photo
from tests.world import World

scenarios(
    "submit_finding.feature",
    "three_fixed.feature",
    "verify_independently.feature",
    "extension.feature",
    "return_and_supervision.feature",
    "cancel_and_regrade.feature",
    "fix_on_the_spot.feature",
    "sight.feature",
)

WHO = "(?P<who>李敏|张强|王建国|孙华|周海|赵主任|钱所长|石所长|郑局长)"
LEVEL = "(?P<level>一般|较大|重大)"
UNIT = "(?P<unit>县供电局|柳林所检修班|柳林供电所|石桥供电所)"
UNITS = {"县供电局": "XB", "柳林供电所": "LL01", "柳林所检修班": "LL01-A", "石桥供电所": "SQ02"}
THREE_FIXED = {"assignee": "wangjianguo", "duty": "负责停电处理", "measure": "停电更换密封垫"}
ASSURED = {"budget": 20000, "emergency_plan": "停电转移负荷"}
LEFT_OUT = {
    "责任人": ["assignee"],
    "职责": ["duty"],
    "措施": ["measure"],
    "资金": ["budget"],
    "预案": ["emergency_plan"],
    "资金和预案": ["budget", "emergency_plan"],
}
BEFORE, AFTER = listed(photo(colour="black")), listed(photo(colour="white"))


class Story:
    """What the scenario is about: the ticket spoken of, and the refusal of the last step, if there was one."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.numbers: list[str] = []
        self.refusal: Refusal | None = None
        with world.database.reading() as session:
            self.logins = dict(session.execute(select(Person.name, Person.login)).tuples().all())

    @property
    def ticket(self) -> Ticket:
        return self.world.ticket(self.numbers[-1])

    def attempt(self, step: Callable[[], object]) -> None:
        self.refusal = None
        try:
            step()
        except Refusal as refusal:
            self.refusal = refusal

    def find(self, who: str, unit: str, level: str, **said: object) -> None:
        by, grade = self.logins[who], next(each for each in Level if each.zh == level)
        self.attempt(
            lambda: self.numbers.append(self.world.find(by=by, unit=UNITS[unit], level=grade, **said).number)
        )

    def do(self, who: str, event: str, **said: object) -> None:
        self.attempt(lambda: self.world.do(self.numbers[-1], event, by=self.logins[who], **said))

    def assign(self, who: str, **said: object) -> None:
        assured = ASSURED if self.ticket.level is Level.MAJOR else {}
        told = {
            name: value for name, value in {**THREE_FIXED, **assured, **said}.items() if value is not None
        }
        self.do(who, "assign", **told)

    def decide(self, who: str, command: Callable[..., object], opinion: str | None = None) -> None:
        actor = self.world.actor(self.logins[who])

        def decision() -> None:
            with self.world.database.transaction() as session:
                waiting = session.scalars(
                    select(Extension.id).where(
                        Extension.ticket_id == self.ticket.id, Extension.state == "requested"
                    )
                ).one()
                extension = extensions.extension_by_id(session, waiting, actor=actor)
                command(session, extension, Decision(opinion=opinion), actor=actor, now=self.world.now)

        self.attempt(decision)

    def told(self, title: str) -> list[str]:
        """The names of those told under this title, each once for each time."""
        occasions = {**notices.OCCASIONS, **supervision_notices.OCCASIONS}
        kind = next(kind for kind, (zh, *_) in occasions.items() if zh == title)
        with self.world.database.reading() as session:
            query = (
                select(Person.name)
                .join(Notice, Notice.person_id == Person.id)
                .where(Notice.kind == kind, Notice.ticket_id == self.ticket.id)
            )
            return sorted(session.scalars(query))


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=LOCAL)


def shown(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(LOCAL).strftime("%Y-%m-%d %H:%M:%S")


# What happens.


@given(parsers.parse('时间到了 "{day}"'))
@when(parsers.parse('时间到了 "{day}"'))
def time_comes(world, day):
    world.now = moment(day)


@given("活动规定由整改班组以外的人复查")
def independent_team(world):
    with world.database.transaction() as session:
        campaign = session.scalars(select(Campaign).where(Campaign.code == "CC2026")).one()
        campaign.settings = CampaignSettings(independent_team=True).model_dump(mode="json")


@given(parsers.re(f"{WHO}在{UNIT}发现一处{LEVEL}隐患$"))
@when(parsers.re(f"{WHO}在{UNIT}发现一处{LEVEL}隐患$"))
def found(story, who, unit, level):
    story.find(who, unit, level)


@given(parsers.re(f"{WHO}在{UNIT}发现一处{LEVEL}隐患，拍了照片$"))
def found_with_photo(world, story, who, unit, level):
    with world.database.transaction() as session:
        for each in (BEFORE, AFTER):
            session.add(
                StoredFile(
                    sha256=each["sha256"], size=each["size"], media_type="image/jpeg", stored_at=world.now
                )
            )
    story.find(who, unit, level, files=[BEFORE])


@when(parsers.re(f"{WHO}发现这处隐患再次出现$"))
def recurred(story, who):
    story.find(who, "柳林供电所", "一般", recurrence_of=story.numbers[-1])


@given(parsers.re(f'{WHO}负责{UNIT}的一处{LEVEL}隐患，期限 "(?P<due>.+)"$'))
def in_work(story, who, unit, level, due):
    story.find("李敏", unit, level)
    story.assign("赵主任", assignee=story.logins[who], due=due)
    assert story.refusal is None


@given(parsers.re(f"{WHO}兼任责任人$"))
def also_responsible(story, who):
    with story.world.database.transaction() as session:
        person = session.scalars(select(Person).where(Person.login == story.logins[who])).one()
        session.add(RoleGrant(person_id=person.id, unit_id=person.unit_id, role=Role.ASSIGNEE))


@given(parsers.re(f"{WHO}整改了{UNIT}的一处{LEVEL}隐患$"))
def put_right(story, who, unit, level):
    in_work(story, who, unit, level, "2026-04-16")
    story.do(who, "fix", note="已更换密封垫并补油")


@when(parsers.re(f'{WHO}以责任人 "(?P<name>.+)"、期限 "(?P<due>.+)" 下达整改$'))
def assigned(story, who, name, due):
    story.assign(who, assignee=story.logins[name], due=due)


@when(parsers.re(f"{WHO}下达整改，没有写期限$"))
def assigned_without_due(story, who):
    story.assign(who)


@when(parsers.re(f"{WHO}下达整改，但没有写(?P<what>.+)$"))
def assigned_incompletely(story, who, what):
    story.assign(who, **dict.fromkeys(LEFT_OUT[what]))


@given(parsers.re(f"{WHO}报告整改完成$"))
@when(parsers.re(f"{WHO}报告整改完成$"))
def reported(story, who):
    story.do(who, "fix", note="已更换密封垫并补油")


@when(parsers.re(f"{WHO}立查立改(?P<proved>，拍了照片)?$"))
def on_the_spot(story, who, proved):
    story.do(who, "fix_on_spot", note="当场紧固", files=[AFTER] if proved else [])


@when(parsers.re(f"{WHO}复查合格$"))
def passed(story, who):
    story.do(who, "verify", passed=True, opinion="合格")


@when(parsers.re(f"{WHO}复查合格，但没有写意见$"))
def passed_without_words(story, who):
    story.do(who, "verify", passed=True)


@given(parsers.re(f"{WHO}复查不合格$"))
@when(parsers.re(f"{WHO}复查不合格$"))
def failed(story, who):
    story.do(who, "verify", passed=False, opinion="仍渗油")


@when(parsers.re(f'{WHO}复查不合格，重定期限 "(?P<due>.+)"$'))
def failed_with_due(story, who, due):
    story.do(who, "verify", passed=False, opinion="仍渗油", due=due)


@given(parsers.re(f'{WHO}(?P<deed>作废|列入督办)，理由是 "(?P<reason>.*)"$'))
@when(parsers.re(f'{WHO}(?P<deed>作废|列入督办)，理由是 "(?P<reason>.*)"$'))
def with_reason(story, who, deed, reason):
    story.do(who, {"作废": "cancel", "列入督办": "supervise"}[deed], reason=reason)


@when(parsers.re(f'{WHO}改派(?P<name>.+)，理由是 "(?P<reason>.*)"$'))
def reassigned(story, who, name, reason):
    story.do(who, "reassign", assignee=story.logins[name], reason=reason)


@when(parsers.re(f'{WHO}调整为{LEVEL}，理由是 "(?P<reason>.*)"$'))
def regraded(story, who, level, reason):
    grade = next(each for each in Level if each.zh == level)
    story.do(who, "regrade", level=grade, reason=reason)


@given(parsers.re(f'{WHO}申请延至 "(?P<due>[^"]+)"(?P<bare>，但没有写临时防范措施)?$'))
@when(parsers.re(f'{WHO}申请延至 "(?P<due>[^"]+)"(?P<bare>，但没有写临时防范措施)?$'))
def asked_for_time(story, who, due, bare):
    said = {"reason": "等待停电计划", "due": due} | (
        {} if bare else {"interim_measures": "增设围栏，每日巡视"}
    )
    story.attempt(lambda: story.world.ask_extension(story.numbers[-1], by=story.logins[who], **said))


@given(parsers.re(f"{WHO}批准延期$"))
@when(parsers.re(f"{WHO}批准延期$"))
def granted(story, who):
    story.decide(who, extensions.approve)


@when(parsers.re(f'{WHO}不批准延期，理由是 "(?P<reason>.*)"$'))
def not_granted(story, who, reason):
    story.decide(who, extensions.refuse, reason)


# What is then so. A step that went through leaves no refusal, so whatever follows an unexpected one fails here.


@then(parsers.parse('被拒绝，理由提到 "{words}"'))
def refused(story, words):
    assert story.refusal is not None
    assert words in story.refusal.sentence("zh")


@then(parsers.parse('隐患单状态是 "{label}"'))
def stands(story, label):
    assert story.ticket.state.zh == label


@then(parsers.parse('隐患单编号依次是 "{numbers}"'))
def numbered(story, numbers):
    assert story.refusal is None
    assert "、".join(story.numbers) == numbers


@then(parsers.parse('新单写明由 "{number}" 复发而来'))
def linked(story, number):
    assert story.ticket.recurrence_of_id == story.world.ticket(number).id


@then("隐患单没有期限")
def undated(story):
    assert (story.ticket.first_due_at, story.ticket.due_at) == (None, None)


@then(parsers.parse('首次期限和现期限都是 "{due}"'))
def both_due(story, due):
    assert [shown(story.ticket.first_due_at), shown(story.ticket.due_at)] == [due, due]


@then(parsers.parse('首次期限是 "{due}"'))
def first_due(story, due):
    assert shown(story.ticket.first_due_at) == due


@then(parsers.parse('现期限是 "{due}"'))
def present_due(story, due):
    assert shown(story.ticket.due_at) == due


@then("隐患单没有逾期")
def not_overdue(story, world):
    assert not is_overdue(story.ticket, world.now)


@then("按首次期限没有按时完成")
def late_by_the_first(story):
    assert story.ticket.fixed_at > story.ticket.first_due_at
    assert story.ticket.fixed_at <= story.ticket.due_at


@then(parsers.re('"(?P<title>.+)" 通知了 "(?P<names>.*)"$'))
def told_to(story, title, names):
    assert story.told(title) == sorted(names.split("、") if names else [])


@then(parsers.parse('没有发过 "{title}"'))
def told_nobody(story, title):
    assert story.told(title) == []


@then(parsers.parse("复查不合格 {times:d} 次"))
def returned(story, times):
    assert story.ticket.return_count == times


@then("隐患单没有列入督办")
def not_supervised(story):
    assert story.ticket.supervised_at is None


@then(parsers.parse('隐患单列入督办，理由是 "{reason}"'))
def supervised(story, reason):
    assert story.ticket.supervised_at is not None
    assert story.ticket.supervision_reason == reason


@then(parsers.parse('责任人是 "{name}"'))
def responsible(story, name):
    assert story.ticket.assignee.name == name


@then(parsers.parse('等级是 "{level}"'))
def graded(story, level):
    assert story.ticket.level.zh == level


@then(parsers.re(f'履历最后一条是 {WHO} "(?P<event>.+)"，理由是 "(?P<reason>.+)"$'))
def recorded(story, world, who, event, reason):
    with world.database.reading() as session:
        last = history_of(session, story.ticket)[-1]
    assert (last.actor_name, TicketEvent(last.event).zh, last.facts["reason"]) == (who, event, reason)


@then(parsers.re(f"{WHO}(?P<sight>看得到|看不到)这张隐患单$"))
def in_sight(story, world, who, sight):
    actor = world.actor(story.logins[who])
    with world.database.reading() as session:
        story.attempt(lambda: ticket_by_number(session, story.numbers[-1], actor=actor))
    assert (story.refusal is None) == (sight == "看得到")
