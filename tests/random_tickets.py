"""Tickets of every kind the laws allow, drawn by a seed and written straight into the tables, with what is chased of them."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from domain.records import Campaign, Chase, NumberCounter, Person, Ticket, Unit
from tests.world import World

CATEGORIES = ("生产设备/变压器台区", "生产设备/线路", "生产设备", "安全管理/资料", "安全工器具")
PLACES = ("LL01", "LL01-A", "SQ02", "XB")
FIXERS = ("wangjianguo", "sunhua", "zhouhai", "qiansuozhang")
FINDERS = ("limin", "sunhua", "zhouhai", "shisuozhang")
STATES = ("found", "assigned", "fixed", "verified", "cancelled")
STEPS = {
    "found": ("unassigned", ("unassigned-1", "unassigned-3")),
    "assigned": ("deadline", ("due-in-1", "overdue")),
}


def scatter(world: World, count: int, *, seed: int, campaign: str = "CC2026", number: str = "R") -> None:
    """Write `count` tickets of the campaign; a tenth of them began in another campaign when there is one."""
    chance = random.Random(seed)
    with world.database.transaction() as session:
        campaigns = dict(session.execute(select(Campaign.code, Campaign.id)).tuples().all())
        others = [key for code, key in campaigns.items() if code != campaign] or [campaigns[campaign]]
        units = dict(session.execute(select(Unit.code, Unit.id)).tuples().all())
        people = {each.login: each for each in session.scalars(select(Person))}
        rows, chases = [], []
        for place in range(count):
            row = _ticket(chance, world, units, people)
            row |= {
                "number": f"{campaign}-{number}-{place:04}",
                "campaign_id": campaigns[campaign],
                "origin_campaign_id": chance.choice(others) if chance.random() < 0.1 else campaigns[campaign],
            }
            rows.append(row)
            if row["state"] in STEPS and chance.random() < 0.5:
                chases.append(_chase(chance, row))
        session.execute(insert(Ticket), rows)
        session.execute(insert(Chase), chases)
        _count_numbers(session, rows)


def _ticket(
    chance: random.Random, world: World, units: dict[str, UUID], people: dict[str, Person]
) -> dict[str, Any]:
    state = chance.choice(STATES)
    level = chance.choices(("general", "serious", "major"), (7, 3, 2))[0]
    found_at = world.now - timedelta(minutes=chance.randrange(1, 45 * 24 * 60))
    given, done = state in ("assigned", "fixed", "verified"), state in ("fixed", "verified")
    given = given or (state == "cancelled" and chance.random() < 0.5)
    first = max(
        found_at, world.now + timedelta(hours=chance.choice((-200, -30, -2, 0, 1, 60, 100, 160, 168, 400)))
    )
    moved = first + timedelta(days=chance.choice((0, 0, 5)))
    finder, fixer = people[chance.choice(FINDERS)], people[chance.choice(FIXERS)]
    fixed_at = found_at + (world.now - found_at) * chance.random()
    returned = chance.choice((0, 0, 0, 1, 2, 3)) if given and state != "cancelled" else 0
    return {
        "id": uuid7(),
        "unit_id": units[chance.choice(PLACES)],
        "description": "随机隐患",
        "level": level,
        "category": chance.choice(CATEGORIES),
        "source": "inspection",
        "found_at": found_at,
        "recorded_at": found_at,
        "finder_id": finder.id,
        "fingerprint": str(chance.random()),
        "state": state,
        "assignee_id": people[chance.choice(FIXERS)].id if given else None,
        "duty": "负责整改" if given else None,
        "measure": "停电更换" if given else None,
        "budget": 100 if given and level == "major" else None,
        "emergency_plan": "专人看守" if given and level == "major" else None,
        "first_due_at": first if given else None,
        "due_at": moved if given else None,
        "due_version": 1 if given else 0,
        "assigned_at": found_at if given else None,
        "fixer_id": fixer.id if done or returned else None,
        "fixer_unit_id": fixer.unit_id if done or returned else None,
        "fixed_at": fixed_at if done or returned else None,
        "fix_note": "已更换" if done or returned else None,
        "on_the_spot": done and level == "general" and chance.random() < 0.2,
        "first_verifier_id": people["zhangqiang"].id if state == "verified" and level == "major" else None,
        "verifier_id": people["limin"].id if state == "verified" else None,
        "verified_at": fixed_at + (world.now - fixed_at) * chance.random() if state == "verified" else None,
        "return_count": returned,
        "supervised_at": world.now if chance.random() < 0.1 else None,
        "cancelled_at": world.now if state == "cancelled" else None,
        "cancel_reason": "不构成隐患" if state == "cancelled" else None,
        "files_expected": 0,
        "files_arrived": 0,
        "version": 1,
    }


def _chase(chance: random.Random, row: dict[str, Any]) -> dict[str, Any]:
    matter, steps = STEPS[row["state"]]
    return {
        "id": uuid7(),
        "matter": matter,
        "subject_id": row["id"],
        "ticket_id": row["id"],
        "unit_id": row["unit_id"],
        "campaign_id": row["campaign_id"],
        "level": row["level"],
        "anchor_at": row["due_at"] or row["recorded_at"],
        "planned_from": row["recorded_at"],
        "turn": 2,
        "last_step": chance.choice(steps),
        # Climbed before the deadline moved: no longer of the present turn.
        "last_turn": chance.choice((1, 2, 2, 2)),
    }


def _count_numbers(session: Session, rows: list[dict[str, Any]]) -> None:
    keys = {(row["campaign_id"], row["unit_id"]) for row in rows}
    known = {(each.campaign_id, each.unit_id) for each in session.scalars(select(NumberCounter))}
    session.add_all(
        NumberCounter(campaign_id=one, unit_id=two, last=len(rows)) for one, two in sorted(keys - known)
    )
