"""Runs any use-case with valid fields, made from its annotations and its example."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import fields
from typing import cast
from uuid import uuid4

from application.kernel.actor import PLATFORM, PUBLIC_ACTOR, Actor, operator
from application.kernel.dispatcher import Call, Outcome
from application.kernel.use_case import UseCase
from domain.shared.ids import ID_PREFIXES, OrganizationId, PaymentLinkId, decode_id
from tests.support.persons import Person
from tests.support.stack import Body, Stack
from tests.support.use_cases import ABOVE_TENANTS, CREATORS, REGISTRY, is_personal, slots

UNIQUE = frozenset({"email", "external_id", "owner_email", "sku", "slug"})
"""Fields that no two rows may share."""

SHARED: Mapping[object, Mapping[str, object]] = {PaymentLinkId: {"max_uses": None, "expires_at": None}}
"""What the world's own specimen needs so that it lasts."""

type Prepare = Callable[["Ground"], Awaitable[dict[str, object]]]


class WorldIncomplete(Exception):
    """A use-case is new and the world cannot fill its command by itself; the message says what to add."""


class Ground:
    """One organization, and what is made in it when a use-case needs it.

    ``preparations`` names per use-case what neither annotations nor examples tell.

    Attributes:
        actor: the organization's operator, who may do everything in it.
        key: the secret of an API key with every scope a tenant can have; ``key_actor`` is who it makes of its bearer.
        person: an owner of the organization, signed in, who acts for themselves.
        ids: id type to the TypeID text of this organization's specimen.
        made: id type to the specimen as its creator answered.
        homes: use-case of the person to the organization in which its latest fields make it act.
    """

    def __init__(self, stack: Stack, preparations: Mapping[str, Prepare]) -> None:
        """Start empty."""
        self.stack = stack
        self._preparations = preparations
        self.actor: Actor = operator()
        self.key_actor: Actor = operator()
        self.key = ""
        self.person: Person  # set by whoever fills it
        self.homes: dict[str, OrganizationId] = {}
        self.ids: dict[object, str] = {}
        self.made: dict[object, Body] = {}

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
            given.update({field: unique(field, str(given[field])) for field in UNIQUE & given.keys()})
        prepare = self._preparations.get(name)
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
                f"{use_case.name}: {problems}; add the fields to the use-case's example, or its state to "
                "the PREPARATIONS of its context"
            ) from error

    def actor_for(self, name: str) -> Actor:
        """Return who runs a use-case in this world."""
        if name in ABOVE_TENANTS:
            return operator()
        if REGISTRY[name].public:
            return PUBLIC_ACTOR
        return self.person.actor if is_personal(name) else self.actor

    def key_for(self, name: str) -> str:
        """Return the secret that opens a use-case: the API key's, or the session's where an organization has no say."""
        return self.person.token if is_personal(name) else self.key

    def home_of(self, name: str) -> OrganizationId:
        """Return where a use-case leaves its audit entries and events, once its fields are made."""
        if name in self.homes:
            return self.homes[name]
        return PLATFORM if is_personal(name) else self.actor.organization_id

    async def run(self, name: str, actor: Actor | None = None, /, **overrides: object) -> Body:
        """Run a use-case with valid fields, some of them replaced."""
        return await self.send(name, {**await self.fields(name), **overrides}, actor)

    async def check_of(self, subject: str) -> str:
        """Return the name of a customer's latest identity check, or a payment method's verification; no face does."""
        opened = self.stack.units(self.actor, use_case="tests.look", request_id=str(uuid4()), read_only=True)
        async with opened as uow:
            if subject.startswith("cus_"):
                return str((await uow.customers.get(decode_id("cus", subject))).kyc_check)
            return str((await uow.payment_methods.get(decode_id("pm", subject))).verification_check)

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


def first(listed: Body) -> Body:
    return cast("list[Body]", listed["data"])[0]


def unique(field: str, example: str) -> str:
    suffix = uuid4().hex[:12]
    local, at, domain = example.partition("@")
    return f"{local}-{suffix}{at}{domain}" if field.endswith("email") else f"{example}-{suffix}"
