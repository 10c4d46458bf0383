"""The language of an answer: what the request asks for, else what the person prefers, else Chinese."""

from __future__ import annotations

from fastapi import Request

from statemachines.labels import Language
from statemachines.roles import Actor


def language_of(request: Request) -> Language:
    """Chinese or English by Accept-Language (RFC 9110 §12.5.4), then by the actor's own setting."""
    wishes = []
    for position, wish in enumerate(request.headers.get("accept-language", "").split(",")):
        tag, _, weight = wish.partition(";")
        wishes.append((-_weight(weight), position, tag.strip().lower().partition("-")[0]))
    for refused, _, tag in sorted(wishes):
        if refused and tag == "zh":
            return "zh"
        if refused and tag == "en":
            return "en"
    actor: Actor | None = getattr(request.state, "actor", None)
    return actor.language if actor else "zh"


def _weight(text: str) -> float:
    try:
        return float(text.strip().removeprefix("q="))
    except ValueError:
        return 1.0
