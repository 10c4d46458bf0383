"""The supervisor's desk in a bureau of 200 units and 50 000 tickets: the board and the work queue, page by page.

Nothing of its size is easier: one campaign holds every ticket and every unit, and whoever looks sees all of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from urllib.parse import quote

import psutil
from sqlalchemy import select, text

from bench.bureau import CAMPAIGN, STATION_SUPERVISOR, SUPERVISOR, Bureau
from bench.clients import Request
from bench.measure import Figures, Load, Round, Server
from bench.report import machine
from domain.access import actor_by_login
from domain.checklists import NewChecklist, put_checklist
from domain.comments import NewComment, comment
from domain.database import Database
from domain.records import Ticket
from domain.ticket_orders import TicketOrder, bookmark_after
from domain.tickets import ticket_by_number
from statemachines.roles import SYSTEM

STATIONS, TEAMS, TICKETS = 40, 4, 50_000
"""40 stations of four teams each are 200 units."""

LIMIT = 150.0
"""Milliseconds in which 95 of 100 answers are there."""

PER_PAGE = 40


def furnish(database: Database, *, now: datetime) -> None:
    """Visits, steps climbed and requests for more time, for the bureau whose tickets are made."""
    item = {
        "code": "A01",
        "category": "生产设备/线路",
        "item": "拉线",
        "criterion": "符合规程要求",
        "level": "general",
        "measure": "处理",
        "deadline_days": 15,
    }
    with database.transaction() as session:
        new = NewChecklist.model_validate({"code": "DIST", "name": "配电检查表", "items": [item]})
        put_checklist(session, new, actor=SYSTEM, now=now)
    statements = (Path(__file__).parent / "desk.sql").read_text(encoding="utf-8").split(";\n")
    with database.engine.begin() as connection:
        for statement in filter(str.strip, statements):
            connection.execute(text(statement), {"now": now})
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


@dataclass(frozen=True, slots=True)
class Look:
    """One page: what it is called, who opens it, its address."""

    name: str
    login: str
    path: str
    changed: bool = False
    """Opened right after something was written, so that nothing kept from before can be shown."""


def _last(database: Database, order: TicketOrder, now: datetime) -> str:
    """The cursor of the last page of the list in this order."""
    with database.reading() as session:
        column = Ticket.due_at.desc() if order is TicketOrder.DUE else Ticket.recorded_at
        closed = Ticket.state.in_(("verified", "cancelled"))
        query = select(Ticket).where(closed).order_by(column, Ticket.id).offset(PER_PAGE).limit(1)
        ticket = session.scalars(query).one()
        return bookmark_after(ticket, 0 if order is TicketOrder.RECENT else 1, order, now).encoded()


def looks(database: Database, bureau: Bureau) -> list[Look]:
    """Every page of the desk that is measured."""
    station = bureau.units[0]
    board = f"/campaigns/{CAMPAIGN}/status"
    with database.reading() as session:
        one = session.scalars(select(Ticket.number).where(Ticket.state == "fixed").limit(1)).one()
    pages = [
        Look("board of the bureau, after a change", SUPERVISOR, board, changed=True),
        Look("board of one station, after a change", SUPERVISOR, f"{board}?unit={station}", changed=True),
        Look("board, as a station's supervisor, after a change", STATION_SUPERVISOR, board, changed=True),
        Look("board of the bureau, nothing changed", SUPERVISOR, board),
        Look("queue", SUPERVISOR, "/tickets"),
        Look("queue of a station's supervisor", STATION_SUPERVISOR, "/tickets"),
        Look("queue, overdue by deadline", SUPERVISOR, "/tickets?overdue=1&sort=due"),
        Look("queue, nobody took it, by age", SUPERVISOR, "/tickets?untaken=1&sort=age"),
        Look(
            "queue, serious and assigned, by risk",
            SUPERVISOR,
            "/tickets?state=assigned&level=serious&sort=risk",
        ),
        Look(
            "queue, verified in one station's campaign",
            SUPERVISOR,
            f"/tickets?campaign={CAMPAIGN}&unit={station}&state=verified",
        ),
        Look("queue, returned twice", SUPERVISOR, f"/tickets?campaign={CAMPAIGN}&returned_at_least=2"),
    ]
    pages += [
        Look(f"search {words}", SUPERVISOR, f"/tickets?q={quote(words)}")
        for words in ("渗漏油", "第77处", "接地引下线 第1234处", "绝缘 停电 10kV", "绝缘手套老化", "漏")
    ]
    pages += [
        Look(
            f"last page, by {order.value}",
            SUPERVISOR,
            f"/tickets?sort={order.value}&cursor={_last(database, order, bureau.now)}",
        )
        for order in (TicketOrder.RECENT, TicketOrder.DUE, TicketOrder.RISK)
    ]
    return [*pages, Look("ticket page", SUPERVISOR, f"/tickets/{one}")]


@dataclass(slots=True)
class Seen:
    """What was measured of a page; `database` is the database's processor time for each answer, milliseconds."""

    look: Look
    figures: Figures
    database: float

    @property
    def p95s(self) -> list[float]:
        """Milliseconds, round by round."""
        return [sorted(one.milliseconds)[int(len(one.milliseconds) * 0.95)] for one in self.figures.rounds]


