"""Who owns a multi-signature wallet, and how many of them have to agree."""

from collections.abc import Sequence
from typing import Self

from attrs import frozen

from domain.shared.evm_types import Address
from domain.wallets.errors import InvalidWallet

MOST_OWNERS = 20
_NOBODY = "0x" + "0" * 40


@frozen(kw_only=True)
class MultiSigConfig:
    """Owners, each named once, of whom ``threshold`` have to confirm what the wallet does."""

    owners: tuple[Address, ...]
    threshold: int

    @classmethod
    def of(cls, owners: Sequence[Address], threshold: int) -> Self:
        """Describe a wallet of several owners.

        Raises:
            InvalidWallet: nobody or too many own it, somebody twice, or the threshold cannot be reached.
        """
        if not 0 < len(owners) <= MOST_OWNERS or len(set(owners)) != len(owners) or _NOBODY in owners:
            raise InvalidWallet(reason="owners", path="multi_sig.owners")
        if not 0 < threshold <= len(owners):
            raise InvalidWallet(reason="threshold", path="multi_sig.threshold")
        return cls(owners=tuple(owners), threshold=threshold)
