"""What people call things: addresses, names, numbers and slugs find the one that bears them, in one organization."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast
from uuid import uuid4

import pytest

from application.kernel.actor import PLATFORM, Actor, operator
from application.kernel.unit_of_work import IUnitOfWork
from domain.shared.ids import OrganizationId, encode_id
from tests.support.persons import Person, join, new_address, signed_up
from tests.support.shop import Shop
from tests.support.stack import Body, Stack


@asynccontextmanager
async def looking(stack: Stack, actor: Actor) -> AsyncIterator[IUnitOfWork]:
    """Open a unit of work that only reads, as somebody."""
    async with stack.units(actor, use_case="tests.look", request_id=str(uuid4()), read_only=True) as uow:
        yield uow


def data(page: Body) -> list[Body]:
    return cast("list[Body]", page["data"])


def names(page: Body) -> list[str]:
    return [str(each["name"]) for each in data(page)]


async def add_member(stack: Stack, organization: Actor, name: str, email: str) -> None:
    organization_id = encode_id("org", OrganizationId(organization.organization_id))
    fields = {"organization_id": organization_id, "email": email, "name": name, "role": "member"}
    await stack.run("members.add", operator(PLATFORM), **fields)


async def test_an_address_finds_its_person_with_their_organizations(stack: Stack) -> None:
    """Both organizations of the person come with them, each once; somebody else's address finds nobody."""
    person, stranger = await signed_up(stack), await signed_up(stack)
    homes = [await stack.organization() for _ in range(2)]
    for each in homes:
        await join(stack, person, each)
    await join(stack, stranger, await stack.organization())
    async with looking(stack, person.actor) as uow:
        found = await uow.users.get_by_email_with_organizations(person.email)
        assert found is not None
        assert found.user.id == person.user_id
        belonging = sorted(each.id for each in found.organizations)
        assert belonging == sorted(each.organization_id for each in homes)
        assert await uow.users.get_by_email_with_organizations(stranger.email) is None
        assert await uow.users.get_by_email_with_organizations(new_address()) is None


async def test_a_username_finds_its_person(stack: Stack) -> None:
    """The operator finds the one who took the name, and nobody by a part of it."""
    person = await signed_up(stack)
    wanted = f"ada-{uuid4().hex[:12]}"
    present = await stack.run("account.get", person.actor)
    await stack.run("account.update", person.actor, username=wanted, expected_version=present["version"])
    async with looking(stack, operator()) as uow:
        found = await uow.users.get_by_username(wanted)
        assert found is not None
        assert (found.id, found.username) == (person.user_id, wanted)
        assert await uow.users.get_by_username(wanted[:-1]) is None


async def test_an_identity_and_a_wallet_find_their_person_only(stack: Stack) -> None:
    """Of two persons with both, each is found by their own; the right subject at another provider is nobody."""
    people = [await signed_up(stack) for _ in range(2)]
    subjects = {person.id: f"subject-{uuid4().hex}" for person in people}
    for person in people:
        await stack.run("users.link_identity", operator(), id=person.id, provider="google", subject=subjects[person.id])
        await stack.run("account.set_primary_wallet", person.actor, address=wallet_of(person))
    async with looking(stack, operator()) as uow:
        for person in people:
            by_identity = await uow.users.get_by_auth_provider("google", subjects[person.id])
            by_wallet = await uow.users.get_by_wallet_address(wallet_of(person))
            assert (by_identity and by_identity.id, by_wallet and by_wallet.id) == (person.user_id, person.user_id)
            assert await uow.users.get_by_auth_provider("github", subjects[person.id]) is None
        assert await uow.users.get_by_wallet_address(f"0x{uuid4().hex}00000002") is None


def wallet_of(person: Person) -> str:
    return f"0x{person.user_id.hex}00000002"


