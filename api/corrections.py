"""Tickets put right with a reason: passed on to another unit, a wrong fact corrected."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from api.deps import Writes
from api.documented import CHANGE
from api.shapes import TicketShape
from api.tickets import Number, change
from domain import corrections
from domain.corrections import Correction, Transfer

router = APIRouter(tags=["tickets"])


@router.post(
    "/tickets/{number}/transfer", operation_id="transferTicket", response_model=TicketShape, responses=CHANGE
)
def transfer(number: Number, facts: Transfer, call: Writes) -> Response:
    """转办 up, down or sideways, with a reason. The number stays; the receiving unit assigns it anew.

    The answer is the last the caller may see of it when the receiving unit is out of their sight.
    """
    return change(call, number, corrections.transfer, facts)


@router.post(
    "/tickets/{number}/correct", operation_id="correctTicket", response_model=TicketShape, responses=CHANGE
)
def correct(number: Number, facts: Correction, call: Writes) -> Response:
    """更正 of hazard, category, place or quantity, with a reason. The history keeps old and new."""
    return change(call, number, corrections.correct, facts)
