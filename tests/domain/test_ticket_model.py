"""Random lives of tickets against a plain model: state, ledger and both due dates agree after every command.

The model is written from the rules (design §7, domain rules 2.5 and 2.8), not from the charts: a dict for each ticket
and one condition for each command. What the model forbids must be refused and change nothing at all.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select

from domain import extensions, remediation
from domain.campaign_settings import CampaignSettings
from domain.extensions import Decision, ExtensionRequest
from domain.history import history_of
from domain.records import Campaign, Extension, History, Notice, QuantityRecord, StoredFile, Ticket
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

FITTING = "whoever may"
BEFORE, AFTER = listed(photo(colour="black")), listed(photo(colour="white"))

someone = st.sampled_from([FITTING] * 8 + [*HOME, STRANGER])
said = st.sampled_from(["按规程处理"] * 5 + ["", None])
level = st.sampled_from(["general", "general", "serious", "major"])
assured = st.booleans()
hours_ahead = st.sampled_from([None, -30, 1, 20, 100, 300])

Life = dict[str, Any]


class TicketLives(RuleBasedStateMachine):
    """Every rule is one command: say whether the model allows it, run it, and carry out its effect in the model."""

    lives = Bundle("lives")

    def __init__(self, world: World, actors: dict[str, Actor]) -> None:
        super().__init__()
        self.world, self.actors = world, actors
        self.all: list[Life] = []

    @property
    def now(self) -> datetime:
        return self.world.now

    @initialize(rule_on=st.booleans())
    def campaign_says_who_may_verify(self, rule_on: bool) -> None:
        self.independent_team = rule_on
        with self.world.database.transaction() as session:
            campaign = session.scalars(select(Campaign).where(Campaign.code == "CC2026")).one()
            campaign.settings = CampaignSettings(independent_team=rule_on).model_dump(mode="json")

    @initialize(target=lives, level=level, with_photo=st.booleans())
    def first_finding(self, level: str, with_photo: bool) -> Life:
        return self.found(level, with_photo)

    @rule(target=lives, level=level, with_photo=st.booleans())
    def submit(self, level: str, with_photo: bool) -> Life:
        return self.found(level, with_photo)

    def found(self, level: str, with_photo: bool) -> Life:
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
            "events": ["found"],
        }
        self.all.append(life)
        return life

    @rule(hours=st.sampled_from([1, 5, 14, 40, 120, 400]))
    def time_passes(self, hours: int) -> None:
        self.world.later(hours=hours)

    @rule(
        life=lives,
        who=someone,
        duty=said,
        measure=said,
        to=st.sampled_from([*ASSIGNEES, "limin", None]),
        ahead=hours_ahead,
        assured=assured,
    )
    def assign(
        self, life: Life, who: str, duty: str, measure: str, to: str, ahead: int | None, assured: bool
    ) -> None:
        who = "zhaozhuren" if who == FITTING else who
        due = None if ahead is None else self.now + timedelta(hours=ahead)
        legal = (
            life["state"] == "found"
            and who in SUPERVISORS
            and to in ASSIGNEES
            and bool(duty and measure)
            and (due is None or due > self.now)
            and (life["level"] != "major" or assured)
        )
        told = {"assignee": to, "duty": duty, "measure": measure, "due": due, **_assurances(assured)}
        if self.attempt(life, "assign", who, told, legal=legal):
            given = due or self.world.ticket(life["number"]).due_at
            assert given > self.now
            self.happened(life, "assign", state="assigned", assignee=to, first_due_at=given, due_at=given)

    @rule(life=lives, who=someone)
    def acknowledge(self, life: Life, who: str) -> None:
        who = self.responsible(life, who)
        legal = life["state"] == "assigned" and who == life["assignee"]
        if self.attempt(life, "acknowledge", who, {}, legal=legal) and not life["acknowledged"]:
            self.happened(life, "acknowledge", acknowledged=True)

    @rule(life=lives, who=someone, note=said)
    def progress(self, life: Life, who: str, note: str) -> None:
        who = self.responsible(life, who)
        legal = life["state"] == "assigned" and who == life["assignee"] and bool(note)
        if self.attempt(life, "progress", who, {"note": note}, legal=legal):
            self.happened(life, "progress")

    @rule(life=lives, who=someone, note=said, hours_ago=st.sampled_from([None, None, 0, -2, 3000]))
    def fix(self, life: Life, who: str, note: str, hours_ago: int | None) -> None:
        who = self.responsible(life, who)
        fixed_at = None if hours_ago is None else self.now - timedelta(hours=hours_ago)
        legal = (
            life["state"] == "assigned"
            and who == life["assignee"]
            and bool(note)
            and (fixed_at is None or life["found_at"] <= fixed_at <= self.now)
        )
        if self.attempt(life, "fix", who, {"note": note, "fixed_at": fixed_at}, legal=legal):
            self.happened(life, "fix", state="fixed", fixer=who)

    @rule(life=lives, who=someone, with_photo=st.sampled_from([True, True, False]))
    def fix_on_spot(self, life: Life, who: str, with_photo: bool) -> None:
        who = "limin" if who == FITTING else who
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

    @rule(life=lives, who=someone, opinion=said)
    def pass_(self, life: Life, who: str, opinion: str) -> None:
        who = self.verifier(life, who)
        legal = self.may_judge(life, who) and bool(opinion)
        legal = legal and not (life["level"] == "major" and who == life["first_verifier"])
        if self.attempt(life, "verify", who, {"passed": True, "opinion": opinion}, legal=legal):
            if life["level"] == "major" and life["first_verifier"] is None:
                self.happened(life, "verify", first_verifier=who)
            else:
                self.happened(life, "verify", state="verified")

    @rule(life=lives, who=someone, opinion=said, ahead=hours_ahead)
    def return_(self, life: Life, who: str, opinion: str, ahead: int | None) -> None:
        who = self.verifier(life, who)
        due = None if ahead is None else self.now + timedelta(hours=ahead)
        legal = self.may_judge(life, who) and bool(opinion) and (due is None or due > self.now)
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

    @rule(life=lives, who=someone, to=st.sampled_from([*ASSIGNEES, *ASSIGNEES, "zhouhai", None]), reason=said)
    def reassign(self, life: Life, who: str, to: str, reason: str) -> None:
        who = "qiansuozhang" if who == FITTING else who
        legal = life["state"] == "assigned" and who in SUPERVISORS and to in ASSIGNEES and bool(reason)
        if self.attempt(life, "reassign", who, {"assignee": to, "reason": reason}, legal=legal):
            self.happened(life, "reassign", assignee=to, acknowledged=False)

    @rule(life=lives, who=st.sampled_from([*HOME, STRANGER]), reason=said)
    def cancel(self, life: Life, who: str, reason: str) -> None:
        legal = life["state"] in {"found", "assigned"} and who in SUPERVISORS and bool(reason)
        if self.attempt(life, "cancel", who, {"reason": reason}, legal=legal):
            self.happened(life, "cancel", state="cancelled")

    @rule(life=lives, who=someone, reason=said)
    def supervise(self, life: Life, who: str, reason: str) -> None:
        who = "zhengju" if who == FITTING else who
        running = life["state"] in {"found", "assigned", "fixed"}
        if self.attempt(
            life,
            "supervise",
            who,
            {"reason": reason},
            legal=running and who in SUPERVISORS | LEADERS and bool(reason),
        ):
            self.happened(life, "supervise")

    @rule(life=lives, who=someone, level=level, reason=said, assured=assured)
    def regrade(self, life: Life, who: str, level: str, reason: str, assured: bool) -> None:
        who = "zhaozhuren" if who == FITTING else who
        legal = (
            life["state"] in {"found", "assigned"}
            and who in SUPERVISORS
            and level != life["level"]
            and bool(reason)
            and not (life["state"] == "assigned" and level == "major" and not assured)
        )
        told = {"level": level, "reason": reason, **_assurances(assured)}
        if self.attempt(life, "regrade", who, told, legal=legal):
            self.happened(life, "regrade", level=level)

    @rule(life=lives, who=someone, reason=said, measures=said, ahead=st.sampled_from([None, 0, 2, 60, 2000]))
    def ask_for_time(self, life: Life, who: str, reason: str, measures: str, ahead: int | None) -> None:
        who = self.responsible(life, who)
        due = None if ahead is None else (life["due_at"] or self.now) + timedelta(hours=ahead)
        legal = (
            life["state"] == "assigned"
            and who == life["assignee"]
            and self.now <= life["due_at"]
            and life["asked"] is None
            and life["granted"] < 2
            and bool(reason and measures)
            and due is not None
            and life["due_at"] < due <= life["first_due_at"] + (life["first_due_at"] - life["found_at"])
        )

        def work(session: Any, ticket: Ticket) -> None:
            told = ExtensionRequest(reason=reason, interim_measures=measures, due=due)
            extensions.request(session, ticket, told, actor=self.actors[who], now=self.now)

        if self.run(life, who, work, legal=legal):
            self.happened(life, "extension_requested", asked=(who, due))

    @rule(life=lives, who=someone, opinion=said)
    def grant_time(self, life: Life, who: str, opinion: str) -> None:
        who = "zhengju" if who == FITTING else who
        if life["asked"] is None:
            return
        due = life["asked"][1]
        legal = (
            self.may_decide(life, who)
            and life["state"] == "assigned"
            and due > self.now
            and due > life["due_at"]
        )
        if self.run(life, who, self.decision(life, extensions.approve, who, opinion), legal=legal):
            self.happened(life, "extend", due_at=due, asked=None, granted=life["granted"] + 1)

    @rule(life=lives, who=someone, opinion=said)
    def refuse_time(self, life: Life, who: str, opinion: str) -> None:
        who = "zhengju" if who == FITTING else who
        if life["asked"] is None:
            return
        legal = self.may_decide(life, who) and bool(opinion)
        if self.run(life, who, self.decision(life, extensions.refuse, who, opinion), legal=legal):
            self.happened(life, "extension_refused", asked=None)

    def may_decide(self, life: Life, who: str) -> bool:
        deciders = LEADERS | SUPERVISORS if life["level"] == "general" else LEADERS
        return who in deciders and who != life["asked"][0]

    def decision(
        self, life: Life, command: Callable[..., Any], who: str, opinion: str
    ) -> Callable[..., None]:
        def work(session: Any, ticket: Ticket) -> None:
            waiting = session.scalars(
                select(Extension.id).where(Extension.ticket_id == ticket.id, Extension.state == "requested")
            ).one()
            extension = extensions.extension_by_id(session, waiting, actor=self.actors[who])
            command(session, extension, Decision(opinion=opinion), actor=self.actors[who], now=self.now)

        return work

    # How a command is run, and what is compared.

    def responsible(self, life: Life, who: str) -> str:
        return (life["assignee"] or "wangjianguo") if who == FITTING else who

    def verifier(self, life: Life, who: str) -> str:
        if who != FITTING:
            return who
        return next(
            each for each in ("limin", "zhangqiang") if each not in {life["fixer"], life["first_verifier"]}
        )

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
            "supervise": remediation.Supervision,
            "regrade": remediation.Regrading,
        }[event]

        def work(session: Any, ticket: Ticket) -> None:
            getattr(remediation, event)(
                session, ticket, model.model_validate(told), actor=self.actors[who], now=self.now
            )

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
                assert (ticket.next_step_at is None) or ticket.state.value == "assigned"


def _assurances(given: bool) -> dict[str, object]:
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
            max_examples=25,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
