"""The whole spring inspection as a list of steps: pure, and the same for the same seed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from chuncha.demo import days
from chuncha.demo.due import due_of
from chuncha.demo.spring import dates
from chuncha.demo.spring.bureau import CHECKLIST, CODE, Bureau, Station
from chuncha.demo.spring.fates import LAST_CHECK, Fates
from chuncha.demo.spring.hazards import Catalogue, Hazard, before
from chuncha.demo.spring.works import CAMPAIGN, Works
from chuncha.demo.steps import (
    Answering,
    Create,
    Item,
    Rhythm,
    Signing,
    SpotChecks,
    Step,
    Story,
    Submit,
    TakeCall,
    Turn,
    ZeroReport,
)
from domain.rounds import spread
from statemachines.labels import Level

NEXT_CAMPAIGN = "QC2026"

SILENT = "HQ15"
"""The station that finds nothing, at its visit and on its own: it signs a zero report."""
CLEAN = ("NP07", SILENT)
"""Visits at which nothing is found: signed, that is the record of it."""

#: How many of the findings of a station's own checks go each way. What is left over is fixed and verified as usual.
_FATES = {
    "on_spot": 35,
    "late": 28,
    "returned": 20,
    "extended": 12,
    "refused": 4,
    "reassigned": 5,
    "regraded": 4,
    "struck": 3,
    "duplicate": 8,
    "twice_returned": 3,
    "open_extended": 2,
    "open_late": 1,
}
FINDINGS = 145
"""Those of the stations' own checks; the visits, the re-check and the major ones come on top."""


CALLS = (
    (date(2026, 3, 11), "DL04", "phone", "变台夜间有异响", "已派人查看，次日紧固螺栓", True),
    (date(2026, 3, 18), "HK06", "visit", "门前电杆拉线松弛", "当日处理", True),
    (date(2026, 3, 24), "MJ13", "phone", "屋后导线离房太近", "已列入迁改计划", None),
)
"""Day, unit, way, what the caller said, what they were told, and whether they were satisfied when called back."""

HELD = ("现场抽查，整改保持良好", "与整改回复、照片一致", "抽查实物，未见反弹")
BAD_AGAIN = {
    "BT03": "整改后反弹，同一问题再次出现，重新登记整改",
    "SL14": "临时处理，未按措施整改到位，重新登记整改",
}
"""What is said of what held in the sample of the re-check, and of the one that did not, by unit."""


def write_story(seed: int, bureau: Bureau) -> Story:
    """Every step of the campaign in the order of time."""
    writer = _Writer(Random(seed), bureau)
    steps = sorted(writer.steps(), key=lambda step: step.at)
    return Story(CAMPAIGN, _rhythm(), tuple(writer.tools()), tuple(steps), dates.SET_UP, dates.ARCHIVED)


def _rhythm() -> Rhythm:
    """All visits are planned on the first day of the inspections."""
    return Rhythm(
        begins=dates.MOBILISED,
        phases=frozenset({dates.INSPECTING[0], dates.RECTIFYING[0], dates.RECHECKING[0]}),
        planning=frozenset({dates.INSPECTING[0]}),
        summarised=dates.SUMMARISED,
    )


