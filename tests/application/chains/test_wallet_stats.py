"""What moved to and from a wallet in a period, added up on both databases to the last unit."""

from datetime import timedelta
from uuid import UUID

import pytest

from application.kernel.actor import Actor
from domain.shared.evm import checksummed
from domain.shared.evm_types import MAX_UNITS, Address, BaseUnits, TransactionHash
from domain.shared.ids import WalletId, WalletTransactionId, decode_id
from domain.shared.period import InvalidPeriod
from domain.wallets.transaction_intent import Intent
from domain.wallets.transaction_sighting import Arrival
from domain.wallets.transaction_status import WalletTransactionStatus
from domain.wallets.wallet_transaction import WalletTransaction
from tests.support.stack import Body, Stack
from tests.support.world_wallets import an_address

pytestmark = pytest.mark.usefixtures("no_other_jobs")

TOKEN, FRIEND, STRANGER = (Address(f"0x{n:040x}") for n in (0x70, 0xF1, 0x51))
DAY = timedelta(days=1)


class History:
    """A wallet whose past is made up, in the order of its transactions."""

    def __init__(self, stack: Stack, actor: Actor, wallet: Body) -> None:
        """Begin with nothing."""
        self._stack = stack
        self._actor = actor
        self._id = WalletId(UUID(int=decode_id("wal", str(wallet["id"])).int))
        self._address = Address(str(wallet["address"]).lower())
        self._made: list[WalletTransaction] = []

    def received(self, sender: Address, amount: int, token: Address | None = None, *, ago: timedelta) -> None:
        """Let coins or a token come in."""
        arrival = Arrival(
            hash=TransactionHash(f"0x{len(self._made):064x}"), log_index=-1 if token is None else 0, block_number=1,
            block_hash=f"0x{1:064x}", sender=sender, token=token, amount=BaseUnits(amount),
        )  # fmt: skip
        self._made.append(
            WalletTransaction.received(
                arrival, id=self._new(), organization_id=self._actor.organization_id, wallet_id=self._id, chain_id=1,
                recipient=self._address, now=self._stack.clock.now() - ago,
            )
        )  # fmt: skip

    def sent(
        self, to: Address, amount: int, status: WalletTransactionStatus, *, fee: int | None = None, ago: timedelta = DAY
    ) -> None:
        """Let coins go out, or not."""
        transaction = WalletTransaction.request(
            Intent.requested(to, BaseUnits(amount)), id=self._new(), organization_id=self._actor.organization_id,
            wallet_id=self._id, chain_id=1, sender=self._address, now=self._stack.clock.now() - ago,
        )  # fmt: skip
        transaction.status, transaction.fee = status, None if fee is None else BaseUnits(fee)
        self._made.append(transaction)

    async def store(self) -> None:
        """Keep it all."""
        async with self._stack.units(self._actor, use_case="tests.past", request_id="1") as uow:
            await uow.wallet_transactions.add_many(self._made)
            await uow.commit()

    def _new(self) -> WalletTransactionId:
        return WalletTransactionId(self._stack.ids.new())


async def test_what_moved_is_added_up_to_the_last_unit(stack: Stack) -> None:
    """Coins and tokens apart, fees of what failed as well, and only what ended counts as moved."""
    actor, status = await stack.organization(), WalletTransactionStatus
    wallet = await stack.run("wallets.create", actor, chain_id=1, address=an_address())
    past = History(stack, actor, wallet)
    past.received(FRIEND, MAX_UNITS, ago=DAY)
    past.received(FRIEND, MAX_UNITS, ago=DAY)
    past.received(STRANGER, 7, TOKEN, ago=DAY)
    past.received(STRANGER, 1_000, ago=40 * DAY)
    past.sent(FRIEND, 5, status.CONFIRMED, fee=21)
    past.sent(FRIEND, 50, status.REVERTED, fee=22)
    past.sent(STRANGER, 500, status.REPLACED, fee=23)
    past.sent(STRANGER, 5_000, status.FAILED)
    past.sent(STRANGER, 50_000, status.BROADCAST)
    await past.store()

    told = await stack.run("wallets.get_stats", actor, id=wallet["id"])

    assert told["flows"] == [
        {"token": None, "received": str(2 * MAX_UNITS), "sent": "5"},
        {"token": checksummed(TOKEN), "received": "7", "sent": "0"},
    ]
    counts = [told[name] for name in ("fees", "confirmed", "reverted", "replaced", "failed", "open")]
    assert counts == ["66", 4, 1, 1, 1, 1]
    assert told["counterparties"] == 2
    others = [(each["address"], each["transactions"]) for each in told["most_frequent"]]  # type: ignore[attr-defined]  # reason: a list's body
    assert others == [(checksummed(STRANGER), 4), (checksummed(FRIEND), 4)]


async def test_a_wallet_without_a_past_has_figures_of_nothing(stack: Stack) -> None:
    actor = await stack.organization()
    wallet = await stack.run("wallets.create", actor, chain_id=1, address=an_address())
    told = await stack.run("wallets.get_stats", actor, id=wallet["id"])
    assert told["flows"] == [{"token": None, "received": "0", "sent": "0"}]
    assert (told["fees"], told["open"], told["counterparties"], told["most_frequent"]) == ("0", 0, 0, [])


@pytest.mark.parametrize(
    ("since", "until"),
    [("2030-01-02T00:00:00Z", "2030-01-02T00:00:00Z"), ("2030-01-01T00:00:00Z", "2031-01-03T00:00:00Z")],
)
async def test_a_period_begins_before_it_ends_and_lasts_a_year_at_most(stack: Stack, since: str, until: str) -> None:
    actor = await stack.organization()
    wallet = await stack.run("wallets.create", actor, chain_id=1, address=an_address())
    with pytest.raises(InvalidPeriod):
        await stack.run("wallets.get_stats", actor, id=wallet["id"], since=since, until=until)
