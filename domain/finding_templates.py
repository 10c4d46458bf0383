"""What a finding is made from: an item of a checklist, a standard hazard, or both; what it leaves out they fill in.

Level, category, measure and days are proposals. The evidence rules are not: they are copied to the ticket, so that what
is asked of it later is what was asked when it was found.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.errors import BadInput, NotFound
from domain.hazards import hazard_by_code
from domain.records import Campaign, ChecklistItem, StandardHazard
from statemachines.labels import Level


@dataclass(frozen=True, slots=True)
class FindingTemplate:
    """The item that failed and the standard hazard that was picked; either may be absent."""

    item: ChecklistItem | None = None
    hazard: StandardHazard | None = None

    @property
    def _sources(self) -> tuple[StandardHazard | ChecklistItem, ...]:
        # What was picked says more exactly what is wrong than the item it was picked under.
        return tuple(each for each in (self.hazard, self.item) if each is not None)

    @property
    def level(self) -> Level | None:
        """The usual level."""
        return next((each.level for each in self._sources), None)

    @property
    def category(self) -> str | None:
        """大类/小类."""
        return next((each.category for each in self._sources), None)

    @property
    def measure(self) -> str | None:
        """The usual measure."""
        return next((each.measure for each in self._sources), None)

    def days(self, level: Level) -> int | None:
        """The usual days, as long as the level is the usual one."""
        return next((each.deadline_days for each in self._sources if each.level == level), None)

    @property
    def photo_required(self) -> bool:
        """Whether the finding must list a photo."""
        return any(each.photo_required for each in self._sources)

    @property
    def after_photo_required(self) -> bool:
        """Whether the report of the fix must."""
        return any(each.after_photo_required for each in self._sources)

    @property
    def name(self) -> str:
        """What asks for it, as a refusal names it."""
        if self.hazard is not None:
            return self.hazard.title
        return self.item.item if self.item is not None else ""


def template_of(
    session: Session,
    campaign: Campaign,
    *,
    checklist_item: str | None,
    standard_hazard: str | None,
    version: int | None,
) -> FindingTemplate:
    """The template a finding names by code. `version` is the hazard's as the sender knew it: a phone may have been
    without signal for a day. Raises BadInput for an unknown item of the campaign's checklist, an unknown hazard.
    """
    return FindingTemplate(
        _item(session, campaign, checklist_item), _hazard(session, standard_hazard, version)
    )


def _item(session: Session, campaign: Campaign, code: str | None) -> ChecklistItem | None:
    if code is None:
        return None
    item = session.scalars(
        select(ChecklistItem).where(
            ChecklistItem.checklist_id == campaign.checklist_id, ChecklistItem.code == code
        )
    ).one_or_none()
    if item is None:
        raise BadInput(
            "/checklist_item",
            "unknown-item",
            zh=f"“{campaign.name}”的检查表没有条目“{code}”。",
            en=f"The checklist of “{campaign.name}” has no item “{code}”.",
        )
    return item


def _hazard(session: Session, code: str | None, version: int | None) -> StandardHazard | None:
    if code is None:
        return None
    try:
        return hazard_by_code(session, code, version=version)
    except NotFound as missing:
        raise BadInput(
            "/standard_hazard",
            "unknown-hazard",
            zh=f"标准隐患库里没有“{code}”，请重新选择，或不选。",
            en=f"The library has no standard hazard “{code}”; choose again, or leave it out.",
        ) from missing
