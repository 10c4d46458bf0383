"""What is planned for a batch of matters: each one's ladder, read once, and the steps of it."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.campaign_settings import CampaignSettings
from domain.chases import UnitLadders
from domain.ladder import PlannedStep, planned_steps
from domain.ladder_settings import Ladder, LadderStep
from domain.many_rows import among
from domain.matters import Subject
from domain.records import Campaign, Matter
from domain.workdays import WorkCalendar


class Plans:
    """The ladders of a batch; settings that cannot be read hold up only the matters of their campaign or unit."""

    def __init__(self, session: Session, subjects: Sequence[Subject]) -> None:
        self._ladders: dict[UUID | str, dict[Matter, Ladder]] = {}
        self._faults: dict[UUID | str, ValidationError] = {}
        self._planned: dict[tuple[object, ...], tuple[list[PlannedStep], WorkCalendar]] = {}
        campaigns = {subject.campaign_id for subject in subjects if subject.campaign_id}
        rows = session.execute(select(Campaign.id, Campaign.settings).where(among(Campaign.id, campaigns)))
        for key, settings in rows:
            try:
                self._ladders[key] = CampaignSettings.model_validate(settings).ladders
            except ValidationError as error:
                self._faults[key] = error
        units = UnitLadders(session)
        for path in {subject.unit_path for subject in subjects if not subject.campaign_id}:
            try:
                self._ladders[path] = units.of(path)
            except ValidationError as error:
                self._faults[path] = error

    def steps(self) -> list[LadderStep]:
        """Every step of every ladder of the batch."""
        return [step for each in self._ladders.values() for ladder in each.values() for step in ladder]

    def of(self, subject: Subject, calendar: WorkCalendar) -> list[PlannedStep]:
        """The steps of this matter, earliest first. Matters that end on the same day climb at the same times.

        Raises what made the settings of its campaign or unit unreadable.
        """
        whose = subject.campaign_id or subject.unit_path
        if whose in self._faults:
            raise self._faults[whose]
        like = (whose, subject.matter, subject.anchor_at, subject.level, id(calendar))
        if like not in self._planned:
            ladder = self._ladders[whose][subject.matter]
            # Kept with its calendar, so that no other takes its place in memory.
            self._planned[like] = (
                planned_steps(ladder, subject.anchor_at, subject.level, calendar),
                calendar,
            )
        return self._planned[like][0]
