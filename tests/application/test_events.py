"""The event log of an organization: what happened, why, and in which order."""

from datetime import datetime
from typing import Any, cast
from uuid import uuid4

import pytest

from application.kernel.actor import operator
from application.kernel.dispatcher import Call
from domain.shared.errors import NotFound
from domain.shared.ids import InvalidId, OrganizationId, PaymentOrderId, decode_id, encode_id
from domain.webhooks.event_filters import InvalidEventFilter
from domain.webhooks.webhook_endpoint import WebhookEndpointDisabled
from infrastructure.workers.jobs import Handler, JobWorker
from tests.support.http import http_face
from tests.support.post import publish
from tests.support.rows import open_rows
from tests.support.stack import Body, Stack
from tests.support.world import World


@pytest.fixture(scope="module")
async def world(stack: Stack) -> World:
    """An organization with one of everything."""
    return await World.create(stack)


async def listed(world: World, **filters: Any) -> list[Body]:
    """Return the organization's events, the newest first."""
    answer = await world.stack.run("events.list", world.actor, limit=100, **filters)
    return cast("list[Body]", answer["data"])


async def products(world: World, count: int) -> list[str]:
    """Let something happen, and publish it."""
    made = [str((await world.run("products.create"))["id"]) for _ in range(count)]
    await publish(world.stack)
    return made


async def test_events_are_found_by_type_kind_subject_and_time(world: World) -> None:
    """Filters narrow the list; what happened is shown as it was published."""
    [product] = await products(world, 1)
    [event] = await listed(world, aggregate_id=product)
    assert (event["type"], event["aggregate"]) == (
        "product.created", {"type": "product", "id": product, "version": 1},
    )  # fmt: skip
    assert event == await world.stack.run("events.get", world.actor, id=event["id"])
    assert event["id"] in {each["id"] for each in await listed(world, type="product.created")}
    assert event["id"] in {each["id"] for each in await listed(world, type="product.*")}
    assert {str(each["type"]).partition(".")[0] for each in await listed(world, type="customer.*")} == {"customer"}
    at = cast("datetime", event["occurred_at"]).isoformat()
    assert event["id"] in {each["id"] for each in await listed(world, occurred_from=at)}
    assert event["id"] not in {each["id"] for each in await listed(world, occurred_before=at)}


async def test_a_reader_who_goes_on_behind_its_cursor_sees_every_event_once(world: World) -> None:
    """Pages in the order of publication join without a gap, also when more comes meanwhile."""
    seen: list[object] = []
    cursor: object = None
    made = await products(world, 3)
    while True:
        given = {"limit": 7, "sort": "position", **({"cursor": cursor} if cursor else {})}
        answer = await world.send("events.list", given)
        seen += [each["id"] for each in cast("list[Body]", answer["data"])]
        if len(seen) == 7:
            made += await products(world, 2)
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen))
    assert seen == [each["id"] for each in reversed(await listed(world))][-len(seen) :] or len(seen) > 100
    assert made


async def test_filters_that_can_find_nothing_are_refused(world: World) -> None:
    """A misspelt type and something that is no id are mistakes, and not an empty list."""
    for wrong in ("payment_orders.*", "payment_order.complete", "*.created", "nonsense"):
        with pytest.raises(InvalidEventFilter):
            await listed(world, type=wrong)
    for wrong in ("nonsense", "zzz_01m7xqdwdxecebcwzk30ktqpss", "prod_1"):
        with pytest.raises(InvalidId):
            await listed(world, aggregate_id=wrong)


async def test_another_organizations_event_is_not_there(world: World, stack: Stack) -> None:
    """Neither to be read nor to be replayed, alone or among one's own."""
    [event] = await listed(world, aggregate_id=(await products(world, 1))[0])
    other = await World.create(stack)
    own = (await listed(other))[0]["id"]
    endpoint = (await other.run("webhook_endpoints.create"))["id"]
    with pytest.raises(NotFound):
        await stack.run("events.get", other.actor, id=event["id"])
    with pytest.raises(NotFound):
        await stack.run("events.replay", other.actor, endpoint_id=endpoint, event_ids=[own, event["id"]])
    assert event["id"] not in {each["id"] for each in await listed(other)}


