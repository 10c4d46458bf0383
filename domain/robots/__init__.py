"""Group robots: one message for a group and run, within the messenger's sizes, calling by name who is to act."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from domain.dispatches import Item
from domain.records import OutletKind
from domain.robots.dingtalk import DingTalk
from domain.robots.feishu import Feishu
from domain.robots.lines import lines_of
from domain.robots.messenger import Messenger, MessengerFacts
from domain.robots.wecom import WeCom

MESSENGERS: Mapping[OutletKind, Messenger] = {
    OutletKind.WECOM: WeCom(),
    OutletKind.DINGTALK: DingTalk(),
    OutletKind.FEISHU: Feishu(),
}

PARTS_AT_MOST = 5
"""Messages one run makes for a group; what has no room in them is counted in the last."""


def parts(
    items: Sequence[tuple[Item, object]], outlet: MessengerFacts, *, public_url: str
) -> list[list[object]]:
    """The keys of the items, in the order of urgency, cut where a message would become too large.

    The notices about one ticket of one kind stay together: a message says them in one line.
    """
    messenger = MESSENGERS[outlet.kind]
    found: list[list[object]] = []
    here: list[Item] = []
    full = False
    for group in _together(items):
        more = [item for item, _ in group]
        if not (full and len(found) == PARTS_AT_MOST):
            full = bool(here) and not messenger.fits(lines_of([*here, *more], public_url), outlet)
        if not found or (full and len(found) < PARTS_AT_MOST):
            found.append([])
            here = []
        here += more
        found[-1] += [key for _, key in group]
    return found


def _together(items: Sequence[tuple[Item, object]]) -> list[list[tuple[Item, object]]]:
    groups: dict[object, list[tuple[Item, object]]] = {}
    for item, key in items:
        groups.setdefault((item.kind, item.ticket or item.subject), []).append((item, key))
    return list(groups.values())
