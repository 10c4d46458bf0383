"""Expect a refusal, and look at what it says in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from domain.errors import BadInput
from statemachines.refusals import Refusal


@contextmanager
def refused(
    code: str,
    *,
    zh: str = "",
    en: str = "",
    missing: tuple[str, ...] = (),
    at: str | None = None,
) -> Iterator[None]:
    """The block is refused under this code, says `zh` and `en`, asks for the `missing` facts.

    For a wrong value `code` is the rule and `at` points to the field.
    """
    with pytest.raises(Refusal) as caught:
        yield
    refusal = caught.value
    assert (refusal.rule if isinstance(refusal, BadInput) else refusal.code) == code
    if at is not None:
        assert isinstance(refusal, BadInput)
        assert refusal.pointer == at
    for language, words in (("zh", zh), ("en", en)):
        sentence = refusal.sentence(language)  # type: ignore[arg-type]
        assert words in sentence
        assert sentence and not set(sentence) & set("{}"), "every place in the sentence is filled"
    if missing:
        assert refusal.missing == missing
