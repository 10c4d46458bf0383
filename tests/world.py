"""The small bureau most tests play in: who is who, and short ways to do what a test needs done first.

县局 XB ── 柳林所 LL01 (── 检修班 LL01-A), 石桥所 SQ02. One campaign, CC2026, is inspecting.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import campaigns, extensions, findings, remediation, supervisions
from domain.access import actor_by_login, issue_token
from domain.campaigns import NewCampaign
from domain.database import Database
from domain.people import NewPerson, NewUnit, add_person, add_unit, first_administrator
from domain.records import Chase, Ticket
from domain.tickets import ticket_by_number
from statemachines.roles import SYSTEM, Actor

UNITS = [
    ("XB", "县供电局", "bureau", None),
    ("LL01", "柳林供电所", "station", "XB"),
    ("LL01-A", "柳林所检修班", "team", "LL01"),
    ("SQ02", "石桥供电所", "station", "XB"),
]

#: login, name, unit, roles
PEOPLE = [
    ("limin", "李敏", "XB", ["inspector"]),
    ("zhangqiang", "张强", "XB", ["inspector"]),
    ("wangjianguo", "王建国", "LL01-A", ["assignee"]),
    ("sunhua", "孙华", "LL01-A", ["assignee", "inspector"]),
    ("zhouhai", "周海", "SQ02", ["assignee"]),
    ("zhaozhuren", "赵主任", "XB", ["supervisor"]),
    ("qiansuozhang", "钱所长", "LL01", ["supervisor"]),
    ("shisuozhang", "石所长", "SQ02", ["supervisor"]),
    ("zhengju", "郑局长", "XB", ["leader"]),
    ("robot", "接口程序", "XB", ["program"]),
    ("guanli", "管理员小吴", "XB", ["administrator"]),
]

#: argon2 as everywhere, with the least it can be asked to do: tests sign in hundreds of times.
QUICK = Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1)


@dataclass
class World:
    """The bureau, with `now` as the clock of its commands."""

    database: Database
    now: datetime
    tokens: dict[str, str] = field(default_factory=dict)

    def actor(self, login: str) -> Actor:
        """The actor with this login."""
        with self.database.reading() as session:
            return actor_by_login(session, login, now=self.now)

    def token(self, login: str) -> str:
        """A bearer token for this login, made once."""
        if login not in self.tokens:
            with self.database.transaction() as session:
                self.tokens[login] = issue_token(session, login, note="test", now=self.now)
        return self.tokens[login]

    def bearer(self, login: str) -> dict[str, str]:
        """The header a program sends for this login."""
        return {"Authorization": f"Bearer {self.token(login)}"}

    def later(self, **lapse: float) -> datetime:
        """Let time pass: `later(days=3)`."""
        self.now += timedelta(**lapse)
        return self.now

    def ticket(self, number: str) -> Ticket:
        """The ticket as it stands now, seen by the clock."""
        with self.database.reading() as session:
            return ticket_by_number(session, number, actor=SYSTEM)

    def find(self, *, by: str = "limin", **said: object) -> Ticket:
        """Submit a finding; what is not said is a general oil leak at 柳林所."""
        finding = {
            "campaign": "CC2026",
            "unit": "LL01",
            "description": "27# 变台变压器渗漏油",
            "level": "general",
            "category": "生产设备/变压器台区",
            "location": "10kV 柳林线 27# 变台",
            **said,
        }
        actor = self.actor(by)
        with self.database.transaction() as session:
            new = findings.NewFinding.model_validate(finding)
            return findings.submit_finding(session, new, actor=actor, now=self.now).ticket

    def do(self, number: str, event: str, *, by: str, **said: object) -> Ticket:
        """Run one command of domain/remediation.py on a ticket."""
        command, model = _COMMANDS[event]
        actor = self.actor(by)
        with self.database.transaction() as session:
            ticket = ticket_by_number(session, number, actor=actor, lock=True)
            return command(session, ticket, model.model_validate(said), actor=actor, now=self.now)

    def assigned(self, *, to: str = "wangjianguo", **said: object) -> Ticket:
        """A ticket found and assigned under 三定."""
        due = said.pop("due", None)
        extra = {name: said.pop(name) for name in ("budget", "emergency_plan") if name in said}
        number = self.find(**said).number
        return self.do(
            number,
            "assign",
            by="zhaozhuren",
            assignee=to,
            duty="负责停电处理",
            measure="停电更换密封垫",
            **({"due": due} if due else {}),
            **extra,
        )

    def acknowledged(self, **said: object) -> Ticket:
        """A ticket assigned and acknowledged (签收), so that only its deadline is chased."""
        return self.do(self.assigned(**said).number, "acknowledge", by="wangjianguo")  # type: ignore[arg-type]

    def chase(self, number: str, matter: str = "deadline") -> Chase | None:
        """What is chased about the ticket with this number."""
        with self.database.reading() as session:
            about = (Ticket.number == number, Chase.matter == matter)
            return session.scalars(
                select(Chase).join(Ticket, Ticket.id == Chase.ticket_id).where(*about)
            ).one_or_none()

    def next_step(self, number: str, matter: str = "deadline") -> datetime | None:
        """When the ticket's next step of that matter comes; None when it is not chased."""
        chase = self.chase(number, matter)
        return chase.next_step_at if chase else None

    def fixed(self, *, by: str = "wangjianguo", **said: object) -> Ticket:
        """A ticket found, assigned and fixed."""
        number = self.assigned(to=by, **said).number
        return self.do(number, "fix", by=by, note="已更换密封垫并补油")

    def ask_extension(self, number: str, *, by: str = "wangjianguo", **said: object) -> object:
        """Ask for more time."""
        actor = self.actor(by)
        with self.database.transaction() as session:
            ticket = ticket_by_number(session, number, actor=actor, lock=True)
            told = extensions.ExtensionRequest.model_validate(said)
            return extensions.request(session, ticket, told, actor=actor, now=self.now).id


