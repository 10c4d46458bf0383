"""What passing a ticket on and correcting it ask for (used by statemachines/ticket.py)."""

from typing import Protocol

from statemachines.chart import Placed, blank
from statemachines.refusals import Refusal


class ExtensionUndecided(Refusal):
    """Whoever takes a ticket over does not inherit a question asked of somebody else."""

    code, status = "extension-undecided", 409
    title_zh, title_en = "延期申请未审批", "An extension is undecided"
    zh = "本单有延期申请待审批，请先审批，再转办。"
    en = "An extension of this ticket waits for its decision; decide on it first, then pass the ticket on."


class ReceiverMissing(Refusal):
    """A ticket is passed on to a unit other than its own."""

    code, status = "receiver-missing", 422
    title_zh, title_en = "缺少接收单位", "Receiving unit missing"
    zh = "请选择接收单位，且不同于现单位。"
    en = "Name the unit that takes the ticket over, other than its present one."


class NothingChanged(Refusal):
    """A correction that leaves everything as it is corrects nothing."""

    code, status = "nothing-changed", 422
    title_zh, title_en = "没有改动", "Nothing changed"
    zh = "没有任何改动，请修改要更正的内容。"
    en = "Nothing is different from what stands there; change what is wrong."


class Passable(Placed, Protocol):
    """A record that belongs to a unit and can be given to another."""


def nothing_undecided(*, extension_pending: bool = False) -> None:
    """No extension waits for a decision."""
    if extension_pending:
        raise ExtensionUndecided()


def another_unit(ticket: Passable, *, unit: str | None = None) -> None:
    """A unit other than the present one."""
    if unit is None or blank(unit) or unit == ticket.unit_path:
        raise ReceiverMissing(missing=("unit",))


def something_changed(*, changed: tuple[str, ...] = ()) -> None:
    """Something is changed."""
    if not changed:
        raise NothingChanged()
