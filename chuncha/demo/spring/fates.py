"""What becomes of each hazard: 三定, fix and re-check, and all that goes otherwise on the way."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from datetime import date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from chuncha.demo import days
from chuncha.demo.due import due_of
from chuncha.demo.people import Colleague
from chuncha.demo.spring import dates
from chuncha.demo.spring.bureau import Bureau, Station
from chuncha.demo.spring.hazards import Hazard, after
from chuncha.demo.spring.works import Works
from chuncha.demo.steps import Decision, Deed, Step
from domain.workdays import NATIONAL
from statemachines.labels import Level, local_day

LAST_CHECK = days.at(dates.RECHECKING[1], 16, 30)
LAST_FIX = days.at(dates.RECHECKING[1], 10)

_OPINIONS = (
    "现场复查，整改到位，同意销号",
    "与整改回复一致，复查合格",
    "抽查实物和记录，符合要求",
    "复查合格",
)
_BAD = ("处理不彻底，仍有渗漏痕迹", "只处理一处，同类问题仍在", "标识未按要求恢复", "记录未补全，缺签字")
_REASONS = (
    "需停电处理，停电计划排在{day}",
    "所需材料已报计划，预计{day}到货",
    "用户青苗协调未完，约定{day}施工",
)
_INTERIM = (
    "悬挂警示牌，每日巡视一次",
    "限制负荷，增加夜间测温",
    "设围栏并指派专人看护",
    "停用该设备，改由备用供电",
)
_NOTES = ("材料已领，等待停电", "已完成一半", "已与用户谈妥，周内施工", "已联系厂家，配件在途")


class Fates:
    """The steps of hazards after they are submitted; `works` gives the quantities their fixes add."""

    def __init__(self, chance: Random, bureau: Bureau, works: Works) -> None:
        self._chance, self._bureau, self._works = chance, bureau, works
        self._kinds: Mapping[str, Callable[[Hazard, datetime], Iterator[Step]]] = {
            "usual": self._usual,
            "late": self._late,
            "returned": self._returned,
            "extended": self._extended,
            "refused": self._refused,
            "reassigned": self._reassigned,
            "regraded": self._regraded,
            "struck": self._struck,
            "on_spot": self._on_spot,
            "open": self._open,
            "open_late": self._open,
        }

    def of(self, hazard: Hazard, kind: str, submitted: datetime) -> list[Step]:
        """Everything done about one hazard after it was submitted at that moment."""
        return list(self._kinds[kind](hazard, submitted))

    # The roads a ticket takes.

    def _usual(self, hazard: Hazard, submitted: datetime) -> Iterator[Step]:
        fixer, assigned, due = yield from self._assigned(hazard, submitted)
        yield from self._ended(hazard, fixer, self._in_time(assigned, due))

    def _late(self, hazard: Hazard, submitted: datetime) -> Iterator[Step]:
        fixer, _, due = yield from self._assigned(hazard, submitted)
        day = NATIONAL.add(local_day(due), self._chance.choices((1, 2, 4, 8), (40, 30, 20, 10))[0])
        yield from self._ended(hazard, fixer, min(days.at(day, 15, self._chance.randint(0, 50)), LAST_FIX))

    def _returned(self, hazard: Hazard, submitted: datetime, *, times: int = 1) -> Iterator[Step]:
        chance = self._chance
        fixer, assigned, due = yield from self._assigned(hazard, submitted)
        fixed = days.between(chance, assigned + timedelta(hours=2), min(due, assigned + timedelta(days=3)))
        checker = self._checker(hazard, fixer)
        for turn in range(times):
            yield self._fix(hazard, fixer, fixed, with_works=False)
            checked = days.soon(chance, fixed, 120, 1400)
            again = NATIONAL.add(local_day(checked), 3)
            opinion = f"{chance.choice(_BAD)}，请重新整改"
            body = {"passed": False, "opinion": opinion, "due": again.isoformat()}
            yield Deed(checked, checker, hazard.key, "verify", body)
            fixed = days.soon(chance, checked, 300, 2600)
            if turn == 1:
                reason = "两次复查不合格，列入局督办"
                at = days.soon(chance, checked, 60, 240)
                yield Deed(at, self._bureau.leader, hazard.key, "supervise", {"reason": reason})
                fixed = days.soon(chance, at, 300, 1500)
        yield from self._ended(hazard, fixer, fixed)

    def twice_returned(self, hazard: Hazard, submitted: datetime) -> list[Step]:
        """The second failed re-check puts a ticket under supervision."""
        return list(self._returned(hazard, submitted, times=2))

    def _extended(self, hazard: Hazard, submitted: datetime) -> Iterator[Step]:
        fixer, assigned, due = yield from self._assigned(hazard, submitted)
        asked, new = yield from self._asked(hazard, fixer, assigned, due)
        decided = days.soon(self._chance, asked, 30, 240)
        yield Decision(decided, self._approver(hazard), hazard.key, True, "同意延期，落实临时防范措施")
        last = min(days.at(new, 16), LAST_FIX)
        yield from self._ended(hazard, fixer, days.between(self._chance, decided, last))

    def _refused(self, hazard: Hazard, submitted: datetime) -> Iterator[Step]:
        fixer, assigned, due = yield from self._assigned(hazard, submitted)
        asked, _ = yield from self._asked(hazard, fixer, assigned, due)
        decided = days.soon(self._chance, asked, 30, 240)
        opinion = "不需停电，具备整改条件，按原期限完成"
        yield Decision(decided, self._approver(hazard), hazard.key, False, opinion)
        yield from self._ended(hazard, fixer, days.soon(self._chance, decided, 400, 2000))

    def _asked(
        self, hazard: Hazard, fixer: Colleague, assigned: datetime, due: datetime
    ) -> Generator[Step, None, tuple[datetime, date]]:
        """Returns when more time was asked for and until which day: half of the first time again."""
        chance = self._chance
        asked = days.between(chance, max(assigned, due - timedelta(days=4)), due - timedelta(hours=30))
        asked = min(asked, LAST_FIX)
        new = local_day(due + (due - hazard.found_at) / 2)
        body = {
            "reason": chance.choice(_REASONS).format(day=f"{new.month}月{new.day}日"),
            "interim_measures": chance.choice(_INTERIM),
            "due": new.isoformat(),
        }
        yield Deed(asked, fixer, hazard.key, "extensions", body)
        return asked, new

    def _reassigned(self, hazard: Hazard, submitted: datetime) -> Iterator[Step]:
        fixer, assigned, due = yield from self._assigned(hazard, submitted)
        other = next(each for each in hazard.station.fixers if each is not fixer)
        at = days.soon(self._chance, assigned, 200, 900)
        body = {"assignee": other.login, "reason": f"{fixer.name}参加培训，改由{other.name}负责"}
        yield Deed(at, hazard.station.head, hazard.key, "reassign", body)
        yield from self._ended(hazard, other, self._in_time(at, due))

    def _regraded(self, hazard: Hazard, submitted: datetime) -> Iterator[Step]:
        at = days.soon(self._chance, submitted, 5, 15)
        body = {"level": Level.SERIOUS.value, "reason": "同类问题多处，影响人身安全，调整为较大"}
        yield Deed(at, hazard.station.head, hazard.key, "regrade", body)
        fixer, assigned, _ = yield from self._assigned(hazard, at)
        yield from self._ended(hazard, fixer, days.soon(self._chance, assigned, 600, 4000))

    def _struck(self, hazard: Hazard, submitted: datetime) -> Iterator[Step]:
        at = days.soon(self._chance, submitted, 60, 600)
        body = {"reason": "现场核实符合要求，不构成隐患", "kind": "not_a_hazard"}
        yield Deed(at, hazard.station.head, hazard.key, "cancel", body)

    def duplicate(self, hazard: Hazard, original: Hazard, submitted: datetime) -> list[Step]:
        """The same thing seen by a second person."""
        at = days.soon(self._chance, submitted, 60, 600)
        body = {"reason": "与已登记隐患为同一处", "kind": "duplicate"}
        return [Deed(at, hazard.station.head, hazard.key, "cancel", body, same_as=original.key)]

    def again(self, key: UUID, station: Station, at: datetime) -> Deed:
        """三定 for what the sample of the re-check found bad again: still open when the campaign ends."""
        body = {
            **self._responsible(station, self._chance.choice(station.fixers)),
            "measure": "查明原因，按原措施整改到位，整改后由局复查",
        }
        return Deed(at, station.head, key, "assign", body)

    def _on_spot(self, hazard: Hazard, submitted: datetime) -> Iterator[Step]:
        at = submitted + timedelta(minutes=self._chance.randint(5, 25))
        shot = after(hazard, self._chance, at=at)
        body = {"note": f"立查立改：{hazard.item.measure}", "quantities": self._quantities(hazard, at)}
        yield Deed(at, hazard.finder, hazard.key, "fix-on-spot", body, (shot,))
        checked = days.soon(self._chance, at, 1200, 3000)
        yield self._passed(hazard, self._other(hazard), min(checked, LAST_CHECK))

    def _open(self, hazard: Hazard, submitted: datetime) -> Iterator[Step]:
        fixer, assigned, _ = yield from self._assigned(hazard, submitted)
        at = days.soon(self._chance, assigned, 600, 2000)
        if at < LAST_CHECK:
            yield Deed(at, fixer, hazard.key, "progress", {"note": self._chance.choice(_NOTES)})

    def open_extended(self, hazard: Hazard, submitted: datetime) -> list[Step]:
        """More time granted beyond the campaign's end."""

        def road() -> Iterator[Step]:
            fixer, assigned, due = yield from self._assigned(hazard, submitted)
            asked, _ = yield from self._asked(hazard, fixer, assigned, due)
            decided = days.soon(self._chance, asked, 30, 240)
            yield Decision(decided, self._approver(hazard), hazard.key, True, "同意延期，列入下次检查跟踪")

        return list(road())

    def major(
        self, hazard: Hazard, submitted: datetime, *, facts: Mapping[str, Any], fixed: datetime | None
    ) -> list[Step]:
        """五落实 by the bureau's supervisor, daily progress, and two verifiers; without `fixed` it stays open."""
        fixer, supervisor = hazard.station.fixers[0], self._bureau.safety_supervisor
        at = submitted + timedelta(minutes=25)
        body = {"assignee": fixer.login, "duty": f"{hazard.station.name}负责，局安监部督办", **facts}
        steps: list[Step] = [Deed(at, supervisor, hazard.key, "assign", body)]
        steps.append(Deed(at + timedelta(minutes=20), fixer, hazard.key, "acknowledge"))
        if fixed is None:
            leader, reason = self._bureau.leader, "须协调迁改，列入局督办，按月报告"
            steps.append(Deed(at + timedelta(days=1), leader, hazard.key, "supervise", {"reason": reason}))
        until = local_day(fixed or LAST_CHECK)
        for number, day in enumerate(days.workdays(local_day(at) + days.ONE_DAY, until - days.ONE_DAY)):
            if number % 3 == 0:
                note = f"第{number + 1}个工作日：现场看护正常，{self._chance.choice(_NOTES)}"
                steps.append(Deed(days.at(day, 16, 40), fixer, hazard.key, "progress", {"note": note}))
        if fixed is not None:
            body = {"note": f"已{facts['measure']}", "cost": facts["budget"] - 1200}
            shot = after(hazard, self._chance, at=fixed)
            steps.append(Deed(fixed, fixer, hazard.key, "fix", body, (shot,)))
            first, second = self._bureau.inspectors[:2]
            checked = days.soon(self._chance, fixed, 120, 600)
            steps.append(self._passed(hazard, first, checked))
            steps.append(self._passed(hazard, second, days.soon(self._chance, checked, 40, 300)))
        return steps

    # The parts of a road.

    def _assigned(
        self, hazard: Hazard, submitted: datetime
    ) -> Generator[Step, None, tuple[Colleague, datetime, datetime]]:
        """三定 by the station's head; returns the person responsible, when, and the deadline the system gives."""
        chance, station = self._chance, hazard.station
        fixer = chance.choice(station.fixers)
        at = days.soon(chance, submitted, 15, 110)
        body = {**self._responsible(station, fixer), "measure": hazard.item.measure}
        yield Deed(at, station.head, hazard.key, "assign", body)
        due = due_of(hazard, at)
        if chance.random() < 0.5:
            signed = days.soon(chance, at, 10, 90)
            yield Deed(signed, fixer, hazard.key, "acknowledge")
            at = signed
        return fixer, at, due

    def _responsible(self, station: Station, fixer: Colleague) -> dict[str, str]:
        """定人 and 定责."""
        return {
            "assignee": fixer.login,
            "duty": f"{station.short}负责，{fixer.name}实施，{station.head.name}督促",
        }

    def _in_time(self, assigned: datetime, due: datetime) -> datetime:
        """Before the deadline, early more often than late."""
        first, last = assigned + timedelta(minutes=50), min(due - timedelta(minutes=30), LAST_FIX)
        return min(days.between(self._chance, first, last) for _ in range(2))

    def _ended(self, hazard: Hazard, fixer: Colleague, fixed: datetime) -> Iterator[Step]:
        fixed = min(fixed, LAST_FIX)
        if self._chance.random() < 0.08:
            at = fixed - timedelta(minutes=45)
            yield Deed(at, fixer, hazard.key, "progress", {"note": self._chance.choice(_NOTES)})
        yield self._fix(hazard, fixer, fixed)
        yield self._passed(hazard, self._checker(hazard, fixer), self._check_time(fixed))

    def _check_time(self, fixed: datetime) -> datetime:
        """Within two working days; what is fixed in the last weeks waits for the re-check of the bureau."""
        checked = days.soon(self._chance, fixed, 180, 2400)
        begins = days.at(dates.RECHECKING[0], 9)
        if days.at(dates.RECTIFYING[0], 12) < checked < begins:
            checked = days.between(self._chance, begins, LAST_CHECK)
        return max(min(checked, LAST_CHECK), fixed + timedelta(minutes=20))

    def _fix(self, hazard: Hazard, fixer: Colleague, at: datetime, *, with_works: bool = True) -> Deed:
        chance = self._chance
        body: dict[str, Any] = {"note": f"已{hazard.item.measure}"}
        if chance.random() < 0.4:
            body["cost"] = chance.randint(2, 90) * 20
        if with_works:
            body["quantities"] = self._quantities(hazard, at)
        shots = (after(hazard, chance, at=at),) if chance.random() < 0.35 else ()
        return Deed(at, fixer, hazard.key, "fix", body, shots)

    def _quantities(self, hazard: Hazard, at: datetime) -> list[dict[str, Any]]:
        # The first day belongs to the records that name every figure in its order.
        if local_day(at) <= dates.INSPECTING[0]:
            return []
        return self._works.of_fix(self._chance, hazard.item)

    def _passed(self, hazard: Hazard, by: Colleague, at: datetime) -> Deed:
        body = {"passed": True, "opinion": self._chance.choice(_OPINIONS)}
        return Deed(at, by, hazard.key, "verify", body)

    def _checker(self, hazard: Hazard, fixer: Colleague) -> Colleague:
        """Somebody who is not of the fixing team: the station's own checker where a team fixed it, or the bureau's."""
        station = hazard.station
        if fixer.unit != station.code and self._chance.random() < 0.6:
            return station.checker
        return station.partner

    def _other(self, hazard: Hazard) -> Colleague:
        station = hazard.station
        return station.partner if hazard.finder.unit == station.code else station.checker

    def _approver(self, hazard: Hazard) -> Colleague:
        return hazard.station.head if hazard.level is Level.GENERAL else self._bureau.leader