async def test_a_sku_finds_the_organizations_own_product(stack: Stack) -> None:
    """Two organizations use one SKU, and each finds its own product by it, in the repository and in the list."""
    sku = f"ESP-{uuid4().hex[:10].upper()}"
    for actor in (await stack.organization(), await stack.organization()):
        made = await stack.run("products.create", actor, name="Espresso blend", sku=sku)
        await stack.run("products.create", actor, name="Another", sku=f"{sku}-2")
        assert [each["id"] for each in data(await stack.run("products.list", actor, sku=sku))] == [made["id"]]
        assert data(await stack.run("products.list", actor, sku=sku[:-1])) == []
        async with looking(stack, actor) as uow:
            found = await uow.products.get_by_sku(sku)
            assert found is not None
            assert encode_id("prod", found.id) == made["id"]
            assert await uow.products.get_by_sku(sku[:-1]) is None


async def test_a_number_finds_the_organizations_own_order(stack: Stack) -> None:
    """First orders of two organizations bear the same number; each finds its own by it, and no unused number."""
    for shop in (await Shop.open(stack), await Shop.open(stack)):
        first, second = await shop.order(), await shop.order()
        assert str(first["number"]).endswith("-000001")
        async with looking(stack, shop.actor) as uow:
            for order in (first, second):
                found = await uow.payment_orders.get_by_order_number(str(order["number"]))
                assert found is not None
                assert encode_id("ord", found.id) == order["id"]
            assert await uow.payment_orders.get_by_order_number(str(first["number"])[:-1] + "9") is None


async def test_a_slug_finds_the_organizations_own_link(stack: Stack) -> None:
    """The seller finds the link, in the repository and in the list; another organization does not."""
    shop, other = await Shop.open(stack), await Shop.open(stack)
    slug = str(shop.link["slug"])
    async with looking(stack, shop.actor) as uow:
        found = await uow.payment_links.get_by_slug(slug)
        assert found is not None
        assert encode_id("plink", found.id) == shop.link["id"]
        assert await uow.payment_links.get_by_slug(str(other.link["slug"])) is None
    assert [each["id"] for each in data(await shop.run("payment_links.list", slug=slug))] == [shop.link["id"]]
    assert data(await other.run("payment_links.list", slug=slug)) == []


@pytest.fixture
async def office(stack: Stack) -> Actor:
    """Return an organization with three people, beside one whose person would match as well."""
    office, elsewhere = await stack.organization(), await stack.organization()
    people = [("Zoë Quill", "zoe"), ("Tom Quillon", "tom"), ("Ben Marsh", "quills")]
    for name, local in people:
        await add_member(stack, office, name, f"{local}-{uuid4().hex[:12]}@inkwell.example")
    await add_member(stack, elsewhere, "Eve Quill", f"eve-{uuid4().hex[:12]}@inkwell.example")
    return office


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("QUILL", ["Ben Marsh", "Tom Quillon", "Zoë Quill"]),
        ("uillo", ["Tom Quillon"]),
        ("quills-", ["Ben Marsh"]),
        ("@INKWELL.example", ["Ben Marsh", "Tom Quillon", "Zoë Quill"]),
        ("Zoë", ["Zoë Quill"]),
        ("%", []),
        ("Eve", []),
    ],
)
async def test_a_search_finds_members_by_a_part_of_name_or_address(
    stack: Stack, office: Actor, query: str, expected: list[str]
) -> None:
    """In any case, and literally; nobody of another organization is found."""
    assert names(await stack.run("users.search", office, query=query, sort="name")) == expected


async def test_a_search_is_read_page_by_page(stack: Stack, office: Actor) -> None:
    """Pages of one hold each match once, in order; the total counts the organization's own."""
    found: list[str] = []
    cursor: dict[str, object] = {}
    for _ in range(3):
        page = await stack.run(
            "users.search", office, query="inkwell", sort="name", limit=1, include_total=True, **cursor
        )
        assert page["total"] == 3
        found += names(page)
        cursor = {"cursor": page["next_cursor"]}
    assert (found, cursor) == (["Ben Marsh", "Tom Quillon", "Zoë Quill"], {"cursor": None})
