"""An address that the organization does business with, or does not."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Self

from attrs import define, frozen

from domain.shared.entity import Entity
from domain.shared.events import DomainEvent
from domain.shared.evm_types import Address
from domain.shared.ids import AddressListingId, OrganizationId
from domain.shared.text import TextRule
from domain.wallets.errors import AddressOnOtherList

REASON = TextRule(max_length=500, min_length=0, markup=True, multiline=True)


class AddressList(StrEnum):
    """Which of the two lists. As long as anything is on the allow list, everything else is refused."""

    BLOCK = "block"
    ALLOW = "allow"


@frozen(kw_only=True)
class AddressListedEvent(DomainEvent):
    """An address is on a list; where it was before, it is not any more."""

    verb: ClassVar[str] = "created"
    address: Address
    address_list: AddressList


@define(kw_only=True, eq=False)
class AddressListing(Entity):
    """One address on one of the organization's two lists, on whatever chain."""

    kind: ClassVar[str] = "address_listing"

    id: AddressListingId
    address: Address
    list: AddressList
    reason: str

    @classmethod
    def create(
        cls, *, id: AddressListingId, organization_id: OrganizationId, address: Address, on: AddressList,
        reason: str = "", now: datetime,
    ) -> Self:  # fmt: skip
        """Put an address on a list.

        Raises:
            InvalidText: the reason is not acceptable.
        """
        listing = cls(
            id=id, organization_id=organization_id, created_at=now, updated_at=now, address=address, list=on,
            reason=REASON.check(reason),
        )  # fmt: skip
        listing.record(AddressListedEvent(address=address, address_list=on), now)
        return listing

    def expect_on(self, wanted: AddressList) -> None:
        """Refuse to treat the address as one of a list that it is not on.

        Raises:
            AddressOnOtherList: it is on the other one.
        """
        if self.list is not wanted:
            raise AddressOnOtherList(list=self.list.value)

    def explain(self, reason: str, now: datetime) -> None:
        """Give another reason.

        Raises:
            InvalidText: it is not acceptable.
        """
        self.amend(now, reason=REASON.check(reason))
