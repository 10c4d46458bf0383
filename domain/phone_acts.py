"""What whoever fixes did on a phone without a signal: acknowledged, progress, fixed, more time asked for; each once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from domain import extensions, remediation
from domain.answered import Answer, answer_once, fingerprint
from domain.errors import NotFound
from domain.records import Ticket
from domain.remediation import Fix
from domain.tickets import ticket_by_number
from statemachines.roles import Actor

ACTS: Mapping[str, tuple[Callable[..., object], type[BaseModel]]] = {
    "acknowledge": (remediation.acknowledge, remediation.Acknowledgement),
    "progress": (remediation.progress, remediation.Progress),
    "fix": (remediation.fix, remediation.Fix),
    "request": (extensions.request, extensions.ExtensionRequest),
}
"""What a phone keeps until there is a signal; whatever else is done to a ticket is done with one."""


class PhoneAct(BaseModel):
    """An act on the ticket with this number; `said` is what its command takes."""

    model_config = ConfigDict(extra="forbid")

    ticket: str = Field(min_length=1, max_length=64)
    said: dict[str, Any] = Field(default_factory=dict)


def take_act(
    session: Session,
    key: UUID,
    act: str,
    sent: PhoneAct,
    *,
    made_at: AwareDatetime,
    actor: Actor,
    now: datetime,
) -> tuple[Ticket, bool]:
    """Do what a phone kept under `key`; sent again it changes nothing.

    A fix that names no time was made when it was saved, as far as the phone's clock can be right: between the finding
    and now. Returns the ticket and whether this call did it. Raises NotFound, pydantic's ValidationError,
    IdempotencyKeyReused and what the command does.
    """
    if act not in ACTS:
        raise NotFound(what=act)
    command, model = ACTS[act]
    told = model.model_validate(sent.said)
    seal = fingerprint(act, json.dumps(sent.model_dump()).encode())
    ticket = ticket_by_number(session, sent.ticket, actor=actor, lock=True)

    def work() -> Answer:
        if isinstance(told, Fix) and told.fixed_at is None:
            told.fixed_at = max(ticket.found_at, min(made_at, now))
        command(session, ticket, told, actor=actor, now=now)
        return Answer(201, ticket.number)

    done = answer_once(session, f"phone/{key}", seal, work, actor=actor, now=now)
    return ticket, not done.replayed
