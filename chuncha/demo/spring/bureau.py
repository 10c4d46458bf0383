"""The bureau the demo plays in: an invented county with fifteen stations, read from the tables it also imports."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from chuncha.demo.people import Colleague, Table, colleagues
from statemachines.roles import Role

CODE = "YL"
NAME = "云岭县供电局"
CHECKLIST = "PD90"

UNITS, PEOPLE = Table.of(__package__, "units"), Table.of(__package__, "people")


@dataclass(frozen=True, slots=True)
class Station:
    """A station with its people. `fixers` are those of its team where it has one, else its own.

    `partner` is the bureau's inspector who looks after it, `outsider` one who does not and looks at it for the sample;
    `lines` are its 10 kV lines, `villages` what they feed.
    """

    code: str
    name: str
    head: Colleague
    checker: Colleague
    fixers: tuple[Colleague, ...]
    partner: Colleague
    outsider: Colleague
    lines: tuple[str, ...]
    villages: tuple[str, ...]

    @property
    def short(self) -> str:
        """柳林供电所 → 柳林所."""
        return self.name.replace("供电所", "所")


# fmt: off
_VILLAGES = (
    "张庄", "李家沟", "前营", "后洼", "小寨", "上河", "下河", "杨树屯", "王家店", "刘庄",
    "北沟", "新村", "老君堂", "塔坡", "枣园", "沙岗", "高台", "石门", "泉头", "竹园",
)
# fmt: on
_SIDES = "东西南北"


class Bureau:
    """Who is who."""

    def __init__(self) -> None:
        self.people = colleagues(PEOPLE)
        self._units = UNITS.rows()

    def named(self, login: str) -> Colleague:
        """The person with this login."""
        return next(each for each in self.people if each.login == login)

    def holding(self, role: Role, unit: str = CODE) -> list[Colleague]:
        """The people of one unit with this role."""
        return [each for each in self.people if each.unit == unit and each.role is role]

    @property
    def safety_supervisor(self) -> Colleague:
        """安监部主任: sets the campaign up, assigns what is beyond a station."""
        return self.holding(Role.SUPERVISOR)[0]

    @property
    def leader(self) -> Colleague:
        """分管副局长."""
        return self.holding(Role.LEADER)[0]

    @property
    def inspectors(self) -> list[Colleague]:
        """The bureau's own inspectors."""
        return self.holding(Role.INSPECTOR)

    @cached_property
    def stations(self) -> list[Station]:
        """The fifteen stations in the order of the table."""
        codes = [(row["code"], row["name"]) for row in self._units if row["kind"] == "station"]
        return [self._station(place, code, name) for place, (code, name) in enumerate(codes)]

    def _station(self, place: int, code: str, name: str) -> Station:
        inspectors = self.inspectors
        fixers = self.holding(Role.ASSIGNEE, f"{code}-A") or self.holding(Role.ASSIGNEE, code)
        side = next(side for side in _SIDES[place % 4 :] + _SIDES if side != name[0])
        lines = (f"10kV {name.removesuffix('供电所')}线", f"10kV {name[0]}{side}线")
        villages = tuple(_VILLAGES[(3 * place + step) % len(_VILLAGES)] for step in range(4))
        return Station(
            code=code,
            name=name,
            head=self.holding(Role.SUPERVISOR, code)[0],
            checker=self.holding(Role.INSPECTOR, code)[0],
            fixers=tuple(fixers),
            partner=inspectors[place % len(inspectors)],
            outsider=inspectors[(place - 1) % len(inspectors)],
            lines=lines,
            villages=villages,
        )
