"""A person's desk: filters kept by name, the columns of their queue, and what became of their acts on many tickets.

All of it is the owner's alone; somebody else's does not exist for them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from domain.errors import BadInput, NotFound
from domain.records import BulkAct, Desk, SavedFilter
from statemachines.labels import Labelled
from statemachines.roles import Actor

FILTERS_AT_MOST = 30


class QueueColumn(Labelled):
    """A column of the queue; the number always stands first."""

    HAZARD = "hazard", "隐患", "Hazard"
    PLACE = "place", "地点", "Place"
    UNIT = "unit", "单位", "Unit"
    LEVEL = "level", "等级", "Level"
    STATE = "state", "状态", "State"
    ASSIGNEE = "assignee", "责任人", "Assignee"
    DUE = "due", "期限", "Deadline"
    AGE = "age", "已发现", "Age"
    RETURNS = "returns", "退回", "Returns"
    CATEGORY = "category", "类别", "Category"
    MEASURE = "measure", "措施", "Measure"
    FINDER = "finder", "发现人", "Finder"
    FIXED = "fixed", "整改完成", "Fixed"
    PHOTOS = "photos", "照片", "Photos"
    CAMPAIGN = "campaign", "检查活动", "Campaign"


USUAL_COLUMNS = (
    QueueColumn.HAZARD,
    QueueColumn.UNIT,
    QueueColumn.LEVEL,
    QueueColumn.STATE,
    QueueColumn.ASSIGNEE,
    QueueColumn.DUE,
)


class NewFilter(BaseModel):
    """A filter to keep: its name, and the list's address after the question mark."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    name: Annotated[str, Field(min_length=1, max_length=20)]
    query: Annotated[str, Field(max_length=2000)]


class ChosenColumns(BaseModel):
    """The columns to show, in their order here; at least one."""

    model_config = ConfigDict(extra="forbid")

    columns: list[QueueColumn] = Field(min_length=1, max_length=len(QueueColumn))


def filters_of(session: Session, actor: Actor) -> list[SavedFilter]:
    """The actor's filters in the order they were kept."""
    query = select(SavedFilter).where(SavedFilter.person_id == actor.id).order_by(SavedFilter.id)
    return list(session.scalars(query))


def keep_filter(session: Session, new: NewFilter, *, actor: Actor, now: datetime) -> None:
    """Keep a filter; one of the same name is replaced. Raises BadInput beyond thirty."""
    kept = select(SavedFilter.name).where(SavedFilter.person_id == actor.id)
    others = session.scalar(
        select(func.count()).select_from(kept.where(SavedFilter.name != new.name).subquery())
    )
    if (others or 0) >= FILTERS_AT_MOST:
        raise BadInput(
            "/name",
            "too-many",
            zh=f"最多保存{FILTERS_AT_MOST}个筛选，请先删去不用的。",
            en=f"At most {FILTERS_AT_MOST} filters are kept; delete one you no longer use.",
        )
    row = insert(SavedFilter).values(person_id=actor.id, name=new.name, query=new.query, created_at=now)
    session.execute(
        row.on_conflict_do_update(index_elements=["person_id", "name"], set_={"query": new.query})
    )


def forget_filter(session: Session, key: UUID, *, actor: Actor) -> None:
    """Delete one of the actor's own filters. Raises NotFound."""
    gone = session.execute(
        delete(SavedFilter).where(SavedFilter.id == key, SavedFilter.person_id == actor.id)
    )
    if not gone.rowcount:  # type: ignore[attr-defined]
        raise NotFound(what=str(key))


def columns_of(session: Session, actor: Actor) -> tuple[QueueColumn, ...]:
    """The columns the actor chose, else the usual ones. A column that is no longer known is left out."""
    chosen = session.scalar(select(Desk.columns).where(Desk.person_id == actor.id)) or ()
    known = {column.value: column for column in QueueColumn}
    return tuple(known[each] for each in chosen if each in known) or USUAL_COLUMNS


def choose_columns(session: Session, chosen: ChosenColumns, *, actor: Actor) -> None:
    """Remember the columns, in the order they have in QueueColumn."""
    columns = [column.value for column in QueueColumn if column in chosen.columns]
    row = insert(Desk).values(person_id=actor.id, columns=columns)
    session.execute(row.on_conflict_do_update(index_elements=["person_id"], set_={"columns": columns}))


def act_once(
    session: Session,
    key: UUID,
    act: str,
    work: Callable[[], Sequence[dict[str, Any]]],
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Do `work` for the first form with this id and keep what became of each row; a form sent again does nothing.

    Raises NotFound when the id is somebody else's.
    """
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(str(key), 0))))
    if session.get(BulkAct, key) is None:
        rows = list(work())
        session.add(BulkAct(id=key, person_id=actor.id, act=act, at=now, rows=rows))
    else:
        bulk_act(session, key, actor=actor)


def bulk_act(session: Session, key: UUID, *, actor: Actor) -> BulkAct:
    """One of the actor's own acts on many tickets. Raises NotFound."""
    found = session.scalars(
        select(BulkAct).where(BulkAct.id == key, BulkAct.person_id == actor.id)
    ).one_or_none()
    if found is None:
        raise NotFound(what=str(key))
    return found
