"""A process that is nothing but a delivery worker: ``python -m tests.faults.delivery_process APP_URL RELAY_URL``."""

import asyncio
import sys
from collections.abc import Sequence
from datetime import timedelta

from infrastructure.persistence.database import Database
from infrastructure.webhooks.network import GuardedNetwork
from infrastructure.webhooks.secrets import WebhookSecrets
from infrastructure.webhooks.sender import WebhookSender
from infrastructure.webhooks.targets import WebhookTargets
from infrastructure.workers.deliveries import DeliveryWorker
from tests.support.databases import DatabaseUrls
from tests.support.stack import PEPPER, open_stack

LEASE = timedelta(seconds=1)


async def _here(_host: str, _port: int) -> Sequence[str]:
    return ["127.0.0.1"]


async def main(app: str, relay: str) -> None:
    """Deliver until killed."""
    async with open_stack(DatabaseUrls(app, relay, relay, relay)) as stack:
        sender = WebhookSender(GuardedNetwork(WebhookTargets(allow_private=True), _here))
        database = Database(relay, pool_size=4)
        await DeliveryWorker(database, sender, WebhookSecrets(PEPPER), stack.dispatcher, lease=LEASE).run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
