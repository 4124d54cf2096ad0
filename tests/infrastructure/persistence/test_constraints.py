"""The last word of the database: every constraint of the models, and the named error it becomes on both databases."""

from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest
from sqlalchemy import CheckConstraint, PrimaryKeyConstraint, UniqueConstraint, insert, select
from sqlalchemy.exc import IntegrityError

from application.kernel.actor import operator
from domain.catalog.product import SkuTaken
from domain.customers.customer import CustomerEmailTaken, ExternalIdTaken
from domain.identity.invitation import Invitation, InvitationPending
from domain.identity.membership import Membership, MembershipExists, Role
from domain.identity.organization import Organization, OrganizationSlugTaken
from domain.identity.user import User, UserEmailTaken
from domain.payments.payment_link import PaymentLinkUsedUp, SlugTaken
from domain.shared.errors import (
    DuplicateError,
    EntityAlreadyExistsError,
    InvalidReference,
    StoaError,
    ValidationError,
)
from domain.shared.ids import InvitationId, MembershipId, OrganizationId, UserId
from domain.shared.money import Money
from infrastructure.persistence.errors import translate
from infrastructure.persistence.models.base import Base
from infrastructure.persistence.unit_of_work import SqlUnitOfWork
from tests.infrastructure.persistence.broken_agents import BROKEN_AGENTS
from tests.infrastructure.persistence.broken_catalog import BROKEN_CATALOG
from tests.infrastructure.persistence.broken_conversations import BROKEN_CONVERSATIONS
from tests.infrastructure.persistence.broken_mandates import BROKEN_MANDATES
from tests.infrastructure.persistence.broken_money import BROKEN_MONEY
from tests.infrastructure.persistence.broken_persons import BROKEN_PERSONS
from tests.infrastructure.persistence.broken_sending import BROKEN_SENDING
from tests.infrastructure.persistence.broken_settlements import BROKEN_SETTLEMENTS
from tests.infrastructure.persistence.broken_tasks import BROKEN_TASKS
from tests.infrastructure.persistence.broken_wallets import BROKEN_WALLETS
from tests.infrastructure.persistence.broken_workflows import BROKEN_WORKFLOWS
from tests.infrastructure.persistence.samples import (
    Shop,
    a_customer,
    a_link,
    a_method,
    a_price,
    a_product,
    a_shop,
    unit,
)
from tests.support.post import deliver_to_nobody, publish
from tests.support.stack import Stack

type Break = Callable[[Shop, SqlUnitOfWork], Awaitable[None]]


@pytest.fixture(scope="module")
async def shop(stack: Stack) -> Shop:
    """Sell in an organization of this file's own; nothing is committed."""
    return await a_shop(stack)


async def same_sku(shop: Shop, uow: SqlUnitOfWork) -> None:
    await uow.products.add_many([a_product(shop.stack, shop.actor, sku="SKU-1") for _ in range(2)])


async def same_email(shop: Shop, uow: SqlUnitOfWork) -> None:
    uow.customers.add(a_customer(shop.stack, shop.actor, shop.customer.email))


async def same_external_id(shop: Shop, uow: SqlUnitOfWork) -> None:
    await uow.customers.add_many([a_customer(shop.stack, shop.actor, external_id="crm-1") for _ in range(2)])


async def two_defaults(shop: Shop, uow: SqlUnitOfWork) -> None:
    uow.payment_methods.add(a_method(shop.stack, shop.customer))


async def same_number(shop: Shop, uow: SqlUnitOfWork) -> None:
    await uow.payment_orders.add_many([shop.order("20260314-000001") for _ in range(2)])


async def same_attempt(shop: Shop, uow: SqlUnitOfWork) -> None:
    order, other = shop.order(), shop.order()
    shop.attempt(order)
    shop.attempt(other)
    order.attempts += other.attempts
    uow.payment_orders.add(order)


def a_user(shop: Shop, email: str) -> User:
    return User.register(
        id=UserId(shop.stack.ids.new()), organization_id=operator().organization_id, email=email, name="Ana",
        now=shop.stack.clock.now(),
    )  # fmt: skip


