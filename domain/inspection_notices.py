"""What people are told about a visit."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from domain import outbox
from domain.records import Inspection, Person
from statemachines.roles import Actor


def handed_over(
    session: Session, inspection: Inspection, to: Person, *, by: Actor, reason: str, now: datetime
) -> None:
    """To whoever makes the visit from now on. Unit, campaign and checklist must be loaded."""
    zh = to.language != "en"
    between = "：" if zh else ": "
    answered, every = len(inspection.answers), len(inspection.checklist.items)
    title = "检查交接" if zh else "Visit handed over to you"
    lines = [
        ("单位" if zh else "Unit", inspection.unit.name),
        ("检查表" if zh else "Checklist", inspection.checklist.name),
        ("检查活动" if zh else "Campaign", inspection.campaign.name),
        ("日期" if zh else "Day", inspection.planned_on.isoformat()),
        ("已填" if zh else "Answered", f"{answered}/{every}"),
        ("交接人" if zh else "From", by.name),
        *([("原因" if zh else "Why", reason)] if reason else []),
    ]
    todo = (
        "这次检查已交给您，请接着检查并提交。"
        if zh
        else "This visit is yours now; please go on with it and submit it."
    )
    outbox.tell(
        session,
        to,
        # The version moves with each hand-over, so that coming back is told again.
        key=f"inspection:{inspection.id}:hand_over:{inspection.version}",
        kind="hand_over",
        subject=f"{title} {inspection.unit.name}",
        body="\n".join([todo, "", *(f"{name}{between}{value}" for name, value in lines)]),
        now=now,
        inspection=inspection,
        responsible=True,
    )
