"""English is complete: what is written in Chinese can be read in English, with the same blanks to fill."""

from __future__ import annotations

import re

from forms.words import english, say
from tests.forms.catalogue import said

BLANK = re.compile(r"%\((\w+)\)s")


def test_every_text_has_its_english() -> None:
    missing = sorted(text for text in said() if not english().get(text))
    assert not missing, f"no English for: {missing}; run python -m tests.forms.catalogue and fill it in"


def test_nothing_is_translated_that_is_not_said() -> None:
    assert not sorted(english().keys() - said().keys())


def test_both_languages_fill_the_same_blanks() -> None:
    blanks = {
        zh: (BLANK.findall(zh), BLANK.findall(en))
        for zh, en in english().items()
        if sorted(BLANK.findall(zh)) != sorted(BLANK.findall(en))
    }
    assert not blanks


def test_the_english_has_no_chinese_left() -> None:
    chinese = re.compile("[\u4e00-\u9fff]")
    assert not [words for words in english().values() if chinese.search(words.replace("春查", ""))]


def test_a_text_without_english_is_shown_in_chinese() -> None:
    assert say("en", "这句没有译文") == "这句没有译文"
    assert say("zh", "还剩 %(count)s 天", count=2) == "还剩 2 天"
