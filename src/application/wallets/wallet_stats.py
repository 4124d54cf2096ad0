"""What moved to and from a wallet in a period, by what is recorded here."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from application.kernel.actor import Scope
from application.kernel.ports import IClock
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from domain.shared.evm_types import Address
from domain.shared.ids import WalletId
from domain.shared.period import Period
from domain.wallets.figures import WalletFigures
from domain.wallets.transaction_status import WalletTransactionStatus

_USUAL = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowView:
    """What came in and went out for good, in the smallest unit of a token, or of the chain's coin (`token` is null)."""

    token: Address | None
    received: str
    sent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterpartyView:
    """Somebody on the other side, and in how many transactions."""

    address: Address
    transactions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletStatsView:
    """Figures of the transactions that were recorded from `since` until before `until`.

    Amounts are text, as sums may have more than 256 bits. `fees` are in the chain's coin, and were paid also for what
    was `reverted` or `replaced`; `failed` never left. The ten most frequent counterparties are named.
    """

    wallet_id: WalletId
    since: datetime
    until: datetime
    flows: list[FlowView]
    fees: str
    confirmed: int
    reverted: int
    replaced: int
    failed: int
    open: int
    counterparties: int
    most_frequent: list[CounterpartyView]


@dataclass(frozen=True, slots=True, kw_only=True)
class GetWalletStats:
    """Of which wallet, and of which period: the last thirty days unless it is named, a year at most."""

    id: WalletId
    since: datetime | None = None
    until: datetime | None = None


@use_case(
    "wallets.get_stats", scope=Scope.WALLETS_READ, read_only=True, statements=4,
    example={"since": "2030-03-01T00:00:00Z", "until": "2030-04-01T00:00:00Z"},
)  # fmt: skip
async def get_wallet_stats(cmd: GetWalletStats, uow: IUnitOfWork, *, clock: IClock) -> WalletStatsView:
    """Return what came in and went out, fees, failures and counterparties of a wallet in a period.

    It is made of what is recorded here: what was sent from here, and what was seen to come in.

    Errors: `not_found`, `period_invalid`.
    """
    until = cmd.until or clock.now()
    period = Period.of(cmd.since or until - _USUAL, until)
    wallet = await uow.wallets.get(cmd.id)
    return _shown(wallet.id, period, await uow.wallets.figures(wallet.id, period))


def _shown(wallet_id: WalletId, period: Period, figures: WalletFigures) -> WalletStatsView:
    ends, status = figures.ends, WalletTransactionStatus
    return WalletStatsView(
        wallet_id=wallet_id, since=period.since, until=period.until, fees=str(figures.fees), open=figures.open,
        flows=[FlowView(token=f.token, received=str(f.received), sent=str(f.sent)) for f in figures.flows],
        confirmed=ends[status.CONFIRMED], reverted=ends[status.REVERTED], replaced=ends[status.REPLACED],
        failed=ends[status.FAILED], counterparties=figures.counterparties,
        most_frequent=[
            CounterpartyView(address=each.address, transactions=each.transactions) for each in figures.most_frequent
        ],
    )  # fmt: skip
