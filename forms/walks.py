"""A checklist as a form: what was answered as fields, and the fields of a form as answers.

Beside each item stands which answer the page showed (its version and a seal of its content). So only what a person
changed is sent on, and an answer somebody else changed meanwhile is noticed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from fastapi import Request
from pydantic import ValidationError

from domain.answers import GivenAnswer, content_of
from domain.records import Answer, AnswerValue, ChecklistItem, Inspection
from forms.fields import Photo, Problem, Sent, problems_of
from statemachines.labels import Language

#: In the order of a thumb: most things are in order.
CHOICES = (AnswerValue.PASS, AnswerValue.FAIL, AnswerValue.NOT_APPLICABLE, AnswerValue.UNCHECKED)

#: What a failed answer says besides, as the form names it.
SAID = ("note", "location", "level", "measure", "deadline_days")


class AnswersWrong(Exception):
    """Answers that cannot be kept, with the field of each."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__()
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Group:
    """Items of one category, which stand together on the page."""

    position: int
    category: str
    items: tuple[ChecklistItem, ...]
    answered: int


def groups_of(found: Inspection) -> list[Group]:
    """The checklist by category, in its order."""
    answered = {answer.item_id for answer in found.answers}
    by_category = groupby(found.checklist.items, key=lambda item: item.category)
    made = []
    for position, (category, items) in enumerate(by_category):
        together = tuple(items)
        made.append(Group(position, category, together, sum(item.id in answered for item in together)))
    return made


def seal(answer: Answer | None) -> str:
    """What the page shows of an item: the version of its answer, and a fingerprint of what it says."""
    if answer is None:
        return "0."
    return f"{answer.version}.{_fingerprint(answer)}"


def _fingerprint(said: Answer | GivenAnswer) -> str:
    return hashlib.sha256(json.dumps(content_of(said)).encode()).hexdigest()[:16]


def as_fields(found: Inspection) -> dict[str, str]:
    """The answers given so far; what a failed one leaves to its item is the item's."""
    fields: dict[str, str] = {}
    for answer in found.answers:
        item, code = answer.item, answer.item.code
        days = item.deadline_days if answer.deadline_days is None else answer.deadline_days
        fields |= {
            f"value-{code}": answer.value,
            f"note-{code}": answer.note,
            f"location-{code}": answer.location,
            f"level-{code}": answer.level or item.level,
            f"measure-{code}": answer.measure or item.measure,
            f"deadline_days-{code}": str(days),
        }
    return fields


@dataclass(frozen=True, slots=True)
class Told:
    """What a form says: the answers that were changed, and the bytes of the photos they list."""

    answers: list[GivenAnswer]
    photos: list[Photo]


def told_in(found: Inspection, sent: Sent, request: Request, lang: Language) -> Told:
    """What the person changed, with the photos they chose. Raises AnswersWrong naming each field, PhotoTooLarge."""
    given: list[GivenAnswer] = []
    every: list[Photo] = []
    wrong: list[Problem] = []
    for item in found.checklist.items:
        photos = _photos(item, sent, request)
        every += photos
        try:
            answer = _answer(item, sent, photos)
        except ValidationError as error:
            wrong += [
                Problem(f"{each.field}-{item.code}", f"{item.code} {each.sentence}")
                for each in problems_of(error, lang)
            ]
        else:
            if answer is not None:
                given.append(answer)
    if wrong:
        raise AnswersWrong(wrong)
    return Told(given, every)


def _answer(item: ChecklistItem, sent: Sent, photos: Sequence[Photo]) -> GivenAnswer | None:
    value = sent.text(f"value-{item.code}")
    if not value:
        return None
    told: dict[str, Any] = {"item": item.code, "value": value}
    if value == AnswerValue.FAIL:
        told |= _said(item, sent)
        told["files"] = [photo.listed for photo in photos]
    version, _, shown = sent.text(f"seen-{item.code}").partition(".")
    if version.isdecimal():
        told["base_version"] = int(version)
    answer = GivenAnswer.model_validate(told)
    untouched = bool(shown) and shown == _fingerprint(answer) and not answer.files
    return None if untouched else answer


def _said(item: ChecklistItem, sent: Sent) -> dict[str, str]:
    """What a failed answer says; what is as the item has it is left to the item."""
    usual = {"level": item.level.value, "measure": item.measure, "deadline_days": str(item.deadline_days)}
    texts = {name: sent.text(f"{name}-{item.code}").replace("\r\n", "\n") for name in SAID}
    return {name: text for name, text in texts.items() if text and text != usual.get(name)}


def _photos(item: ChecklistItem, sent: Sent, request: Request) -> list[Photo]:
    """The photos chosen for a failed item."""
    if sent.text(f"value-{item.code}") != AnswerValue.FAIL:
        return []
    return sent.photos(f"photos-{item.code}", request)


def rest_of(found: Inspection, position: str, given: Sequence[GivenAnswer]) -> list[GivenAnswer]:
    """“The rest of this group is fine”: 合格 for each of its items that has no answer yet, also not in this form."""
    answered = {answer.item.code for answer in found.answers} | {answer.item for answer in given}
    group = next((each for each in groups_of(found) if str(each.position) == position), None)
    return [
        GivenAnswer(item=item.code, value=AnswerValue.PASS, base_version=0)
        for item in (group.items if group else ())
        if item.code not in answered
    ]
