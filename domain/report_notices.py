"""What supervisors are told about a report from anybody."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from domain import outbox
from domain.notices import local_time
from domain.people import nearest_holders
from domain.records import Report
from statemachines.labels import Language
from statemachines.report import DECIDERS


def received(session: Session, report: Report, *, now: datetime) -> None:
    """To the supervisors nearest the unit; those above hear of it when it stays undecided."""
    for person in nearest_holders(session, DECIDERS, report.unit.path):
        language: Language = "en" if person.language == "en" else "zh"
        zh = language == "zh"
        where = (" " if zh else ", ").join(part for part in (report.place.name, report.location) if part)
        act = (
            "有职工扫码报告隐患，请核实并受理，或说明不受理的理由；报告人凭查询码在等答复。"
            if zh
            else "A worker reported a hazard by its QR code. Please look into it and accept it, or say why not."
        )
        lines = [
            f"{'单位：' if zh else 'Unit: '}{report.unit.name}",
            f"{'地点：' if zh else 'Place: '}{where}",
            f"{'报告：' if zh else 'Report: '}{report.text}",
            f"{'收到：' if zh else 'Received: '}{local_time(report.received_at, language)}",
        ]
        outbox.tell(
            session,
            person,
            key=f"report:{report.id}:received",
            kind="report_received",
            subject=f"{'群众报告' if zh else 'Public report'} {report.text[:40]}",
            body="\n".join([act, "", *lines]),
            now=now,
            path=f"/reports/{report.id}",
            responsible=True,
        )
