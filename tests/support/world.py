"""One organization with one of everything, and valid fields for any use-case, all made from the registry.

A new use-case is covered the day it is declared: its command's annotations say which ids it takes, its ``example``
fills the rest, and creators (``….create``, ``….add``) are found by the id of what they answer. Only state that no
annotation tells is named below, in ``PREPARATIONS`` and ``SHARED``.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from types import NoneType
from typing import Annotated, Literal, TypeAliasType, cast, get_args, get_origin, get_type_hints
from uuid import uuid4

import application
from application.kernel.actor import PUBLIC_ACTOR, TENANT_SCOPES, Actor, operator
from application.kernel.dispatcher import Call, Outcome
from application.kernel.use_case import UseCase, load_registry
from domain.shared.ids import (
    ID_PREFIXES,
    AuditEntryId,
    MembershipId,
    OrganizationId,
    PaymentAttemptId,
    PaymentLinkId,
    PaymentOrderId,
    UserId,
    encode_id,
)
from tests.support.stack import Body, Stack

REGISTRY = load_registry(application)
EVERY = sorted(REGISTRY)
READS = [name for name in EVERY if REGISTRY[name].read_only]
WRITES = [name for name in EVERY if not REGISTRY[name].read_only]
ROUTED = [name for name in EVERY if REGISTRY[name].internal is None]

ABOVE_TENANTS = frozenset({"members.add", "organizations.create", "users.register"})
"""Use-cases of the platform's operator, who belongs to no organization."""

UNIQUE = frozenset({"email", "external_id", "owner_email", "sku", "slug"})
"""Fields that no two rows may share."""

SHARED: Mapping[object, Mapping[str, object]] = {PaymentLinkId: {"max_uses": None, "expires_at": None}}
"""What the world's own specimen needs so that it lasts."""

type Prepare = Callable[["World"], Awaitable[dict[str, object]]]


class WorldIncomplete(Exception):
    """A use-case is new and the world cannot fill its command by itself; the message says what to add."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in a command that takes an id: the path of names (and 0 for a list's item), and the id's type."""

    path: tuple[str | int, ...]
    id_type: object

    def __str__(self) -> str:
        """Read well in a test's name."""
        return ".".join(map(str, self.path))

    def put(self, data: Mapping[str, object], value: object) -> dict[str, object]:
        """Return a copy of a command's fields with another value here."""
        return cast("dict[str, object]", _put(dict(data), self.path, value))


def _put(data: object, path: tuple[str | int, ...], value: object) -> object:
    if not path:
        return value
    head, *rest = path
    if isinstance(head, int):
        items = list(cast("list[object]", data or [None]))
        items[head] = _put(items[head], tuple(rest), value)
        return items
    record = dict(cast("dict[str, object]", data or {}))
    record[head] = _put(record.get(head), tuple(rest), value)
    return record


def slots(command: type) -> list[Slot]:
    """Return every place of a command, also nested ones, that takes an id."""
    hints = get_type_hints(command, include_extras=True)
    return [slot for field in fields(command) for slot in _slots(hints[field.name], (field.name,))]


def _slots(annotation: object, path: tuple[str | int, ...]) -> Iterator[Slot]:
    if isinstance(annotation, TypeAliasType):
        yield from _slots(annotation.__value__, path)
    elif annotation in ID_PREFIXES:
        yield Slot(path, annotation)
    elif isinstance(annotation, type) and is_dataclass(annotation):
        hints = get_type_hints(annotation, include_extras=True)
        for field in fields(annotation):
            yield from _slots(hints[field.name], (*path, field.name))
    else:
        origin, args = get_origin(annotation), get_args(annotation)
        if origin is Literal:
            return
        step: tuple[int, ...] = (0,) if origin in (list, tuple, set, frozenset) else ()
        for arg in args[:1] if origin is Annotated else args:
            if arg is not NoneType:
                yield from _slots(arg, (*path, *step))


def absent_id(id_type: object) -> str:
    """Return an id of the right kind that nobody has."""
    return encode_id(ID_PREFIXES[id_type], uuid4())


def creators() -> dict[object, str]:
    """Return for each id type the use-case that makes one."""
    found: dict[object, str] = {}
    for name in EVERY:
        result = REGISTRY[name].result
        if name.endswith((".create", ".add")) and is_dataclass(result):
            found[get_type_hints(result)["id"]] = name
    return found


CREATORS = creators()


