"""What use-cases about organizations, invitations, keys and webhooks need to be there before them."""

from uuid import uuid4

from application.kernel.actor import Actor, operator
from domain.shared.ids import WebhookDeliveryId, encode_id
from infrastructure.security.opaque_tokens import SingleUseTokens
from tests.support.ground import Ground, Prepare, first
from tests.support.persons import join
from tests.support.stack import PEPPER
from tests.support.use_cases import REGISTRY


async def _present_organization(world: Ground) -> dict[str, object]:
    # A new name each time, for writing what is there already changes nothing.
    present = await world.send("organizations.get", {})
    settings = {**REGISTRY["organizations.update"].example, "expected_version": present["version"]}
    present = await world.send("organizations.update", settings)
    return {"expected_version": present["version"], "name": f"Harbour Coffee {uuid4().hex[:8]}"}


async def _invited(world: Ground, name: str) -> dict[str, object]:
    """Have another organization invite the world's person."""
    other = await world.stack.organization()
    world.homes[name] = other.organization_id
    invited = await world.stack.run("invitations.create", other, email=world.person.email, role="member")
    return {"id": invited["id"]}


async def _invited_to_accept(world: Ground) -> dict[str, object]:
    return await _invited(world, "account.accept_invitation")


async def _invited_to_decline(world: Ground) -> dict[str, object]:
    return await _invited(world, "account.decline_invitation")


async def _invited_by_mail(world: Ground) -> dict[str, object]:
    name = "account.redeem_invitation"
    invited, secret = await _invited(world, name), SingleUseTokens(PEPPER).issue()
    actor = operator(world.homes[name])
    await world.stack.run("invitations.issue_token", actor, id=invited["id"], hash=secret.hash)
    return {"token": f"{invited['id']}.{secret.secret}"}


async def _joined(world: Ground, name: str, role: str) -> tuple[dict[str, object], Actor]:
    """Make the world's person a member of another organization."""
    other = await world.stack.organization(f"org-{uuid4().hex[:12]}")
    world.homes[name] = other.organization_id
    await join(world.stack, world.person, other, role)
    return {"organization_id": encode_id("org", other.organization_id)}, other


async def _to_leave(world: Ground) -> dict[str, object]:
    return (await _joined(world, "account.leave_organization", "member"))[0]


async def _to_hand_over(world: Ground) -> dict[str, object]:
    given, other = await _joined(world, "account.transfer_ownership", "owner")
    owners = await world.stack.run("members.list", other, sort="created_at")
    return {**given, "membership_id": first(owners)["id"]}


async def _to_close(world: Ground) -> dict[str, object]:
    given, other = await _joined(world, "account.close_organization", "owner")
    return {**given, "slug": (await world.stack.run("organizations.get", other))["slug"]}


async def _slug_of_world(world: Ground) -> dict[str, object]:
    return {"slug": (await world.run("organizations.get"))["slug"]}


async def _suspended_organization(world: Ground) -> dict[str, object]:
    return {"id": (await world.run("organizations.suspend"))["id"]}


async def _key_to_rotate(world: Ground) -> dict[str, object]:
    # Only who holds all of a key's scopes may rotate it, so that this one has the least that opens the use-case.
    return {"id": (await world.run("api_keys.create", scopes=["api_keys:write"]))["id"]}


async def _disabled_endpoint(world: Ground) -> dict[str, object]:
    disabled = await world.run("webhook_endpoints.disable")
    return {"id": disabled["id"], "expected_version": disabled["version"]}


async def _delivery(world: Ground) -> dict[str, object]:
    # Whatever became of it, it may be sent again.
    return {"id": world.ids[WebhookDeliveryId]}


PREPARATIONS: dict[str, Prepare] = {
    "webhook_endpoints.enable": _disabled_endpoint,
    "webhook_deliveries.redeliver": _delivery,
    "account.accept_invitation": _invited_to_accept,
    "account.close_organization": _to_close,
    "account.decline_invitation": _invited_to_decline,
    "account.leave_organization": _to_leave,
    "account.redeem_invitation": _invited_by_mail,
    "account.transfer_ownership": _to_hand_over,
    "api_keys.rotate": _key_to_rotate,
    "organizations.get_by_slug": _slug_of_world,
    "organizations.reactivate": _suspended_organization,
    "organizations.update": _present_organization,
}
