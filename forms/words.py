"""The two languages of the pages: Chinese is written in the code, English comes from the catalogue beside it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import cast

from babel.messages.pofile import read_po
from fastapi import Request

from statemachines.labels import Language

CATALOGUE = Path(__file__).parent / "locale" / "en" / "LC_MESSAGES" / "messages.po"
LANGUAGES: Mapping[Language, str] = MappingProxyType({"zh": "中文", "en": "English"})
LANGUAGE_COOKIE = "chuncha_language"
TAGS: Mapping[Language, str] = MappingProxyType({"zh": "zh-CN", "en": "en"})


@cache
def english() -> Mapping[str, str]:
    """Chinese → English, read once; what is not translated is left out."""
    with CATALOGUE.open("rb") as file:
        catalogue = read_po(file, locale="en")
    return MappingProxyType(
        {str(message.id): str(message.string) for message in catalogue if message.id and message.string}
    )


def say(language: Language, text: str, /, **values: object) -> str:
    """`text` (Chinese, as written in the code) in the reader's language, with %(name)s filled in."""
    said = text if language == "zh" else english().get(text, text)
    return said % values if values else said


def _(text: str) -> str:
    """Mark a Chinese text for the catalogue; it is translated where the reader is known."""
    return text


def language_of(request: Request) -> Language:
    """The reader's language: what they chose in this browser, else what their record says, else Chinese."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    if chosen in LANGUAGES:
        return cast(Language, chosen)
    actor = getattr(request.state, "actor", None)
    return actor.language if actor is not None and actor.language in LANGUAGES else "zh"