async def same_user(shop: Shop, uow: SqlUnitOfWork) -> None:
    email = f"{uuid4().hex}@example.com"
    await uow.users.add_many([a_user(shop, email) for _ in range(2)])


async def same_member(shop: Shop, uow: SqlUnitOfWork) -> None:
    user = a_user(shop, f"{uuid4().hex}@example.com")
    uow.users.add(user)
    await uow.flush()
    await uow.enter(shop.actor.organization_id)
    for _ in range(2):
        uow.memberships.add(
            Membership.add(
                user, id=MembershipId(shop.stack.ids.new()), organization_id=shop.actor.organization_id,
                role=Role.MEMBER, now=shop.stack.clock.now(),
            )
        )  # fmt: skip


async def same_organization(shop: Shop, uow: SqlUnitOfWork) -> None:
    organization = await uow.organizations.get(shop.actor.organization_id)
    twin = Organization.create(
        id=OrganizationId(shop.actor.organization_id), name="Twin", slug=f"twin-{uuid4().hex[:12]}",
        default_currency="EUR", now=shop.stack.clock.now(),
    )  # fmt: skip
    assert twin.id == organization.id
    uow.organizations.add(twin)


async def no_amount(shop: Shop, uow: SqlUnitOfWork) -> None:
    price = a_price(shop.stack, shop.product)
    price.unit_amount = Money(0, "EUR")
    uow.prices.add(price)


async def no_order_amount(shop: Shop, uow: SqlUnitOfWork) -> None:
    order = shop.order()
    order.amount = Money(0, "EUR")
    uow.payment_orders.add(order)


async def overused(shop: Shop, uow: SqlUnitOfWork) -> None:
    link = a_link(shop.stack, shop.price, max_uses=1)
    link.uses = 2
    uow.payment_links.add(link)


async def invited_twice(shop: Shop, uow: SqlUnitOfWork) -> None:
    await uow.invitations.add_many(
        [
            Invitation.create(
                id=InvitationId(shop.stack.ids.new()), organization_id=shop.actor.organization_id,
                email="ana@example.com", role=Role.MEMBER, by=Role.OWNER, now=shop.stack.clock.now(),
            )
            for _ in range(2)
        ]
    )  # fmt: skip


BROKEN: dict[str, tuple[Break, type[StoaError]]] = {
    "uq_products_sku": (same_sku, SkuTaken),
    "uq_customers_email": (same_email, CustomerEmailTaken),
    "uq_customers_external_id": (same_external_id, ExternalIdTaken),
    "uq_payment_methods_default": (two_defaults, DuplicateError),
    "uq_payment_orders_organization_id_number": (same_number, DuplicateError),
    "uq_payment_attempts_organization_id_payment_order_id_number": (same_attempt, DuplicateError),
    "uq_users_email": (same_user, UserEmailTaken),
    "uq_memberships_organization_id_user_id": (same_member, MembershipExists),
    "uq_organizations_organization_id": (same_organization, DuplicateError),
    "ck_prices_unit_amount_positive": (no_amount, ValidationError),
    "ck_payment_orders_amount_positive": (no_order_amount, ValidationError),
    "ck_payment_links_uses_within_limit": (overused, PaymentLinkUsedUp),
    **BROKEN_AGENTS,
    **BROKEN_TASKS,
    **BROKEN_CATALOG,
    **BROKEN_CONVERSATIONS,
    **BROKEN_MANDATES,
    **BROKEN_MONEY,
    **BROKEN_PERSONS,
    **BROKEN_SENDING,
    **BROKEN_WALLETS,
    **BROKEN_SETTLEMENTS,
    **BROKEN_WORKFLOWS,
    "uq_invitations_pending": (invited_twice, InvitationPending),
}
WORKERS = {"uq_webhook_attempts_organization_id_delivery_id_number"}
"""Constraints of tables that no unit of work writes; each is broken in a test of its own."""

ABOVE = {"uq_users_email", "uq_memberships_organization_id_user_id", *BROKEN_PERSONS}


