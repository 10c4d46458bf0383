"""Steps of features/sampling.feature."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from pytest_bdd import given, parsers, scenarios, then, when
from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session, joinedload, undefer

from domain.campaigns import campaign_by_code
from domain.figure_checks import check
from domain.records import Campaign, CampaignUnit, History, SampleDraw, SampledTicket, SampleKind, Ticket
from domain.sample_checks import SampleCheck, check_sampled, sampled_by_number
from domain.sampling import NewDraw, draw, drawn, numbers_of
from statemachines.labels import Level
from statemachines.refusals import Refusal
from tests.figures import frozen
from tests.world import World

scenarios("sampling.feature")

UNITS = {"柳林供电所": "LL01", "石桥供电所": "SQ02"}
FIXERS = {"柳林供电所": "wangjianguo", "石桥供电所": "zhouhai"}
LEVELS = {level.zh: level for level in Level}
LOGINS = {"赵主任": "zhaozhuren", "李敏": "limin", "张强": "zhangqiang"}
WHO = "(?P<who>赵主任|李敏|张强)"
UNIT = "(?P<unit>柳林供电所|石桥供电所)"
ASSURED = {"budget": 20000, "emergency_plan": "停电转移负荷"}
EARLIER = {"id": "01900000-0000-7000-8000-000000000000", "code": "QC2025", "name": "2025年秋查"}


class Story:
    """What a scenario drew last, and the refusal of the last step, if there was one."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.numbers: list[str] = []
        self.refusal: Refusal | None = None

    def attempt(self, who: str, work: Callable[[Session, Any], object]) -> None:
        actor = self.world.actor(LOGINS[who])
        self.refusal = None
        try:
            with self.world.database.transaction() as session:
                work(session, actor)
        except Refusal as refusal:
            self.refusal = refusal

    def draw(self, who: str, **said: Any) -> None:
        def work(session: Session, actor: Any) -> None:
            campaign = campaign_by_code(session, "CC2026", actor=actor, lock=True)
            draw(session, campaign, NewDraw.model_validate(said), actor=actor, now=self.world.now)

        self.attempt(who, work)

    def check(self, who: str, number: str, *, passed: bool) -> None:
        told = SampleCheck(passed=passed, opinion="现场查看")

        def work(session: Session, actor: Any) -> None:
            campaign = campaign_by_code(session, "CC2026", actor=actor)
            sampled = sampled_by_number(session, campaign, number, actor=actor, lock=True)
            check_sampled(session, sampled, told, actor=actor, now=self.world.now)

        self.attempt(who, work)

    def sampled(self, kind: SampleKind = SampleKind.RECHECK, draws: int | None = None) -> list[SampledTicket]:
        """What was drawn so far; with `draws` by the last so many draws."""
        with self.world.database.reading() as session:
            made = session.scalars(
                select(SampleDraw.id).where(SampleDraw.kind == kind).order_by(SampleDraw.id)
            )
            keys = list(made)[-draws:] if draws else list(made)
            query = (
                select(SampledTicket)
                .join(SampledTicket.ticket)
                .where(SampledTicket.draw_id.in_(keys))
                .options(
                    joinedload(SampledTicket.ticket).joinedload(Ticket.campaign),
                    joinedload(SampledTicket.unit),
                    joinedload(SampledTicket.again),
                )
                .order_by(Ticket.number)
            )
            return list(session.scalars(query))


def fixed(story: Story, unit: str, count: int, level: str = "一般", **said: Any) -> None:
    assured = ASSURED if level == "重大" else {}
    story.numbers += [
        story.world.fixed(
            by=FIXERS[unit], unit=UNITS[unit], level=LEVELS[level].value, **assured, **said
        ).number
        for _ in range(count)
    ]


@given(
    parsers.re(
        rf"{UNIT}整改了 (?P<general>\d+) 项一般隐患、(?P<serious>\d+) 项较大隐患、(?P<major>\d+) 项重大隐患$"
    )
)
def fixed_of_each(story: Story, unit: str, general: str, serious: str, major: str) -> None:
    for level, count in (("一般", general), ("较大", serious), ("重大", major)):
        fixed(story, unit, int(count), level)


@given(parsers.re(rf"{UNIT}整改了 (?P<count>\d+) 项一般隐患$"))
@when(parsers.re(rf"{UNIT}又整改了 (?P<count>\d+) 项一般隐患$"))
def fixed_general(story: Story, unit: str, count: str) -> None:
    fixed(story, unit, int(count))


@given(parsers.re(rf"上一次活动“2025年秋查”在{UNIT}销号了 (?P<count>\d+) 项隐患$"))
def earlier(story: Story, unit: str, count: str) -> None:
    """The campaign before: as this one is, with an id from before it."""
    with story.world.database.transaction() as session:
        now = session.execute(select(*Campaign.__table__.c).where(Campaign.code == "CC2026")).mappings().one()
        session.execute(insert(Campaign.__table__).values({**now, **EARLIER}))  # type: ignore[arg-type]
        for row in session.execute(select(*CampaignUnit.__table__.c)).mappings().all():
            session.execute(insert(CampaignUnit.__table__).values({**row, "campaign_id": EARLIER["id"]}))  # type: ignore[arg-type]
    fixed(story, unit, int(count), campaign="QC2025")
    for number in story.numbers:
        story.world.do(number, "verify", by="zhangqiang", passed=True, opinion="合格")
    with story.world.database.transaction() as session:
        session.execute(text("UPDATE campaigns SET state = 'summarised' WHERE code = 'QC2025'"))


