"""Steps of features/absences.feature."""

from datetime import date, datetime, timedelta

import pytest
from pytest_bdd import given, parsers, scenarios, then, when
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from domain import absences
from domain.absences import NewAbsence
from domain.errors import NotFound
from domain.escalation import sweep_all
from domain.history import history_of
from domain.records import Absence, Channel, Notice, Person
from domain.tickets import ticket_by_number
from statemachines.labels import LOCAL
from statemachines.refusals import Refusal, SelfVerification
from statemachines.roles import SYSTEM

pytestmark = pytest.mark.usefixtures("world")  # steps ask for it too late for the database to hold the bureau

scenarios("absences.feature")


class Attempt:
    """What came of the last step: the refusal, if there was one."""

    refusal: Refusal | None = None


@pytest.fixture
def attempt():
    return Attempt()


def login(world, name):
    with world.database.reading() as session:
        return session.scalars(select(Person.login).where(Person.name == name)).one()


def last_of(session, name):
    """The absence of this person recorded last."""
    mine = select(Absence.id).join(Absence.person).where(Person.name == name).order_by(Absence.id.desc())
    return absences.absence_by_id(session, session.scalars(mine.limit(1)).one(), actor=SYSTEM, lock=True)


def write_down(world, by, person, begins, ends, substitute):
    new = NewAbsence.model_validate(
        {
            "person": login(world, person),
            "substitute": login(world, substitute),
            "starts_on": begins,
            "ends_on": ends,
        }
    )
    actor = world.actor(login(world, by))
    with world.database.transaction() as session:
        absences.record_absence(session, new, actor=actor, now=world.now)


@given(parsers.parse("{who}登记了 {begins} 至 {ends} 离岗，由{substitute}代理"))
def recorded(world, who, begins, ends, substitute):
    write_down(world, who, who, begins, ends, substitute)


@when(parsers.re("(?P<who>[^为]+)登记 (?P<begins>\\S+) 至 (?P<ends>\\S+) 离岗，由(?P<substitute>.+)代理"))
def recording(world, attempt, who, begins, ends, substitute):
    attempt.refusal = None
    try:
        write_down(world, who, who, begins, ends, substitute)
    except Refusal as refusal:
        attempt.refusal = refusal


@when(
    parsers.re(
        "(?P<by>.+)为(?P<who>.+)登记 (?P<begins>\\S+) 至 (?P<ends>\\S+) 离岗，由(?P<substitute>.+)代理"
    )
)
def recording_for(world, by, who, begins, ends, substitute):
    write_down(world, by, who, begins, ends, substitute)


@when(parsers.parse("{who}提前结束离岗"))
def ending(world, who):
    actor = world.actor(login(world, who))
    with world.database.transaction() as session:
        absences.end_absence(session, last_of(session, who), actor=actor, now=world.now)


@then(parsers.parse('{who}收到通知 "{subject}"'))
def told(world, who, subject):
    with world.database.reading() as session:
        mine = select(Notice.subject).join(Notice.person).where(Person.name == who)
        assert subject in session.scalars(mine).all()


@then(parsers.re('(?P<day>\\S+) (?P<who>.+)的离岗是 "(?P<standing>.+)"'))
def stands(world, day, who, standing):
    with world.database.transaction() as session:
        found = absences.standing(last_of(session, who), on=date.fromisoformat(day))
    assert found.zh == standing


@then(parsers.parse('被拒绝："{words}"'))
def was_refused(attempt, words):
    assert attempt.refusal is not None
    assert words in attempt.refusal.sentence("zh")


@given(parsers.parse("{by}向{who}下达整改"), target_fixture="number")
@when(parsers.parse("{by}向{who}下达整改"), target_fixture="number")
def assigned(world, by, who):
    return world.assigned(to=login(world, who), level="serious").number


@when(parsers.parse("{who}签收并报告整改完成"))
def acknowledges_and_fixes(world, number, who):
    world.do(number, "acknowledge", by=login(world, who))
    world.do(number, "fix", by=login(world, who), note="已更换密封垫并补油")


@when(parsers.parse("{who}签收"))
def acknowledges(world, number, who):
    world.do(number, "acknowledge", by=login(world, who))


@when(parsers.parse("催办的时钟走到 {moment}"))
def sweeping(world, moment):
    world.now = datetime.strptime(moment, "%Y-%m-%d %H:%M").replace(tzinfo=LOCAL)
    sweep_all(world.database, as_of=world.now)


@then(parsers.parse('催办记录写明通知了 "{names}"'))
def chased_with_both_names(world, number, names):
    with world.database.reading() as session:
        story = history_of(session, ticket_by_number(session, number, actor=SYSTEM))
    [chased] = [row.facts["told"] for row in story if row.event == "escalate"]
    assert chased == names.split("、")


@then(parsers.parse('经过写明 "{who}" 代 "{absent}" 签收和报告整改完成'))
def both_names_stand(world, number, who, absent):
    with world.database.reading() as session:
        story = history_of(session, ticket_by_number(session, number, actor=SYSTEM))
    done = [(row.event, row.actor_name, row.facts.get("instead_of")) for row in story]
    for event in ("acknowledge", "fix"):
        assert (event, who, login(world, absent)) in done


@then(parsers.parse("{who}和{other}都不得复查这张单"))
def neither_verifies(world, number, who, other):
    for each in (who, other):
        with pytest.raises(SelfVerification):
            world.do(number, "verify", by=login(world, each), passed=True, opinion="合格")


@then(parsers.parse("{who}签收时找不到这张单"))
def out_of_sight(world, number, who):
    with pytest.raises(NotFound):
        world.do(number, "acknowledge", by=login(world, who))


@when(parsers.parse("{who}申请延期"))
def asks_for_more_time(world, number, who):
    world.ask_extension(
        number,
        by=login(world, who),
        reason="密封垫未到货",
        interim_measures="每日巡视",
        due=world.now + timedelta(days=12),
    )


def notices_of(world, name, title):
    with world.database.reading() as session:
        mine = select(Notice).join(Notice.person).where(Person.name == name, Notice.subject.startswith(title))
        return session.scalars(mine.options(joinedload(Notice.instead_of))).all()


@then(parsers.parse('{who}代{absent}收到 "{title}"，正文写明 "{words}"'))
def told_in_place_of(world, who, absent, title, words):
    [notice] = notices_of(world, who, title)
    assert notice.instead_of.name == absent
    assert notice.channel == Channel.EMAIL
    assert words in notice.body


@then(parsers.parse('{who}的 "{title}" 只在收件箱中'))
def only_in_the_inbox(world, who, title):
    [notice] = notices_of(world, who, title)
    assert (notice.channel, notice.shown, notice.instead_of) == (Channel.INBOX, True, None)
