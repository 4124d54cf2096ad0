"""Webhook endpoints as callers see them: the pipeline itself is tested with the delivery worker."""

from typing import cast
from uuid import uuid4

import pytest

from domain.shared.errors import NotFound
from domain.webhooks.event_filters import InvalidEventFilter
from domain.webhooks.webhook_endpoint import InvalidWebhookUrl, WebhookEndpointDisabled
from tests.support.http import http_face
from tests.support.post import publish
from tests.support.rows import TENANT_TABLES, open_rows
from tests.support.stack import Body, Stack
from tests.support.world import World


@pytest.fixture(scope="module")
async def world(stack: Stack) -> World:
    """An organization with one of everything."""
    return await World.create(stack)


async def test_a_secret_is_shown_once_and_is_in_no_table(world: World) -> None:
    """Create and rotate answer with it; a replay has null, and neither form is stored in the clear."""
    async with http_face(world.stack) as http, open_rows(world.stack.urls) as rows:
        key = str(uuid4())
        given = await world.fields("webhook_endpoints.create")
        first = await http.send("webhook_endpoints.create", given, key=world.key, idempotency_key=key)
        again = await http.send("webhook_endpoints.create", given, key=world.key, idempotency_key=key)
        assert again.json() == {**first.json(), "secret": None}
        id_ = first.json()["id"]
        rotated = await http.send("webhook_endpoints.rotate_secret", {"id": id_}, key=world.key)
        secrets = [first.json()["secret"], rotated.json()["secret"]]
        assert len(set(secrets)) == 2
        assert all(each.startswith("whsec_") for each in secrets)
        shown = await http.send("webhook_endpoints.get", {"id": id_}, key=world.key)
        assert "secret" not in shown.json()
        stored = {table: repr(await rows.of(table, world.actor.organization_id)) for table in TENANT_TABLES}
    plain = [each.removeprefix("whsec_") for each in secrets]
    assert [table for table, text in stored.items() for each in (*secrets, *plain) if each in text] == []


@pytest.mark.parametrize(
    "url", ["http://shop.example.com/", "https://127.0.0.1/", "https://localhost/", "https://a@b.example/"]
)
async def test_an_address_that_must_not_be_called_is_refused_before_it_is_stored(world: World, url: str) -> None:
    """On creation as on every change, and the refusal does not repeat it."""
    with pytest.raises(InvalidWebhookUrl) as refused:
        await world.run("webhook_endpoints.create", url=url)
    assert url not in repr(refused.value.details) + refused.value.message
    with pytest.raises(InvalidWebhookUrl):
        await world.run("webhook_endpoints.update", url=url)


async def test_a_filter_for_what_does_not_exist_is_refused(world: World) -> None:
    """A misspelt filter would wait for ever."""
    for wrong in (["payment_orders.*"], ["customer.made"], ["nonsense"]):
        with pytest.raises(InvalidEventFilter):
            await world.run("webhook_endpoints.create", events=wrong)


async def test_a_deleted_endpoint_is_gone_and_its_deliveries_stay(world: World) -> None:
    """It is told of nothing more, cannot be read, and what it was sent can."""
    made = await world.run("webhook_endpoints.create", events=["product.*"])
    await world.run("products.create")
    await publish(world.stack)
    await world.stack.run("webhook_endpoints.delete", world.actor, id=made["id"])
    await world.run("products.create")
    await publish(world.stack)
    with pytest.raises(NotFound):
        await world.stack.run("webhook_endpoints.get", world.actor, id=made["id"])
    found = await world.stack.run("webhook_deliveries.list", world.actor, endpoint_id=made["id"])
    [delivery] = cast("list[Body]", found["data"])
    with pytest.raises(NotFound):
        await world.stack.run("webhook_deliveries.redeliver", world.actor, id=delivery["id"])


async def test_a_disabled_endpoint_is_told_of_nothing_new(world: World) -> None:
    """New events pass it by, and neither a test nor a redelivery is accepted until it is enabled."""
    made = await world.run("webhook_endpoints.create", events=["product.*"])
    await world.run("products.create")
    await publish(world.stack)
    await world.stack.run("webhook_endpoints.disable", world.actor, id=made["id"])
    await world.run("products.create")
    await publish(world.stack)
    found = await world.stack.run("webhook_deliveries.list", world.actor, endpoint_id=made["id"])
    [delivery] = cast("list[Body]", found["data"])
    for name, id_ in (("webhook_endpoints.send_test", made["id"]), ("webhook_deliveries.redeliver", delivery["id"])):
        with pytest.raises(WebhookEndpointDisabled):
            await world.stack.run(name, world.actor, id=id_)
    enabled = await world.stack.run("webhook_endpoints.enable", world.actor, id=made["id"])
    assert (enabled["status"], enabled["disabled_reason"]) == ("enabled", None)
    await world.stack.run("webhook_deliveries.redeliver", world.actor, id=delivery["id"])
