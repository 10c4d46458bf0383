"""Deadlines of the play, as the program gives them when nobody names one."""

from __future__ import annotations

from datetime import datetime

from chuncha.demo.steps import Hazard
from domain.campaign_settings import CampaignSettings
from domain.deadlines import due_for
from statemachines.labels import LOCAL


def due_of(hazard: Hazard, assigned: datetime) -> datetime:
    """The deadline the system gives when nobody names one (domain/remediation.py), in Asia/Shanghai."""
    days_given = hazard.item.deadline_days if hazard.level is hazard.item.level else None
    settings = CampaignSettings()
    due = due_for(hazard.found_at, level=hazard.level, days=days_given, settings=settings)
    if due.at <= assigned:
        due = due_for(assigned, level=hazard.level, days=days_given, settings=settings)
    return due.at.astimezone(LOCAL)
