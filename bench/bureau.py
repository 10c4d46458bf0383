"""A bureau large enough to measure: 15 stations and 45 teams (or more), one campaign under way and its tickets.

Units, people and the campaign are made by the commands; the tickets by set-based SQL, because submitting a hundred
thousand one by one would take longer than measuring.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from string import ascii_lowercase

from sqlalchemy import text

from domain.access import actor_by_login, issue_token, set_password, sign_in
from domain.campaigns import NewCampaign, create_campaign, move_campaign
from domain.database import Database
from domain.people import NewPerson, NewUnit, add_person, add_unit, first_administrator
from statemachines.labels import local_day
from statemachines.refusals import Refusal
from statemachines.roles import SYSTEM

CAMPAIGN = "CC2026"
STATIONS = 15
TEAMS = 3
INSPECTORS = 6
KEPT = "bureau.json"
PRESENT = 3
"""Statements of tickets.sql for what is: tickets, what is chased, the counters. Those after tell what was."""

SUPERVISOR, STATION_SUPERVISOR, ASSIGNEE = "zhuren", "suozhang01", "gong01a0"
"""Whose eyes a list is read with: the whole bureau, one station, one's own work."""


@dataclass(frozen=True, slots=True)
class Bureau:
    """Who may come in: bearer tokens by login, session cookies by login."""

    tokens: dict[str, str]
    cookies: dict[str, str]
    units: list[str]
    now: datetime


def keep_bureau(folder: Path, bureau: Bureau) -> None:
    """Write down who may come in, beside the database."""
    told = {**asdict(bureau), "now": bureau.now.isoformat()}
    (folder / KEPT).write_text(json.dumps(told), encoding="utf-8")


def kept_bureau(folder: Path) -> Bureau | None:
    """The bureau made in this folder before, None when there is none."""
    if not (folder / KEPT).exists():
        return None
    told = json.loads((folder / KEPT).read_text(encoding="utf-8"))
    return Bureau(**{**told, "now": datetime.fromisoformat(told["now"])})


def build_bureau(
    database: Database,
    *,
    tickets: int,
    now: datetime,
    stations: int = STATIONS,
    teams: int = TEAMS,
    past: bool = True,
) -> Bureau:
    """Fill an empty migrated database. About a third of a minute for 100 000 tickets.

    Without `past` the tickets have neither history nor messages yet.
    """
    begun = now - timedelta(days=62)
    inspectors = [f"jian{number}" for number in range(INSPECTORS)]
    with database.transaction() as session:
        first_administrator(session, now=begun)

        def unit(code: str, name: str, kind: str, parent: str | None) -> str:
            new = NewUnit.model_validate({"code": code, "name": name, "kind": kind, "parent": parent})
            return add_unit(session, new, actor=SYSTEM, now=begun).code

        def person(login: str, name: str, at: str, *roles: str) -> None:
            new = {"login": login, "name": name, "unit": at, "roles": roles, "email": f"{login}@example.org"}
            add_person(session, NewPerson.model_validate(new), actor=SYSTEM, now=begun)

        bureau = unit("XB", "县供电局", "bureau", None)
        units = []
        person(SUPERVISOR, "赵主任", bureau, "supervisor")
        person("juzhang", "郑局长", bureau, "leader")
        for login in inspectors:
            person(login, f"检查员{login[-1]}", bureau, "inspector")
        for number in range(1, stations + 1):
            station = unit(f"XB{number:02}", f"第{number}供电所", "station", bureau)
            units.append(station)
            person(f"suozhang{number:02}", f"{number}所所长", station, "supervisor")
            for letter in ascii_lowercase[:teams]:
                team = unit(f"{station}-{letter}", f"{number}所{letter}班", "team", station)
                units.append(team)
                for each in range(2):
                    person(
                        f"gong{number:02}{letter}{each}", f"{number}所{letter}班工{each}", team, "assignee"
                    )
    scope = units[:: teams + 1]
    with database.transaction() as session:
        supervisor = actor_by_login(session, SUPERVISOR)
        campaign = create_campaign(session, _campaign(scope, now), actor=supervisor, now=begun)
        facts = {"notice_number": "工劳监〔2026〕12号", "held_on": local_day(begun), "attendance": 63}
        move_campaign(session, campaign, "mobilise", facts, actor=supervisor, now=begun)
        move_campaign(session, campaign, "inspect", {}, actor=supervisor, now=begun)
    _make_tickets(database, tickets, now=now, past=past)
    return _let_in(database, [SUPERVISOR, STATION_SUPERVISOR, ASSIGNEE, *inspectors], units, now=now)


def _campaign(stations: list[str], now: datetime) -> NewCampaign:
    today = local_day(now)
    dates = {
        "inspecting": {"from": today - timedelta(days=60), "to": today + timedelta(days=20)},
        "rectifying": {"from": today + timedelta(days=21), "to": today + timedelta(days=40)},
    }
    return NewCampaign.model_validate(
        {
            "code": CAMPAIGN,
            "name": "2026年春查",
            "kind": "春查",
            "unit": "XB",
            "units": stations,
            "phases": dates,
        }
    )


def _let_in(database: Database, logins: list[str], units: list[str], *, now: datetime) -> Bureau:
    tokens, cookies = {}, {}
    with database.transaction() as session:
        for login in logins:
            tokens[login] = issue_token(session, login, note="bench", now=now)
        for login in logins[:3]:
            set_password(session, login, "bench-password", one_time=False, actor=SYSTEM, now=now)
            came = sign_in(session, login, "bench-password", now=now)
            assert not isinstance(came, Refusal)
            cookies[login] = came.secret
    return Bureau(tokens, cookies, units, now)


def _make_tickets(database: Database, count: int, *, now: datetime, past: bool) -> None:
    statements = (Path(__file__).parent / "tickets.sql").read_text(encoding="utf-8").split(";\n")
    if not past:
        statements = statements[:PRESENT]
    with database.engine.begin() as connection:
        for statement in filter(str.strip, statements):
            connection.execute(text(statement), {"count": count, "now": now})
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