@pytest.mark.parametrize("name", BROKEN)
async def test_a_broken_constraint_is_a_named_error(shop: Shop, name: str) -> None:
    """The same broken rule is the same error on both databases, and no other."""
    break_it, error = BROKEN[name]
    async with unit(shop.stack, operator() if name in ABOVE else shop.actor) as uow:
        with pytest.raises(error) as caught:  # noqa: PT012 - adding many flushes by itself
            await break_it(shop, uow)
            await uow.flush()
    # The organization's own key is broken together with its primary key, and either may be told of.
    assert type(caught.value) is error or name == "uq_organizations_organization_id"


def test_no_constraint_is_forgotten() -> None:
    """A new unique or check constraint has to be broken here once."""
    tables = Base.metadata.tables.values()
    keys = [c for t in tables for c in t.constraints if isinstance(c, UniqueConstraint | CheckConstraint)]
    indexes = [index for table in tables for index in table.indexes if index.unique]
    assert {str(key.name) for key in keys} | {str(index.name) for index in indexes} == BROKEN.keys() | WORKERS


async def test_the_attempts_of_a_delivery_have_numbers_of_their_own(stack: Stack) -> None:
    """No attempt of the delivery worker is written over another one."""
    actor = await stack.organization()
    await stack.run("webhook_endpoints.create", actor, url="https://shop.example.com/hooks", events=["product.*"])
    await stack.run("products.create", actor, name="Beans")
    await publish(stack)
    await deliver_to_nobody(stack, actor.organization_id)
    attempts = Base.metadata.tables["webhook_attempts"]
    mine = select(attempts).where(attempts.c.organization_id == actor.organization_id).limit(1)
    async with stack.relay_database.engine.begin() as connection:
        made = (await connection.execute(mine)).one()._mapping
        with pytest.raises(IntegrityError) as caught:
            await connection.execute(insert(attempts), {**made, "id": stack.ids.new()})
    assert isinstance(translate(caught.value), DuplicateError)


async def test_the_same_identity_twice_is_named(shop: Shop) -> None:
    """A primary key that is taken says that the aggregate exists."""
    twins = [a_product(shop.stack, shop.actor) for _ in range(2)]
    twins[1].id = twins[0].id
    async with unit(shop.stack, shop.actor) as uow:
        with pytest.raises(EntityAlreadyExistsError):
            await uow.products.add_many(twins)
    keys = [
        c for table in Base.metadata.tables.values() for c in table.constraints if isinstance(c, PrimaryKeyConstraint)
    ]
    assert all(str(key.name).startswith("pk_") for key in keys)


async def test_a_reference_stays_inside_its_organization(shop: Shop) -> None:
    """What belongs to another organization cannot be referred to: the composite key does not find it."""
    foreigner = await a_shop(shop.stack)
    price = a_price(shop.stack, foreigner.product)
    price.organization_id = shop.actor.organization_id
    async with unit(shop.stack, shop.actor) as uow:
        uow.prices.add(price)
        with pytest.raises(InvalidReference):
            await uow.flush()


async def test_a_public_value_is_unique_across_organizations(shop: Shop) -> None:
    """Slugs of links and organizations live in one look-up table, whose errors name what is taken."""
    foreigner = await a_shop(shop.stack)
    async with unit(shop.stack, foreigner.actor) as uow:
        uow.payment_links.add(a_link(shop.stack, foreigner.price, slug=shop.link.slug))
        with pytest.raises(SlugTaken):
            await uow.flush()
    async with unit(shop.stack, shop.actor) as uow:
        slug = (await uow.organizations.get(shop.actor.organization_id)).slug
    with pytest.raises(OrganizationSlugTaken):
        await shop.stack.organization(slug)


async def test_hidden_rows_give_their_values_back(shop: Shop) -> None:
    """A removed customer's address may be used again, and then the removed one cannot come back."""
    async with unit(shop.stack, shop.actor) as uow:
        first = a_customer(shop.stack, shop.actor)
        uow.customers.add(first)
        await uow.flush()
        uow.customers.remove(first)
        await uow.flush()
        uow.customers.add(a_customer(shop.stack, shop.actor, first.email))
        await uow.flush()
        uow.customers.restore(first)
        with pytest.raises(CustomerEmailTaken):
            await uow.flush()
