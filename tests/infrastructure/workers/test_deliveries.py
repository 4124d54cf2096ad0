"""From a commit to a receiver: real events, a real receiver on the loopback interface, the worker between them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import cast
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from domain.webhooks.retries import PAUSES
from infrastructure.webhooks.secrets import WebhookSecrets
from infrastructure.workers.deliveries import Claim, DeliveryWorker, Message
from tests.infrastructure.workers.webhook_shop import Shop, attempts, open_shop
from tests.support.post import publish
from tests.support.receiver import silence, status
from tests.support.stack import PEPPER, Body, Stack


@pytest.fixture
async def shop(fresh_stack: Stack) -> AsyncIterator[Shop]:
    """A shop on each engine."""
    async with open_shop(fresh_stack) as opened:
        yield opened


async def test_an_event_reaches_exactly_the_endpoints_that_want_it(shop: Shop) -> None:
    """Exact types and kinds are told, others are not; the body is the published event and the signature verifies."""
    await shop.endpoint("/all", ["*"])
    await shop.endpoint("/kind", ["product.*"])
    await shop.endpoint("/type", ["customer.created", "product.created"])
    await shop.endpoint("/other", ["customer.*", "product.updated"])
    await publish(shop.stack)
    await shop.worker().deliver_due_once()
    shop.inbox.received.clear()
    product = await shop.product()
    assert await shop.worker().deliver_due_once() == 3
    assert sorted(each.path for each in shop.inbox.received) == ["/all", "/kind", "/type"]
    listed = await shop.stack.run("events.list", shop.actor, type="product.created")
    [event] = cast("list[Body]", listed["data"])
    for each in shop.inbox.received:
        assert each.headers["webhook-id"] == event["id"]
        assert each.verified_by(shop.secrets[each.path])
        assert not each.verified_by(shop.secrets["/other"])
        assert product.encode() in each.body
    done = await shop.deliveries(event_id=event["id"])
    assert {each["status"] for each in done} == {"delivered"}
    assert [(a["number"], a["status_code"], a["error"]) for a in attempts(done[0])] == [(1, 204, None)]


async def test_nothing_of_another_organization_is_told(shop: Shop) -> None:
    """An endpoint for everything hears of its own organization only."""
    await shop.endpoint("/mine")
    stranger = await shop.stack.organization()
    made = await shop.stack.run("products.create", stranger, name="X", sku=None, description="", metadata={})
    await publish(shop.stack)
    await shop.worker().deliver_due_once()
    assert shop.inbox.received
    assert all(str(made["id"]).encode() not in each.body for each in shop.inbox.received)


async def test_while_a_secret_takes_over_both_verify(shop: Shop) -> None:
    """During the overlap a receiver with either secret accepts; afterwards only the new one's does."""
    endpoint = await shop.endpoint("/", ["product.*"])
    old = shop.secrets["/"]
    rotated = await shop.stack.run("webhook_endpoints.rotate_secret", shop.actor, id=endpoint, overlap_hours=1)
    new = str(rotated["secret"])
    await shop.product()
    await shop.worker().deliver_due_once()
    assert [shop.inbox.received[-1].verified_by(secret) for secret in (old, new)] == [True, True]
    await shop.stack.run("webhook_endpoints.rotate_secret", shop.actor, id=endpoint, overlap_hours=0)
    await shop.product()
    await shop.worker().deliver_due_once()
    assert [shop.inbox.received[-1].verified_by(secret) for secret in (old, new)] == [False, False]


async def test_a_failed_delivery_comes_back_with_the_same_id_and_a_new_time(shop: Shop) -> None:
    """500 and a timeout put it off, a 2xx ends it, and every attempt is written down."""
    await shop.endpoint("/", ["product.*"])
    shop.inbox.replies["/"] = status(500, "sorry")
    await shop.product()
    worker = shop.worker()
    assert await worker.deliver_due_once() == 1
    [waiting] = await shop.deliveries()
    pause = datetime.fromisoformat(str(waiting["due_at"])) - datetime.now(UTC)
    assert (waiting["status"], pause < PAUSES[0] * 1.3) == ("pending", True)
    assert await worker.deliver_due_once() == 0
    for reply in (silence, status(204)):
        shop.inbox.replies["/"] = reply
        await shop.make_due()
        await asyncio.sleep(1)
        assert await worker.deliver_due_once() == 1
    [done] = await shop.deliveries()
    assert (done["status"], done["due_at"]) == ("delivered", None)
    found = [(a["number"], a["status_code"], a["error"], a["response"]) for a in attempts(done)]
    assert found == [(1, 500, "http_500", "sorry"), (2, None, "timeout", ""), (3, 204, None, "")]
    assert len({each.headers["webhook-id"] for each in shop.inbox.received}) == 1
    assert len({each.headers["webhook-timestamp"] for each in shop.inbox.received}) == 3
    assert all(each.verified_by(shop.secrets["/"]) for each in shop.inbox.received)


