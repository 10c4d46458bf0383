"""The journeys measured, and the bare thing each stands beside."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from sqlalchemy import text

from bench.bureau import ASSIGNEE, CAMPAIGN, INSPECTORS, STATION_SUPERVISOR, SUPERVISOR, Bureau
from bench.clients import Request
from bench.measure import Compared, Load, PlainSql, Round, Server, Subject, in_turn, timed
from domain.access import actor_by_login
from domain.campaigns import campaign_by_code
from domain.database import Database
from domain.status import campaign_status

BARE_INSERT = "bare FastAPI `def` route: one insert + commit"
BARE_LIST = "the list's plain SQL, no HTTP"
BARE_COUNTS = "the counts' plain SQL, no HTTP"
MANY = 8

_PLACE = "/api/v1"


@dataclass(frozen=True, slots=True)
class Stage:
    """Where it is measured. `rounds` of each pair, `size` repetitions of a quick call in each round."""

    database: Database
    bureau: Bureau
    load: Load
    web: Server
    bare: Server
    rounds: int
    size: int


def _bearer(stage: Stage, login: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {stage.bureau.tokens[login]}", "Content-Type": "application/json"}


def _findings(stage: Stage, count: int, numbers: Iterator[int]) -> list[dict[str, object]]:
    units = stage.bureau.units
    return [
        {
            "campaign": CAMPAIGN,
            "unit": units[number * 7 % len(units)],
            "description": f"变台变压器渗漏油，第 {number} 处，须停电更换密封垫并复测绝缘电阻",
            "level": "general",
            "category": "生产设备/变压器台区",
            "location": f"10kV 线 {number % 200}# 杆",
        }
        for number in itertools.islice(numbers, count)
    ]


def _post(path: str, body: object, headers: dict[str, str], expect: int) -> Request:
    said = json.dumps(body, ensure_ascii=False)
    return {"method": "POST", "path": path, "headers": headers, "body": said, "expect": expect}


def _get(path: str, headers: dict[str, str]) -> Request:
    return {"method": "GET", "path": path, "headers": headers, "body": None, "expect": 200}


def writing(stage: Stage) -> Iterator[Compared]:
    """Submit a finding; assign a ticket."""
    numbers = itertools.count(1)
    for clients in (1, MANY):
        size = stage.size * (4 if clients > 1 else 1)

        def insert(size: int = size, clients: int = clients) -> Round:
            said = _findings(stage, size, numbers)
            headers = {"Content-Type": "application/json"}
            posts = [_post("/findings", body, headers, 201) for body in said]
            return stage.load.ask(stage.bare, posts, clients=clients)

        def submit(size: int = size, clients: int = clients) -> Round:
            said = enumerate(_findings(stage, size, numbers))
            posts = [
                _post(f"{_PLACE}/findings", body, _bearer(stage, f"jian{n % INSPECTORS}"), 201)
                for n, body in said
            ]
            return stage.load.ask(stage.web, posts, clients=clients)

        def assign(size: int = size, clients: int = clients) -> Round:
            headers = _bearer(stage, SUPERVISOR)
            posts = [
                _post(f"{_PLACE}/tickets/{number}/assign", facts, headers, 200)
                for number, facts in _assignments(stage.database, size)
            ]
            return stage.load.ask(stage.web, posts, clients=clients)

        yield in_turn("submit a finding", submit, BARE_INSERT, insert, clients=clients, rounds=stage.rounds)
        yield in_turn("assign a ticket", assign, BARE_INSERT, insert, clients=clients, rounds=stage.rounds)


def _assignments(database: Database, count: int) -> list[tuple[str, dict[str, str]]]:
    """Tickets still to be assigned, and to whom."""
    with database.reading() as session:
        rows = session.execute(
            text(
                """SELECT DISTINCT ON (t.id) t.number, p.login FROM (
                       SELECT * FROM tickets WHERE state = 'found' AND level <> 'major' ORDER BY id DESC LIMIT :count
                   ) AS t
                   JOIN units u ON u.id = t.unit_id
                   JOIN units below ON below.path LIKE u.path || '%'
                   JOIN people p ON p.unit_id = below.id AND p.login LIKE 'gong%'"""
            ),
            {"count": count},
        ).all()
    if len(rows) < count:
        raise RuntimeError("not enough tickets to assign; measure with more")
    return [
        (number, {"assignee": login, "duty": "负责停电处理", "measure": "停电更换密封垫"})
        for number, login in rows
    ]


_LIST = """
SELECT t.*, u.code, u.name, c.code, finder.login, finder.name, assignee.login, assignee.name
FROM tickets t
JOIN units u ON u.id = t.unit_id
JOIN campaigns c ON c.id = t.campaign_id
JOIN people finder ON finder.id = t.finder_id
LEFT JOIN people assignee ON assignee.id = t.assignee_id
WHERE {which}
ORDER BY {order} LIMIT {limit}
"""
_RECENT = "t.recorded_at DESC, t.id DESC"
_DUE = "coalesce(t.due_at, 'infinity'), t.id"
_IN_SIGHT = "t.unit_id IN (SELECT id FROM units WHERE path LIKE %(path)s)"
_THIS_CAMPAIGN = "t.campaign_id = (SELECT id FROM campaigns WHERE code = %(campaign)s)"


@dataclass(frozen=True, slots=True)
class Reading:
    """One list: who reads it where, and the SQL that finds the same tickets."""

    name: str
    login: str
    path: str
    page: bool
    which: str
    order: str = _RECENT
    many: bool = False
    """Whether it is also read by many clients at once."""


READINGS = (
    Reading("queue page, newest first", SUPERVISOR, "/tickets", True, _IN_SIGHT, many=True),
    Reading("queue page of one station", STATION_SUPERVISOR, "/tickets", True, _IN_SIGHT),
    Reading(
        "my work, by deadline (page)",
        ASSIGNEE,
        "/tickets?mine=1",
        True,
        f"{_IN_SIGHT} AND t.state = 'assigned' AND t.assignee_id = (SELECT id FROM people WHERE login = %(login)s)",
        _DUE,
    ),
    Reading("ticket list (API)", SUPERVISOR, "/tickets?limit=50", False, _IN_SIGHT, many=True),
    Reading(
        "assigned, by deadline (API)",
        SUPERVISOR,
        f"/tickets?campaign={CAMPAIGN}&state=assigned&sort=due&limit=50",
        False,
        f"{_IN_SIGHT} AND {_THIS_CAMPAIGN} AND t.state = 'assigned'",
        _DUE,
    ),
    Reading(
        "overdue of one station (API)",
        STATION_SUPERVISOR,
        f"/tickets?campaign={CAMPAIGN}&overdue=true&limit=50",
        False,
        f"{_IN_SIGHT} AND {_THIS_CAMPAIGN} AND t.state = 'assigned' AND t.due_at < now()",
    ),
    Reading(
        "search a text (API)",
        SUPERVISOR,
        "/tickets?limit=50&q=%E7%AC%AC77%E5%A4%84",
        False,
        f"{_IN_SIGHT} AND t.description ILIKE '%%第77处%%'",
    ),
)
_PATHS = {SUPERVISOR: "/XB/%", STATION_SUPERVISOR: "/XB/XB01/%", ASSIGNEE: "/XB/XB01/XB01-a/%"}


def reading(stage: Stage) -> Iterator[Compared]:
    """The queue page and the lists, with one client; the plain queue with many as well."""
    for each in READINGS:
        for clients in (
            (1, MANY) if each.path in ("/tickets", "/tickets?limit=50") and each.login == SUPERVISOR else (1,)
        ):
            size = max(stage.size // 2, 8 * clients // MANY) * (2 if clients > 1 else 1)
            limit = 41 if each.page else 51
            statement = _LIST.format(which=each.which, order=each.order, limit=limit)
            given = {"path": _PATHS[each.login], "campaign": CAMPAIGN, "login": each.login}
            if each.page:
                ask = _get(each.path, {"Cookie": f"chuncha_session={stage.bureau.cookies[each.login]}"})
            else:
                ask = _get(f"{_PLACE}{each.path}", _bearer(stage, each.login))
            with closing(PlainSql(stage.database.url, statement, given, clients=clients)) as bare:
                yield in_turn(
                    each.name,
                    _asking(stage, ask, size, clients),
                    BARE_LIST,
                    partial(bare.run, size),
                    clients=clients,
                    rounds=stage.rounds,
                )


_COUNTS = """
SELECT unit_id, level, state, count(*), count(*) FILTER (WHERE state = 'assigned' AND due_at < now()),
       count(*) FILTER (WHERE fixed_at <= first_due_at), sum(return_count)
