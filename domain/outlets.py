"""Ways out beside e-mail: group robots and webhooks of a unit, who looks after them, and when one is switched off."""

from __future__ import annotations

import base64
import secrets as chance
from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Annotated, Any
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, joinedload

from domain import outbox
from domain.dispatches import ATTEMPTS, LEASE, ChannelDown, Letter, NotDelivered
from domain.errors import BadInput, NotFound, wrong
from domain.history import record
from domain.people import person_by_login, unit_by_code
from domain.records import Channel, DeliveryAttempt, Dispatch, Outlet, OutletKind, Person, Unit
from domain.rights import Deed, must_be_allowed
from domain.visibility import outlets_visible_to
from domain.webhooks import Gone, start_here
from domain.wire import is_public
from statemachines.labels import Labelled, Language
from statemachines.refusals import RoleMissing
from statemachines.roles import SYSTEM, Actor, Role

REFUSALS_BEFORE_OFF = 10
"""Lasting refusals in a row after which nobody expects the next one to be taken."""
FAILING_BEFORE_OFF = timedelta(days=1)
LONGEST_PAUSE = timedelta(minutes=10)
"""An outlet that keeps failing is tried less and less often, at least every ten minutes."""
OVERLAP = timedelta(hours=24)
"""How long the secret before the newest still signs."""


class Health(Labelled):
    """How an outlet does; computed."""

    WORKING = "working", "正常", "Working"
    FAILING = "failing", "发送失败", "Failing"
    OFF = "off", "已停用", "Switched off"


def health(outlet: Outlet) -> Health:
    """How it does."""
    if outlet.switched_off_at is not None:
        return Health.OFF
    return Health.FAILING if outlet.failing_since is not None else Health.WORKING


def _is_address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not url.isascii():
        raise wrong(
            "not-a-web-address",
            zh="须是完整的网址，例如 https://example.org/hook",
            en="must be a whole web address such as https://example.org/hook",
        )
    return url


Address = Annotated[str, Field(min_length=8, max_length=2000), AfterValidator(_is_address)]
Secret = Annotated[str, Field(min_length=8, max_length=200)]


class NewOutlet(BaseModel):
    """A robot or webhook to be used. A webhook without `secret` gets one, told once."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    kind: OutletKind
    name: str = Field(min_length=1, max_length=100)
    unit: str = Field(min_length=1, max_length=64)
    url: Address
    owner: str | None = Field(default=None, min_length=1, max_length=64)
    secret: Secret | None = None
    keyword: str = Field(default="", max_length=50)
    private_allowed: bool = False


class OutletChange(BaseModel):
    """What may change; what is left out stays."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    name: str | None = Field(default=None, min_length=1, max_length=100)
    url: Address | None = None
    owner: str | None = Field(default=None, min_length=1, max_length=64)
    keyword: str | None = Field(default=None, max_length=50)
    private_allowed: bool | None = None


