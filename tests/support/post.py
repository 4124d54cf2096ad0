"""The relay and the delivery worker, run once by hand where no receiver is to be reached."""

from collections.abc import Sequence

from infrastructure.events.publishers import InMemoryEventPublisher
from infrastructure.webhooks.network import GuardedNetwork
from infrastructure.webhooks.secrets import WebhookSecrets
from infrastructure.webhooks.sender import WebhookSender
from infrastructure.webhooks.targets import WebhookTargets
from infrastructure.workers.deliveries import DeliveryWorker
from infrastructure.workers.relay import Relay
from tests.support.stack import PEPPER, Stack


async def publish(stack: Stack) -> None:
    """Move what is in the outbox into the event log, which makes the deliveries."""
    await Relay(stack.relay_database, InMemoryEventPublisher()).drain_once()


async def deliver_to_nobody(stack: Stack) -> int:
    """Try every delivery that is due, to names that lead nowhere; returns how many."""
    sender = WebhookSender(GuardedNetwork(WebhookTargets(), _nowhere))
    worker = DeliveryWorker(stack.relay_database, sender, WebhookSecrets(PEPPER), stack.dispatcher)
    try:
        return await worker.deliver_due_once()
    finally:
        await sender.close()


async def _nowhere(_host: str, _port: int) -> Sequence[str]:
    return []
