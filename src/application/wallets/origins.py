"""Who asked for a transaction hears how it ended, once.

Whoever builds on transactions declares a kind of origin with :func:`hears_of`, and names it when it has something
sent. When the transaction is at its end, the job that tells them is a row of the same database transaction.
"""

from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from application.kernel.actor import worker
from application.kernel.dispatcher import Call, IDispatch
from application.kernel.unit_of_work import IUnitOfWorkFactory
from domain.shared.ids import OrganizationId, WalletTransactionId

REPORT = "wallets.report_end"


class TellEnd(Protocol):
    """Makes the command of a use-case that hears of an end; a dataclass with these two fields is one."""

    def __call__(self, *, id: Any, transaction_id: WalletTransactionId) -> object:  # noqa: ANN401 - the id of whichever aggregate
        """Name the origin and the transaction that it asked for."""
        ...


@dataclass(frozen=True, slots=True)
class Hearer:
    """The internal use-case that hears of the end of what a kind of origin asked for, and its command."""

    use_case: str
    command: TellEnd


HEARERS: dict[str, Hearer] = {}


def hears_of(kind: str, use_case: str, command: TellEnd) -> None:
    """Declare a kind of origin. Its use-case runs once for every transaction, under the transaction's id as its key.

    Raises:
        ValueError: the kind is declared already.
    """
    if kind in HEARERS:
        raise ValueError(f"{kind} is declared twice")
    HEARERS[kind] = Hearer(use_case, command)


class Reports:
    """The worker's job that tells an origin the end of its transaction."""

    def __init__(self, units: IUnitOfWorkFactory, dispatch: IDispatch) -> None:
        """Keep the ports."""
        self._units = units
        self._dispatch = dispatch

    async def report(self, organization_id: OrganizationId, transaction_id: UUID) -> None:
        """Tell whoever asked; twice is once, for the second time only repeats the first one's answer."""
        actor, name = worker(organization_id), str(transaction_id)
        async with self._units(actor, use_case=REPORT, request_id=name, read_only=True) as uow:
            transaction = await uow.wallet_transactions.get(transaction_id)
        if transaction.origin_kind is None or not transaction.is_final:
            return
        hearer = HEARERS[transaction.origin_kind]
        command = hearer.command(id=transaction.origin_id, transaction_id=transaction.id)
        await self._dispatch(hearer.use_case, command, Call(actor=actor, request_id=name, idempotency_key=name))
