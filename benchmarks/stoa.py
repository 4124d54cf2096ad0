"""Stoa, wired as the container wires it: use-case, dispatcher, unit of work, repository."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import cast
from uuid import UUID

import application
from application.catalog.products import CreateProduct, UpdateProduct
from application.kernel.actor import operator
from application.kernel.dispatcher import Call, Dispatcher
from application.kernel.ports import IAPIKeys, IClock, IIds, ISlugs
from application.kernel.use_case import load_registry
from application.kernel.wire import Wire
from benchmarks import facts
from domain.catalog.product import Product
from domain.shared.ids import OrganizationId, PaymentOrderId, ProductId
from infrastructure.persistence.authenticator import Authenticator
from infrastructure.persistence.cursor import CursorSecret
from infrastructure.persistence.database import Database
from infrastructure.persistence.errors import register_constraints
from infrastructure.persistence.models.base import Base
from infrastructure.persistence.unit_of_work import SqlUnitOfWork, UnitOfWorkFactory
from infrastructure.security.opaque_tokens import APIKeys, SessionTokens
from infrastructure.system import RandomSlugs, SystemClock

PEPPER = b"a pepper for benchmarks only"
KEYS, TOKENS = APIKeys(PEPPER), SessionTokens(PEPPER)


class Stoa:
    """Whole use-cases through the dispatcher, from the command to the outside form of the answer."""

    def __init__(self, database: Database, organization_id: OrganizationId, committed: Callable[[], None]) -> None:
        register_constraints(Base.metadata)
        clock = SystemClock()
        self.database = database
        self.registry = load_registry(application)
        self.units = UnitOfWorkFactory(
            database, clock=clock, ids=facts.IDS, cursor_secret=CursorSecret(b"cursor"), committed=committed
        )
        ports: dict[type, object] = {IClock: clock, IIds: facts.IDS, IAPIKeys: KEYS, ISlugs: RandomSlugs()}
        # What needs more of the outside world than a database is not measured.
        served = {n: u for n, u in self.registry.items() if {*u.ports.values(), *u.answer_ports.values()} <= set(ports)}
        self.dispatch = Dispatcher(self.units, ports, served)
        self.authenticate = Authenticator(database, KEYS, TOKENS, clock)
        self.call = Call(actor=operator(organization_id), request_id=facts.REQUEST_ID)

    async def get_product(self, id_: UUID) -> Wire:
        return await self._answer("products.get", id=ProductId(id_))

    async def get_order(self, id_: UUID) -> Wire:
        return await self._answer("payment_orders.get", id=PaymentOrderId(id_))

    async def list_products(self, limit: int) -> Wire:
        return await self._answer("products.list", limit=limit)

    async def list_orders(self, limit: int) -> Wire:
        return await self._answer("payment_orders.list", limit=limit)

    async def _answer(self, name: str, **fields: object) -> Wire:
        return (await self.dispatch(name, self.registry[name].command(**fields), self.call)).body

    async def create(self) -> Wire:
        """Write a product with its event and its audit entry."""
        command = CreateProduct(
            name="Espresso blend", sku=facts.new_sku(), description=facts.DESCRIPTION, metadata=facts.METADATA
        )
        return (await self.dispatch("products.create", command, self.call)).body

    async def rename(self, id_: UUID, name: str, expected: int) -> Wire:
        """Load, compare the version, change and save a product, with its event and its audit entry."""
        command = UpdateProduct(id=ProductId(id_), expected_version=expected, name=name)
        return (await self.dispatch("products.update", command, self.call)).body

    async def write_row(self, product: Product) -> None:
        """Write a product as the unit of work does, but neither event nor audit entry."""
        actor, clock = self.call.actor, SystemClock()
        async with self.database.transaction(actor.organization_id) as transaction:
            uow = SqlUnitOfWork(
                self.database, transaction, actor, use_case="products.create", request_id=self.call.request_id,
                read_only=False, clock=clock, ids=facts.IDS, cursor_secret=CursorSecret(b""),
            )  # fmt: skip
            uow.products.add(product)
            await uow.products.write_inserts()

    async def write(self, product: Product) -> None:
        """Write a product with everything that belongs to it."""
        async with self.unit() as uow:
            uow.products.add(product)
            await uow.commit()

    def unit(self, *, read_only: bool = False) -> "AbstractAsyncContextManager[SqlUnitOfWork]":
        """Open a unit of work without a use-case around it."""
        opened = self.units(
            self.call.actor, use_case="products.create", request_id=self.call.request_id, read_only=read_only
        )
        return cast("AbstractAsyncContextManager[SqlUnitOfWork]", opened)


@asynccontextmanager
async def open_stoa(
    url: str, organization_id: OrganizationId, *, size: int = 2, committed: Callable[[], None] = lambda: None
) -> AsyncIterator[Stoa]:
    """Open the database for the length of the block."""
    database = Database(url, pool_size=size, pool_timeout=5)
    stoa = Stoa(database, organization_id, committed)
    try:
        yield stoa
    finally:
        await stoa.authenticate.settle()
        await database.dispose()