async def test_a_receivers_retry_after_is_kept(shop: Shop) -> None:
    """429 with Retry-After: it is not tried again earlier than asked."""
    await shop.endpoint("/", ["product.*"])
    shop.inbox.replies["/"] = status(429, retry_after="3600")
    await shop.product()
    await shop.worker().deliver_due_once()
    [waiting] = await shop.deliveries()
    pause = datetime.fromisoformat(str(waiting["due_at"])) - datetime.now(UTC)
    assert timedelta(minutes=59) < pause <= timedelta(hours=1)


async def test_gone_disables_the_endpoint_at_once(shop: Shop) -> None:
    """410 ends the delivery, switches the endpoint off with its reason, and publishes that it did."""
    endpoint = await shop.endpoint("/", ["product.*"])
    shop.inbox.replies["/"] = status(410)
    await shop.product()
    await shop.worker().deliver_due_once()
    found = await shop.get(endpoint)
    assert (found["status"], found["disabled_reason"]) == ("disabled", "gone")
    assert [each["status"] for each in await shop.deliveries()] == ["failed"]
    await shop.product()
    assert len(await shop.deliveries()) == 1
    listed = await shop.stack.run("events.list", shop.actor, type="webhook_endpoint.disabled")
    [event] = cast("list[Body]", listed["data"])
    assert event["causation_id"] == (await shop.deliveries())[0]["event_id"]


async def test_long_and_many_failures_disable_the_endpoint(shop: Shop) -> None:
    """After ten failures in a row over the time that is allowed it is off; enabling it begins a new count."""
    endpoint = await shop.endpoint("/", ["product.*"])
    shop.inbox.replies["/"] = status(503)
    await shop.product()
    worker = shop.worker(give_up_after=timedelta())
    for tries in range(1, 11):
        assert (await shop.get(endpoint))["status"] == "enabled", tries
        await shop.make_due()
        assert await worker.deliver_due_once() == 1
    found = await shop.get(endpoint)
    assert (found["status"], found["disabled_reason"]) == ("disabled", "failing")
    await shop.make_due()
    assert await worker.deliver_due_once() == 0
    await shop.stack.run("webhook_endpoints.enable", shop.actor, id=endpoint)
    assert await worker.deliver_due_once() == 1
    assert (await shop.get(endpoint))["status"] == "enabled"


async def test_after_the_last_try_a_delivery_has_failed_and_is_redelivered_by_hand(shop: Shop) -> None:
    """Eleven tries, then no more; a redelivery has a full count of tries and the same id."""
    await shop.endpoint("/", ["product.*"])
    shop.inbox.replies["/"] = status(500)
    await shop.product()
    worker = shop.worker(give_up_after=timedelta(days=3))
    for _ in range(len(PAUSES) + 1):
        await shop.make_due()
        assert await worker.deliver_due_once() == 1
    await shop.make_due()
    assert await worker.deliver_due_once() == 0
    [failed] = await shop.deliveries()
    assert (failed["status"], len(attempts(failed))) == ("failed", 11)
    shop.inbox.replies["/"] = status(200)
    await shop.stack.run("webhook_deliveries.redeliver", shop.actor, id=failed["id"])
    assert await worker.deliver_due_once() == 1
    [done] = await shop.deliveries()
    assert (done["status"], len(attempts(done))) == ("delivered", 12)
    assert len({each.headers["webhook-id"] for each in shop.inbox.received}) == 1