class NewSecret(BaseModel):
    """The next secret; without one a webhook gets one made here, told once."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    secret: Secret | None = None


def masked(url: str) -> str:
    """An address as people may see it: whose it is, and enough of its end to tell two apart."""
    parts = urlsplit(url)
    rest = url.partition(parts.netloc)[2]
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}/…{rest[-4:]}" if len(rest) > 8 else f"{parts.scheme}://{host}/…"


def add_outlet(session: Session, new: NewOutlet, *, actor: Actor, now: datetime) -> tuple[Outlet, str | None]:
    """Add one, in use at once. Returns it with the secret made for it, if one was.

    Raises RoleMissing, BadInput (unit, owner, address, secret).
    """
    unit = unit_by_code(session, new.unit, actor=actor)
    must_be_allowed(actor, Deed.MANAGE_OUTLET, at=unit.path)
    _may_be_used(new.url, private_allowed=new.private_allowed, actor=actor, unit=unit)
    made = None
    secret = new.secret
    if new.kind is OutletKind.WEBHOOK:
        made = None if secret else fresh_secret()
        secret = secret or made
        _must_sign(secret)
    outlet = Outlet(
        kind=new.kind,
        name=new.name,
        unit=unit,
        owner=person_by_login(session, new.owner or actor.login, pointer="/owner"),
        url=new.url,
        secrets=[{"secret": secret, "until": None}] if secret else [],
        keyword=new.keyword,
        private_allowed=new.private_allowed,
        created_at=now,
        failing_since=None,
        switched_off_at=None,
        switched_off_why=None,
        blocked_until=None,
        read_up_to_xid=start_here(session) - 1,
        read_up_to_id=0,
    )
    session.add(outlet)
    session.flush()
    record(session, outlet, "added", actor=actor, now=now, kind=new.kind, name=new.name, unit=unit)
    return outlet, made


def change_outlet(
    session: Session, outlet: Outlet, change: OutletChange, *, actor: Actor, now: datetime
) -> Outlet:
    """Change what is said. The row must be locked. Raises RoleMissing, BadInput (owner, address)."""
    must_be_allowed(actor, Deed.MANAGE_OUTLET, at=outlet.unit.path)
    allowed = outlet.private_allowed if change.private_allowed is None else change.private_allowed
    if change.url is not None or change.private_allowed:
        _may_be_used(change.url or outlet.url, private_allowed=allowed, actor=actor, unit=outlet.unit)
    said = change.model_dump(exclude_unset=True, exclude_none=True)
    if change.owner:
        said["owner"] = person_by_login(session, change.owner, pointer="/owner")
    for name, value in said.items():
        setattr(outlet, name, value)
    told = {name: masked(value) if name == "url" else value for name, value in said.items()}
    record(session, outlet, "changed", actor=actor, now=now, **told)
    return outlet


def rotate_secret(
    session: Session, outlet: Outlet, new: NewSecret, *, actor: Actor, now: datetime
) -> str | None:
    """Sign with a new secret; a webhook signs with the one before too for OVERLAP. Returns the secret made, if one was.

    The row must be locked. Raises RoleMissing, BadInput (secret).
    """
    must_be_allowed(actor, Deed.MANAGE_OUTLET, at=outlet.unit.path)
    made, secret = None, new.secret
    if outlet.kind is OutletKind.WEBHOOK:
        made = None if secret else fresh_secret()
        secret = secret or made
        _must_sign(secret)
        until = (now + OVERLAP).isoformat()
        before = [{"secret": each["secret"], "until": each["until"] or until} for each in outlet.secrets[:1]]
        outlet.secrets = [{"secret": secret, "until": None}, *before]
    else:
        # A robot knows one secret: the messenger made it.
        outlet.secrets = [{"secret": secret, "until": None}] if secret else []
    record(session, outlet, "secret_rotated", actor=actor, now=now)
    return made


def fresh_secret() -> str:
    """A secret as Standard Webhooks writes it."""
    return "whsec_" + base64.b64encode(chance.token_bytes(32)).decode()


def _must_sign(secret: str | None) -> None:
    try:
        written = (secret or "").removeprefix("whsec_")
        good = 24 <= len(base64.b64decode(written + "=" * (-len(written) % 4), validate=True)) <= 64
    except ValueError:
        good = False
    if not good:
        raise BadInput(
            "/secret",
            "weak-secret",
            zh="Webhook 的密钥须是 whsec_ 加 24 至 64 字节随机数的 base64；也可不填，由系统生成。",
            en="A webhook's secret is whsec_ and the base64 of 24 to 64 random bytes; leave it out to have one made.",
        )


def _may_be_used(url: str, *, private_allowed: bool, actor: Actor, unit: Unit) -> None:
    if private_allowed:
        # Who may send into the network behind the firewall is for those who look after the installation.
        if not actor.system and not actor.holds(Role.ADMINISTRATOR, at=unit.path):
            raise RoleMissing(roles=(Role.ADMINISTRATOR,), event=Deed.MANAGE_OUTLET)
        return
    parts = urlsplit(url)
    try:
        private = not is_public(str(ip_address(parts.hostname or "")))
    except ValueError:
        private = parts.hostname == "localhost"
    if private or parts.scheme != "https":
        raise BadInput(
            "/url",
            "private-or-unencrypted",
            zh="须是公网的 https 地址；内网地址或 http 须由管理员勾选“允许内网地址”。",
            en="must be a public https address; for one of a private network, or http, an administrator must set"
            " private_allowed.",
        )


def outlet_by_id(session: Session, key: UUID, *, actor: Actor, lock: bool = False) -> Outlet:
    """The outlet with this id, its unit and owner loaded. Raises NotFound when it is out of the actor's sight."""
    query = (
        select(Outlet)
        .where(Outlet.id == key, outlets_visible_to(actor))
        .options(joinedload(Outlet.unit), joinedload(Outlet.owner))
    )
    if lock:
        query = query.with_for_update(of=Outlet, key_share=True).execution_options(populate_existing=True)
    outlet = session.scalars(query).one_or_none()
    if outlet is None:
        raise NotFound(what=str(key))
    return outlet


