"""The organization's two lists of addresses: blocked ones, and those that alone are allowed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from application.kernel.actor import Scope
from application.kernel.page import PageQuery
from application.kernel.ports import IClock, IIds
from application.kernel.reads import get_use_case, list_use_case
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.kernel.view import View
from domain.shared.evm_types import Address
from domain.shared.ids import AddressListingId
from domain.wallets.address_listing import REASON, AddressList, AddressListing
from domain.wallets.specifications import listings_matching

_SOMEBODY = "0x8617E340B3D01FA5F11F306F4090FD50E238070D"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressListingView(View[AddressListing]):
    """An address on one of the two lists, and why; it is meant on every chain."""

    id: AddressListingId
    version: int
    address: Address
    list: AddressList
    reason: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAddressListings(PageQuery):
    """Which addresses."""

    list: AddressList | None = None
    address: Address | None = None
    sort: Literal["created_at", "-created_at"] = "-created_at"


list_use_case(
    "address_listings.list", ListAddressListings, lambda uow: uow.address_listings, AddressListingView,
    "List the addresses on the block list and on the allow list, newest first.",
    where=lambda cmd: listings_matching(on=cmd.list, address=cmd.address), scope=Scope.WALLETS_READ,
    example={"limit": 20, "list": "block"}, statements=2,
)  # fmt: skip

get_use_case(
    "address_listings.get", lambda uow: uow.address_listings, AddressListingView, "Return one listed address.",
    scope=Scope.WALLETS_READ,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckAddress:
    """Which address, on whatever chain."""

    address: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class BlocklistView:
    """Whether an address is on the block list, and the reason that was given."""

    address: Address
    blocked: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowlistView:
    """Whether an address is on the allow list, and whether there is one.

    While there is one (`enforced`), an address that is not `listed` is refused.
    """

    address: Address
    listed: bool
    enforced: bool
    reason: str


@use_case(
    "wallets.check_blocklist",
    scope=Scope.WALLETS_READ,
    example={"address": _SOMEBODY},
    read_only=True,
    statements=1,
)
async def check_blocklist(cmd: CheckAddress, uow: IUnitOfWork) -> BlocklistView:
    """Say whether an address is on the organization's block list.

    Errors: `address_invalid`.
    """
    listing = await uow.address_listings.get_by_address(cmd.address)
    if listing is None or listing.list is not AddressList.BLOCK:
        return BlocklistView(address=cmd.address, blocked=False, reason="")
    return BlocklistView(address=cmd.address, blocked=True, reason=listing.reason)


@use_case(
    "wallets.check_allowlist",
    scope=Scope.WALLETS_READ,
    example={"address": _SOMEBODY},
    read_only=True,
    statements=2,
)
async def check_allowlist(cmd: CheckAddress, uow: IUnitOfWork) -> AllowlistView:
    """Say whether an address is on the organization's allow list, and whether there is one at all.

    Errors: `address_invalid`.
    """
    listing = await uow.address_listings.get_by_address(cmd.address)
    if listing is not None and listing.list is AddressList.ALLOW:
        return AllowlistView(address=cmd.address, listed=True, enforced=True, reason=listing.reason)
    enforced = await uow.address_listings.has_any(AddressList.ALLOW)
    return AllowlistView(address=cmd.address, listed=False, enforced=enforced, reason="")


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateList:
    """Which address, and whether it is `listed` from now on; the reason is for people."""

    address: Address
    listed: bool
    reason: Annotated[str, REASON] = ""


@use_case(
    "wallets.update_blocklist",
    scope=Scope.WALLETS_WRITE,
    example={"address": _SOMEBODY, "listed": True, "reason": "Named in a sanctions notice."},
    statements=4,
)
async def update_wallet_blocklist(cmd: UpdateList, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> BlocklistView:
    """Block an address or no longer block it: nothing is sent to it, and nothing accepted from it.

    An address is on one list at most. Doing it twice changes nothing but the reason.

    Errors: `address_on_other_list`, `address_listed` when somebody else lists it just now, `address_invalid`,
    `text_invalid`.
    """
    await _update(AddressList.BLOCK, cmd, uow, clock.now(), ids)
    return BlocklistView(address=cmd.address, blocked=cmd.listed, reason=cmd.reason if cmd.listed else "")


@use_case(
    "wallets.update_allowlist",
    scope=Scope.WALLETS_WRITE,
    example={"address": "0xDE709F2102306220921060314715629080E2FB77", "listed": True, "reason": "Our supplier."},
    statements=5,
)
async def update_wallet_allowlist(cmd: UpdateList, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> AllowlistView:
    """Allow an address or no longer allow it. As soon as any is allowed, every other one is refused.

    An address is on one list at most. Doing it twice changes nothing but the reason.

    Errors: `address_on_other_list`, `address_listed` when somebody else lists it just now, `address_invalid`,
    `text_invalid`.
    """
    await _update(AddressList.ALLOW, cmd, uow, clock.now(), ids)
    await uow.flush()
    enforced = cmd.listed or await uow.address_listings.has_any(AddressList.ALLOW)
    reason = cmd.reason if cmd.listed else ""
    return AllowlistView(address=cmd.address, listed=cmd.listed, enforced=enforced, reason=reason)


async def _update(on: AddressList, cmd: UpdateList, uow: IUnitOfWork, now: datetime, ids: IIds) -> None:
    listing = await uow.address_listings.get_by_address(cmd.address, lock=True)
    if listing is not None:
        listing.expect_on(on)
        if cmd.listed:
            listing.explain(cmd.reason, now)
        else:
            uow.address_listings.remove(listing)
    elif cmd.listed:
        uow.address_listings.add(
            AddressListing.create(
                id=AddressListingId(ids.new()), organization_id=uow.actor.organization_id, address=cmd.address, on=on,
                reason=cmd.reason, now=now,
            )
        )  # fmt: skip
