"""Orders of supervision (督办), what is reported under them, and plans of treatment (治理方案)."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.records.base import Base, Key, words
from domain.records.people import Person
from domain.records.tickets import Ticket
from statemachines.chart import RecordChart
from statemachines.labels import Level
from statemachines.supervision import SupervisionChart, SupervisionLevel, SupervisionState
from statemachines.ticket import TicketState
from statemachines.treatment_plan import PARTS, PlanChart, PlanState


class SupervisionCounter(Base):
    """The last number given out in a year to an order of supervision; numbers are never reused."""

    __tablename__ = "supervision_counters"

    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int]


class SupervisionOrder(Base):
    """A ticket listed for supervision at one level, until it is delisted or raised to the next.

    Progress is reported every `report_every_days` natural days; `next_report_at` is the end of the day the next report
    is due, None for an order that asks for none.
    """

    __tablename__ = "supervision_orders"
    chart: ClassVar[type[RecordChart]] = SupervisionChart

    id: Mapped[Key]
    number: Mapped[str] = mapped_column(unique=True)
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id"), index=True)
    level: Mapped[SupervisionLevel] = mapped_column(words(SupervisionLevel))
    state: Mapped[SupervisionState] = mapped_column(words(SupervisionState))
    reason: Mapped[str]
    requirements: Mapped[str] = mapped_column(default="")
    supervisor_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    """Who watches over it (督办人)."""
    listed_by_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    listed_at: Mapped[datetime]
    report_every_days: Mapped[int | None]
    next_report_at: Mapped[datetime | None]
    delisted_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    delisted_at: Mapped[datetime | None]
    delist_opinion: Mapped[str | None]
    version: Mapped[int] = mapped_column()

    ticket: Mapped[Ticket] = relationship(lazy="raise")
    supervisor: Mapped[Person] = relationship(lazy="raise", foreign_keys=[supervisor_id])
    listed_by: Mapped[Person] = relationship(lazy="raise", foreign_keys=[listed_by_id])
    delisted_by: Mapped[Person | None] = relationship(lazy="raise", foreign_keys=[delisted_by_id])
    reports: Mapped[list[SupervisionReport]] = relationship(
        lazy="raise", order_by="SupervisionReport.id", back_populates="order"
    )

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012
    __table_args__ = (
        CheckConstraint("reason <> ''", name="reason_given"),
        CheckConstraint("report_every_days BETWEEN 1 AND 92", name="reports_at_least_quarterly"),
        CheckConstraint(
            "state <> 'delisted' OR (delisted_by_id IS NOT NULL AND delisted_at IS NOT NULL"
            " AND delist_opinion <> '') IS TRUE",
            name="delisted_with_opinion",
        ),
        Index(
            "uq_supervision_orders_one_open",
            "ticket_id",
            unique=True,
            postgresql_where=text("state = 'open'"),
        ),
    )

    @property
    def unit_path(self) -> str:
        """The path of the ticket's unit."""
        return self.ticket.unit.path

    @property
    def ticket_state(self) -> TicketState:
        """Where the ticket stands."""
        return self.ticket.state

    @property
    def hazard_level(self) -> Level:
        """The level of the ticket."""
        return self.ticket.level

    @property
    def assignee_id(self) -> UUID | None:
        """The person responsible for the ticket."""
        return self.ticket.assignee_id

    @property
    def fixer_id(self) -> UUID | None:
        """Who reported the ticket as fixed."""
        return self.ticket.fixer_id


class SupervisionReport(Base):
    """What was done for a supervised hazard since the last report (督办进展)."""

    __tablename__ = "supervision_reports"

    id: Mapped[Key]
    order_id: Mapped[UUID] = mapped_column(ForeignKey("supervision_orders.id"), index=True)
    reported_by_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    reported_at: Mapped[datetime]
    text: Mapped[str]

    order: Mapped[SupervisionOrder] = relationship(lazy="raise", back_populates="reports")
    reported_by: Mapped[Person] = relationship(lazy="raise")

    __table_args__ = (CheckConstraint("text <> ''", name="text_given"),)


class TreatmentPlan(Base):
    """治理方案 of a ticket in six parts (16号令 Art. 15); at most one is drafted or approved."""

    __tablename__ = "treatment_plans"
    chart: ClassVar[type[RecordChart]] = PlanChart

    id: Mapped[Key]
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id"), index=True)
    state: Mapped[PlanState] = mapped_column(words(PlanState))
    goals: Mapped[str]
    methods: Mapped[str]
    funds: Mapped[str]
    people: Mapped[str]
    schedule: Mapped[str]
    safety: Mapped[str]
    drafted_by_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    drafted_at: Mapped[datetime]
    decided_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    decided_at: Mapped[datetime | None]
    opinion: Mapped[str | None]
    version: Mapped[int] = mapped_column()

    ticket: Mapped[Ticket] = relationship(lazy="raise")
    drafted_by: Mapped[Person] = relationship(lazy="raise", foreign_keys=[drafted_by_id])
    decided_by: Mapped[Person | None] = relationship(lazy="raise", foreign_keys=[decided_by_id])

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012
    __table_args__ = (
        CheckConstraint(" AND ".join(f"{part.value} <> ''" for part in PARTS), name="six_parts"),
        CheckConstraint("decided_by_id <> drafted_by_id", name="not_own_plan"),
        CheckConstraint(
            "state NOT IN ('approved', 'refused') OR (decided_by_id IS NOT NULL AND decided_at IS NOT NULL)",
            name="decided",
        ),
        Index(
            "uq_treatment_plans_current",
            "ticket_id",
            unique=True,
            postgresql_where=text("state IN ('drafted', 'approved')"),
        ),
    )

    @property
    def unit_path(self) -> str:
        """The path of the ticket's unit."""
        return self.ticket.unit.path

    @property
    def assignee_id(self) -> UUID | None:
        """The person responsible for the ticket."""
        return self.ticket.assignee_id