class _Writer:
    def __init__(self, chance: Random, bureau: Bureau) -> None:
        self._chance, self._bureau = chance, bureau
        self._catalogue, self._works = Catalogue(), Works()
        self._fates = Fates(chance, bureau, self._works)

    def tools(self) -> Iterator[dict[str, str]]:
        """The register as it is before the campaign."""
        return self._works.tools(self._chance, self._bureau)

    def steps(self) -> Iterator[Step]:
        yield from self._campaign()
        yield from self._visits()
        yield from self._own_checks()
        yield from self._majors()
        yield from self._recheck()
        yield from self._desk()
        yield from self._works.tests(self._bureau)
        yield from self._works.rest(self._chance, self._bureau)
        yield from self._sample()

    # The frame.

    def _campaign(self) -> Iterator[Step]:
        supervisor = self._bureau.safety_supervisor
        yield Create(days.at(dates.SET_UP, 9), supervisor, campaign(self._bureau))
        facts = {
            "notice_number": "工劳监〔2026〕12号",
            "held_on": dates.MOBILISED.isoformat(),
            "attendance": 63,
        }
        yield Turn(days.at(dates.MOBILISED, 11, 30), supervisor, "mobilise", facts)
        silent = next(each for each in self._bureau.stations if each.code == SILENT)
        yield ZeroReport(days.at(dates.INSPECTING[1], 16, 20), silent.checker, SILENT)
        yield Create(days.at(dates.ARCHIVED, 9), supervisor, next_campaign(self._bureau))
        yield Turn(
            days.at(dates.ARCHIVED, 9, 30), self._bureau.leader, "archive", {"next_campaign": NEXT_CAMPAIGN}
        )

    # Visits.

    def _visits(self) -> Iterator[Step]:
        stations = self._bureau.stations
        for station, day in zip(stations, spread(len(stations), *dates.INSPECTING), strict=True):
            yield from self._visit(station, day)

    def _visit(self, station: Station, day: date) -> Iterator[Step]:
        chance, inspector = self._chance, station.partner
        documents, site = days.at(day, 10, 40), days.at(day, 15, 50)
        failed: dict[str, Hazard] = {}
        if station.code not in CLEAN:
            for item in self._catalogue.pick(chance, chance.randint(5, 9)):
                if item.level is Level.MAJOR:
                    continue
                at = documents if item.code.startswith("D") else site
                failed[item.code] = self._catalogue.see(
                    chance, item, station, at=at, by=inspector, source="inspection"
                )
        items = self._catalogue.items
        absent = set(chance.sample(["E02", "E27", "E33", "E36", "E37", "F17", "D23"], 2)) - failed.keys()
        answers = {code: "fail" if code in failed else "na" if code in absent else "pass" for code in items}
        for at, letters in ((documents, "D"), (site, "EF")):
            part = {code: value for code, value in answers.items() if code[0] in letters}
            found = {code: hazard for code, hazard in failed.items() if code in part}
            yield Answering(at, inspector, station.code, part, found)
        signed = days.at(day, 16, 50)
        yield Signing(signed, inspector, station.code, failed)
        for place, hazard in enumerate(failed.values()):
            kind = "usual" if place else chance.choice(("usual", "late", "returned"))
            yield from self._fates.of(hazard, self._possible(hazard, kind), signed)

    # The stations' own checks.

    def _own_checks(self) -> Iterator[Step]:
        rounds: defaultdict[tuple[Station, date, int], list[tuple[Hazard, str]]] = defaultdict(list)
        fates = [kind for kind, count in _FATES.items() for _ in range(count)]
        fates += ["usual"] * (FINDINGS - len(fates))
        self._chance.shuffle(fates)
        stations = [each for each in self._bureau.stations if each.code != SILENT]
        shares = [4 + self._chance.randint(0, 6) for _ in stations]
        workdays = days.workdays(*dates.INSPECTING)
        for fate in fates:
            station = self._chance.choices(stations, shares)[0]
            # What takes long is found early.
            early = fate not in ("on_spot", "reassigned", "regraded", "struck", "duplicate", "usual")
            day = self._chance.choice(workdays[: 12 if early else None])
            hazard = self._seen(station, day, fate)
            rounds[station, day, hazard.found_at.hour // 13].append((hazard, fate))
        for (station, day, half), found in sorted(
            rounds.items(), key=lambda each: (each[0][1], each[0][2], each[0][0].code)
        ):
            # The phone sends when it has a network again: at noon and in the evening.
            sent = days.at(day, 16 if half else 11, 50 if half else 45)
            yield from self._sent(station, sent, found)

    def _seen(self, station: Station, day: date, fate: str) -> Hazard:
        chance = self._chance
        item = self._item_for(fate)
        # What must be done within 24 hours is looked at in the morning.
        hour = chance.choice((8, 9, 10)) if item.deadline_days <= 1 or chance.random() < 0.5 else 14
        at = days.at(day, hour, 45 if hour == 8 else chance.randint(0, 59)) + timedelta(
            minutes=chance.randint(0, 90) if hour == 14 else 0
        )
        hazard = self._catalogue.see(chance, item, station, at=at, by=station.checker, source="self-check")
        if fate == "on_spot" and not hazard.photos:
            hazard = replace(hazard, photos=before(hazard, chance))
        return hazard

    def _item_for(self, fate: str) -> Item:
        while True:
            item = self._catalogue.pick(self._chance)[0]
            if fate in ("on_spot", "regraded") and item.level is not Level.GENERAL:
                continue
            if fate in ("extended", "refused", "open_late") and item.deadline_days not in (7, 15):
                continue
            if fate == "open_extended" and item.deadline_days != 30:
                continue
            if fate == "twice_returned" and item.deadline_days < 7:
                continue
            return item

    def _sent(self, station: Station, sent: datetime, found: list[tuple[Hazard, str]]) -> Iterator[Step]:
        found = sorted(found, key=lambda each: each[0].found_at)
        yield Submit(sent, station.checker, tuple(hazard for hazard, _ in found))
        for hazard, kind in found:
            if kind == "duplicate":
                yield from self._fates.of(hazard, "usual", sent)
                again = days.soon(self._chance, sent, 900, 1500)
                other = station.partner
                twin = replace(
                    self._catalogue.see(
                        self._chance, hazard.item, station, at=again, by=other, source="hotline"
                    ),
                    words=hazard.words,
                    location=hazard.location,
                    found_at=again - timedelta(minutes=9),
                )
                yield Submit(again, other, (twin,))
                yield from self._fates.duplicate(twin, hazard, again)
            elif kind == "twice_returned":
                yield from self._fates.twice_returned(hazard, sent)
            elif kind == "open_extended":
                yield from self._fates.open_extended(hazard, sent)
            else:
                yield from self._fates.of(hazard, self._possible(hazard, kind), sent)

    def _possible(self, hazard: Hazard, kind: str) -> str:
        """Some ends need a due date, or a second person, that this hazard does not have."""
        due = due_of(hazard, hazard.found_at + timedelta(hours=20))
        if kind == "usual" and due > LAST_CHECK + timedelta(days=10):
            return "open"
        if kind == "late" and due > days.at(dates.RECTIFYING[1], 0):
            return "usual"
        if kind == "reassigned" and len(hazard.station.fixers) < 2:
            return "usual"
        return kind

    # What is grave.

    def _majors(self) -> Iterator[Step]:
        by_code = {station.code: station for station in self._bureau.stations}
        plan = {"emergency_plan": "现场设围栏和专人看护，备应急发电车，险情时立即停电撤离"}
        yield from self._major(
            by_code["DL04"],
            "E26",
            days.at(date(2026, 3, 5), 10, 20),
            {**plan, "measure": "抬高改造导线，更换12米杆2基", "budget": 68000, "due": "2026-03-20"},
            fixed=days.at(date(2026, 3, 18), 15, 30),
        )
        yield from self._major(
            by_code["HK06"],
            "E27",
            days.at(date(2026, 3, 12), 9, 40),
            {**plan, "measure": "更换绝缘导线并改道，保持水平距离", "budget": 42000, "due": "2026-03-31"},
            fixed=days.at(date(2026, 3, 30), 11),
        )
        yield from self._major(
            by_code["MJ13"],
            "E27",
            days.at(date(2026, 3, 17), 14, 30),
            {**plan, "measure": "与户主和镇政府协商，线路迁移改道", "budget": 126000, "due": "2026-04-30"},
            fixed=None,
        )

    def _major(
        self, station: Station, code: str, at: datetime, facts: dict[str, Any], *, fixed: datetime | None
    ) -> Iterator[Step]:
        by = station.partner
        hazard = self._catalogue.see(
            self._chance, self._catalogue.items[code], station, at=at, by=by, source="inspection"
        )
        hazard = replace(hazard, photos=before(hazard, self._chance))
        sent = at + timedelta(minutes=12)
        yield Submit(sent, by, (hazard,))
        yield from self._fates.major(hazard, sent, facts=facts, fixed=fixed)

    def _recheck(self) -> Iterator[Step]:
        """The bureau's re-check finds a few more; those not done by its end stay open under their 三定."""
        for place, station in enumerate(self._bureau.stations[1:11:2]):
            at = days.at(dates.RECHECKING[0], 9 + place, 25)
            item = self._catalogue.items[("E31", "E32", "E16", "E21", "E40")[place]]
            hazard = self._catalogue.see(
                self._chance, item, station, at=at, by=station.partner, source="recheck"
            )
            sent = at + timedelta(minutes=10)
            yield Submit(sent, station.partner, (hazard,))
            if place == 3:
                yield from self._fates.of(hazard, "usual", sent)
            else:
                yield from self._fates.of(hazard, "open", sent)

    def _desk(self) -> Iterator[Step]:
        """What the supervisor does besides: calls on the hotline."""
        supervisor = self._bureau.safety_supervisor
        for day, unit, way, content, answer, satisfied in CALLS:
            body = {"unit": unit, "way": way, "content": content, "answer": answer}
            yield TakeCall(
                days.at(day, 10, 5), supervisor, {**body, "callback_wanted": satisfied is not None}, satisfied
            )

    def _sample(self) -> Iterator[Step]:
        """The sample of the re-check is drawn, and looked at by inspectors from elsewhere: one station each a day."""
        supervisor = self._bureau.safety_supervisor
        draw = {"kind": "recheck", "seed": dates.RECHECKING[0].isoformat()}
        yield Create(days.at(dates.RECHECKING[0], 8, 45), supervisor, draw, "samples")

        for place, station in enumerate(self._bureau.stations):
            day = dates.RECHECKING[0] + place // len(self._bureau.inspectors) * days.ONE_DAY
            at = days.at(day, 9, 10)
            words = BAD_AGAIN.get(station.code)
            again = {} if words is None else {UUID(int=self._chance.getrandbits(128), version=4): words}
            opinion = HELD[place % len(HELD)]
            yield SpotChecks(at, station.outsider, station.code, opinion, again)
            for key in again:
                yield self._fates.again(key, station, days.soon(self._chance, at, 130, 200))


def campaign(bureau: Bureau) -> dict[str, Any]:
    """The spring inspection as the supervisor sets it up."""
    return {
        "code": CAMPAIGN,
        "name": "2026年春查",
        "kind": "春查",
        "unit": CODE,
        "units": [station.code for station in bureau.stations],
        "checklist": CHECKLIST,
        "phases": {
            "mobilised": _phase(dates.MOBILISED, dates.INSPECTING[0] - days.ONE_DAY),
            "inspecting": _phase(*dates.INSPECTING),
            "rectifying": _phase(*dates.RECTIFYING),
            "rechecking": _phase(*dates.RECHECKING),
            "summarised": _phase(dates.SUMMARISED, dates.SUMMARISED),
        },
        "settings": {
            "independent_team": True,
            "main_recipient": "市电业工会",
            "organisation": "云岭县供电局工会",
        },
        "rota": [
            {
                "every": "once",
                "from": dates.INSPECTING[0].isoformat(),
                "to": dates.INSPECTING[1].isoformat(),
                "inspectors": {station.code: station.partner.login for station in bureau.stations},
            }
        ],
    }


def next_campaign(bureau: Bureau) -> dict[str, Any]:
    """The autumn inspection, which takes over what is still open."""
    return {
        **campaign(bureau),
        "code": NEXT_CAMPAIGN,
        "name": "2026年秋查",
        "kind": "秋查",
        "phases": {
            "mobilised": _phase(date(2026, 8, 31), date(2026, 9, 4)),
            "inspecting": _phase(date(2026, 9, 7), date(2026, 9, 30)),
            "rectifying": _phase(date(2026, 10, 8), date(2026, 10, 30)),
            "rechecking": _phase(date(2026, 11, 2), date(2026, 11, 6)),
            "summarised": _phase(date(2026, 11, 16), date(2026, 11, 20)),
        },
        "rota": [],
    }


def _phase(first: date, last: date) -> dict[str, str]:
    return {"from": first.isoformat(), "to": last.isoformat()}
