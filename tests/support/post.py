"""The relay and the delivery worker, run once by hand where no receiver is to be reached."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import update

from domain.shared.ids import OrganizationId
from infrastructure.events.publishers import InMemoryEventPublisher
from infrastructure.persistence.models.base import Base
from infrastructure.persistence.statement import Statement
from infrastructure.webhooks.network import GuardedNetwork
from infrastructure.webhooks.secrets import WebhookSecrets
from infrastructure.webhooks.sender import WebhookSender
from infrastructure.webhooks.targets import WebhookTargets
from infrastructure.workers.deliveries import DeliveryWorker
from infrastructure.workers.relay import Relay
from tests.support.stack import PEPPER, Stack

_DELIVERIES = Base.metadata.tables["webhook_deliveries"]
_NEVER = datetime(9000, 1, 1, tzinfo=UTC)


async def publish(stack: Stack) -> None:
    """Move what is in the outbox into the event log, which makes the deliveries."""
    await Relay(stack.relay_database, InMemoryEventPublisher()).drain_once()


async def deliver_to_nobody(stack: Stack, own: OrganizationId) -> int:
    """Try every delivery of one organization that is due, to names that lead nowhere; returns how many.

    What others have due is put off for good: in a database that many tests share it would be thousands.
    """
    mine = _DELIVERIES.c.organization_id == own
    put_off = update(_DELIVERIES).where(_DELIVERIES.c.due_at.is_not(None), ~mine).values(due_at=_NEVER)
    await stack.relay_database.rows(Statement(put_off, stack.relay_database.dialect), {}, organization_id=own)
    sender = WebhookSender(GuardedNetwork(WebhookTargets(), _nowhere))
    worker = DeliveryWorker(stack.relay_database, sender, WebhookSecrets(PEPPER), stack.dispatcher)
    try:
        return await worker.deliver_due_once()
    finally:
        await sender.close()


async def _nowhere(_host: str, _port: int) -> Sequence[str]:
    return []
