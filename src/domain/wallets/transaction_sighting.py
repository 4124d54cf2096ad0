"""What a chain shows of a transaction at one moment."""

from attrs import frozen

from domain.shared.evm_types import Address, BaseUnits, TransactionHash


@frozen(kw_only=True)
class Mined:
    """A block has one of its forms. ``fee`` is what it cost, ``contract`` what it created."""

    hash: TransactionHash
    block_number: int
    block_hash: str
    succeeded: bool
    gas_used: int
    fee: BaseUnits
    contract: Address | None = None


@frozen(kw_only=True)
class Sighting:
    """One look at the chain.

    Attributes:
        head: the last block's number, read before everything else.
        confirmations: how many blocks, its own included, make a transaction final.
        mined: the form that is in a block; None when none is.
        nonce_used: the last block counts the nonce as used; read before ``mined``.
        nonce_gone: so does one that is deep enough; read before ``mined``.
        known: a node has one of the forms.
    """

    head: int
    confirmations: int
    mined: Mined | None = None
    nonce_used: bool = False
    nonce_gone: bool = False
    known: bool = True

    @property
    def final(self) -> bool:
        """Whether the block it is in is deep enough."""
        return self.mined is not None and self.head - self.mined.block_number + 1 >= self.confirmations


@frozen(kw_only=True)
class Arrival:
    """Coins or a token that came in; ``log_index`` is -1 for the chain's own coin, which has no ``token``."""

    hash: TransactionHash
    log_index: int
    block_number: int
    block_hash: str
    sender: Address
    token: Address | None
    amount: BaseUnits
