"""What the pages say in Chinese, taken from templates and code, so that none of it can miss its English."""

from __future__ import annotations

import io
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract, extract_python
from babel.messages.pofile import write_po
from jinja2.ext import babel_extract

from forms.words import CATALOGUE, english

FORMS = CATALOGUE.parents[3]

OPTIONS = {"newstyle_gettext": "true", "trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}


def said() -> dict[str, set[str]]:
    """Every Chinese text the pages use, with the files it stands in."""
    found: dict[str, set[str]] = {}
    for path in sorted(FORMS.rglob("*")):
        for text in texts_of(path):
            found.setdefault(text, set()).add(path.relative_to(FORMS).as_posix())
    return found


def texts_of(path: Path) -> list[str]:
    """The marked texts of one file."""
    if path.suffix == ".html":
        with path.open("rb") as file:
            taken = babel_extract(file, ["_", "gettext"], [], OPTIONS)
            return [str(text[0] if isinstance(text, tuple) else text) for _, _, text, _ in taken if text]
    if path.suffix == ".py":
        with path.open("rb") as file:
            return [str(m[1]) for m in extract(extract_python, file, keywords={"_": None})]
    return []


def complete() -> str:
    """The catalogue as it should stand in the repository: every text, in order, with the English there is."""
    known = english()
    catalogue = Catalog(locale="en", project="Chuncha", charset="utf-8", fuzzy=False)
    for text, places in sorted(said().items()):
        catalogue.add(text, known.get(text, ""), locations=[(place, 0) for place in sorted(places)])
    out = io.BytesIO()
    write_po(out, catalogue, omit_header=True, include_lineno=False, width=0)
    header = 'msgid ""\nmsgstr ""\n"Language: en\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'
    return header + out.getvalue().decode().strip() + "\n"


if __name__ == "__main__":
    CATALOGUE.write_text(complete(), encoding="utf-8")
