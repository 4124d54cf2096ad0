"""The two lists of addresses: what is on them, what follows, and that an address is on one at most."""

import asyncio

import pytest

from application.kernel.actor import Actor
from application.wallets.screening import screen
from domain.shared.errors import Conflict, StoaError
from domain.shared.evm_types import Address
from domain.wallets.errors import AddressBlocked, AddressNotAllowed, AddressOnOtherList
from tests.support.rows import Rows
from tests.support.stack import Stack
from tests.support.world_wallets import an_address


async def screened(stack: Stack, actor: Actor, address: str) -> str | None:
    """Return the code by which an address is refused, None when it is not."""
    async with stack.units(actor, use_case="tests.screen", request_id="1", read_only=True) as uow:
        try:
            await screen(uow, Address(address.lower()))
        except StoaError as error:
            return error.code
    return None


async def test_a_blocked_address_is_refused_and_others_are_not(stack: Stack) -> None:
    actor, address = await stack.organization(), an_address()
    await stack.run("wallets.update_blocklist", actor, address=address, listed=True, reason="sanctioned")
    told = await stack.run("wallets.check_blocklist", actor, address=address.lower())
    assert told == {"address": address, "blocked": True, "reason": "sanctioned"}
    assert await screened(stack, actor, address) == AddressBlocked.code
    assert await screened(stack, actor, an_address()) is None
    assert await screened(stack, await stack.organization(), address) is None

    await stack.run("wallets.update_blocklist", actor, address=address, listed=False)
    assert await screened(stack, actor, address) is None


async def test_as_soon_as_anything_is_allowed_everything_else_is_refused(stack: Stack) -> None:
    actor, address = await stack.organization(), an_address()
    await stack.run("wallets.update_allowlist", actor, address=address, listed=True, reason="supplier")
    told = await stack.run("wallets.check_allowlist", actor, address=address)
    assert told == {"address": address, "listed": True, "enforced": True, "reason": "supplier"}
    assert await screened(stack, actor, address) is None
    assert await screened(stack, actor, an_address()) == AddressNotAllowed.code

    gone = await stack.run("wallets.update_allowlist", actor, address=address, listed=False)
    assert (gone["listed"], gone["enforced"]) == (False, False)
    assert await screened(stack, actor, an_address()) is None


@pytest.mark.parametrize(("here", "there"), [("block", "allow"), ("allow", "block")])
async def test_an_address_is_on_one_list_at_most(stack: Stack, here: str, there: str) -> None:
    actor, address = await stack.organization(), an_address()
    await stack.run(f"wallets.update_{here}list", actor, address=address, listed=True)
    for listed in (True, False):
        with pytest.raises(AddressOnOtherList) as refused:
            await stack.run(f"wallets.update_{there}list", actor, address=address, listed=listed)
        assert refused.value.details == {"list": here}
    await stack.run(f"wallets.update_{here}list", actor, address=address, listed=False)
    await stack.run(f"wallets.update_{there}list", actor, address=address, listed=True)


async def test_of_many_who_list_an_address_at_once_one_list_wins(stack: Stack) -> None:
    actor, address = await stack.organization(), an_address()
    updates = [
        stack.run(f"wallets.update_{on}list", actor, address=address, listed=True)
        for on in ("block", "allow")
        for _ in range(4)
    ]
    answers = await asyncio.gather(*updates, return_exceptions=True)
    assert all(isinstance(each, dict | Conflict) for each in answers)
    listed = await stack.run("address_listings.list", actor, address=address)
    assert len(listed["data"]) == 1  # type: ignore[arg-type]  # reason: a list's body


async def test_every_change_of_a_list_is_in_the_trail(stack: Stack, rows: Rows) -> None:
    """Who put an address on a list, changed the reason and took it off; what changes nothing leaves nothing."""
    actor, address = await stack.organization(), an_address()
    for listed, reason in ((True, "a"), (True, "a"), (True, "b"), (False, ""), (False, "")):
        await stack.run("wallets.update_blocklist", actor, address=address, listed=listed, reason=reason)
    entries = await rows.of("audit_entries", actor.organization_id)
    mine = [each["operation"] for each in entries if each["subject_type"] == "address_listing"]
    assert sorted(map(str, mine)) == ["created", "deleted", "updated"]
