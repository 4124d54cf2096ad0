"""One organization with one of everything, and valid fields for any use-case, all made from the registry.

A new use-case is covered the day it is declared: its command's annotations say which ids it takes, its ``example``
fills the rest, and creators (``….create``, ``….add``) are found by the id of what they answer. Only state that no
annotation tells is named, in the ``PREPARATIONS`` of each context and in ``SHARED``.
"""

from collections.abc import Mapping
from typing import cast

from application.kernel.actor import TENANT_SCOPES
from domain.shared.ids import (
    AuditEntryId,
    AuthIdentityId,
    ConversationId,
    EventId,
    JournalEntryId,
    MembershipId,
    MessageId,
    OrganizationId,
    PaymentAttemptId,
    PaymentOrderId,
    UserId,
    WebhookDeliveryId,
    encode_id,
)
from tests.support import (
    world_agents,
    world_conversations,
    world_customers,
    world_mandates,
    world_organizations,
    world_people,
    world_sales,
    world_sending,
    world_settlements,
    world_tasks,
    world_wallets,
    world_workflows,
)
from tests.support.ground import Ground, Prepare, first
from tests.support.persons import join, signed_up
from tests.support.post import deliver_to_nobody, publish
from tests.support.stack import Body, Stack
from tests.support.use_cases import CREATORS, REGISTRY

PREPARATIONS: Mapping[str, Prepare] = {
    **world_conversations.PREPARATIONS,
    **world_agents.PREPARATIONS,
    **world_customers.PREPARATIONS,
    **world_mandates.PREPARATIONS,
    **world_organizations.PREPARATIONS,
    **world_people.PREPARATIONS,
    **world_sales.PREPARATIONS,
    **world_sending.PREPARATIONS,
    **world_settlements.PREPARATIONS,
    **world_tasks.PREPARATIONS,
    **world_wallets.PREPARATIONS,
    **world_workflows.PREPARATIONS,
}
"""State that neither annotations nor examples tell."""


class World(Ground):
    """One organization filled with one of everything."""

    def __init__(self, stack: Stack) -> None:
        """Start empty; use :meth:`create`."""
        super().__init__(stack, PREPARATIONS)

    @classmethod
    async def create(cls, stack: Stack) -> "World":
        """Make an organization and fill it."""
        world = cls(stack)
        world.actor = await stack.organization()
        world.ids[OrganizationId] = encode_id("org", world.actor.organization_id)
        world.person = await signed_up(stack)
        await join(stack, world.person, world.actor)
        for id_type, name in CREATORS.items():
            if REGISTRY[name].internal is None:
                await world.id_of(id_type)
        await world._add_specimens_without_creator()
        issued = await world.run("api_keys.create", scopes=sorted(TENANT_SCOPES))
        world.key = str(issued["secret"])
        world.key_actor = await stack.authenticate(world.key)
        await stack.authenticate.settle()
        return world

    async def _add_specimens_without_creator(self) -> None:
        """Find the ids of what comes into being on the side; a new kind of it is added here."""
        member = first(await self.run("members.list", role=None))
        self.ids[AuthIdentityId] = str((await self.run("users.link_identity", id=self.person.id))["id"])
        self.ids[MembershipId], self.ids[UserId] = str(member["id"]), str(member["user_id"])
        paying = await self.run("payment_orders.pay", id=(await self.fresh(PaymentOrderId))["id"])
        self.ids[PaymentAttemptId] = str(cast("list[Body]", paying["attempts"])[0]["id"])
        self.ids |= await world_mandates.specimens(self)
        own = await self.id_of(ConversationId)
        for _ in range(2):
            self.ids[MessageId] = str((await self.run("messages.append", conversation_id=own))["id"])
        posted = await self.run("books.list_entries", account=None, payment_order_id=None)
        self.ids[JournalEntryId] = str(first(posted)["id"])
        await self.run("tasks.add_dependency")
        for _ in range(2):
            await self.run("tasks.complete")
        self.ids |= await world_agents.specimens(self)
        await world_workflows.add_specimens(self)
        self.ids |= await world_wallets.specimens(self)
        self.ids |= await world_sending.specimens(self)
        self.ids |= await world_settlements.specimens(self)
        await self.run("checkouts.submit")
        await self.run("provider_notices.receive")
        await publish(self.stack)
        await deliver_to_nobody(self.stack, self.actor.organization_id)
        self.ids[EventId] = str(first(await self.run("events.list", type=None))["id"])
        listed = await self.run("webhook_deliveries.list", endpoint_id=None, event_id=None, status=None, limit=100)
        # Of the kind that the example of `events.replay` asks for.
        of_orders = (each for each in cast("list[Body]", listed["data"]) if "payment_order." in str(each["event_type"]))
        delivery = next(of_orders, first(listed))
        self.ids[WebhookDeliveryId], self.ids[EventId] = str(delivery["id"]), str(delivery["event_id"])
        entries = await self.run("audit_entries.list", action=None, subject_type=None)
        self.ids[AuditEntryId] = str(first(entries)["id"])
