"""Reads the hand-written matrices: who may cause each event in each state, and what everybody else is told.

A line is `state | level | event | leads to | who may | what the others are told`:

- `level` is `any`, or the levels the line speaks of; a chart without levels leaves the column out;
- `who may` lists personas (below), `-` is nobody;
- the last column is the refusal's code, preceded by exceptions: `assignee=self-verification; role-missing`.

Every state × level × event × persona must stand in it exactly once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from statemachines.labels import Level
from statemachines.roles import SYSTEM, Actor, Grant, Role

STATION = "/XB/XB03/"
BUREAU = "/XB/"


def person(
    number: int,
    name: str,
    *roles: Role,
    home: str = BUREAU,
    at: str = BUREAU,
    stands_in_for: int | None = None,
) -> Actor:
    grants = tuple(Grant(role, at) for role in roles)
    away = frozenset() if stands_in_for is None else frozenset({UUID(int=stands_in_for)})
    return Actor(UUID(int=number), f"p{number}", name, UUID(int=900), home, grants, stands_in_for=away)


PERSONAS: dict[str, Actor] = {
    "inspector": person(1, "小李", Role.INSPECTOR),
    # 王工 is the person responsible of every ticket beyond found, and its fixer beyond assigned.
    "assignee": person(2, "王工", Role.ASSIGNEE, home=STATION, at=STATION),
    # 王工 is away today; the substitute acts for them, but does not become them.
    "substitute": person(9, "孙工", Role.ASSIGNEE, home=STATION, at=STATION, stands_in_for=2),
    "colleague": person(3, "赵工", Role.ASSIGNEE, home=STATION, at=STATION),
    "supervisor": person(4, "陈主管", Role.SUPERVISOR),
    "leader": person(5, "周局长", Role.LEADER),
    "administrator": person(6, "管理员", Role.ADMINISTRATOR),
    "program": person(7, "接口", Role.PROGRAM),
    # Every role, but at another station: roles hold in their own subtree only.
    "elsewhere": person(8, "外所老孙", *Role, home="/XB/XB04/", at="/XB/XB04/"),
    "clock": SYSTEM,
}


@dataclass(frozen=True)
class Cell:
    state: str
    level: Level
    event: str
    persona: str
    leads_to: str | None
    refused: str | None

    def __str__(self) -> str:
        return f"{self.state}-{self.level.value}-{self.event}-{self.persona}"


def cells(table: str, *, levels: bool = True) -> Iterator[Cell]:
    """Every cell the table speaks of."""
    for line in table.strip().splitlines():
        if not line.strip():
            continue
        columns = [column.strip() for column in line.split("|")]
        if not levels:
            columns.insert(1, "general")
        state, level, event, leads_to, may, others = columns
        who_may = set() if may == "-" else set(may.split())
        assert who_may <= PERSONAS.keys(), line
        *exceptions, rest = (part.strip() for part in others.split(";"))
        told = {
            name: code for part in exceptions for names, code in [part.split("=")] for name in names.split()
        }
        assert told.keys() <= PERSONAS.keys() - who_may, line
        for each in Level if level == "any" else [Level(word) for word in level.split()]:
            for persona in PERSONAS:
                if persona in who_may:
                    yield Cell(state, each, event, persona, leads_to, None)
                else:
                    yield Cell(state, each, event, persona, None, told.get(persona, rest))
