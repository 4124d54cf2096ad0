"""An organization whose webhooks go to a receiver on the loopback interface, and workers that bring them there."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from application.kernel.actor import Actor
from domain.shared.ids import decode_id
from infrastructure.observability.metrics import Metrics
from infrastructure.persistence.database import Database
from infrastructure.webhooks.network import GuardedNetwork
from infrastructure.webhooks.receivers import Receivers
from infrastructure.webhooks.secrets import WebhookSecrets
from infrastructure.webhooks.sender import WebhookSender
from infrastructure.webhooks.targets import WebhookTargets
from infrastructure.workers.deliveries import DeliveryWorker
from infrastructure.workers.wakeup import Wakeup
from tests.infrastructure.workers.rows import rows
from tests.support.post import publish
from tests.support.receiver import Receiver, receiver
from tests.support.stack import PEPPER, Body, Stack

SECONDS = 0.5


async def _here(_host: str, _port: int) -> Sequence[str]:
    return ["127.0.0.1"]


@dataclass
class Shop:
    """An organization with endpoints at one receiver, and workers as a test needs them."""

    stack: Stack
    inbox: Receiver
    actor: Actor
    sender: WebhookSender
    root: Database
    bell: Wakeup = field(default_factory=Wakeup)
    secrets: dict[str, str] = field(default_factory=dict)
    metrics: Metrics = field(default_factory=Metrics)

    async def endpoint(self, path: str = "/", events: Sequence[str] = ("*",)) -> str:
        """Make an endpoint; its address is changed in the table, for no caller could name this machine."""
        made = await self.stack.run(
            "webhook_endpoints.create", self.actor, url="https://shop.example.com/", events=list(events)
        )
        self.secrets[path] = str(made["secret"])
        await self.sql(
            f"UPDATE webhook_endpoints SET url = '{self.inbox.url(path)}' WHERE id = {self.literal(str(made['id']))}"
        )
        return str(made["id"])

    async def product(self) -> str:
        """Let something happen, and publish it."""
        made = await self.stack.run("products.create", self.actor, name="Beans", sku=None, description="", metadata={})
        await publish(self.stack)
        return str(made["id"])

    def worker(self, **options: object) -> DeliveryWorker:
        """Return one more worker, which leaves nobody alone for longer than the schedule does unless told to."""
        options.setdefault("receivers", Receivers(rest_seconds=0))
        return DeliveryWorker(
            self.stack.relay_database, self.sender, WebhookSecrets(PEPPER), self.stack.dispatcher,
            metrics=self.metrics, **options,  # type: ignore[arg-type]  # reason: whatever a test says
        )  # fmt: skip

    async def deliveries(self, **filters: Any) -> list[Body]:
        """Return the organization's deliveries, the newest first."""
        listed = await self.stack.run("webhook_deliveries.list", self.actor, limit=100, **filters)
        return cast("list[Body]", listed["data"])

    async def get(self, endpoint: str) -> Body:
        """Return an endpoint."""
        return await self.stack.run("webhook_endpoints.get", self.actor, id=endpoint)

    def literal(self, id_: str) -> str:
        """Return an id as the database writes it."""
        value = decode_id(id_.partition("_")[0], id_)
        return f"'{value}'" if self.stack.urls.is_postgres else f"'{value.hex}'"

    async def sql(self, statement: str) -> None:
        """Run a statement past every wall."""
        async with rows(self.root) as transaction:
            await transaction.run(statement)

    async def make_due(self) -> None:
        """Let every pause and every lease end at once."""
        past = "'2026-01-01 00:00:00Z'" if self.stack.urls.is_postgres else "'2026-01-01T00:00:00.000000Z'"
        await self.sql(f"UPDATE webhook_deliveries SET due_at = {past} WHERE due_at IS NOT NULL")
        await self.sql(f"UPDATE webhook_deliveries SET lease_until = {past} WHERE lease_until IS NOT NULL")


@asynccontextmanager
async def open_shop(stack: Stack) -> AsyncIterator[Shop]:
    """Open a receiver and a sender that may reach it."""
    network = GuardedNetwork(WebhookTargets(allow_private=True), _here)
    sender = WebhookSender(network, seconds=SECONDS)
    async with receiver() as inbox:
        await _warmed_up(network, inbox)
        root = Database(stack.urls.superuser, pool_size=2)
        await publish(stack)
        yield Shop(stack, inbox, await stack.organization(), sender, root)
        await sender.close()
        await root.dispose()


async def _warmed_up(network: GuardedNetwork, inbox: Receiver) -> None:
    """Send a first request, which imports what all of them need: on a busy machine that can take half a second."""
    patient = WebhookSender(network, seconds=60)
    await patient.send(inbox.url("/"), {}, b"")
    await patient.close()
    inbox.received.clear()


def attempts(delivery: Body) -> list[Mapping[str, object]]:
    return cast("list[Mapping[str, object]]", delivery["attempts"])