async def test_a_test_is_for_its_own_endpoint_alone(shop: Shop) -> None:
    """Whatever the filters say: the one that is tested gets it, another one for everything does not."""
    tested = await shop.endpoint("/tested", ["customer.created"])
    await shop.endpoint("/all", ["*"])
    await publish(shop.stack)
    await shop.worker().deliver_due_once()
    shop.inbox.received.clear()
    await shop.stack.run("webhook_endpoints.send_test", shop.actor, id=tested)
    await publish(shop.stack)
    await shop.worker().deliver_due_once()
    assert [each.path for each in shop.inbox.received] == ["/tested"]


async def test_replayed_events_arrive_again_with_their_ids(shop: Shop) -> None:
    """A selection is sent to one endpoint, in order of publication, whatever it had before."""
    endpoint = await shop.endpoint("/", ["product.*"])
    for _ in range(3):
        await shop.product()
    await shop.worker().deliver_due_once()
    first = [each.headers["webhook-id"] for each in shop.inbox.received]
    shop.inbox.received.clear()
    answer = await shop.stack.run("events.replay", shop.actor, endpoint_id=endpoint, type="product.*", limit=2)
    assert (answer["events"], answer["more"]) == (2, True)
    await shop.worker().deliver_due_once()
    assert sorted(each.headers["webhook-id"] for each in shop.inbox.received) == sorted(first)[:2]


async def test_old_events_are_pruned_with_their_deliveries(shop: Shop) -> None:
    """What is older than the retention goes in bounded batches, and nothing else."""
    await shop.endpoint("/", ["product.*"])
    await shop.product()
    await shop.worker().deliver_due_once()
    listed = await shop.stack.run("events.list", shop.actor, type="product.*")
    [old] = cast("list[Body]", listed["data"])
    past = "'2026-01-01 00:00:00Z'" if shop.stack.urls.is_postgres else "'2026-01-01T00:00:00.000000Z'"
    await shop.sql(f"UPDATE events SET recorded_at = {past} WHERE id = {shop.literal(str(old['id']))}")
    await shop.product()
    left = cast("list[Body]", (await shop.stack.run("events.list", shop.actor, limit=100))["data"])
    assert old["id"] not in {each["id"] for each in left}
    assert "product.created" in {each["type"] for each in left}
    assert old["id"] not in {each["event_id"] for each in await shop.deliveries()}


async def test_what_waits_for_a_deleted_endpoint_is_cancelled(shop: Shop) -> None:
    """Nothing is sent, nothing is tried, and nothing of it is an error."""
    endpoint = await shop.endpoint("/", ["product.*"])
    await shop.product()
    await shop.stack.run("webhook_endpoints.delete", shop.actor, id=endpoint)
    [ended] = await shop.deliveries(status="cancelled")
    assert (ended["due_at"], ended["attempts"]) == (None, [])
    assert await shop.worker().deliver_due_once() == 0


@pytest.mark.parametrize(("close", "status"), [("delete", "cancelled"), ("disable", "pending")])
async def test_an_endpoint_that_closes_after_the_claim_is_sent_nothing(shop: Shop, close: str, status: str) -> None:
    """Its secrets are not even looked at; what is disabled may be enabled again, and finds its delivery untried."""
    endpoint = await shop.endpoint("/", ["product.*"])
    await shop.product()

    class Slow(DeliveryWorker):
        async def _load(self, claims: Sequence[Claim]) -> dict[UUID, Message]:
            await shop.stack.run(f"webhook_endpoints.{close}", shop.actor, id=endpoint)
            return await super()._load(claims)

    late = Slow(shop.stack.relay_database, shop.sender, WebhookSecrets(PEPPER), shop.stack.dispatcher)
    with capture_logs() as logs:
        assert await late.deliver_due_once() == 1
    assert (logs, shop.inbox.received) == ([], [])
    [left] = await shop.deliveries()
    assert (left["status"], left["attempts"]) == (status, [])


async def test_a_secret_that_cannot_be_opened_is_a_failure_and_no_request(shop: Shop) -> None:
    """After a change of the pepper nothing unsigned goes out."""
    await shop.endpoint("/", ["product.*"])
    await shop.product()
    other = DeliveryWorker(
        shop.stack.relay_database, shop.sender, WebhookSecrets(b"another-pepper-for-tests-01234567"),
        shop.stack.dispatcher,
    )  # fmt: skip
    await other.deliver_due_once()
    assert shop.inbox.received == []
    [waiting] = await shop.deliveries()
    assert [a["error"] for a in attempts(waiting)] == ["secret_unreadable"]
