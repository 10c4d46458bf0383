"""A warm process that forks workers to be killed, so that fifty of them cost no fifty imports.

`python -m tests.faults.worker` reads lines of JSON, each a list of tasks done at once by a process each, and answers
each line with a list of what became of them: what the worker said at its end, or null when SIGKILL ended it. A worker
begins when all of its list are connected.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import traceback
from contextlib import suppress
from datetime import datetime
from threading import Timer
from typing import Any

from sqlalchemy import event, make_url
from sqlalchemy.orm import Session

from domain.bundling import bundle
from domain.database import Database
from domain.delivery import deliver_all
from domain.dispatches import claim, mark_sent, take_up
from domain.escalation import sweep, sweep_all
from domain.flow_runs import beat
from domain.holding import take_back
from domain.settings import Settings

Task = dict[str, Any]
"""`does` sweep or deliver, `database` (its address), `as_of`, `limit` (rows in a batch), `smtp_url`.

SIGKILL comes before the statement or commit with the number `at_statement`, counted from 1; at the `at_mark`-th moment
between the channel's yes and its being written down; at that moment of the message `over`; or `after` so many seconds.
"""


def kill_myself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arm(database: Database, task: Task) -> None:
    """Lay the trap."""
    seen = {"statements": 0, "marks": 0}

    def count(statement: str, parameters: Any = None) -> None:
        marks = "INSERT INTO delivery_attempts" in statement
        seen["statements"] += 1
        seen["marks"] += marks
        if seen["statements"] == task.get("at_statement") or seen["marks"] == task.get("at_mark"):
            kill_myself()
        if marks and str(parameters["dispatch_id"]) == task.get("over"):
            kill_myself()

    @event.listens_for(database.engine, "before_cursor_execute")
    def counted(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        count(statement, parameters)

    event.listen(database.engine, "commit", lambda _: count("COMMIT"))
    if "after" in task:
        clock = Timer(task["after"], kill_myself)
        clock.daemon = True
        clock.start()


class Enough(Exception):
    """Nothing of this is kept."""


class Installation:
    """One engine for the databases of all tests: a statement put into words once need not be by every worker."""

    def __init__(self, url: str) -> None:
        self.database = Database(url, pool_size=2)
        self.name: str | None = None
        self.warm: set[str] = set()

        @event.listens_for(self.database.engine, "do_connect")
        def lead_there(_: Any, __: Any, ___: Any, parameters: dict[str, Any]) -> None:
            parameters["dbname"] = self.name

    def of(self, task: Task) -> Database:
        """The task's database; before the first task of a kind that is done once, and nothing of it kept."""
        self.name = make_url(task["database"]).database
        if task["does"] not in self.warm:
            self.warm.add(task["does"])
            with suppress(Enough), self.database.transaction() as session:
                rehearse(session, task["does"])
                raise Enough
            self.database.close()
            gc.collect()
            gc.freeze()
        return self.database


def rehearse(session: Session, what: str) -> None:
    """Go through a task's statements."""
    late = datetime.fromisoformat("2030-01-01T00:00:00+08:00")
    if what == "sweep":
        sweep(session, as_of=late, limit=1)
        return
    take_back(session, as_of=late)
    bundle(session, as_of=late, public_url="https://example.org")
    for letter in claim(session, holder=0, as_of=late, limit=1):
        take_up(session, letter)
        mark_sent(session, letter, "250 OK", now=late)
        session.flush()


def work(database: Database, task: Task, starting_line: tuple[int, int]) -> dict[str, Any]:
    """Do one task as the flow does it, heartbeat and all."""
    with database.reading():
        pass
    os.close(starting_line[1])
    os.read(starting_line[0], 1)
    arm(database, task)
    as_of = datetime.fromisoformat(task["as_of"])
    if task["does"] == "sweep":
        with beat(database, "sweep-deadlines") as outcome:
            outcome.update(sweep_all(database, as_of=as_of, limit=task["limit"]).said())
    else:
        settings = Settings(smtp_url=task["smtp_url"])
        with beat(database, "deliver-notices") as outcome:
            outcome.update(deliver_all(database, settings, as_of=as_of, limit=task["limit"]).said())
    return outcome


def fork(database: Database, task: Task, starting_line: tuple[int, int]) -> tuple[int, int]:
    """Start a worker; returns its process id and where its last words can be read."""
    ear, mouth = os.pipe()
    if pid := os.fork():
        os.close(mouth)
        return pid, ear
    status = 1
    try:
        os.write(mouth, json.dumps(work(database, task, starting_line)).encode())
        status = 0
    except Exception:  # noqa: BLE001 - told and answered by its status
        traceback.print_exc()
    finally:
        os._exit(status)


def main() -> None:
    installation: Installation | None = None
    for line in sys.stdin:
        tasks = json.loads(line)
        installation = installation or Installation(tasks[0]["database"])
        # The line is open once nobody holds its other end any more: every worker lets go of it when it is connected.
        starting_line = os.pipe()
        workers = [fork(installation.of(task), task, starting_line) for task in tasks]
        for end in starting_line:
            os.close(end)
        answers = []
        for pid, ear in workers:
            with os.fdopen(ear, "rb") as said:
                words = said.read()
            _, status = os.waitpid(pid, 0)
            killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
            if not killed and status:
                raise RuntimeError(f"a worker failed by itself (status {status})")
            answers.append(None if killed else json.loads(words))
        print(json.dumps(answers), flush=True)


if __name__ == "__main__":
    main()
