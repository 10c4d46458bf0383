"""A process to be killed: `python -m tests.faults.worker sweep|deliver DATABASE AS_OF [SMTP]` says "ready", then works.

Small batches make many points to be killed at. It says what it did when it got to its end.
"""

from __future__ import annotations

import sys
from datetime import datetime

from domain.database import Database
from domain.delivery import deliver_all
from domain.escalation import sweep_all
from domain.settings import Settings


def main(task: str, url: str, as_of: str, smtp_url: str | None = None) -> None:
    database = Database(url, pool_size=1)
    moment = datetime.fromisoformat(as_of)
    with database.reading():
        pass
    print("ready", flush=True)
    sys.stdin.readline()
    if task == "sweep":
        result = sweep_all(database, as_of=moment, limit=3)
        print(result.matters, flush=True)
        return
    done = deliver_all(database, Settings(smtp_url=smtp_url), as_of=moment, limit=5)
    print(done.sent, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
