"""Orders that nobody looks after: they expire, are tried again, and are asked for until somebody knows."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

import pytest

from application.payments.collection import CHARGE
from domain.payments.errors import PaymentProviderError
from domain.payments.payment_attempt import ATTENTION_AFTER, AttemptStatus
from domain.payments.payment_order_errors import PaymentAttemptsExhausted, PaymentPermanentlyDeclined
from domain.shared.errors import InvalidTransition, ValidationError
from domain.shared.ids import OrganizationId
from infrastructure.workers.jobs import JobWorker
from tests.support.races import race
from tests.support.shop import Shop, amounts, order_id
from tests.support.stack import Body, Stack


@pytest.fixture
async def shop(stack: Stack) -> Shop:
    """A shop of the test's own, whose link sells once at a time."""
    return await Shop.open(stack, max_uses=1)


@pytest.fixture
async def open_shop(stack: Stack) -> Shop:
    """A shop whose link sells without end."""
    return await Shop.open(stack)


async def expire(shop: Shop, order: Body) -> None:
    await shop.stack.expiry.expire(shop.organization_id, order_id(order))


async def uses(shop: Shop) -> object:
    return (await shop.run("payment_links.get", id=shop.link["id"]))["uses"]


async def test_an_order_nobody_pays_expires_once_and_gives_its_use_back(shop: Shop) -> None:
    """Before its time nothing happens; afterwards exactly one of many workers expires it."""
    order = await shop.order()
    await expire(shop, order)
    assert ((await shop.look(order))["status"], await uses(shop)) == ("pending", 1)
    shop.stack.clock.shift = timedelta(days=1, minutes=1)
    try:
        await race(expire(shop, order) for _ in range(8))
    finally:
        shop.stack.clock.shift = timedelta()
    expired = await shop.look(order)
    assert (expired["status"], expired["version"], await uses(shop)) == ("expired", 2, 0)
    assert expired["expired_at"] is not None
    await shop.order()


async def test_the_organizations_setting_says_how_long_an_order_waits(open_shop: Shop) -> None:
    """Unless the order says so itself."""
    usual = await open_shop.order()
    waits = cast("datetime", usual["expires_at"]) - cast("datetime", usual["created_at"])
    assert waits == timedelta(days=1)
    order = await open_shop.order(expires_at="2031-06-30T22:00:00Z")
    assert str(order["expires_at"]).startswith("2031-06-30")
    with pytest.raises(ValidationError, match="future"):
        await open_shop.order(expires_at="2020-06-30T22:00:00Z")


async def test_an_order_is_tried_again_with_the_same_or_another_method(open_shop: Shop) -> None:
    """What failed is listed for retry when it is due; permanent failures never are."""
    failed = await open_shop.sale("decline")
    hopeless = await open_shop.sale("decline_permanent")
    assert (failed["retryable"], hopeless["retryable"]) == (True, False)
    assert await due(open_shop) == []
    open_shop.stack.clock.shift = timedelta(minutes=2)
    try:
        assert await due(open_shop) == [failed["id"]]
    finally:
        open_shop.stack.clock.shift = timedelta()
    again = await open_shop.charge(await open_shop.run("payment_orders.retry", id=failed["id"]))
    assert (again["status"], len(cast("list[Body]", again["attempts"]))) == ("failed", 2)
    other = await open_shop.method("success")
    paying = await open_shop.run("payment_orders.retry", id=failed["id"], payment_method_id=other)
    assert (await open_shop.charge(paying))["status"] == "completed"
    with pytest.raises(PaymentPermanentlyDeclined):
        await open_shop.run("payment_orders.retry", id=hopeless["id"], payment_method_id=other)
    with pytest.raises(InvalidTransition):
        await open_shop.run("payment_orders.retry", id=(await open_shop.order())["id"], payment_method_id=other)


async def due(shop: Shop) -> list[object]:
    listed = await shop.run("payment_orders.list_for_retry")
    return [each["id"] for each in cast("list[Body]", listed["data"])]


async def test_an_order_is_not_tried_for_ever(open_shop: Shop) -> None:
    """Five attempts, and no more."""
    order = await open_shop.sale("decline")
    for _ in range(4):
        order = await open_shop.charge(await open_shop.run("payment_orders.retry", id=order["id"]))
    assert (order["retryable"], order["next_retry_at"]) == (False, None)
    with pytest.raises(PaymentAttemptsExhausted):
        await open_shop.run("payment_orders.retry", id=order["id"])


