"""What every run of the demo must come to, kept beside: `python -m tests.demo.kept DIR` writes it anew from a run.

Do that after the story was changed on purpose: `chuncha demo --no-serve --data DIR`, then look at what differs.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

KEPT = Path(__file__).with_name("kept.json")


def figures_of(folder: Path) -> dict[str, Any]:
    """The figures of the summary in the folder of a run."""
    return json.loads((folder / "papers" / "summary.json").read_text(encoding="utf-8"))["figures"]


def told(figures: dict[str, Any]) -> dict[str, Any]:
    """What the story alone decides: counts of everything it does, and whatever was drawn by lot."""
    hazards = figures["hazards"]
    sampled = figures["samples"]["recheck"]
    return {
        "hazards": hazards["all"],
        "levels": {level: row["tally"] for level, row in hazards["by_level"].items()},
        "open": [[each["number"], each["assignee"], each["due"]] for each in figures["open"]["listed"]],
        "sampled": sampled["counts"],
        "sampled_where": [
            [each["unit"], each["level"], each["counts"]["drawn"]] for each in sampled["cells"]
        ],
        **{
            name: figures[name]
            for name in ("calls", "extensions", "inspections", "repeats", "subjects", "tests")
        },
    }


if __name__ == "__main__":
    kept = json.dumps(told(figures_of(Path(sys.argv[1]))), ensure_ascii=False, indent=1, sort_keys=True)
    KEPT.write_text(kept + "\n", encoding="utf-8")
