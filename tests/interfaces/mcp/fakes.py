"""A dispatcher that remembers, and callers with keys."""

from dataclasses import dataclass, field
from typing import NamedTuple

from application.kernel.actor import Actor, ActorKind, Scope
from application.kernel.dispatcher import Call, Outcome
from application.kernel.wire import Wire
from domain.identity.errors import OrganizationNotFound
from domain.shared.errors import Unauthenticated
from domain.shared.ids import OrganizationId, uuid7

LINK = "plink_01m7xqdwdxecebcwzk30ktqpss"
THING: dict[str, Wire] = {
    "id": LINK, "version": 1, "name": "A thing", "price": {"amount": 1250, "currency": "EUR"}, "kind": "one_off",
    "metadata": {}, "created_at": "2030-01-01T00:00:00Z",
}  # fmt: skip


def actor(name: str, *scopes: Scope) -> Actor:
    return Actor(kind=ActorKind.API_KEY, id=name, organization_id=OrganizationId(uuid7(1, 1)), scopes=frozenset(scopes))


READER = actor("reader", Scope.CUSTOMERS_READ)
WRITER = actor("writer", Scope.CUSTOMERS_READ, Scope.CUSTOMERS_WRITE)
CALLERS = {"reader-key": READER, "writer-key": WRITER}


async def authenticate(secret: str, organization_id: OrganizationId | None = None) -> Actor:
    if secret not in CALLERS:
        raise Unauthenticated
    if organization_id not in (None, CALLERS[secret].organization_id):
        raise OrganizationNotFound
    return CALLERS[secret]


class Ran(NamedTuple):
    name: str
    command: object
    call: Call


@dataclass
class FakeDispatcher:
    """Answers what it is told to answer; an exception is raised instead."""

    answer: Outcome | Exception = field(default_factory=lambda: Outcome(THING))
    ran: list[Ran] = field(default_factory=list)
    observed: list[tuple[str, str, str]] = field(default_factory=list)

    async def __call__(self, name: str, command: object, call: Call) -> Outcome:
        self.ran.append(Ran(name, command, call))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def observe(self, use_case: str, face: str, code: str, seconds: float) -> None:
        assert seconds >= 0
        self.observed.append((use_case, face, code))
