"""Plain records with the facts the charts read, in a usual condition for each state; tests override what they mean."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from statemachines.call import CallChart, CallState
from statemachines.campaign import CampaignChart, CampaignState
from statemachines.chart import RecordChart
from statemachines.extension import ExtensionChart, ExtensionState
from statemachines.inspection import InspectionChart, InspectionState
from statemachines.labels import LOCAL, Level
from statemachines.report import ReportChart, ReportState
from statemachines.suggestion import SuggestionChart, SuggestionState
from statemachines.supervision import SupervisionChart, SupervisionLevel, SupervisionState
from statemachines.ticket import TicketChart, TicketState
from statemachines.treatment_plan import PlanChart, PlanState
from tests.statemachines.matrix import BUREAU, PERSONAS, STATION

FOUND_AT = datetime(2026, 3, 4, 9, 30, tzinfo=LOCAL)
NOW = datetime(2026, 3, 4, 15, 0, tzinfo=LOCAL)
DUE = datetime(2026, 3, 14, 23, 59, 59, tzinfo=LOCAL)
LATER = DUE + timedelta(days=5)


@dataclass
class Ticket:
    chart: ClassVar[type[RecordChart]] = TicketChart
    state: TicketState = TicketState.FOUND
    level: Level = Level.GENERAL
    unit_path: str = STATION
    found_at: datetime = FOUND_AT
    assignee_id: UUID | None = None
    fixer_id: UUID | None = None
    fixer_unit_path: str | None = None
    fixer_leads: tuple[str, ...] = ()
    due_at: datetime | None = None
    first_due_at: datetime | None = None
    first_verifier_id: UUID | None = None
    after_photo_required: bool = False
    files_expected: int = 1
    files_arrived: int = 1


@dataclass
class Campaign:
    chart: ClassVar[type[RecordChart]] = CampaignChart
    state: CampaignState = CampaignState.PREPARING
    unit_path: str = BUREAU


@dataclass
class Inspection:
    chart: ClassVar[type[RecordChart]] = InspectionChart
    state: InspectionState = InspectionState.PLANNED
    unit_path: str = STATION
    inspector_id: UUID | None = PERSONAS["inspector"].id


@dataclass
class Extension:
    chart: ClassVar[type[RecordChart]] = ExtensionChart
    state: ExtensionState = ExtensionState.REQUESTED
    level: Level = Level.GENERAL
    unit_path: str = STATION
    requester_id: UUID | None = PERSONAS["assignee"].id


@dataclass
class Suggestion:
    chart: ClassVar[type[RecordChart]] = SuggestionChart
    state: SuggestionState = SuggestionState.ISSUED
    unit_path: str = STATION
    issued_by_id: UUID | None = PERSONAS["inspector"].id
    addressee_id: UUID | None = PERSONAS["assignee"].id
    adopted: bool | None = None


@dataclass
class Supervision:
    chart: ClassVar[type[RecordChart]] = SupervisionChart
    state: SupervisionState = SupervisionState.OPEN
    unit_path: str = STATION
    ticket_state: TicketState = TicketState.VERIFIED
    hazard_level: Level = Level.GENERAL
    assignee_id: UUID | None = PERSONAS["assignee"].id
    fixer_id: UUID | None = PERSONAS["assignee"].id


@dataclass
class Plan:
    chart: ClassVar[type[RecordChart]] = PlanChart
    state: PlanState = PlanState.DRAFTED
    unit_path: str = STATION
    assignee_id: UUID | None = PERSONAS["assignee"].id
    drafted_by_id: UUID | None = PERSONAS["assignee"].id


@dataclass
class Report:
    chart: ClassVar[type[RecordChart]] = ReportChart
    state: ReportState = ReportState.RECEIVED
    unit_path: str = STATION


@dataclass
class Call:
    chart: ClassVar[type[RecordChart]] = CallChart
    state: CallState = CallState.OPEN
    unit_path: str = STATION
    answered_at: datetime | None = NOW
    callback_wanted: bool = False
    called_back_at: datetime | None = None


def ticket(state: str = "found", **facts: Any) -> Ticket:
    """A ticket in that state, with what has happened to it by then."""
    worker = PERSONAS["assignee"]
    usual: dict[str, Any] = {}
    if state != "found":
        usual |= {"assignee_id": worker.id, "due_at": DUE, "first_due_at": DUE}
    if state in ("fixed", "verified"):
        usual |= {"fixer_id": worker.id, "fixer_unit_path": worker.unit_path}
    return Ticket(state=TicketState(state), **{**usual, **facts})


TICKET_FACTS: dict[str, dict[str, Any]] = {
    "assign": {
        "assignee": PERSONAS["assignee"].id,
        "duty": "负责本所线路消缺",
        "measure": "更换针瓶",
        "due": DUE,
        "budget": 3000,
        "emergency_plan": "停电隔离,专人看护",
    },
    "progress": {"note": "材料已到"},
    "fix": {"note": "已更换", "fixed_at": NOW, "after_photos": 1},
    "fix_on_spot": {"fixed_at": NOW, "before_photos": 1, "after_photos": 1},
    "verify": {"opinion": "合格", "independent_team": True},
    "return": {"opinion": "仍有渗漏", "independent_team": True, "due": LATER},
    "cancel": {"reason": "与 CC2026-XB03-0016 重复"},
    "reassign": {"assignee": PERSONAS["colleague"].id, "reason": "王工外出"},
    "regrade": {"level": Level.SERIOUS, "reason": "范围扩大", "budget": 3000, "emergency_plan": "专人看护"},
    "transfer": {"unit": "/XB/XB04/", "reason": "属地划分有误", "extension_pending": False},
    "correct": {"changed": ("location",), "reason": "杆号写错"},
    "supervise": {"reason": "两次复查不合格"},
    "extend": {"due": LATER},
}
CAMPAIGN_FACTS: dict[str, dict[str, Any]] = {
    "mobilise": {"notice_number": "西电工〔2026〕3号", "held_on": FOUND_AT.date(), "attendance": 86},
    "rectify": {"unreported": [], "reason": None},
    "recheck": {"unassigned": []},
    "summarise": {"mismatches": []},
    "archive": {"open_tickets": [], "next_campaign": None},
}
INSPECTION_FACTS: dict[str, dict[str, Any]] = {
    "submit": {"unanswered": 0, "conflicts": 0, "without_photo": None},
    "hand_over": {"inspector": PERSONAS["colleague"].id},
    "miss": {"reason": "道路中断"},
    "withdraw": {"reason": "轮次已停止"},
}
EXTENSION_FACTS: dict[str, dict[str, Any]] = {"refuse": {"reason": "材料已到,无须延期"}}

SUGGESTION_FACTS: dict[str, dict[str, Any]] = {
    "answer": {"adopted": False, "answer": "需报计划停电"},
    "dispute": {"reason": "未说明停电前的防护"},
    "explain": {"answer": "停电前已设围栏,每日巡视"},
}

SUPERVISION_FACTS: dict[str, dict[str, Any]] = {
    "report": {"text": "密封垫已到货,明日停电更换"},
    "raise": {"present": SupervisionLevel.UNION, "level": SupervisionLevel.COMPANY},
    "delist": {"opinion": "已复查合格", "plan_approved": False},
}
PLAN_FACTS: dict[str, dict[str, Any]] = {"refuse": {"reason": "没有写明停电期间的看护"}}
REPORT_FACTS: dict[str, dict[str, Any]] = {"decline": {"reason": "已由检修班处理"}}

CALL_FACTS: dict[str, dict[str, Any]] = {"answer": {"answer": "本周内更换"}}
