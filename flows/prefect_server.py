"""The Prefect server, made to schedule under SQLAlchemy 2.1: `python -m flows.prefect_server --host H --port N`.

Prefect 3.8 writes scheduled runs in bulk with a `state` that is no column. SQLAlchemy 2.0 passed over it; 2.1 asks the
model what to do with it, the model has no answer, and the scheduler fails at every turn without a run being planned.
The answer given here is the old one: pass over it. tests/flows/test_scheduling.py fails when this stops working, and
says so when it is no longer needed.
"""

from __future__ import annotations

import sys
from collections.abc import MutableMapping

from sqlalchemy import inspect
from sqlalchemy.ext.hybrid import hybrid_property


def pass_over_state(model: type[object], mapping: MutableMapping[str, object], value: object) -> None:
    """What to do with `state` in a bulk insert: nothing, it is written to its own table afterwards."""


def lacks_bulk_state(model: type[object]) -> bool:
    """Whether this model of Prefect's does not say what a bulk insert does with its `state`."""
    state = inspect(model, raiseerr=True).all_orm_descriptors["state"]
    # SQLAlchemy 2.0 has no such setter and asks nobody.
    return isinstance(state, hybrid_property) and getattr(state, "bulk_dml_setter", state) is None


def mend() -> None:
    """Give the two models that have a `state` their answer."""
    from prefect.server.database import orm_models

    for model in (orm_models.FlowRun, orm_models.TaskRun):
        if lacks_bulk_state(model):
            vars(model)["state"].bulk_dml_setter = pass_over_state


def main(*arguments: str) -> None:
    """Run the server in this process; arguments are those of `prefect server start`."""
    mend()
    from prefect.cli import app

    sys.argv = ["prefect", "server", "start", *arguments]
    app()


if __name__ == "__main__":
    main(*sys.argv[1:])
