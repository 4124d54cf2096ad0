"""What can go wrong with wallets, and between Stoa and a chain."""

from domain.shared.errors import (
    BusinessRuleViolation,
    Conflict,
    DuplicateError,
    Forbidden,
    Invalid,
    Unavailable,
    ValidationError,
)


class ChainNotSupported(Invalid):
    """No endpoint is configured for the chain."""

    code = "chain_not_supported"
    summary = "This chain is not configured here."


class BlockchainError(Unavailable):
    """The chain's endpoints do not answer, or contradict each other; nothing is known to have happened."""

    code = "chain_unavailable"
    summary = "The chain cannot be reached; try again later."


class EndpointsDisagree(BlockchainError):
    """Two endpoints of one chain tell different histories, so none of them is believed."""

    code = "chain_endpoints_disagree"
    summary = "The chain's endpoints contradict each other; try again later."


class TransactionWouldRevert(Invalid):
    """Executing the call now would fail; ``reason`` is the contract's own word, at most 200 characters."""

    code = "transaction_would_revert"
    summary = "The chain says that this transaction would fail."


class ChainSupportMissing(Unavailable):
    """Stoa was installed without its ``evm`` extra."""

    code = "chain_support_missing"
    summary = "This installation cannot talk to chains: its evm extra is not installed."


class SignerUnavailable(Unavailable):
    """Whoever holds the key does not answer, or cannot open it now."""

    code = "signer_unavailable"
    summary = "The wallet's signer is not answering; try again later."


class SignerRefused(Invalid):
    """Whoever holds the key will not sign this."""

    code = "signer_refused"
    summary = "The wallet's signer refuses to sign this transaction."


class InvalidWallet(ValidationError):
    """What describes the wallet does not fit together; ``reason`` in the details says why."""

    code = "wallet_invalid"
    summary = "These attributes do not make a wallet."


class WalletAddressTaken(DuplicateError):
    """The organization has a wallet with this address on this chain."""

    code = "wallet_address_taken"
    summary = "Another wallet has this address on this chain."


class WalletSignerTaken(DuplicateError):
    """Some wallet, of whichever organization, signs for this address on this chain; a deleted one can be restored."""

    code = "wallet_signer_taken"
    summary = "Another wallet signs for this address on this chain already."


class WalletWatchOnly(BusinessRuleViolation):
    """Nobody here can sign for the wallet."""

    code = "wallet_watch_only"
    summary = "The wallet is only watched; it has no signer."


class AddressBlocked(Forbidden):
    """The organization does no business with the address."""

    code = "address_blocked"
    summary = "The address is on the organization's block list."


class AddressNotAllowed(Forbidden):
    """The organization does business with listed addresses only, and this is none of them."""

    code = "address_not_allowed"
    summary = "The organization has an allow list, and the address is not on it."


class AddressOnOtherList(BusinessRuleViolation):
    """An address is blocked or allowed, never both; ``list`` in the details says where it is."""

    code = "address_on_other_list"
    summary = "The address is on the other list; take it off there first."


class AddressListed(DuplicateError):
    """Somebody else put the address on a list at the same moment."""

    code = "address_listed"
    summary = "The address is on a list already."


class ChallengeOver(BusinessRuleViolation):
    """The challenge was used, or its ten minutes are over; ask for another one."""

    code = "wallet_challenge_over"
    summary = "The challenge was used already or has expired; request a new one."


class SignatureInvalid(ValidationError):
    """The signature is none, or another key's."""

    code = "wallet_signature_invalid"
    summary = "The text was not signed by the wallet's key."


class BlockUnknown(Invalid):
    """The chain has no such block yet."""

    code = "block_unknown"
    summary = "The chain has no block of this number yet."


class ChainReorganized(Conflict):
    """Blocks that a page before was read from are no part of the chain any more."""

    code = "chain_reorganized"
    summary = "The chain was reorganized meanwhile; begin the list anew."
