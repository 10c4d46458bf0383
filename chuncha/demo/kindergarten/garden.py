"""Who is who in the kindergarten, what is checked where, and what is seen there."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from random import Random
from uuid import UUID

from chuncha.demo.people import Colleague, Table, colleagues
from chuncha.demo.photos import Shot, scene_of
from chuncha.demo.steps import Hazard, Item
from domain.samples import CHECKLIST_KINDERGARTEN, sample
from statemachines.labels import Level
from statemachines.roles import Role

CODE = "CY"
CHECKLIST = "YZ31"

UNITS, PEOPLE = Table.of(__package__, "units"), Table.of(__package__, "people")

#: What a check looks at, by kind of place; everything else on the list does not apply there.
_ROOMS = "K01 K03 K04 K05 K06 K07 K11 K15 K16 K24 K26 K27 K28 K29 K30 K31"
_LOOKED_AT = {
    "CY-ST": "K01 K03 K13 K15 K16 K17 K18 K19 K20 K21 K30 K31",
    "CY-MW": "K12 K13 K16 K22 K23 K24 K25 K30 K31",
    "CY-HW": "K02 K08 K09 K10 K11 K30 K31",
}
_LEVELS = {level.zh: level for level in Level}


@dataclass(frozen=True, slots=True)
class Place:
    """A class, the kitchen, the gate, the playground: who checks it and which items apply there."""

    code: str
    name: str
    checker: Colleague
    items: tuple[Item, ...]


class Garden:
    """The kindergarten."""

    def __init__(self) -> None:
        self.people = colleagues(PEOPLE)
        rows = csv.DictReader(io.StringIO(sample(CHECKLIST_KINDERGARTEN).decode()))
        self.items = {
            row["code"]: Item(
                row["code"],
                row["category"],
                row["item"],
                _LEVELS[row["level"]],
                row["measure"],
                int(row["deadline_days"]),
            )
            for row in rows
        }
        table = files(__package__).joinpath("seen.csv").read_text(encoding="utf-8")
        self._seen = list(csv.DictReader(io.StringIO(table)))
        self.places = [self._place(row["code"], row["name"]) for row in UNITS.rows() if row["kind"] == "team"]

    def _place(self, code: str, name: str) -> Place:
        checker = next(each for each in self.people if each.unit == code)
        applies = _LOOKED_AT.get(code, _ROOMS).split()
        return Place(code, name, checker, tuple(self.items[item] for item in applies))

    def _holding(self, role: Role) -> Colleague:
        return next(each for each in self.people if each.unit == CODE and each.role is role)

    @property
    def director(self) -> Colleague:
        """园长."""
        return self._holding(Role.LEADER)

    @property
    def logistics(self) -> Colleague:
        """后勤主任: sets the campaign up, assigns, follows up."""
        return self._holding(Role.SUPERVISOR)

    @property
    def doctor(self) -> Colleague:
        """保健医生: checks for the whole house and re-checks what was fixed."""
        return self._holding(Role.INSPECTOR)

    @property
    def repairer(self) -> Colleague:
        """维修工."""
        return self._holding(Role.ASSIGNEE)

    def see(self, chance: Random, place: Place, *, at: datetime, by: Colleague) -> Hazard:
        """Something found wanting at a place: one of what people write of its items, sometimes with a photo."""
        codes = {item.code for item in place.items}
        row = chance.choice([each for each in self._seen if each["code"] in codes])
        item = self.items[row["code"]]
        taken = chance.random() < 0.6 or item.level is Level.GENERAL
        shot = Shot(scene_of(item.category), False, at, 30.61, 104.08, chance.getrandbits(32))
        return Hazard(
            key=UUID(int=chance.getrandbits(128), version=4),
            unit=place.code,
            item=item,
            level=item.level,
            words=row["seen"].format(n=chance.randint(2, 4)),
            location=f"{place.name}{row['where']}",
            found_at=at,
            finder=by,
            source="inspection",
            photos=(shot,) if taken else (),
        )