_COMMANDS = {
    "assign": (remediation.assign, remediation.Assignment),
    "acknowledge": (remediation.acknowledge, remediation.Acknowledgement),
    "progress": (remediation.progress, remediation.Progress),
    "fix": (remediation.fix, remediation.Fix),
    "fix_on_spot": (remediation.fix_on_spot, remediation.Fix),
    "verify": (remediation.verify, remediation.Verification),
    "reassign": (remediation.reassign, remediation.Reassignment),
    "cancel": (remediation.cancel, remediation.Cancellation),
    "supervise": (supervisions.supervise, supervisions.Supervision),
    "regrade": (remediation.regrade, remediation.Regrading),
}


def build_world(database: Database, *, now: datetime) -> World:
    """Fill an empty migrated database with the bureau."""
    begun = now - timedelta(days=40)
    with database.transaction() as session:
        first_administrator(session, now=begun)
        for code, name, kind, parent in UNITS:
            add_unit(
                session,
                NewUnit.model_validate({"code": code, "name": name, "kind": kind, "parent": parent}),
                actor=SYSTEM,
                now=begun,
            )
        for login, name, unit, roles in PEOPLE:
            new = {
                "login": login,
                "name": name,
                "unit": unit,
                "roles": roles,
                "email": f"{login}@example.org",
            }
            person = add_person(session, NewPerson.model_validate(new), actor=SYSTEM, now=begun)
            person.password_hash = QUICK.hash(f"{login}-chuncha")
    world = World(database, now)
    with database.transaction() as session:
        _campaign(session, actor=actor_by_login(session, "zhaozhuren"), now=begun)
    return world


def _campaign(session: Session, *, actor: Actor, now: datetime) -> None:
    campaign = campaigns.create_campaign(
        session,
        NewCampaign.model_validate(
            {
                "code": "CC2026",
                "name": "2026年春查",
                "kind": "春查",
                "unit": "XB",
                "units": ["LL01", "SQ02"],
                "phases": {
                    "mobilised": {"from": "2026-02-26", "to": "2026-02-27"},
                    "inspecting": {"from": "2026-03-02", "to": "2026-03-27"},
                    "rectifying": {"from": "2026-03-30", "to": "2026-04-03"},
                    "rechecking": {"from": "2026-04-07", "to": "2026-04-09"},
                    "summarised": {"from": "2026-04-10", "to": "2026-04-10"},
                },
            }
        ),
        actor=actor,
        now=now,
    )
    facts = {"notice_number": "工劳监〔2026〕12号", "held_on": "2026-02-26", "attendance": 63}
    begun = now + timedelta(days=10)
    campaigns.move_campaign(session, campaign, "mobilise", facts, actor=actor, now=begun)
    campaigns.move_campaign(session, campaign, "inspect", {}, actor=actor, now=begun)
