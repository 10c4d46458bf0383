"""The command `chuncha`."""

from __future__ import annotations

import sys

from rich.console import Console

from chuncha.commands import app
from chuncha.operations import parts
from domain.settings import SettingsWrong
from statemachines.refusals import Refusal

app.add_typer(parts)


def main() -> None:
    """Run the command; a refusal or a wrong setting is one sentence and exit code 1, never a traceback."""
    try:
        app()
    except (Refusal, SettingsWrong) as problem:
        said = (
            problem.sentence("zh") + "\n" + problem.sentence("en")
            if isinstance(problem, Refusal)
            else str(problem)
        )
        Console(stderr=True).print(said, style="bold red", markup=False, highlight=False)
        sys.exit(1)


if __name__ == "__main__":
    main()