class World:
    """One organization filled with one of everything.

    Attributes:
        actor: the organization's operator, who may do everything in it.
        key: the secret of an API key with every scope a tenant can have; ``key_actor`` is who it makes of its bearer.
        ids: id type to the TypeID text of this organization's specimen.
        made: id type to the specimen as its creator answered.
    """

    def __init__(self, stack: Stack) -> None:
        """Start empty; use :meth:`create`."""
        self.stack = stack
        self.actor: Actor = operator()
        self.key_actor: Actor = operator()
        self.key = ""
        self.ids: dict[object, str] = {}
        self.made: dict[object, Body] = {}

    @classmethod
    async def create(cls, stack: Stack) -> "World":
        """Make an organization and fill it."""
        world = cls(stack)
        world.actor = await stack.organization()
        world.ids[OrganizationId] = encode_id("org", world.actor.organization_id)
        for id_type, name in CREATORS.items():
            if REGISTRY[name].internal is None:
                await world.id_of(id_type)
        await world._add_specimens_without_creator()
        issued = await world.run("api_keys.create", scopes=sorted(TENANT_SCOPES))
        world.key = str(issued["secret"])
        world.key_actor = await stack.authenticate(world.key)
        await stack.authenticate.settle()
        return world

    async def _add_specimens_without_creator(self) -> None:
        """Find the ids of what comes into being on the side; a new kind of it is added here."""
        member = _first(await self.run("members.list", role=None))
        self.ids[MembershipId], self.ids[UserId] = str(member["id"]), str(member["user_id"])
        paying = await self.run("payment_orders.pay", id=(await self.fresh(PaymentOrderId))["id"])
        self.ids[PaymentAttemptId] = str(cast("list[Body]", paying["attempts"])[0]["id"])
        entries = await self.run("audit_entries.list", action=None, subject_type=None)
        self.ids[AuditEntryId] = str(_first(entries)["id"])

    async def id_of(self, id_type: object) -> str:
        """Return the id of the world's own specimen, making it at first use."""
        if id_type not in self.ids:
            self.made[id_type] = await self.fresh(id_type, **SHARED.get(id_type, {}))
            self.ids[id_type] = str(self.made[id_type]["id"])
        return self.ids[id_type]

    async def fresh(self, id_type: object, **overrides: object) -> Body:
        """Make one more of a kind and return it."""
        if id_type not in CREATORS:
            raise WorldIncomplete(
                f"nothing makes {ID_PREFIXES[id_type]}_ ids: no use-case '….create' or '….add' answers with one; "
                "add it to World._add_specimens_without_creator"
            )
        return await self.run(CREATORS[id_type], **overrides)

    async def fields(self, name: str) -> dict[str, object]:
        """Return outside fields with which the use-case succeeds now.

        Raises:
            WorldIncomplete: it cannot be told from annotations and example what they are.
        """
        use_case = REGISTRY[name]
        given: dict[str, object] = dict(use_case.example)
        if not use_case.read_only:
            given.update({field: _unique(field, str(given[field])) for field in UNIQUE & given.keys()})
        prepare = PREPARATIONS.get(name)
        if prepare is not None:
            given.update(await prepare(self))
        elif not use_case.read_only:
            given.update(await self._own_subject(use_case))
        for slot in slots(use_case.command):
            if slot.path[0] not in given:
                given = slot.put(given, await self.id_of(slot.id_type))
        self._check(use_case, given)
        return given

    async def _own_subject(self, use_case: UseCase) -> dict[str, object]:
        """Give a change a subject of its own, so that the specimens last."""
        subject = next((s for s in slots(use_case.command) if s.path == ("id",)), None)
        if subject is None:
            return {}
        made = await self.fresh(subject.id_type)
        versioned = any(f.name == "expected_version" for f in fields(use_case.command))
        return {"id": made["id"], **({"expected_version": made["version"]} if versioned else {})}

    def _check(self, use_case: UseCase, given: Mapping[str, object]) -> None:
        try:
            self.stack.command(use_case.name, **given)
        except Exception as error:
            problems = getattr(error, "errors", error)
            raise WorldIncomplete(
                f"{use_case.name}: {problems}; add the fields to the use-case's example, or its state to PREPARATIONS"
            ) from error

    def actor_for(self, name: str) -> Actor:
        """Return who runs a use-case in this world."""
        if name in ABOVE_TENANTS:
            return operator()
        if REGISTRY[name].public:
            return PUBLIC_ACTOR
        return self.actor

    async def run(self, name: str, actor: Actor | None = None, /, **overrides: object) -> Body:
        """Run a use-case with valid fields, some of them replaced."""
        return await self.send(name, {**await self.fields(name), **overrides}, actor)

    async def send(
        self, name: str, given: Mapping[str, object], actor: Actor | None = None, *,
        key: str | None = None, dry_run: bool = False,
    ) -> Body:  # fmt: skip
        """Run a use-case with exactly these outside fields; the idempotency key is random unless given."""
        return cast("Body", (await self.outcome(name, given, actor, key=key, dry_run=dry_run)).body)

    async def outcome(
        self, name: str, given: Mapping[str, object], actor: Actor | None = None, *,
        key: str | None = None, dry_run: bool = False,
    ) -> Outcome:  # fmt: skip
        """Run a use-case as :meth:`send` does, and also tell whether the answer is a replay."""
        call = Call(
            actor=actor or self.actor_for(name), request_id=str(uuid4()), idempotency_key=key or str(uuid4()),
            dry_run=dry_run,
        )  # fmt: skip
        return await self.stack.dispatcher(name, self.stack.command(name, **given), call)


def _first(listed: Body) -> Body:
    return cast("list[Body]", listed["data"])[0]


def _unique(field: str, example: str) -> str:
    suffix = uuid4().hex[:12]
    local, at, domain = example.partition("@")
    return f"{local}-{suffix}{at}{domain}" if field.endswith("email") else f"{example}-{suffix}"


# -- state that annotations do not tell -----------------------------------------------------------


async def _archived_product(world: World) -> dict[str, object]:
    archived = await world.run("products.archive")
    return {"id": archived["id"], "expected_version": archived["version"]}


async def _present_organization(world: World) -> dict[str, object]:
    # A new name each time, for writing what is there already changes nothing.
    present = await world.run("organizations.get")
    return {"expected_version": present["version"], "name": f"Harbour Coffee {uuid4().hex[:8]}"}


async def _open_link(world: World) -> dict[str, object]:
    await world.id_of(PaymentLinkId)
    return {"slug": world.made[PaymentLinkId]["slug"]}


async def _order_being_paid(world: World) -> dict[str, object]:
    paying = await world.run("payment_orders.pay")
    return {"id": paying["id"], "attempt_id": cast("list[Body]", paying["attempts"])[0]["id"]}


PREPARATIONS: dict[str, Prepare] = {
    "organizations.update": _present_organization,
    "payment_links.open": _open_link,
    "payment_orders.record_outcome": _order_being_paid,
    "products.restore": _archived_product,
}