FROM tickets WHERE campaign_id = (SELECT id FROM campaigns WHERE code = %(campaign)s)
GROUP BY unit_id, level, state
"""


def status(stage: Stage) -> Iterator[Compared]:
    """How the campaign stands: the call, the page, and the query alone."""
    size = max(stage.size // 8, 4)
    call = _get(f"{_PLACE}/campaigns/{CAMPAIGN}/status", _bearer(stage, SUPERVISOR))
    page = _get(
        f"/campaigns/{CAMPAIGN}/status", {"Cookie": f"chuncha_session={stage.bureau.cookies[SUPERVISOR]}"}
    )

    def alone() -> None:
        with stage.database.reading() as session:
            actor = actor_by_login(session, SUPERVISOR)
            campaign = campaign_by_code(session, CAMPAIGN, actor=actor)
            campaign_status(session, campaign, actor=actor, now=stage.bureau.now)

    for name, clients, times, run in (
        ("campaign status (the query alone)", 1, size, partial(timed, alone, size)),
        ("campaign status (API)", 1, size, _asking(stage, call, size, 1)),
        ("campaign status (page)", 1, size, _asking(stage, page, size, 1)),
        ("campaign status (API)", MANY, 2 * MANY, _asking(stage, call, 2 * MANY, MANY)),
    ):
        with closing(PlainSql(stage.database.url, _COUNTS, {"campaign": CAMPAIGN}, clients=clients)) as bare:
            counts = partial(bare.run, times)
            yield in_turn(name, run, BARE_COUNTS, counts, clients=clients, rounds=stage.rounds)


def _asking(stage: Stage, request: Request, size: int, clients: int) -> Subject:
    return partial(stage.load.ask, stage.web, [request] * size, clients=clients)
