"""What moved to and from a wallet in a period."""

from collections.abc import Iterable, Mapping, Sequence

from attrs import frozen

from domain.shared.evm_types import Address
from domain.wallets.transaction_direction import TransactionDirection
from domain.wallets.transaction_status import FINAL, WalletTransactionStatus

MOST_COUNTERPARTIES = 10


@frozen(kw_only=True)
class Tally:
    """Transactions that have direction, status and token in common, and what they come to."""

    direction: TransactionDirection
    status: WalletTransactionStatus
    token: Address | None
    transactions: int
    value: int
    token_amount: int
    fees: int


@frozen(kw_only=True)
class Flow:
    """How much came in and went out for good, in the smallest unit of a token or, without one, of the chain's coin."""

    token: Address | None
    received: int
    sent: int


@frozen(kw_only=True)
class Counterparty:
    """Somebody on the other side, and in how many transactions."""

    address: Address
    transactions: int


@frozen(kw_only=True)
class WalletFigures:
    """Sums of a period. Numbers are Python's, since a sum may have more than 256 bits."""

    tallies: Sequence[Tally]
    counterparties: int
    most_frequent: Sequence[Counterparty]

    @property
    def fees(self) -> int:
        """Return what blocks' makers were paid, also for what failed."""
        return sum(each.fees for each in self.tallies)

    @property
    def flows(self) -> list[Flow]:
        """Return the coin's flow, then that of each token by its address."""
        done = [each for each in self.tallies if each.status is WalletTransactionStatus.CONFIRMED]
        tokens = sorted({each.token for each in done if each.token is not None})
        coin = Flow(token=None, received=_sum(done, "in", "value"), sent=_sum(done, "out", "value"))
        of = {token: [each for each in done if each.token == token] for token in tokens}
        return [coin, *(
            Flow(token=t, received=_sum(of[t], "in", "token_amount"), sent=_sum(of[t], "out", "token_amount"))
            for t in tokens
        )]  # fmt: skip

    @property
    def ends(self) -> Mapping[WalletTransactionStatus, int]:
        """Return how many transactions ended in each way."""
        return {status: self._count(status) for status in FINAL}

    @property
    def open(self) -> int:
        """Return how many are not at their end."""
        return sum(each.transactions for each in self.tallies if each.status not in FINAL)

    def _count(self, status: WalletTransactionStatus) -> int:
        return sum(each.transactions for each in self.tallies if each.status is status)


def _sum(tallies: Iterable[Tally], direction: str, attribute: str) -> int:
    return sum(getattr(each, attribute) for each in tallies if each.direction.value == direction)
