"""The one navigation: what this person works with, tabs on a phone, a column on a desk."""

from __future__ import annotations

from dataclasses import dataclass

from domain.rights import RIGHTS, Deed
from domain.visibility import WATCH_REPORTS
from forms.words import _
from statemachines.call import HANDLERS
from statemachines.roles import Actor, Role

WATCHERS = (Role.SUPERVISOR, Role.LEADER, Role.ADMINISTRATOR)


@dataclass(frozen=True, slots=True)
class Place:
    """A link of the navigation; `tab` places stand at the foot of a phone too."""

    path: str
    words: str
    icon: str
    tab: bool = True
    current: bool = False


def places_of(actor: Actor) -> tuple[Place, ...]:
    """The places of this person, most used first; five tabs at most."""
    roles = actor.roles
    watching = bool(roles & set(WATCHERS))
    found = [Place("/", _("看板") if watching else _("今天"), "board" if watching else "today")]
    if roles & {Role.INSPECTOR, Role.ASSIGNEE, Role.SUPERVISOR}:
        found.append(Place("/findings/new", _("报隐患"), "camera"))
    if watching or Role.INSPECTOR in roles:
        found.append(Place("/tickets", _("隐患单"), "list"))
    if Role.ASSIGNEE in roles:
        found.append(Place("/work", _("我的整改"), "wrench", tab=not watching))
    if Role.INSPECTOR in roles:
        found.append(Place("/findings/mine", _("我上报的"), "mine", tab=False))
    if roles & set(WATCH_REPORTS):
        found.append(Place("/reports", _("群众报告"), "phone", tab=False))
    if roles & {*HANDLERS, Role.LEADER, Role.ADMINISTRATOR}:
        found.append(Place("/calls", _("来电来访"), "call", tab=False))
    if roles & {Role.SUPERVISOR, Role.ADMINISTRATOR, Role.INSPECTOR}:
        found.append(Place("/places", _("检查点"), "place", tab=False))
        found.append(Place("/tools", _("工器具"), "wrench", tab=False))
    found.append(Place("/campaigns", _("检查活动"), "flag"))
    if watching or Role.INSPECTOR in roles:
        found.append(Place("/suggestions", _("工会意见"), "paper", tab=False))
    if watching:
        found.append(Place("/supervisions", _("督办"), "alert", tab=False))
    if roles & set(RIGHTS[Deed.MANAGE_OUTLET]):
        found.append(Place("/outlets", _("发送渠道"), "send", tab=False))
    if watching:
        found.append(Place("/admin", _("管理"), "wrench", tab=False))
    return tuple(found)


def navigation_for(actor: Actor, path: str) -> tuple[Place, ...]:
    """The places, with the one the reader is at marked."""
    places = places_of(actor)
    at = max((p.path for p in places if path == p.path or path.startswith(p.path + "/")), key=len, default="")
    if path.startswith("/campaigns/") and path.endswith("/status"):
        at = "/"
    return tuple(Place(p.path, p.words, p.icon, p.tab, current=p.path == at) for p in places)
