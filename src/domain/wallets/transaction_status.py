"""The states of a wallet's transaction and every move between them."""

from collections.abc import Mapping
from enum import StrEnum


class WalletTransactionStatus(StrEnum):
    """What is known of a transaction.

    Created has no signature yet, signed is kept and not sent yet, broadcast waits in the chain's pool, dropped was
    forgotten by the pool and is sent again, mined is in a block that may still be undone. Confirmed, reverted, replaced
    and failed are final: it is in a block for good, and did what it should (confirmed) or nothing (reverted); another
    transaction was mined under its nonce (replaced); or nothing of it ever left (failed).
    """

    CREATED = "created"
    SIGNED = "signed"
    BROADCAST = "broadcast"
    MINED = "mined"
    CONFIRMED = "confirmed"
    DROPPED = "dropped"
    REPLACED = "replaced"
    REVERTED = "reverted"
    FAILED = "failed"


_S = WalletTransactionStatus

TRANSITIONS: Mapping[WalletTransactionStatus, frozenset[WalletTransactionStatus]] = {
    # Replaced before it was signed: its key was used elsewhere, under the nonce that was set aside for it.
    _S.CREATED: frozenset({_S.SIGNED, _S.FAILED, _S.REPLACED}),
    # Mined without having been seen in the pool: whoever sent it did not live to tell.
    _S.SIGNED: frozenset({_S.BROADCAST, _S.MINED, _S.REPLACED}),
    _S.BROADCAST: frozenset({_S.MINED, _S.DROPPED, _S.REPLACED}),
    _S.DROPPED: frozenset({_S.BROADCAST, _S.MINED, _S.REPLACED}),
    # Back to broadcast when the chain undoes the block.
    _S.MINED: frozenset({_S.CONFIRMED, _S.REVERTED, _S.REPLACED, _S.BROADCAST}),
    _S.CONFIRMED: frozenset(),
    _S.REVERTED: frozenset(),
    _S.REPLACED: frozenset(),
    _S.FAILED: frozenset(),
}
"""Every move there is; whatever is not here is refused."""

TIMESTAMPS: Mapping[WalletTransactionStatus, str] = {
    status: f"{status.value}_at" for status in WalletTransactionStatus if status is not _S.CREATED
}
"""Where the time of a move is noted."""

FINAL = frozenset(status for status, moves in TRANSITIONS.items() if not moves)
PENDING = frozenset({_S.CREATED, _S.SIGNED, _S.BROADCAST, _S.DROPPED})
"""What is in no block yet, as far as is known."""

SENT_NOTHING = frozenset({_S.FAILED, _S.REPLACED, _S.REVERTED})
"""Ends after which the wallet kept what it wanted to send."""
