"""Who acts: roles held within a unit's subtree, the person acting, and the clock."""

from dataclasses import dataclass
from uuid import UUID

from statemachines.labels import Labelled, Language


class Role(Labelled):
    """What a person may be within a unit and everything below it (domain rules, "Roles and rights")."""

    INSPECTOR = "inspector", "检查员", "Inspector"
    ASSIGNEE = "assignee", "责任人", "Assignee"
    SUPERVISOR = "supervisor", "安监主管", "Supervisor"
    LEADER = "leader", "分管领导", "Leader"
    ADMINISTRATOR = "administrator", "管理员", "Administrator"
    PROGRAM = "program", "外部程序", "Program"


@dataclass(frozen=True, slots=True)
class Grant:
    """One role within one unit's subtree. `unit_path` is the unit's path in the tree, such as `/XB/XB03/`.

    Raises ValueError for a path without both slashes: `/XB/XB0` would also hold at `/XB/XB03/`.
    """

    role: Role
    unit_path: str

    def __post_init__(self) -> None:
        if not (self.unit_path.startswith("/") and self.unit_path.endswith("/")):
            raise ValueError(f"a unit path begins and ends with a slash: {self.unit_path!r}")


@dataclass(frozen=True, slots=True)
class Actor:
    """The person (or the clock) on whose behalf a command runs.

    `id` and `unit_id` are None and `system` is True only for the clock. `unit_path` is the unit the person
    belongs to; what the person may do comes from `grants`, and from standing in (代理) for who is away today.
    """

    id: UUID | None
    login: str
    name: str
    unit_id: UUID | None
    unit_path: str
    grants: tuple[Grant, ...] = ()
    language: Language = "zh"
    system: bool = False
    stands_in_for: frozenset[UUID] = frozenset()

    @property
    def roles(self) -> frozenset[Role]:
        """Every role held anywhere."""
        return frozenset(grant.role for grant in self.grants)

    def holds(self, *roles: Role, at: str) -> bool:
        """Whether one of the roles is held at the unit with path `at` or at a unit above it."""
        return any(grant.role in roles and at.startswith(grant.unit_path) for grant in self.grants)

    def acts_for(self, person: UUID | None) -> bool:
        """Whether this is the person, or stands in for them while they are away."""
        return person is not None and (person == self.id or person in self.stands_in_for)


SYSTEM = Actor(
    id=None, login="clock", name="系统时钟", unit_id=None, unit_path="/", language="zh", system=True
)
"""What happens by the clock. It holds no role: a rule that lets the clock act says so itself."""

ANYBODY = Actor(id=None, login="anybody", name="群众", unit_id=None, unit_path="/")
"""Somebody who has not said who they are (安全生产法 Art. 74: anybody may report). Holds no role and sees nothing."""