def list_outlets(session: Session, *, actor: Actor) -> list[Outlet]:
    """Every outlet of the units the actor looks after, by unit and name: they are few."""
    query = (
        select(Outlet)
        .join(Unit, Unit.id == Outlet.unit_id)
        .where(outlets_visible_to(actor))
        .options(joinedload(Outlet.unit), joinedload(Outlet.owner))
        .order_by(Unit.path, Outlet.name, Outlet.id)
    )
    return list(session.scalars(query))


def last_attempts(session: Session, outlets: Sequence[Outlet]) -> dict[UUID, DeliveryAttempt]:
    """The latest try of each."""
    query = (
        select(DeliveryAttempt)
        .where(DeliveryAttempt.outlet_id.in_([each.id for each in outlets]))
        .distinct(DeliveryAttempt.outlet_id)
        .order_by(DeliveryAttempt.outlet_id, DeliveryAttempt.at.desc(), DeliveryAttempt.id.desc())
    )
    return {attempt.outlet_id: attempt for attempt in session.scalars(query) if attempt.outlet_id}


def test_letter(session: Session, outlet_id: UUID, *, actor: Actor, now: datetime) -> Letter:
    """A message of its own that says it is a test, held by whoever asks. Raises NotFound, RoleMissing."""
    outlet = outlet_by_id(session, outlet_id, actor=actor)
    must_be_allowed(actor, Deed.MANAGE_OUTLET, at=outlet.unit.path)
    webhook = outlet.kind is OutletKind.WEBHOOK
    dispatch = Dispatch(
        channel=Channel.WEBHOOK if webhook else Channel.ROBOT,
        outlet_id=outlet.id,
        address=outlet.name,
        event={"type": "outlet.test", "timestamp": now.isoformat(), "data": {"name": outlet.name}},
        created_at=now,
        not_before=now + LEASE,
        attempts=ATTEMPTS,
    )
    session.add(dispatch)
    session.flush()
    return Letter(
        dispatch_id=dispatch.id,
        channel=dispatch.channel,
        address=outlet.name,
        language="zh",
        attempts=ATTEMPTS,
        outlet=outlet,
        event=dispatch.event,
    )


# What tries came to.


def worked(session: Session, outlet_id: UUID) -> None:
    """A message was taken: whatever was wrong is over."""
    session.execute(
        update(Outlet)
        .where(Outlet.id == outlet_id, Outlet.failing_since.is_not(None))
        .values(failing_since=None),
        execution_options={"synchronize_session": False},
    )


