"""Random lives of tickets against a plain model: state, ledger and both due dates agree after every command.

The model is written from the rules (design §7, domain rules 2.5 and 2.8), not from the charts: a dict for each ticket
and one condition for each command. What the model forbids must be refused and change nothing at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select

from domain import extensions, remediation, supervisions
from domain.campaign_settings import CampaignSettings
from domain.extensions import Decision, ExtensionRequest
from domain.history import history_of
from domain.records import Campaign, Chase, Extension, History, Notice, QuantityRecord, StoredFile, Ticket
from domain.tickets import ticket_by_number
from statemachines.labels import LOCAL, local_day
from statemachines.refusals import Refusal
from statemachines.roles import SYSTEM, Actor
from tests.photos import listed, photo
from tests.world import World

PLACE = "LL01-A"
HOME = {
    "limin": "XB",
    "zhangqiang": "XB",
    "wangjianguo": PLACE,
    "sunhua": PLACE,
    "zhaozhuren": "XB",
    "qiansuozhang": "LL01",
    "zhengju": "XB",
}
INSPECTORS = {"limin", "zhangqiang", "sunhua"}
ASSIGNEES = {"wangjianguo", "sunhua"}
SUPERVISORS = {"zhaozhuren", "qiansuozhang"}
LEADERS = {"zhengju"}
STRANGER = "shisuozhang"
"""Supervisor of the other station: sees none of these tickets."""

ANYBODY = [*HOME, STRANGER]
NOTHING_SAID = ["", "  ", None]
BEFORE, AFTER = listed(photo(colour="black")), listed(photo(colour="white"))

#: What is tried most often where a ticket stands; now and then anything is tried anywhere.
LIKELY = {
    "found": ["assign", "assign", "fix_on_spot", "regrade"],
    "assigned": [
        "fix",
        "fix",
        "progress",
        "acknowledge",
        "reassign",
        "regrade",
        "ask_for_time",
        "decide",
        "decide",
    ],
    "fixed": ["pass_", "return_", "return_", "supervise", "decide"],
    "verified": ["pass_", "supervise"],
    "cancelled": ["assign", "decide"],
}
EVENTS = [
    "assign",
    "acknowledge",
    "progress",
    "fix",
    "fix_on_spot",
    "pass_",
    "return_",
    "reassign",
    "cancel",
    "supervise",
    "regrade",
    "ask_for_time",
    "decide",
    "time_passes",
]

Life = dict[str, Any]


class Choice:
    """What the people of one step choose: all of it fits, but for at most one thing that may be anything."""

    def __init__(self, data: st.DataObject) -> None:
        self.data = data
        self.odd_one = data.draw(st.integers(0, 9), label="odd one")
        self.asked = 0

    def __call__(self, fitting: Iterable[Any], otherwise: Iterable[Any]) -> Any:
        odd = self.asked == self.odd_one
        self.asked += 1
        return self.data.draw(st.sampled_from(list(otherwise if odd else fitting)))

    def words(self) -> str:
        return self(["按规程处理"], NOTHING_SAID)

    def hours(self) -> int | None:
        """How far ahead a deadline lies; None where nobody gives one."""
        return self([100, 20, 300, None], [-30, 0])


class TicketLives(RuleBasedStateMachine):
    """Every step is one command: say whether the model allows it, run it, carry out its effect in the model."""

    def __init__(self, world: World, actors: dict[str, Actor]) -> None:
        super().__init__()
        self.world, self.actors = world, actors
        self.all: list[Life] = []

    @property
    def now(self) -> datetime:
        return self.world.now

    @initialize(independent_team=st.booleans())
    def campaign_says_who_may_verify(self, independent_team: bool) -> None:
        self.independent_team = independent_team
        with self.world.database.transaction() as session:
            campaign = session.scalars(select(Campaign).where(Campaign.code == "CC2026")).one()
            told = CampaignSettings(independent_team=independent_team)
            campaign.settings = told.model_dump(mode="json")

    @precondition(lambda self: len(self.all) < 2)
    @rule(level=st.sampled_from(["general", "serious", "major"]), with_photo=st.booleans())
    def submit(self, level: str, with_photo: bool) -> None:
        ticket = self.world.find(unit=PLACE, level=level, files=[BEFORE] if with_photo else [])
        life: Life = {
            "number": ticket.number,
            "state": "found",
            "level": level,
            "found_at": self.now,
            "first_due_at": None,
            "due_at": None,
            "assignee": None,
            "fixer": None,
            "first_verifier": None,
            "return_count": 0,
            "on_the_spot": False,
            "photo": with_photo,
            "acknowledged": False,
            "asked": None,
            "granted": 0,
            "supervised": 0,
            "events": ["found"],
        }
        self.all.append(life)

    @precondition(lambda self: self.all)
    @rule(data=st.data())
    def somebody_does_something(self, data: st.DataObject) -> None:
        life = data.draw(st.sampled_from(self.all), label="ticket")
        event = data.draw(st.sampled_from(LIKELY[life["state"]] * 4 + EVENTS), label="event")
        getattr(self, event)(life, Choice(data))

    def time_passes(self, life: Life, choose: Choice) -> None:
        self.world.later(hours=choose([1, 5, 14, 40], [120, 400]))

    def assign(self, life: Life, choose: Choice) -> None:
        who, to = choose(sorted(SUPERVISORS), ANYBODY), choose(sorted(ASSIGNEES), ["limin", "zhouhai", None])
        duty, measure, ahead = choose.words(), choose.words(), choose.hours()
        assured = choose([True], [False])
        due = None if ahead is None else self.now + timedelta(hours=ahead)
        legal = (
            life["state"] == "found"
            and who in SUPERVISORS
            and to in ASSIGNEES
            and given(duty)
            and given(measure)
            and (due is None or due > self.now)
            and (life["level"] != "major" or assured)
        )
        told = {"assignee": to, "duty": duty, "measure": measure, "due": due, **assurances(assured)}
        if self.attempt(life, "assign", who, told, legal=legal):
            due = due or self.world.ticket(life["number"]).due_at
            assert due > self.now
            self.happened(life, "assign", state="assigned", assignee=to, first_due_at=due, due_at=due)

    def acknowledge(self, life: Life, choose: Choice) -> None:
        who = choose([self.responsible(life)], ANYBODY)
        legal = life["state"] == "assigned" and who == life["assignee"]
        if self.attempt(life, "acknowledge", who, {}, legal=legal) and not life["acknowledged"]:
            self.happened(life, "acknowledge", acknowledged=True)

    def progress(self, life: Life, choose: Choice) -> None:
        who, note = choose([self.responsible(life)], ANYBODY), choose.words()
        legal = life["state"] == "assigned" and who == life["assignee"] and given(note)
        if self.attempt(life, "progress", who, {"note": note}, legal=legal):
            self.happened(life, "progress")

    def fix(self, life: Life, choose: Choice) -> None:
        who, note = choose([self.responsible(life)], ANYBODY), choose.words()
        hours_ago = choose([None, 0], [-2, 3000])
        fixed_at = None if hours_ago is None else self.now - timedelta(hours=hours_ago)
        legal = (
            life["state"] == "assigned"
            and who == life["assignee"]
            and given(note)
            and (fixed_at is None or life["found_at"] <= fixed_at <= self.now)
        )
        if self.attempt(life, "fix", who, {"note": note, "fixed_at": fixed_at}, legal=legal):
            self.happened(life, "fix", state="fixed", fixer=who)

    def fix_on_spot(self, life: Life, choose: Choice) -> None:
        who, with_photo = choose(["limin", "sunhua"], ANYBODY), choose([True], [False])
        legal = (
            life["state"] == "found"
            and who in INSPECTORS | ASSIGNEES | SUPERVISORS
            and life["level"] == "general"
            and local_day(life["found_at"]) == local_day(self.now)
            and life["photo"]
            and with_photo
        )
        told = {"note": "当场紧固", "files": [AFTER] if with_photo else []}
        if self.attempt(life, "fix_on_spot", who, told, legal=legal):
            end = life["found_at"].astimezone(LOCAL).replace(hour=23, minute=59, second=59, microsecond=0)
            self.happened(
                life,
                "fix_on_spot",
                state="fixed",
                on_the_spot=True,
                assignee=who,
                fixer=who,
                first_due_at=end,
                due_at=end,
            )

    def pass_(self, life: Life, choose: Choice) -> None:
        who, opinion = choose(self.verifiers(life), ANYBODY), choose.words()
        legal = self.may_judge(life, who) and given(opinion)
        legal = legal and not (life["level"] == "major" and who == life["first_verifier"])
        if self.attempt(life, "verify", who, {"passed": True, "opinion": opinion}, legal=legal):
            if life["level"] == "major" and life["first_verifier"] is None:
                self.happened(life, "verify", first_verifier=who)
            else:
                self.happened(life, "verify", state="verified")

    def return_(self, life: Life, choose: Choice) -> None:
        who, opinion, ahead = choose(self.verifiers(life), ANYBODY), choose.words(), choose.hours()
        due = None if ahead is None else self.now + timedelta(hours=ahead)
        legal = self.may_judge(life, who) and given(opinion) and (due is None or due > self.now)
        if self.attempt(life, "verify", who, {"passed": False, "opinion": opinion, "due": due}, legal=legal):
            self.happened(
                life,
                "return",
                state="assigned",
                due_at=due or life["due_at"],
                return_count=life["return_count"] + 1,
                first_verifier=None,
                on_the_spot=False,
            )

    def may_judge(self, life: Life, who: str) -> bool:
        return (
            life["state"] == "fixed"
            and who != life["fixer"]
            and who in INSPECTORS | SUPERVISORS
            and not (self.independent_team and HOME[who] == HOME[life["fixer"]])
        )

    def reassign(self, life: Life, choose: Choice) -> None:
        who, to = choose(sorted(SUPERVISORS), ANYBODY), choose(sorted(ASSIGNEES), ["zhouhai", None])
        reason = choose.words()
        legal = life["state"] == "assigned" and who in SUPERVISORS and to in ASSIGNEES and given(reason)
        if self.attempt(life, "reassign", who, {"assignee": to, "reason": reason}, legal=legal):
            self.happened(life, "reassign", assignee=to, acknowledged=False)

    def cancel(self, life: Life, choose: Choice) -> None:
        who, reason = choose(sorted(SUPERVISORS), ANYBODY), choose.words()
        legal = life["state"] in {"found", "assigned"} and who in SUPERVISORS and given(reason)
        if self.attempt(life, "cancel", who, {"reason": reason}, legal=legal):
            self.happened(life, "cancel", state="cancelled")

    def supervise(self, life: Life, choose: Choice) -> None:
        who, reason = choose(["zhengju", "zhaozhuren"], ANYBODY), choose.words()
        running = life["state"] in {"found", "assigned", "fixed"}
        # Listed again it is raised, and there are three levels.
        higher = life["supervised"] < 3
        legal = running and who in SUPERVISORS | LEADERS and given(reason) and higher
        if self.attempt(life, "supervise", who, {"reason": reason}, legal=legal):
            self.happened(life, "supervise", supervised=life["supervised"] + 1)

    def regrade(self, life: Life, choose: Choice) -> None:
        who, reason = choose(sorted(SUPERVISORS), ANYBODY), choose.words()
        level, assured = choose(["serious", "general", "major"], [None]), choose([True], [False])
        legal = (
            life["state"] in {"found", "assigned"}
            and who in SUPERVISORS
            and level not in {life["level"], None}
            and given(reason)
            and not (life["state"] == "assigned" and level == "major" and not assured)
        )
        told = {"level": level, "reason": reason, **assurances(assured)}
        if self.attempt(life, "regrade", who, told, legal=legal):
            self.happened(life, "regrade", level=level)

    def ask_for_time(self, life: Life, choose: Choice) -> None:
        who, reason, measures = choose([self.responsible(life)], ANYBODY), choose.words(), choose.words()
        ahead = choose([2, 10, 60], [None, 0, 2000])
        due = None if ahead is None else (life["due_at"] or self.now) + timedelta(hours=ahead)
        legal = (
            life["state"] == "assigned"
            and who == life["assignee"]
            and self.now <= life["due_at"]
            and life["asked"] is None
            and life["granted"] < 2
            and given(reason)
            and given(measures)
            and due is not None
            and life["due_at"] < due <= life["first_due_at"] + (life["first_due_at"] - life["found_at"])
        )

        def work(session: Any, ticket: Ticket) -> None:
            told = ExtensionRequest(reason=reason, interim_measures=measures, due=due)
            extensions.request(session, ticket, told, actor=self.actors[who], now=self.now)

        if self.run(life, who, work, legal=legal):
            self.happened(life, "extension_requested", asked=(who, due))

    def decide(self, life: Life, choose: Choice) -> None:
        """Grant the waiting request for more time, or refuse it; where none waits, ask for one."""
        if life["asked"] is None:
            self.ask_for_time(life, choose)
            return
        who, grant, opinion = (
            choose(["zhengju", "zhaozhuren"], ANYBODY),
            choose([True], [False]),
            choose.words(),
        )
        asker, due = life["asked"]
        deciders = LEADERS | SUPERVISORS if life["level"] == "general" else LEADERS
        legal = who in deciders and who != asker
        if grant:
            legal = legal and life["state"] == "assigned" and self.now < due and life["due_at"] < due
        else:
            legal = legal and given(opinion)

        def work(session: Any, ticket: Ticket) -> None:
            waiting = session.scalars(
                select(Extension.id).where(Extension.ticket_id == ticket.id, Extension.state == "requested")
            ).one()
            extension = extensions.extension_by_id(session, waiting, actor=self.actors[who])
            command = extensions.approve if grant else extensions.refuse
            command(session, extension, Decision(opinion=opinion), actor=self.actors[who], now=self.now)

        if self.run(life, who, work, legal=legal):
            if grant:
                self.happened(life, "extend", due_at=due, asked=None, granted=life["granted"] + 1)
            else:
                self.happened(life, "extension_refused", asked=None)

    # How a command is run, and what is compared.

    def responsible(self, life: Life) -> str:
        return str(life["assignee"] or "wangjianguo")

    def verifiers(self, life: Life) -> list[str]:
        return [
            who
            for who in ("limin", "zhangqiang", "sunhua")
            if who not in {life["fixer"], life["first_verifier"]}
        ]

    def attempt(self, life: Life, event: str, who: str, told: dict[str, object], *, legal: bool) -> bool:
        """Run a command of domain/remediation.py."""
        model = {
            "assign": remediation.Assignment,
            "acknowledge": remediation.Acknowledgement,
            "progress": remediation.Progress,
            "fix": remediation.Fix,
            "fix_on_spot": remediation.Fix,
            "verify": remediation.Verification,
            "reassign": remediation.Reassignment,
            "cancel": remediation.Cancellation,
            "supervise": supervisions.Supervision,
            "regrade": remediation.Regrading,
        }[event]

        def work(session: Any, ticket: Ticket) -> None:
            command = supervisions.supervise if event == "supervise" else getattr(remediation, event)
            command(session, ticket, model.model_validate(told), actor=self.actors[who], now=self.now)

        return self.run(life, who, work, legal=legal)

    def run(self, life: Life, who: str, work: Callable[[Any, Ticket], None], *, legal: bool) -> bool:
        """Whether it went through; the model's word on it must be right, and a refusal leaves nothing behind."""
        before = None if legal else self.everything(life)
        refusal: Refusal | None = None
        try:
            with self.world.database.transaction() as session:
                work(session, ticket_by_number(session, life["number"], actor=self.actors[who], lock=True))
        except Refusal as said:
            refusal = said
        assert (refusal is None) == legal, f"{who}, {life}: {refusal or 'was done against the rules'}"
        if refusal is not None:
            assert refusal.sentence("zh") and refusal.sentence("en")
            assert self.everything(life) == before
        return legal

    def happened(self, life: Life, event: str, **changes: object) -> None:
        life.update(changes)
        life["events"].append(event)

    def everything(self, life: Life) -> tuple[object, ...]:
        """The whole row, and how many rows every table has that a command may write."""
        with self.world.database.reading() as session:
            row = session.execute(
                select(Ticket.__table__).where(Ticket.number == life["number"])  # type: ignore[arg-type]
            ).one()
            counts = [
                session.scalar(select(func.count()).select_from(table))
                for table in (History, Notice, Extension, QuantityRecord)
            ]
        return tuple(row), *counts

    @invariant()
    def model_and_records_agree(self) -> None:
        with self.world.database.reading() as session:
            for life in self.all:
                ticket = ticket_by_number(session, life["number"], actor=SYSTEM)
                assert {
                    "state": ticket.state.value,
                    "level": ticket.level.value,
                    "first_due_at": ticket.first_due_at,
                    "due_at": ticket.due_at,
                    "assignee": ticket.assignee and ticket.assignee.login,
                    "fixer": ticket.fixer and ticket.fixer.login,
                    "first_verifier": life["state"] != "verified"
                    and ticket.first_verifier
                    and ticket.first_verifier.login,
                    "return_count": ticket.return_count,
                    "on_the_spot": ticket.on_the_spot,
                    "acknowledged": ticket.acknowledged_at is not None,
                    "events": [row.event for row in history_of(session, ticket)],
                } == {
                    name: life[name]
                    for name in (
                        "state",
                        "level",
                        "first_due_at",
                        "due_at",
                        "assignee",
                        "fixer",
                        "return_count",
                        "on_the_spot",
                        "acknowledged",
                        "events",
                    )
                } | {"first_verifier": life["state"] != "verified" and life["first_verifier"]}
                chased = set(session.scalars(select(Chase.matter).where(Chase.subject_id == ticket.id)))
                assert chased == CHASED[ticket.state.value] | (
                    {"unacknowledged"}
                    if ticket.state.value == "assigned" and not life["acknowledged"]
                    else set()
                )


CHASED = {
    "found": {"unassigned"},
    "assigned": {"deadline"},
    "fixed": {"unchecked"},
    "verified": set(),
    "cancelled": set(),
}
"""What somebody must act on in each state."""


def given(text: str | None) -> bool:
    return bool(text and text.strip())


def assurances(given: bool) -> dict[str, object]:
    return {"budget": 0, "emergency_plan": "停电转移负荷"} if given else {}


@pytest.mark.timeout(300)
def test_whatever_people_do_the_records_agree_with_the_rules(world_copy: World, now: datetime) -> None:
    with world_copy.database.transaction() as session:
        for each in (BEFORE, AFTER):
            session.add(
                StoredFile(sha256=each["sha256"], size=each["size"], media_type="image/jpeg", stored_at=now)
            )
    actors = {login: world_copy.actor(login) for login in [*HOME, STRANGER]}
    run_state_machine_as_test(
        lambda: TicketLives(World(world_copy.database, now), actors),
        settings=settings(
            max_examples=20,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
