"""Write the generated parts of the documentation: `python docs/generate.py`; `--check` says if they are current."""

from __future__ import annotations

import sys
from pathlib import Path

from statemachines.diagram import architecture

HERE = Path(__file__).parent
BEGIN, END = "<!-- generated: charts -->", "<!-- end of generated: charts -->"


def current(page: str) -> str:
    """The page with its generated part as the code says it now."""
    head, rest = page.split(BEGIN)
    _, tail = rest.split(END)
    return f"{head}{BEGIN}\n\n{architecture().strip()}\n\n{END}{tail}"


def main() -> int:
    """Write docs/architecture.md, or with --check return 1 when it is not current."""
    path = HERE / "architecture.md"
    page = path.read_text(encoding="utf-8")
    new = current(page)
    if "--check" in sys.argv:
        return int(new != page)
    path.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