def failed(session: Session, outlet_id: UUID, error: NotDelivered | ChannelDown, *, now: datetime) -> None:
    """A message was not taken: pause, and after long enough switch the outlet off and tell its owner."""
    outlet = session.scalars(
        select(Outlet)
        .where(Outlet.id == outlet_id)
        .options(joinedload(Outlet.owner), joinedload(Outlet.unit))
        .with_for_update(of=Outlet, key_share=True)
        .execution_options(populate_existing=True)
    ).one()
    outlet.failing_since = outlet.failing_since or now
    if isinstance(error, ChannelDown):
        growing = min((now - outlet.failing_since) / 4, LONGEST_PAUSE)
        outlet.blocked_until = now + max(error.pause, growing)
    if outlet.switched_off_at is None and _hopeless(session, outlet, error, now=now):
        _switch_off(session, outlet, str(error), actor=SYSTEM, now=now)
        _tell_owner(session, outlet, now=now)


def _hopeless(session: Session, outlet: Outlet, error: NotDelivered | ChannelDown, *, now: datetime) -> bool:
    if isinstance(error, Gone) or now - (outlet.failing_since or now) >= FAILING_BEFORE_OFF:
        return True
    refused = session.scalar(
        select(func.count()).where(
            DeliveryAttempt.outlet_id == outlet.id,
            DeliveryAttempt.outcome == "refused",
            DeliveryAttempt.at >= outlet.failing_since,
        )
    )
    return (refused or 0) >= REFUSALS_BEFORE_OFF


def switch_off(session: Session, outlet: Outlet, *, actor: Actor, now: datetime) -> Outlet:
    """Use it no longer. The row must be locked. Raises RoleMissing."""
    must_be_allowed(actor, Deed.MANAGE_OUTLET, at=outlet.unit.path)
    if outlet.switched_off_at is None:
        _switch_off(session, outlet, actor.name, actor=actor, now=now)
    return outlet


def switch_on(session: Session, outlet: Outlet, *, actor: Actor, now: datetime) -> Outlet:
    """Use it again; a webhook goes on where it stopped. The row must be locked. Raises RoleMissing."""
    must_be_allowed(actor, Deed.MANAGE_OUTLET, at=outlet.unit.path)
    if outlet.switched_off_at is not None:
        outlet.switched_off_at = outlet.switched_off_why = None
        outlet.failing_since = outlet.blocked_until = None
        record(session, outlet, "switched_on", actor=actor, now=now)
    return outlet


def _switch_off(session: Session, outlet: Outlet, why: str, *, actor: Actor, now: datetime) -> None:
    outlet.switched_off_at, outlet.switched_off_why = now, why[:500]
    record(session, outlet, "switched_off", actor=actor, now=now, why=why[:500])
    if outlet.kind is not OutletKind.WEBHOOK:
        # What a group was to hear then is stale when the robot comes back; everybody has it in the in-box.
        session.execute(
            update(Dispatch)
            .where(Dispatch.outlet_id == outlet.id, Dispatch.sent_at.is_(None), Dispatch.gave_up_at.is_(None))
            .values(gave_up_at=now, last_error=f"switched off: {why}"[:500]),
            execution_options={"synchronize_session": False},
        )


def _tell_owner(session: Session, outlet: Outlet, *, now: datetime) -> None:
    owner: Person = outlet.owner
    language: Language = "en" if owner.language == "en" else "zh"
    zh = language == "zh"
    lines: list[tuple[str, Any]] = [
        ("名称" if zh else "Name", outlet.name),
        ("单位" if zh else "Unit", outlet.unit.name),
        ("对方答复" if zh else "Answer", outlet.switched_off_why),
    ]
    between = "：" if zh else ": "
    outbox.tell(
        session,
        owner,
        key=f"outlet:{outlet.id}:off:{now.isoformat()}",
        kind="outlet_off",
        subject=f"发送渠道已停用：{outlet.name}" if zh else f"Switched off: {outlet.name}",
        body="\n".join(
            [
                "该渠道连续发送失败，系统已停用；群通知改发给个人。请查明原因后在“发送渠道”页面重新启用。"
                if zh
                else "It kept failing and was switched off; people are told directly meanwhile. Find out why, then"
                " switch it on again on the page “Ways out”.",
                "",
                *(f"{name}{between}{value}" for name, value in lines),
            ]
        ),
        now=now,
        responsible=True,
    )
