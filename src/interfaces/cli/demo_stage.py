"""Where the demo's stories play, who plays in them, and what they are made of."""

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Protocol, cast
from uuid import uuid4

from application.kernel.actor import TENANT_SCOPES, Actor, operator
from application.kernel.dispatcher import Call, Outcome
from application.kernel.use_case import UseCase
from domain.shared.errors import StoaError
from domain.shared.ids import OrganizationId, decode_id
from interfaces.schema.command import CommandSchema

type Body = dict[str, object]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was tried, and whether it went as it must."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


class Ground(Protocol):
    """A chain that begins and ends with the demo."""

    @property
    def missing(self) -> str:
        """Say why there is none; empty when there is one."""
        ...

    @property
    def chain_id(self) -> int: ...
    @property
    def url(self) -> str:
        """Return where it answers JSON-RPC."""
        ...

    @property
    def token_code(self) -> bytes:
        """Return what creates a token with EIP-3009 that anybody may mint."""
        ...


class Stage(Protocol):
    """Where the story plays: the application, its workers run by hand, and a chain."""

    @property
    def registry(self) -> Mapping[str, UseCase]: ...
    @property
    def chain(self) -> Ground: ...

    async def dispatch(self, name: str, command: object, call: Call) -> Outcome:
        """Run one use-case."""
        ...

    async def authenticate(self, secret: str) -> Actor:
        """Return the caller behind an API key."""
        ...

    async def work(self) -> int:
        """Perform the jobs that are due; returns how many."""
        ...

    async def hurry(self, subject: str) -> None:
        """Make the job that waits for an order, a settlement or a transaction due now."""
        ...

    async def publish(self) -> int:
        """Publish what is in the outbox; returns how many events."""
        ...

    async def seal_and_verify(self) -> tuple[int, bool]:
        """Seal the audit chain and verify it; returns how many entries it has and whether all hold."""
        ...


class Tenant:
    """An organization with its own API key; every call authenticates again, as over the network."""

    def __init__(self, stage: Stage, secret: str) -> None:
        """Use a secret that was issued."""
        self._stage = stage
        self.secret = secret

    async def call(self, name: str, fields: Mapping[str, object], key: str | None = None) -> Outcome:
        command = CommandSchema(self._stage.registry[name].command).validate(dict(fields))
        actor = await self._stage.authenticate(self.secret)
        request = Call(actor=actor, request_id=str(uuid4()), idempotency_key=key or str(uuid4()))
        return await self._stage.dispatch(name, command, request)

    async def run(self, name: str, /, **fields: object) -> Body:
        return cast("Body", (await self.call(name, fields)).body)

    async def link(self, **terms: object) -> Body:
        product = await self.run("products.create", name="Espresso beans, 1 kg")
        price = await self.run(
            "prices.create", product_id=product["id"], unit_amount={"amount": 2490, "currency": "EUR"}
        )
        return await self.run("payment_links.create", price_id=price["id"], **terms)

    async def buyer(self, token: str) -> tuple[Body, Body]:
        customer = await self.run("customers.create", email=f"ana-{uuid4().hex[:8]}@example.com", name="Ana Prado")
        method = await self.run(
            "payment_methods.add", customer_id=customer["id"], type="card", provider_token=token, brand="visa",
            last_four="4242", expiry_month=12, expiry_year=2040,
        )  # fmt: skip
        return customer, method

    async def pay(self, link: Body, token: str) -> Body:
        customer, method = await self.buyer(token)
        order = await self.run(
            "payment_orders.create", payment_link_id=link["id"], customer_id=customer["id"], quantity=1
        )
        return await self.run("payment_orders.pay", id=order["id"], payment_method_id=method["id"])


async def tenant(stage: Stage, name: str) -> Tenant:
    """Found an organization, and give it a key that may do everything."""
    schema = CommandSchema(stage.registry["organizations.create"].command)
    slug = f"demo-{uuid4().hex[:12]}"
    command = schema.validate(
        {
            "name": name,
            "slug": slug,
            "default_currency": "EUR",
            "owner_email": f"{slug}@example.com",
            "owner_name": name,
        }
    )
    created = await stage.dispatch("organizations.create", command, Call(actor=operator(), request_id=str(uuid4())))
    organization_id = OrganizationId(decode_id("org", str(cast("Body", created.body)["id"])))
    keys = CommandSchema(stage.registry["api_keys.create"].command)
    command = keys.validate({"name": "Demo", "scopes": sorted(TENANT_SCOPES)})
    key = await stage.dispatch(
        "api_keys.create", command, Call(actor=operator(organization_id), request_id=str(uuid4()))
    )
    return Tenant(stage, str(cast("Body", key.body)["secret"]))


async def after(stage: Stage, shop: Tenant, order: Body, status: str) -> Body:
    """Work until the order leaves a status; a worker that runs beside us may be the one to do it."""
    for _ in range(200):
        await stage.work()
        order = await shop.run("payment_orders.get", id=order["id"])
        if order["status"] != status:
            break
        await asyncio.sleep(0.05)
    return order


async def refused(attempt: Awaitable[object], kind: type[StoaError]) -> bool:
    """Say whether an attempt fails as it must."""
    try:
        await attempt
    except kind:
        return True
    return False