async def test_a_replay_is_bounded_and_happens_once_per_key(world: World) -> None:
    """The oldest first, as many as asked for; the same key makes no more deliveries."""
    await products(world, 4)
    endpoint = str((await world.run("webhook_endpoints.create", events=["customer.created"]))["id"])
    given = {"endpoint_id": endpoint, "type": "product.created", "limit": 3}
    key = str(uuid4())
    answer = await world.send("events.replay", given, key=key)
    assert (answer["events"], answer["more"]) == (3, True)
    again = await world.outcome("events.replay", given, key=key)
    assert (again.replayed, cast("Body", again.body)["events"]) == (True, 3)
    found = await world.stack.run("webhook_deliveries.list", world.actor, endpoint_id=endpoint)
    assert len(cast("list[Body]", found["data"])) == 3
    nothing = await world.send("events.replay", {**given, "occurred_before": "2020-01-01T00:00:00Z"})
    assert (nothing["events"], nothing["last_occurred_at"]) == (0, None)
    await world.stack.run("webhook_endpoints.disable", world.actor, id=endpoint)
    with pytest.raises(WebhookEndpointDisabled):
        await world.send("events.replay", given)


async def test_what_a_worker_does_belongs_to_the_request_that_asked_for_it(world: World) -> None:
    """The charge's outcome shares the payment's correlation id and trace, and names the event that led to it."""
    order = await world.fresh(PaymentOrderId)
    request = str(uuid4())
    given = {**await world.fields("payment_orders.pay"), "id": order["id"]}
    call = Call(actor=world.actor, request_id=request, idempotency_key=str(uuid4()))
    await world.stack.dispatcher("payment_orders.pay", world.stack.command("payment_orders.pay", **given), call)
    charge = cast("Handler", world.stack.collection.charge)
    await JobWorker(world.stack.relay_database, {"payments.charge": charge}).run_due_once()
    async with open_rows(world.stack.urls) as rows:
        waiting = await rows.of("outbox", world.actor.organization_id)
    traces = {str(row["traceparent"]).split("-")[1] for row in waiting if request in str(row["payload"])}
    assert len(traces) == 1
    await publish(world.stack)
    about = await listed(world, aggregate_id=order["id"])
    asked = [each for each in about if each["correlation_id"] == request and each["actor"] == "operator"]
    done = [each for each in about if each["actor"] == "worker"]
    assert done
    assert {each["causation_id"] for each in asked} == {None}
    assert {each["correlation_id"] for each in done} == {request}
    assert {each["causation_id"] for each in done} == {asked[0]["id"]}


async def test_an_incoming_trace_is_continued(world: World) -> None:
    """The events of a request carry its caller's trace id; a malformed one begins a trace of their own."""
    trace = uuid4().hex
    async with http_face(world.stack) as http, open_rows(world.stack.urls) as rows:
        for header in (f"00-{trace}-{uuid4().hex[:16]}-01", "00-nonsense-01"):
            given = await world.fields("products.create")
            answer = await http.send("products.create", given, key=world.key, headers={"traceparent": header})
            assert answer.status_code == 201
            waiting = await rows.of("outbox", world.actor.organization_id)
            [row] = [each for each in waiting if answer.json()["id"] in str(each["payload"])]
            assert (str(row["traceparent"]).split("-")[1] == trace) == (trace in header)


async def test_the_platforms_own_events_are_no_tenants(world: World) -> None:
    """What happens above tenants is in no organization's list."""
    organization = encode_id("org", world.actor.organization_id)
    payloads = {str(each["aggregate"]) for each in await listed(world, type="user.*")}
    assert payloads == set()
    assert operator(OrganizationId(decode_id("org", organization))) == world.actor