@given(parsers.re(f"{WHO}已复查销号$"))
def verified(story: Story, who: str) -> None:
    for number in story.numbers:
        story.world.do(number, "verify", by=LOGINS[who], passed=True, opinion="合格")


@when(parsers.re(f"{WHO}抽样$"))
def draws(story: Story, who: str) -> None:
    story.draw(who)


@when(parsers.re(f'{WHO}用种子 "(?P<seed>.+)" 抽样$'))
def draws_by(story: Story, who: str, seed: str) -> None:
    story.draw(who, seed=seed)


@when(parsers.re(f"{WHO}抽样回头看$"))
def looks_back(story: Story, who: str) -> None:
    story.draw(who, kind="look_back")


@when(parsers.re(f"{WHO}复查抽到的第一项合格、第二项不合格$"))
def rechecked(story: Story, who: str) -> None:
    first, second, *_ = (each.ticket.number for each in story.sampled())
    story.world.do(first, "verify", by=LOGINS[who], passed=True, opinion="合格")
    story.world.do(second, "verify", by=LOGINS[who], passed=False, opinion="仍渗油")


@when(parsers.re(f"{WHO}现场抽查，认为合格$"))
def found_good(story: Story, who: str) -> None:
    story.check(who, story.sampled()[0].ticket.number, passed=True)


@when(parsers.re(f"{WHO}现场抽查回头看的一项，认为不合格$"))
def found_bad(story: Story, who: str) -> None:
    story.check(who, story.sampled(SampleKind.LOOK_BACK)[0].ticket.number, passed=False)


def levels_of(sampled: list[SampledTicket], unit: str) -> Counter[str]:
    return Counter(each.level.zh for each in sampled if each.unit.code == UNITS[unit])


@then(
    parsers.re(
        rf"{UNIT}抽到 (?P<general>\d+) 项一般隐患、(?P<serious>\d+) 项较大隐患、(?P<major>\d+) 项重大隐患$"
    )
)
def drawn_of_each(story: Story, unit: str, general: str, serious: str, major: str) -> None:
    assert story.refusal is None
    expected = {"一般": int(general), "较大": int(serious), "重大": int(major)}
    assert levels_of(story.sampled(), unit) == expected


@then(parsers.re(rf"{UNIT}(?P<whole>共?)抽到 (?P<count>\d+) 项一般隐患$"))
def drawn_general(story: Story, unit: str, whole: str, count: str) -> None:
    assert story.refusal is None
    assert levels_of(story.sampled(draws=None if whole else 1), unit) == {"一般": int(count)}


@then("按记录的种子重抽，名单相同")
def drawn_again(story: Story) -> None:
    with story.world.database.reading() as session:
        made = session.scalars(select(SampleDraw).options(undefer(SampleDraw.pool))).one()
    assert made.seed
    again = numbers_of(drawn(made.pool, made.seed, made.rules))
    assert again == {each.ticket.number for each in story.sampled()}
    other = numbers_of(drawn(made.pool, f"{made.seed}-another", made.rules))
    assert len(other) == len(again) and other != again, "the seed decides which, not how many"


@then(parsers.re(f'经过里写着{WHO}抽样用的种子 "(?P<seed>.+)"$'))
def written(story: Story, who: str, seed: str) -> None:
    with story.world.database.reading() as session:
        row = session.scalars(select(History).where(History.event == "draw_sample")).one()
    assert (row.actor_name, row.facts["seed"]) == (who, seed)


@then(parsers.parse('被拒绝，理由提到 "{words}"'))
def refused(story: Story, words: str) -> None:
    assert story.refusal is not None
    assert words in story.refusal.sentence("zh")


@then(parsers.parse("回头看抽到 {count:d} 项上一次活动的隐患"))
def looked_back(story: Story, count: int) -> None:
    assert story.refusal is None
    sampled = story.sampled(SampleKind.LOOK_BACK)
    assert [each.ticket.campaign.code for each in sampled] == ["QC2025"] * count


@then(parsers.parse('开了一张新隐患单，写明是复发，原单仍是 "{state}"'))
def again(story: Story, state: str) -> None:
    assert story.refusal is None
    old = next(each for each in story.sampled(SampleKind.LOOK_BACK) if each.passed is False)
    assert old.again is not None
    new = story.world.ticket(old.again.number)
    assert (new.campaign.code, new.state.zh) == ("CC2026", "已登记")
    assert new.recurrence_of_id == old.ticket_id
    assert story.world.ticket(old.ticket.number).state.zh == state


COUNTS = (
    r"计划 (?P<drawn>\d+) 项、已抽查 (?P<checked>\d+) 项、合格 (?P<passed>\d+) 项、不合格 (?P<failed>\d+) 项"
)


@then(parsers.re(rf"样本{COUNTS}$"))
def counted(story: Story, drawn: str, checked: str, passed: str, failed: str) -> None:
    assert story.refusal is None
    results = Counter(each.passed for each in story.sampled())
    assert (results.total(), results[True] + results[False]) == (int(drawn), int(checked))
    assert (results[True], results[False]) == (int(passed), int(failed))


@then(parsers.re(rf"总结的数字是{COUNTS}，逐项核对相符$"))
def summed_up(story: Story, drawn: str, checked: str, passed: str, failed: str) -> None:
    snapshot = frozen(story.world)
    counts = snapshot["samples"]["recheck"]["counts"]
    told = {"drawn": int(drawn), "checked": int(checked), "passed": int(passed), "failed": int(failed)}
    assert {name: counts[name] for name in told} == told
    assert check(snapshot) == []
