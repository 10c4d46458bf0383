"""How Chinese is spoken, as people type it to find something: 变压器渗漏油 by 变压器, bianyaqi, byqsly or byaqi.

This is the one place that knows it. A phone without a signal is sent syllables and initials with each hazard
(forms/field_day.py) and only looks for what was typed in them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Spoken:
    """A text's syllables in lower case without tones, parted by blanks (ü is v), and their first letters.

    A run of Latin letters or digits is a syllable of its own and stands whole among the initials: 10kV线路 is
    "10kv xian lu" and "10kvxl".
    """

    pinyin: str
    initials: str


@lru_cache(maxsize=4096)
def spoken(text: str) -> Spoken:
    """How a text is spoken. The dictionary knows words, so that 重合闸 is chong he zha."""
    # Its dictionary takes a second to load: only what changes the library needs it.
    from pypinyin import Style, lazy_pinyin

    syllables: list[str] = []
    initials: list[str] = []
    # One piece for each Chinese sign; runs of anything else come through `errors`, marked.
    for piece in lazy_pinyin(text, style=Style.NORMAL, errors=lambda other: f"={other}"):
        if not piece.startswith("="):
            syllables.append(piece.lower())
            initials.append(piece[0].lower())
            continue
        for run in "".join(sign if sign.isascii() and sign.isalnum() else " " for sign in piece[1:]).split():
            syllables.append(run.lower())
            initials.append(run.lower())
    return Spoken(" ".join(syllables), "".join(initials))


def rank(query: str, *, title: str, pinyin: str, code: str) -> int | None:
    """How well what was typed fits, 0 best; None when it does not. Several words must all fit.

    0 begins the title or the code, 1 stands in the title, 2 begins its syllables, 3 stands in them.
    """
    worst = 0
    for word in query.lower().split():
        one = _rank(word, title.lower(), tuple(pinyin.split()), code.lower())
        if one is None:
            return None
        worst = max(worst, one)
    return worst


def _rank(word: str, title: str, syllables: tuple[str, ...], code: str) -> int | None:
    if title.startswith(word) or code.startswith(word):
        return 0
    if word in title:
        return 1
    typed = word.replace("'", "").replace("ü", "v")
    for start in range(len(syllables)):
        if typed and _spells(typed, syllables[start:]):
            return 2 if start == 0 else 3
    return None


@lru_cache(maxsize=4096)
def _spells(typed: str, syllables: tuple[str, ...]) -> bool:
    """Whether the letters are beginnings of consecutive syllables: byaq of bian ya qi."""
    if not typed:
        return True
    if not syllables:
        return False
    first = syllables[0]
    longest = 0
    while longest < min(len(first), len(typed)) and first[longest] == typed[longest]:
        longest += 1
    return any(_spells(typed[taken:], syllables[1:]) for taken in range(longest, 0, -1))
