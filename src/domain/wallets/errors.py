"""What can go wrong between Stoa and a chain."""

from domain.shared.errors import Invalid, Unavailable


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
