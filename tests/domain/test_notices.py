"""Who is told what about a ticket: the right people, once each, in their language, with enough to act on."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import select

from domain import extensions, notices
from domain.extensions import Decision
from domain.notices import local_time
from domain.records import Channel, Notice, Person
from domain.tickets import ticket_by_number
from statemachines.roles import SYSTEM
from tests.photos import listed, photo

ASSURED = {"budget": 0, "emergency_plan": "停电转移负荷"}
FAILED = {"passed": False, "opinion": "仍渗油"}
PASSED = {"passed": True, "opinion": "合格"}
ASKED = {"reason": "等待停电计划", "interim_measures": "增设围栏", "due": "2026-04-20"}


def told(world, number):
    """(kind, login) of everybody told about this ticket, in order."""
    with world.database.reading() as session:
        rows = session.execute(
            select(Notice.kind, Person.login)
            .join(Person, Person.id == Notice.person_id)
            .where(Notice.ticket_id == world.ticket(number).id)
            .order_by(Notice.id)
        )
        return [tuple(row) for row in rows]


def newly(world, number, before):
    return sorted(told(world, number)[len(before) :])


@pytest.mark.parametrize(
    ("level", "people"),
    [
        ("general", []),
        ("serious", ["qiansuozhang", "zhaozhuren"]),
        ("major", ["qiansuozhang", "zhaozhuren", "zhengju"]),
    ],
)
def test_a_grave_finding_is_told_at_once_up_the_line(bureau, level, people):
    number = bureau.find(level=level).number
    assert sorted(told(bureau, number)) == [("found", login) for login in people]


def test_the_person_responsible_gets_the_rectification_notice(bureau):
    number = bureau.assigned().number
    assert told(bureau, number) == [("assigned", "wangjianguo")]


def test_a_reassigned_ticket_is_told_to_the_new_person(bureau):
    number = bureau.assigned().number
    bureau.do(number, "reassign", by="zhaozhuren", assignee="sunhua", reason="休假")
    assert told(bureau, number) == [
        ("assigned", "wangjianguo"),
        ("assigned", "sunhua"),
        ("relieved", "wangjianguo"),
    ]


def test_the_finder_is_asked_to_re_check(bureau):
    number = bureau.fixed().number
    assert told(bureau, number)[-1] == ("fixed", "limin")


def test_a_finder_who_fixed_it_is_not_asked_the_supervisors_are(bureau):
    own = bureau.find(by="sunhua", unit="LL01-A", files=[listed(photo(colour="black"))]).number
    bureau.do(own, "fix_on_spot", by="sunhua", files=[listed(photo(colour="white"))])
    assert sorted(told(bureau, own)) == [("fixed", "qiansuozhang"), ("fixed", "zhaozhuren")]


def test_the_person_responsible_hears_that_it_is_closed_or_returned(bureau):
    number = bureau.fixed().number
    bureau.do(number, "verify", by="limin", **FAILED)
    assert told(bureau, number)[-1] == ("returned", "wangjianguo")
    bureau.do(number, "fix", by="wangjianguo", note="重新更换")
    bureau.do(number, "verify", by="limin", **PASSED)
    assert told(bureau, number)[-1] == ("verified", "wangjianguo")


def test_the_second_return_proposes_supervision(bureau):
    number = bureau.fixed().number
    bureau.do(number, "verify", by="limin", **FAILED)
    assert "propose_supervision" not in [kind for kind, _ in told(bureau, number)]
    bureau.do(number, "fix", by="wangjianguo", note="重新更换")
    before = told(bureau, number)
    bureau.do(number, "verify", by="limin", **FAILED)
    proposed = [login for kind, login in newly(bureau, number, before) if kind == "propose_supervision"]
    assert proposed == ["qiansuozhang", "zhaozhuren", "zhengju"]


def test_after_the_first_of_two_passes_the_supervisors_find_the_second(bureau):
    number = bureau.fixed(level="major", **ASSURED).number
    before = told(bureau, number)
    bureau.do(number, "verify", by="limin", **PASSED)
    assert newly(bureau, number, before) == [("first_pass", "qiansuozhang"), ("first_pass", "zhaozhuren")]


def test_finder_and_person_responsible_hear_of_a_cancelled_ticket(bureau):
    number = bureau.assigned().number
    before = told(bureau, number)
    bureau.do(number, "cancel", by="zhaozhuren", reason="不属于隐患")
    assert newly(bureau, number, before) == [("cancelled", "limin"), ("cancelled", "wangjianguo")]


def test_supervision_is_told_to_the_person_responsible_and_to_those_above(bureau):
    number = bureau.assigned().number
    before = told(bureau, number)
    bureau.do(number, "supervise", by="zhaozhuren", reason="久拖不改")
    heard = [who for _, who in newly(bureau, number, before)]
    assert heard == ["wangjianguo", "zhaozhuren", "zhengju"]


@pytest.mark.parametrize(
    ("level", "approvers"),
    [("general", ["qiansuozhang", "zhaozhuren", "zhengju"]), ("serious", ["zhengju"])],
)
def test_a_request_for_more_time_goes_to_those_who_may_decide(bureau, level, approvers):
    number = bureau.assigned(level=level, due="2026-04-16").number
    before = told(bureau, number)
    key = bureau.ask_extension(number, **ASKED)
    assert newly(bureau, number, before) == [("extension_requested", login) for login in approvers]
    before = told(bureau, number)
    leader = bureau.actor("zhengju")
    with bureau.database.transaction() as session:
        extension = extensions.extension_by_id(session, key, actor=leader)
        extensions.approve(session, extension, Decision(), actor=leader, now=bureau.now)
    assert newly(bureau, number, before) == [("extension_approved", "wangjianguo")]


def test_a_second_request_and_a_second_refusal_are_told_again(bureau):
    number = bureau.assigned().number
    for times in (1, 2):
        key = bureau.ask_extension(number, **ASKED)
        supervisor = bureau.actor("zhaozhuren")
        with bureau.database.transaction() as session:
            extension = extensions.extension_by_id(session, key, actor=supervisor)
            extensions.refuse(
                session, extension, Decision(opinion="不同意"), actor=supervisor, now=bureau.now
            )
        assert told(bureau, number).count(("extension_requested", "zhaozhuren")) == times
        assert told(bureau, number).count(("extension_refused", "wangjianguo")) == times


def test_telling_again_tells_nobody_twice(bureau):
    number = bureau.assigned(level="major", **ASSURED).number
    before = told(bureau, number)
    with bureau.database.transaction() as session:
        ticket = ticket_by_number(session, number, actor=SYSTEM)
        for _ in range(3):
            notices.assigned(session, ticket, now=bureau.now)
    assert told(bureau, number) == before


def test_what_is_refused_is_told_to_nobody(bureau):
    number = bureau.fixed().number
    before = told(bureau, number)
    for said in ({"passed": True}, {"passed": False}):
        with pytest.raises(Exception, match="opinion-missing"):
            bureau.do(number, "verify", by="limin", **said)
    assert told(bureau, number) == before


def test_a_notice_says_number_place_hazard_what_to_do_and_by_when(bureau):
    number = bureau.assigned(due="2026-04-10").number
    with bureau.database.reading() as session:
        [notice] = session.scalars(select(Notice).where(Notice.ticket_id == bureau.ticket(number).id))
    assert notice.channel is Channel.EMAIL
    assert notice.address == "wangjianguo@example.org"
    assert notice.subject == f"整改通知 {number} 27# 变台变压器渗漏油"
    for line in (
        "请签收，按期整改",
        f"编号：{number}",
        "地点：柳林供电所，10kV 柳林线 27# 变台",
        "隐患：27# 变台变压器渗漏油",
        "等级：一般",
        "责任人：王建国",
        "措施：停电更换密封垫",
        "期限：2026年4月10日 24:00",
    ):
        assert line in notice.body


def test_who_reads_english_is_told_in_english_and_without_address_in_the_in_box(world):
    with world.database.transaction() as session:
        person = session.scalars(select(Person).where(Person.login == "wangjianguo")).one()
        person.language, person.email = "en", None
    number = world.assigned(due="2026-04-10").number
    with world.database.reading() as session:
        [notice] = session.scalars(select(Notice).where(Notice.ticket_id == world.ticket(number).id))
    assert notice.channel is Channel.INBOX
    assert notice.subject.startswith("To be rectified by you CC2026")
    assert "Deadline: 10 Apr 2026 23:59" in notice.body


def test_somebody_who_left_is_not_told(world):
    from domain.people import deactivate

    with world.database.transaction() as session:
        deactivate(session, "zhengju", actor=SYSTEM, now=world.now)
    number = world.find(level="major").number
    assert sorted(login for _, login in told(world, number)) == ["qiansuozhang", "zhaozhuren"]


@pytest.mark.parametrize(
    ("moment", "zh", "en"),
    [
        (None, "未定", "not set"),
        ("2026-04-10T15:59:59+00:00", "2026年4月10日 24:00", "10 Apr 2026 23:59"),
        ("2026-04-02T02:00:00+00:00", "2026年4月2日 10:00", "02 Apr 2026 10:00"),
    ],
)
def test_times_are_those_of_shanghai(moment, zh, en):
    at = None if moment is None else datetime.fromisoformat(moment)
    assert (local_time(at, "zh"), local_time(at, "en")) == (zh, en)
