"""What an endpoint's refusal of a transaction means. There is no standard for its words."""

from application.wallets.ports import BroadcastResult
from infrastructure.chain.endpoint import EndpointFailure, Refusal

_MEANINGS = (
    (BroadcastResult.ALREADY_KNOWN, ("already known", "known transaction", "already imported", "alreadyknown")),
    (BroadcastResult.NONCE_TOO_LOW, ("nonce too low", "nonce is too low", "oldnonce", "nonce_too_low")),
    (
        BroadcastResult.UNDERPRICED,
        (
            "underpriced",
            "less than block base fee",
            "feetoolow",
            "gas price too low",
            "tip cap",
            "priority fee too low",
        ),
    ),
    (BroadcastResult.INSUFFICIENT_FUNDS, ("insufficient funds", "insufficientfunds", "insufficient balance")),
)
# It may be taken later, or by another one: nothing is known.
_OPEN = ("nonce too high", "noncegap", "pool is full", "txpool is full", "limit exceeded", "rate limit", "too many")
_OPEN_CODES = frozenset({-32005, -32603})


def meaning(refusal: Refusal) -> BroadcastResult:
    """Translate a refusal.

    Raises:
        EndpointFailure: it says nothing about the transaction itself.
    """
    words = refusal.message.lower()
    for result, texts in _MEANINGS:
        if any(text in words for text in texts):
            return result
    if refusal.code in _OPEN_CODES or any(text in words for text in _OPEN):
        raise EndpointFailure from refusal
    return BroadcastResult.REFUSED


def strongest(results: list[BroadcastResult]) -> BroadcastResult:
    """Return what decides: one that has the transaction outweighs all that do not want it."""
    for result in (BroadcastResult.ACCEPTED, BroadcastResult.ALREADY_KNOWN):
        if result in results:
            return result
    return results[0]
