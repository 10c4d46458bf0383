"""Every table, one file per noun of the trade; import records from here."""

from domain.records.absences import Absence
from domain.records.base import Base
from domain.records.calendars import Calendar, CalendarDay
from domain.records.calls import CallCounter, CallWay, HotlineCall
from domain.records.campaigns import Campaign, CampaignPhase, CampaignUnit
from domain.records.channels import Channel, DeliveryAttempt, Dispatch, Outlet, OutletKind
from domain.records.chases import Chase, Matter, Replanning, StepRecord
from domain.records.checklists import Checklist, ChecklistItem
from domain.records.desks import BulkAct, Desk, SavedFilter
from domain.records.drafts import DraftCopy
from domain.records.feeds import CalendarFeed
from domain.records.files import FileKind, FileListing, FilePart, StoredFile
from domain.records.flows import FlowRequest, FlowRun
from domain.records.hazards import StandardHazard
from domain.records.inspections import Answer, AnswerConflict, AnswerValue, Inspection
from domain.records.inspectors import Appointment, InspectorKind, Training
from domain.records.ledger import TICKET_MOVES, Answered, Heartbeat, History, Notice
from domain.records.people import ApiToken, LoginFailure, Person, RoleGrant, Unit, UnitKind, WebLogin
from domain.records.photo_listings import PhotoListing
from domain.records.places import Place
from domain.records.quantities import CountsAs, QuantityRecord
from domain.records.reports import DoorKind, Knock, Report, ReportFile
from domain.records.rotas import Rota, RotaEvery, RotaStop
from domain.records.samples import SampleDraw, SampledTicket, SampleKind
from domain.records.standing import Stands
from domain.records.suggestions import Suggestion, SuggestionCounter
from domain.records.summaries import Summary
from domain.records.supervisions import (
    SupervisionCounter,
    SupervisionOrder,
    SupervisionReport,
    TreatmentPlan,
)
from domain.records.tickets import CancelKind, Extension, NumberCounter, Ticket
from domain.records.tools import Tool, ToolStatus, ToolTest

__all__ = [
    "TICKET_MOVES",
    "Absence",
    "Answer",
    "AnswerConflict",
    "AnswerValue",
    "Answered",
    "ApiToken",
    "Appointment",
    "Base",
    "BulkAct",
    "Calendar",
    "CalendarDay",
    "CalendarFeed",
    "CallCounter",
    "CallWay",
    "Campaign",
    "CampaignPhase",
    "CampaignUnit",
    "CancelKind",
    "Channel",
    "Chase",
    "Checklist",
    "ChecklistItem",
    "CountsAs",
    "DeliveryAttempt",
    "Desk",
    "Dispatch",
    "DoorKind",
    "DraftCopy",
    "Extension",
    "FileKind",
    "FileListing",
    "FilePart",
    "FlowRequest",
    "FlowRun",
    "Heartbeat",
    "History",
    "HotlineCall",
    "Inspection",
    "InspectorKind",
    "Knock",
    "LoginFailure",
    "Matter",
    "Notice",
    "NumberCounter",
    "Outlet",
    "OutletKind",
    "Person",
    "PhotoListing",
    "Place",
    "QuantityRecord",
    "Replanning",
    "Report",
    "ReportFile",
    "RoleGrant",
    "Rota",
    "RotaEvery",
    "RotaStop",
    "SampleDraw",
    "SampleKind",
    "SampledTicket",
    "SavedFilter",
    "StandardHazard",
    "Stands",
    "StepRecord",
    "StoredFile",
    "Suggestion",
    "SuggestionCounter",
    "Summary",
    "SupervisionCounter",
    "SupervisionOrder",
    "SupervisionReport",
    "Ticket",
    "Tool",
    "ToolStatus",
    "ToolTest",
    "Training",
    "TreatmentPlan",
    "Unit",
    "UnitKind",
    "WebLogin",
]
