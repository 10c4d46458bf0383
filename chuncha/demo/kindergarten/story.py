"""A month of weekly checks in a kindergarten (safety month): pure, and the same for the same seed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from chuncha.demo import days
from chuncha.demo.due import due_of
from chuncha.demo.kindergarten.garden import CHECKLIST, CODE, Garden, Place
from chuncha.demo.people import Colleague
from chuncha.demo.photos import Shot, scene_of
from chuncha.demo.steps import (
    Answering,
    Create,
    Deed,
    Hazard,
    MakeUp,
    Quantities,
    Rhythm,
    Signing,
    Step,
    Story,
    ToolTests,
    Turn,
)
from statemachines.labels import Level

CAMPAIGN = "AQ202603"
SET_UP, MOBILISED = date(2026, 2, 25), date(2026, 2, 27)
CHECKING = date(2026, 3, 2), date(2026, 3, 31)
RECTIFYING, RECHECKING, SUMMARISED = date(2026, 4, 1), date(2026, 4, 2), date(2026, 4, 3)
FRIDAYS = (date(2026, 3, 6), date(2026, 3, 13), date(2026, 3, 20), date(2026, 3, 27))
FIRE_CHECK = date(2026, 3, 10)

MISSED = ("CY-Z1", date(2026, 3, 13), date(2026, 3, 19))
"""The class whose teacher is ill: the visit is missed, recorded by the clock, and made up for by the doctor."""
LATE = ("CY-X2", date(2026, 3, 20), date(2026, 3, 23))
"""A visit made on the next working day."""
LAST_CHECK = days.at(RECHECKING, 16)

_OPINIONS = ("现场查看，已整改到位", "与班级老师一同复查，合格", "复查合格，同意销号")


def write_story(seed: int, garden: Garden) -> Story:
    """Every step of the month in the order of time."""
    writer = _Writer(Random(seed), garden)
    steps = tuple(sorted(writer.steps(), key=lambda step: step.at))
    rhythm = Rhythm(
        begins=MOBILISED,
        phases=frozenset({CHECKING[0], RECTIFYING, RECHECKING}),
        planning=frozenset(days.workdays(CHECKING[0], RECTIFYING)),
        summarised=SUMMARISED,
    )
    return Story(CAMPAIGN, rhythm, tuple(_tools(garden)), steps, SET_UP, SUMMARISED)


def _tools(garden: Garden) -> Iterator[dict[str, str]]:
    """A fire extinguisher for each place."""
    for number, place in enumerate(garden.places, start=1):
        yield {
            "number": f"MHQ-{number:02}",
            "kind": "灭火器",
            "unit": place.code,
            "measure_unit": "具",
            "test_interval_months": "12",
            "spec": "4 kg 干粉",
            "holder": place.name,
            "last_test_on": "2025-03-12",
        }


class _Writer:
    def __init__(self, chance: Random, garden: Garden) -> None:
        self._chance, self._garden = chance, garden

    def steps(self) -> Iterator[Step]:
        yield from self._frame()
        for number, friday in enumerate(FRIDAYS):
            for place in self._garden.places:
                if (place.code, friday) != MISSED[:2]:
                    day = LATE[2] if (place.code, friday) == LATE[:2] else friday
                    yield from self._visit(place, friday, day, place.checker, findings=(number + 1) % 3)
        yield from self._made_up()
        yield from self._fire()

    def _frame(self) -> Iterator[Step]:
        logistics = self._garden.logistics
        yield Create(days.at(SET_UP, 9), logistics, campaign(self._garden))
        facts = {
            "notice_number": "春芽园〔2026〕3号",
            "held_on": MOBILISED.isoformat(),
            "attendance": len(self._garden.people) + 15,
        }
        yield Turn(days.at(MOBILISED, 16), logistics, "mobilise", facts)
        for number, friday in enumerate(FRIDAYS):
            for place in self._garden.places[:6]:
                body = {
                    "action": "消毒",
                    "item": "玩教具",
                    "quantity": 60 + 5 * number,
                    "measure_unit": "件",
                    "unit": place.code,
                    "date": friday.isoformat(),
                }
                yield Quantities(days.at(friday, 16, 20), self._garden.doctor, place.code, (body,))

    def _visit(
        self, place: Place, planned: date, day: date, by: Colleague, *, findings: int
    ) -> Iterator[Step]:
        at, signed = days.at(day, 9, 40), days.at(day, 10, 10)
        failed: dict[str, Hazard] = {}
        for _ in range(findings):
            hazard = self._garden.see(self._chance, place, at=at, by=by)
            failed.setdefault(hazard.item.code, hazard)
        applies = {item.code for item in place.items}
        answers = {
            code: "fail" if code in failed else "pass" if code in applies else "na"
            for code in self._garden.items
        }
        yield Answering(at, by, place.code, answers, failed, planned)
        yield Signing(signed, by, place.code, failed, planned)
        for hazard in failed.values():
            yield from self._fate(hazard, signed)

    def _made_up(self) -> Iterator[Step]:
        unit, missed_on, day = MISSED
        doctor = self._garden.doctor
        yield MakeUp(days.at(day, 9, 5), self._garden.logistics, unit, missed_on, day, doctor.login)
        place = next(each for each in self._garden.places if each.code == unit)
        yield from self._visit(place, day, day, doctor, findings=1)

    def _fire(self) -> Iterator[Step]:
        """A monthly check of kitchen and gate, added when the month has begun, and the fire extinguishers."""
        logistics = self._garden.logistics
        body = {
            "every": "monthly",
            "from": CHECKING[0].isoformat(),
            "to": CHECKING[1].isoformat(),
            "day_of_month": FIRE_CHECK.day,
            "units": ["CY-ST", "CY-MW"],
        }
        yield Create(days.at(date(2026, 3, 4), 11), logistics, body, "rotas")
        checked = [each for each in self._garden.places if each.code in ("CY-ST", "CY-MW")]
        for place in checked:
            yield from self._visit(place, FIRE_CHECK, FIRE_CHECK, place.checker, findings=1)
        for number, (place, tool) in enumerate(zip(self._garden.places, _tools(self._garden), strict=True)):
            passed = number != 4
            test = {
                "number": tool["number"],
                "passed": passed,
                "tested_on": FIRE_CHECK.isoformat(),
                "campaign": CAMPAIGN,
                "note": "" if passed else "压力不足，已停用更换",
            }
            yield ToolTests(days.at(FIRE_CHECK, 15, 2 * number), place.checker, place.code, (test,))

    # What becomes of a hazard.

    def _fate(self, hazard: Hazard, signed: datetime) -> Iterator[Step]:
        if hazard.level is Level.GENERAL and self._chance.random() < 0.35:
            yield from self._on_spot(hazard, signed)
            return
        garden, chance = self._garden, self._chance
        assigned = signed + timedelta(minutes=chance.randint(15, 45))
        body = {
            "assignee": garden.repairer.login,
            "duty": f"{garden.repairer.name}实施，{garden.logistics.name}督促",
            "measure": hazard.item.measure,
        }
        yield Deed(assigned, garden.logistics, hazard.key, "assign", body)
        signed_for = assigned + timedelta(minutes=chance.randint(10, 40))
        yield Deed(signed_for, garden.repairer, hazard.key, "acknowledge")
        due = due_of(hazard, assigned)
        late = chance.random() < 0.15
        fixed = (
            days.at(days.workdays_after(due.date(), 1), 10, chance.randint(0, 50))
            if late
            else min(signed_for + timedelta(minutes=chance.randint(60, 240)), due - timedelta(minutes=20))
        )
        fixed = min(fixed, LAST_CHECK - timedelta(hours=3))
        if chance.random() < 0.15:
            yield self._fix(hazard, fixed)
            back = days.soon(chance, fixed, 60, 200)
            again = days.workdays_after(back.date(), 2)
            told = {"passed": False, "opinion": "仍有松动，请重新处理", "due": again.isoformat()}
            yield Deed(back, garden.doctor, hazard.key, "verify", told)
            fixed = days.soon(chance, back, 200, 600)
        yield self._fix(hazard, fixed)
        yield self._passed(hazard, days.soon(chance, fixed, 60, 900))

    def _on_spot(self, hazard: Hazard, signed: datetime) -> Iterator[Step]:
        at = signed + timedelta(minutes=self._chance.randint(5, 25))
        body = {"note": f"当场整改：{hazard.item.measure}"}
        yield Deed(at, hazard.finder, hazard.key, "fix-on-spot", body, (self._after(hazard, at),))
        by = self._garden.doctor if hazard.finder is not self._garden.doctor else self._garden.logistics
        yield self._passed(hazard, days.soon(self._chance, at, 120, 900), by=by)

    def _fix(self, hazard: Hazard, at: datetime) -> Deed:
        shots = (self._after(hazard, at),) if self._chance.random() < 0.4 else ()
        return Deed(at, self._garden.repairer, hazard.key, "fix", {"note": f"已{hazard.item.measure}"}, shots)

    def _after(self, hazard: Hazard, at: datetime) -> Shot:
        return Shot(scene_of(hazard.item.category), True, at, 30.61, 104.08, self._chance.getrandbits(32))

    def _passed(self, hazard: Hazard, at: datetime, *, by: Colleague | None = None) -> Deed:
        body: dict[str, Any] = {"passed": True, "opinion": self._chance.choice(_OPINIONS)}
        return Deed(at, by or self._garden.doctor, hazard.key, "verify", body)


def campaign(garden: Garden) -> dict[str, Any]:
    """The safety month as logistics sets it up, with its weekly rota."""
    first, last = (day.isoformat() for day in CHECKING)
    return {
        "code": CAMPAIGN,
        "name": "2026年3月安全月",
        "kind": "日常检查",
        "unit": CODE,
        "units": [place.code for place in garden.places],
        "checklist": CHECKLIST,
        "phases": {
            "mobilised": {"from": MOBILISED.isoformat(), "to": MOBILISED.isoformat()},
            "inspecting": {"from": first, "to": last},
            "rectifying": {"from": RECTIFYING.isoformat(), "to": RECTIFYING.isoformat()},
            "rechecking": {"from": RECHECKING.isoformat(), "to": RECHECKING.isoformat()},
            "summarised": {"from": SUMMARISED.isoformat(), "to": SUMMARISED.isoformat()},
        },
        "settings": {"main_recipient": "区教育工会", "organisation": "春芽幼儿园工会"},
        "rota": [{"every": "weekly", "from": first, "to": last, "weekday": 5}],
    }
