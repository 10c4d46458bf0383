"""Every table, one file per noun of the trade; import records from here."""

from domain.records.base import Base
from domain.records.campaigns import Campaign, CampaignPhase, CampaignUnit, Rota, RotaEvery
from domain.records.checklists import Checklist, ChecklistItem
from domain.records.files import FileKind, FileListing, FilePart, StoredFile
from domain.records.inspections import Answer, AnswerValue, Inspection
from domain.records.ledger import Answered, Channel, Heartbeat, History, Notice
from domain.records.people import ApiToken, LoginFailure, Person, RoleGrant, Unit, UnitKind, WebLogin
from domain.records.quantities import CountsAs, QuantityRecord
from domain.records.summaries import Summary
from domain.records.tickets import CancelKind, Extension, NumberCounter, StepRecord, Ticket
from domain.records.tools import Tool, ToolStatus, ToolTest

__all__ = [
    "Answer",
    "AnswerValue",
    "Answered",
    "ApiToken",
    "Base",
    "Campaign",
    "CampaignPhase",
    "CampaignUnit",
    "CancelKind",
    "Channel",
    "Checklist",
    "ChecklistItem",
    "CountsAs",
    "Extension",
    "FileKind",
    "FileListing",
    "FilePart",
    "Heartbeat",
    "History",
    "Inspection",
    "LoginFailure",
    "Notice",
    "NumberCounter",
    "Person",
    "QuantityRecord",
    "RoleGrant",
    "Rota",
    "RotaEvery",
    "StepRecord",
    "StoredFile",
    "Summary",
    "Ticket",
    "Tool",
    "ToolStatus",
    "ToolTest",
    "Unit",
    "UnitKind",
    "WebLogin",
]
