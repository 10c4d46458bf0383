"""What anybody reported without a login: held until a supervisor of the unit takes it on or says why not."""

from statemachines.chart import Law, RecordChart, by, reason_given, stage
from statemachines.labels import Labelled
from statemachines.roles import Role

__all__ = ["DECIDERS", "ReportChart", "ReportEvent", "ReportState"]


class ReportState(Labelled):
    """Whether somebody has decided about it."""

    RECEIVED = "received", "待受理", "Received"
    ACCEPTED = "accepted", "已受理", "Accepted"
    DECLINED = "declined", "不受理", "Declined"


class ReportEvent(Labelled):
    """What a supervisor does with it."""

    ACCEPT = "accept", "受理", "Accept"
    DECLINE = "decline", "不受理", "Decline"


DECIDERS = (Role.SUPERVISOR,)
"""Who decides, at the unit the report is about (安全生产法 Art. 59: whoever receives it handles it in time)."""

LAWS: dict[Labelled, Law] = {
    ReportEvent.ACCEPT: Law(may=(by(*DECIDERS),)),
    ReportEvent.DECLINE: Law(may=(by(*DECIDERS),), needs=(reason_given,)),
}


class ReportChart(RecordChart):
    """One report from anybody, from its arrival to the decision."""

    states_enum = ReportState
    events_enum = ReportEvent
    laws = LAWS

    received = stage(ReportState.RECEIVED, initial=True)
    accepted = stage(ReportState.ACCEPTED, final=True)
    declined = stage(ReportState.DECLINED, final=True)

    accept = received.to(accepted, validators="lawful")
    decline = received.to(declined, validators="lawful")
