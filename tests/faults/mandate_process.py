"""A process that only pays with an agent's key: ``python -m tests.faults.mandate_process URL KEY JOURNAL ORDERS…``."""

import asyncio
import sys
from pathlib import Path
from uuid import uuid4

from domain.shared.errors import StoaError
from domain.shared.ids import PaymentOrderId, decode_id
from infrastructure.payments.sandbox import SandboxPaymentProvider
from tests.support.databases import DatabaseUrls
from tests.support.stack import Stack, open_stack


async def pay(stack: Stack, key: str, order: str, method: str) -> None:
    """Set the money aside, and have it collected as a worker beside us would."""
    actor = await stack.authenticate(key)
    try:
        await stack.run_once(str(uuid4()), "payment_orders.pay", actor, id=order, payment_method_id=method)
    except StoaError:
        return
    print(order, flush=True)  # noqa: T201 - whoever kills us reads it
    await stack.collection.charge(actor.organization_id, PaymentOrderId(decode_id("ord", order)))


async def main(url: str, key: str, journal: str, method: str, orders: list[str]) -> None:
    """Pay four orders at a time until killed."""
    async with open_stack(DatabaseUrls(url, url, url, url)) as stack:
        stack.collection._provider = SandboxPaymentProvider(journal=Path(journal))
        for start in range(0, len(orders), 4):
            await asyncio.gather(*(pay(stack, key, order, method) for order in orders[start : start + 4]))


if __name__ == "__main__":
    url, key, journal, method, *orders = sys.argv[1:]
    asyncio.run(main(url, key, journal, method, orders))
