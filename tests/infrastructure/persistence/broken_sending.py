"""How the constraints of wallets' transactions are broken, behind the back of the domain."""

from collections.abc import Awaitable, Callable

from attrs import evolve

from domain.shared.errors import DuplicateError, StoaError, ValidationError
from domain.shared.evm_types import BaseUnits, TransactionHash
from domain.shared.ids import WalletTransactionId
from domain.wallets.transaction_intent import Intent
from domain.wallets.transaction_sighting import Arrival
from domain.wallets.transaction_signing import Price
from domain.wallets.wallet import Wallet
from domain.wallets.wallet_transaction import WalletTransaction
from infrastructure.persistence.unit_of_work import SqlUnitOfWork
from tests.infrastructure.persistence.broken_wallets import ADDRESS, a_wallet
from tests.infrastructure.persistence.samples import Shop

type Break = Callable[[Shop, SqlUnitOfWork], Awaitable[None]]

_PRICE = Price(gas=21_000, max_fee=BaseUnits(2), priority_fee=BaseUnits(1))


def _stored_wallet(shop: Shop, uow: SqlUnitOfWork) -> Wallet:
    wallet = a_wallet(shop)
    uow.wallets.add(wallet)
    return wallet


def _prepared(shop: Shop, wallet: Wallet, nonce: int = 7) -> WalletTransaction:
    new, now = shop.stack.ids.new, shop.stack.clock.now()
    transaction = WalletTransaction.request(
        Intent(to=ADDRESS), id=WalletTransactionId(new()), organization_id=wallet.organization_id,
        wallet_id=wallet.id, chain_id=wallet.chain_id, sender=wallet.address, now=now,
    )  # fmt: skip
    transaction.prepare(nonce, _PRICE, signing_id=new(), now=now)
    return transaction


async def _one_nonce_twice(shop: Shop, uow: SqlUnitOfWork) -> None:
    wallet = _stored_wallet(shop, uow)
    await uow.wallet_transactions.add_many([_prepared(shop, wallet) for _ in range(2)])


async def _a_nonce_below_zero(shop: Shop, uow: SqlUnitOfWork) -> None:
    uow.wallet_transactions.add(_prepared(shop, _stored_wallet(shop, uow), nonce=-1))


async def _one_arrival_twice(shop: Shop, uow: SqlUnitOfWork) -> None:
    wallet = _stored_wallet(shop, uow)
    arrival = Arrival(
        hash=TransactionHash(f"0x{5:064x}"), log_index=-1, block_number=1, block_hash=f"0x{6:064x}", sender=ADDRESS,
        token=None, amount=BaseUnits(1),
    )  # fmt: skip
    await uow.wallet_transactions.add_many(
        [
            WalletTransaction.received(
                arrival, id=WalletTransactionId(shop.stack.ids.new()), organization_id=wallet.organization_id,
                wallet_id=wallet.id, chain_id=wallet.chain_id, recipient=wallet.address, now=shop.stack.clock.now(),
            )
            for _ in range(2)
        ]
    )  # fmt: skip


async def _two_first_forms(shop: Shop, uow: SqlUnitOfWork) -> None:
    transaction = _prepared(shop, _stored_wallet(shop, uow))
    twin = evolve(transaction.current, id=shop.stack.ids.new())
    transaction.signings = [*transaction.signings, twin]
    uow.wallet_transactions.add(transaction)


BROKEN_SENDING: dict[str, tuple[Break, type[StoaError]]] = {
    "uq_wallet_transactions_nonce": (_one_nonce_twice, DuplicateError),
    "uq_wallet_transactions_arrival": (_one_arrival_twice, DuplicateError),
    "uq_transaction_signings_organization_id_transaction_id_number": (_two_first_forms, DuplicateError),
    "ck_wallet_transactions_nonce_counts": (_a_nonce_below_zero, ValidationError),
}
"""Constraint to how it is broken, and the named error that this becomes."""
