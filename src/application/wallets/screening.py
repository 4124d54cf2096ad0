"""Which addresses the organization does business with. Asked before anything is sent to one or accepted from one."""

from application.kernel.unit_of_work import IUnitOfWork
from domain.shared.evm_types import Address
from domain.wallets.address_listing import AddressList
from domain.wallets.errors import AddressBlocked, AddressNotAllowed


async def screen(uow: IUnitOfWork, address: Address) -> None:
    """Let an address be done business with, or refuse it.

    Raises:
        AddressBlocked: it is on the block list.
        AddressNotAllowed: there is an allow list, and it is not on it.
    """
    listing = await uow.address_listings.get_by_address(address)
    if listing is None:
        if await uow.address_listings.has_any(AddressList.ALLOW):
            raise AddressNotAllowed
    elif listing.list is AddressList.BLOCK:
        raise AddressBlocked