class DatabaseTime:
    """Seconds of processor time of an embedded server and all its backends."""

    def __init__(self, data: Path) -> None:
        pid = int((data / "postgres" / "postmaster.pid").read_text().splitlines()[0])
        self._postmaster = psutil.Process(pid)

    def spent(self) -> float:
        """So far; a backend that ended takes its own along, so keep connections."""
        total = 0.0
        for process in [self._postmaster, *self._postmaster.children(recursive=True)]:
            try:
                times = process.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += times.user + times.system
        return total


def measured(
    database: Database, bureau: Bureau, web: Server, load: Load, *, data: Path, rounds: int, size: int
) -> Iterator[Seen]:
    """Open every page `size` times in each of the rounds, one client after another."""
    clock = DatabaseTime(data)
    pages = looks(database, bureau)
    found = {look: Figures() for look in pages}
    spent = dict.fromkeys(pages, 0.0)
    ask = partial(load.ask, web, clients=1)
    for number in range(rounds + 1):
        for look in pages:
            times = size if number else 4
            shares = [1] * times if look.changed else [times]
            done, took = [], 0.0
            for share in shares:
                if look.changed:
                    _change(database)
                before = clock.spent()
                done.append(ask([_opened(look, bureau)] * share))
                took += clock.spent() - before
            if number:
                # The first round only warms everything up.
                found[look].rounds.append(_together(done))
                spent[look] += took
    for look in pages:
        yield Seen(look, found[look], spent[look] * 1000 / (rounds * size))


def _change(database: Database) -> None:
    """Leave something new in the history, as every command does: a comment."""
    now = datetime.now(UTC)
    with database.transaction() as session:
        actor = actor_by_login(session, SUPERVISOR)
        number = session.scalars(select(Ticket.number).where(Ticket.state == "assigned").limit(1)).one()
        ticket = ticket_by_number(session, number, actor=actor)
        comment(session, ticket, NewComment(text="已联系停电"), actor=actor, now=now)


def _together(rounds: list[Round]) -> Round:
    return Round(
        [each for one in rounds for each in one.milliseconds],
        sum(one.seconds for one in rounds),
        sum(one.cpu for one in rounds),
    )


def _opened(look: Look, bureau: Bureau) -> Request:
    headers = {"Cookie": f"chuncha_session={bureau.cookies[look.login]}"}
    return {"method": "GET", "path": look.path, "headers": headers, "body": None, "expect": 200}


def unchanged(web: Server, load: Load, bureau: Bureau, *, times: int) -> Round:
    """What an open board costs while nothing changes: the same question again and again, answered by 304."""
    path = f"/campaigns/{CAMPAIGN}/status?part=board"
    headers = {"Cookie": f"chuncha_session={bureau.cookies[SUPERVISOR]}"}
    connection = HTTPConnection("127.0.0.1", web.port, timeout=60)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    answer.read()
    tag = answer.getheader("etag")
    connection.close()
    same = {**headers, "If-None-Match": str(tag)}
    one: Request = {"method": "GET", "path": path, "headers": same, "body": None, "expect": 304}
    return load.ask(web, [one] * times, clients=1)


def tables(seen: list[Seen], poll: Round, *, tickets: int, units: int, postgres: str, load: float) -> str:
    """The measured part of the page."""
    lines = [
        (
            f"Measured with {units} units and {tickets:,} tickets on {machine(postgres, load)}"
            f" Load average at the end: {os.getloadavg()[0]:.1f}."
        ),
        "",
        "| page | median ms | p95 ms | p95 by round | CPU ms, web | CPU ms, database | within 150 ms |",
        "|---|--:|--:|--:|--:|--:|---|",
    ]
    for each in seen:
        figures, rounds = each.figures, each.p95s
        cells = (
            each.look.name,
            f"{figures.p50:.1f}",
            f"{figures.p95:.1f}",
            f"{min(rounds):.0f} to {max(rounds):.0f}",
            f"{figures.cpu:.1f}",
            f"{each.database:.1f}",
            "yes" if figures.p95 <= LIMIT else "**no**",
        )
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        (
            f"An open board that asks whether anything changed, and nothing did: {median(poll.milliseconds):.1f} ms,"
            f" {poll.cpu * 1000 / len(poll.milliseconds):.1f} ms of the web process's time."
        ),
    ]
    return "\n".join(lines)
