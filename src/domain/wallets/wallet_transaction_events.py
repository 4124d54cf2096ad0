"""The facts a wallet's transaction records."""

from typing import ClassVar

from attrs import frozen

from domain.shared.events import DomainEvent
from domain.shared.evm_types import Address, BaseUnits, TransactionHash
from domain.shared.ids import WalletId
from domain.wallets.transaction_direction import TransactionDirection
from domain.wallets.transaction_signing import SigningKind


@frozen(kw_only=True)
class WalletTransactionCreatedEvent(DomainEvent):
    """A wallet is to send something. Of a token, ``value`` is 0 and ``token_amount`` moves."""

    verb: ClassVar[str] = "created"
    wallet_id: WalletId
    chain_id: int
    recipient: Address | None
    value: BaseUnits
    token_address: Address | None
    token_amount: BaseUnits | None


@frozen(kw_only=True)
class WalletTransactionPreparedEvent(DomainEvent):
    """It has its place among the wallet's transactions, and the chain let it pass a trial."""

    verb: ClassVar[str] = "prepared"
    wallet_id: WalletId
    nonce: int


@frozen(kw_only=True)
class WalletTransactionSignedEvent(DomainEvent):
    """A form of it is signed and kept; only now it may be sent."""

    verb: ClassVar[str] = "signed"
    transaction_hash: TransactionHash
    signing: SigningKind


@frozen(kw_only=True)
class WalletTransactionBroadcastEvent(DomainEvent):
    """The chain's nodes have it; ``again`` when they had it before."""

    verb: ClassVar[str] = "broadcast"
    transaction_hash: TransactionHash
    again: bool


@frozen(kw_only=True)
class WalletTransactionMinedEvent(DomainEvent):
    """It is in a block, which may still be undone."""

    verb: ClassVar[str] = "mined"
    transaction_hash: TransactionHash
    block_number: int
    succeeded: bool


@frozen(kw_only=True)
class WalletTransactionRolledBackEvent(DomainEvent):
    """The chain undid the block that it was in; it is waiting to be mined again."""

    verb: ClassVar[str] = "rolled_back"
    block_number: int


@frozen(kw_only=True)
class WalletTransactionDroppedEvent(DomainEvent):
    """No node has it any more; it is about to be sent again."""

    verb: ClassVar[str] = "dropped"


@frozen(kw_only=True)
class WalletTransactionEvent(DomainEvent):
    """Something moved to or from a wallet, for good. Hash and block say where the chain shows it."""

    verb: ClassVar[str] = "confirmed"
    wallet_id: WalletId
    chain_id: int
    direction: TransactionDirection
    transaction_hash: TransactionHash
    block_number: int
    value: BaseUnits
    token_address: Address | None
    token_amount: BaseUnits | None
    counterparty: Address | None
    fee: BaseUnits | None


@frozen(kw_only=True)
class WalletTransactionRevertedEvent(DomainEvent):
    """It is in a block for good and did nothing but cost its fee."""

    verb: ClassVar[str] = "reverted"
    wallet_id: WalletId
    transaction_hash: TransactionHash
    fee: BaseUnits


@frozen(kw_only=True)
class WalletTransactionReplacedEvent(DomainEvent):
    """Another transaction was mined under its nonce, for good; ``failure_code`` says whose."""

    verb: ClassVar[str] = "replaced"
    wallet_id: WalletId
    failure_code: str


@frozen(kw_only=True)
class WalletTransactionFailedEvent(DomainEvent):
    """Nothing of it left, and nothing will."""

    verb: ClassVar[str] = "failed"
    wallet_id: WalletId
    failure_code: str


@frozen(kw_only=True)
class WalletTransactionReplacementRequestedEvent(DomainEvent):
    """Somebody pays more to have it mined sooner, or to have it not happen."""

    verb: ClassVar[str] = "replacement_requested"
    signing: SigningKind


@frozen(kw_only=True)
class WalletTransactionReplacementPlannedEvent(DomainEvent):
    """The fees of one more form are settled."""

    verb: ClassVar[str] = "replacement_planned"
    signing: SigningKind
    max_fee: BaseUnits


@frozen(kw_only=True)
class WalletTransactionRefusedEvent(DomainEvent):
    """No node takes a form of it at present; ``why`` is what they say."""

    verb: ClassVar[str] = "refused"
    why: str


@frozen(kw_only=True)
class WalletTransactionNeedsAttentionEvent(DomainEvent):
    """A person should look: it does not get on by itself."""

    verb: ClassVar[str] = "needs_attention"
    why: str