async def test_an_outcome_nobody_knows_is_asked_for_ever_later_and_never_given_up(open_shop: Shop) -> None:
    """From some look-up on a person finds it in the list; the job goes on all the same."""
    stack = open_shop.stack
    order = await open_shop.sale("unknown_forever")
    assert await needing_attention(open_shop) == []
    for lookups in range(1, ATTENTION_AFTER + 3):
        await stack.collection.reconcile(open_shop.organization_id, order_id(order))
        listed = await needing_attention(open_shop)
        assert listed == ([order["id"]] if lookups >= ATTENTION_AFTER else [])
    present = await open_shop.look(order)
    assert (present["status"], present["attention_at"] is not None) == ("unknown", True)
    asked = await open_shop.run("payment_orders.reconcile", id=order["id"])
    assert asked["status"] == "unknown"


async def needing_attention(shop: Shop) -> list[object]:
    listed = await shop.run("payment_orders.list_needing_attention")
    return [each["id"] for each in cast("list[Body]", listed["data"])]


async def test_reconciling_schedules_the_job_that_asks(open_shop: Shop) -> None:
    """The next worker to look asks at once, and nothing is asked about what is known."""
    order = await open_shop.sale("unknown")
    await open_shop.run("payment_orders.reconcile", id=order["id"])
    await open_shop.worker().run_due_once()
    assert (await open_shop.look(order))["status"] == "completed"
    with pytest.raises(InvalidTransition):
        await open_shop.run("payment_orders.reconcile", id=order["id"])


async def test_the_worker_carries_a_sale_and_its_refund_through(open_shop: Shop) -> None:
    """Jobs alone, without anybody's help; the order's expiry is scheduled and harmless."""
    order = await open_shop.pay(await open_shop.order())
    await open_shop.worker().run_due_once()
    refund = await open_shop.refund(order, 30)
    await open_shop.worker().run_due_once()
    assert (await open_shop.run("refunds.get", id=refund["id"]))["status"] == "succeeded"
    assert amounts(await open_shop.look(order)) == (100, 30, 70)


async def test_a_buried_job_is_revived_by_asking_again(open_shop: Shop) -> None:
    """Somebody mended what was broken, and has Stoa try again."""

    async def fail(organization_id: OrganizationId, subject_id: UUID) -> None:
        raise PaymentProviderError

    order = await open_shop.pay(await open_shop.order())
    broken = JobWorker(open_shop.stack.relay_database, {CHARGE: fail}, max_attempts=1)
    await broken.run_due_once()
    await open_shop.worker().run_due_once()
    assert (await open_shop.look(order))["status"] == "processing"
    await open_shop.run("payment_orders.reconcile", id=order["id"])
    await open_shop.worker().run_due_once()
    assert (await open_shop.look(order))["status"] == "completed"


async def test_cancelling_and_paying_at_once_has_one_winner(open_shop: Shop) -> None:
    """The other one is told by a conflict, and cancelled orders are never charged."""
    method = await open_shop.method("success")
    for n in range(10):
        order = await open_shop.order()
        both = [
            open_shop.run("payment_orders.pay", id=order["id"], payment_method_id=method),
            open_shop.run("payment_orders.cancel", id=order["id"]),
        ]
        raced = await race(both if n % 2 else reversed(both))
        assert len(raced.won) == 1
        assert raced.lost.keys() <= {"payment_in_progress", "transition_invalid"}
        done = await open_shop.charge(order)
        assert done["status"] == ("cancelled" if raced.won[0]["status"] == "cancelled" else "completed")
    assert await open_shop.problems() == []


async def test_cancelling_while_the_money_arrives_has_one_winner(open_shop: Shop) -> None:
    """A failed order is cancelled, or completed by money that arrives late; what arrives after that goes back."""
    for n in range(10):
        order = await open_shop.sale("unknown_lost")
        await open_shop.stack.collection.reconcile(open_shop.organization_id, order_id(order))
        attempt = cast("list[Mapping[str, object]]", order["attempts"])[0]["id"]
        arrival = {"id": order["id"], "attempt_id": attempt, "status": AttemptStatus.SUCCEEDED.value}
        both = [
            open_shop.run("payment_orders.record_outcome", **arrival),
            open_shop.run("payment_orders.cancel", id=order["id"]),
        ]
        await race(both if n % 2 else reversed(both))
        present = await open_shop.look(order)
        listed = await open_shop.run("refunds.list", payment_order_id=order["id"])
        surplus = cast("list[Body]", listed["data"])
        assert (present["status"], len(surplus)) in {("completed", 0), ("cancelled", 1)}
    assert await open_shop.problems() == []


async def test_creation_keeps_what_was_known_of_the_customer(open_shop: Shop) -> None:
    """Their KYC status and risk score then, and the order's own annotations."""
    order = await open_shop.order(metadata={"campaign": "spring", "seats": 2})
    assert (order["kyc_status"], order["risk_score"]) == ("not_started", None)
    assert order["metadata"] == {"campaign": "spring", "seats": 2}
