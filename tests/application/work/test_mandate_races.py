"""One mandate of 100.00 and everybody at once: no instant has more spent and reserved than that."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

import pytest

from domain.mandates.mandate import Mandate
from domain.shared.errors import Unavailable
from tests.support.races import race
from tests.support.rows import open_rows
from tests.support.spenders import Spender, money
from tests.support.stack import Body, Stack

PAYMENTS, LIMIT = 200, 10_000
BUYERS = 10


@pytest.fixture
async def agent(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Spender:
    """Hire somebody who wants more than there is."""
    # How long somebody waits for one of ten connections is another question.
    monkeypatch.setattr(stack.database._pool, "_timeout", 60)
    return await Spender.of(stack)


async def orders_of_several(agent: Spender, count: int) -> list[dict[str, object]]:
    """Open orders by customers that share nothing, so that payments meet at the mandate and not before."""
    shop, buyers = agent.shop, []
    for _ in range(BUYERS):
        customer = await shop.run("customers.create", email=f"{uuid4().hex}@example.com", name="Ana Prado")
        method = await shop.run(
            "payment_methods.add", customer_id=customer["id"], type="card", provider_token="tok_sandbox_success",
            brand="visa", last_four="4242", expiry_month=12, expiry_year=2040,
        )  # fmt: skip
        buyers.append((customer["id"], method["id"]))
    made = []
    for n in range(count):
        customer_id, method_id = buyers[n % BUYERS]
        order = await shop.run("payment_orders.create", payment_link_id=shop.link["id"], customer_id=customer_id)
        made.append({"id": order["id"], "payment_method_id": method_id})
    return made


@asynccontextmanager
async def sampled(agent: Spender, limit: int) -> AsyncIterator[list[tuple[int, int]]]:
    """Look at the counters past the application while the block lasts, as often as one can."""
    seen: list[tuple[int, int]] = []
    done = asyncio.Event()

    async def look() -> None:
        async with open_rows(agent.shop.stack.urls) as rows:
            while not done.is_set():
                for row in await rows.of("mandates", agent.organization_id):
                    spent, reserved = int(str(row["spent_minor"])), int(str(row["reserved_minor"]))
                    assert spent >= 0
                    assert reserved >= 0
                    assert spent + reserved <= limit
                    seen.append((spent, reserved))
                await asyncio.sleep(0.002)

    looking = asyncio.create_task(look())
    try:
        yield seen
    finally:
        done.set()
        await looking


async def pay_all(agent: Spender, orders: list[dict[str, object]]) -> tuple[list[Body], dict[str, int]]:
    """Pay everything at once with the agent's key; who hears that the database is busy asks again."""

    async def pay(order: dict[str, object], key: str) -> Body:
        while True:
            with suppress(Unavailable):
                return await agent.shop.stack.run_once(key, "payment_orders.pay", agent.actor, **order)

    raced = await race(pay(order, str(uuid4())) for order in orders)
    return raced.won, dict(raced.lost)


async def test_two_hundred_payments_at_once_never_exceed_their_mandate(agent: Spender) -> None:
    """A hundred of 1.00 are begun and a hundred refused; collecting half and declining half keeps it so."""
    mandate, orders = await agent.grant(total=LIMIT), await orders_of_several(agent, PAYMENTS)
    async with sampled(agent, LIMIT) as seen:
        won, lost = await pay_all(agent, orders)
        assert (len(won), lost) == (100, {"mandate_exceeded": 100})
        assert await agent.agrees(mandate) == (0, LIMIT)
        for n, order in enumerate(won[:20]):
            outcome = {"status": "succeeded"} if n % 2 else {"status": "declined", "decline_code": "declined"}
            await agent.shop.run(
                "payment_orders.record_outcome", id=order["id"], reference=f"ch_{n}", **outcome,
                attempt_id=order["attempts"][0]["id"],  # type: ignore[index]  # reason: a list
            )  # fmt: skip
        paid = {order["id"] for order in won}
        won, lost = await pay_all(agent, [order for order in orders if order["id"] not in paid][:20])
        assert (len(won), lost) == (10, {"mandate_exceeded": 10})
    assert await agent.agrees(mandate) == (1000, LIMIT - 1000)
    assert len(seen) > 20


async def test_the_database_refuses_what_the_code_would_let_pass(
    agent: Spender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the code's own check taken away the last wall holds, under the same name."""
    monkeypatch.setattr(Mandate, "_ensure_left", lambda *_: None)
    mandate = await agent.grant(total=300)
    async with sampled(agent, 300):
        won, lost = await pay_all(agent, await orders_of_several(agent, 10))
    assert (len(won), lost) == (3, {"mandate_exceeded": 7})
    assert await agent.agrees(mandate) == (0, 300)


async def test_a_day_s_limit_holds_in_a_race_too(agent: Spender) -> None:
    """No constraint knows of days, so that it is the mandate's lock alone that keeps them."""
    mandate = await agent.grant(per_day=700, total=LIMIT)
    won, lost = await pay_all(agent, await orders_of_several(agent, 30))
    assert (len(won), lost) == (7, {"mandate_exceeded": 23})
    assert await agent.agrees(mandate) == (0, 700)


async def test_revoking_races_paying(agent: Spender) -> None:
    """What was begun before is set aside; from the answer on nothing is begun."""
    for _ in range(3):
        mandate = await agent.grant(total=LIMIT)
        orders = await orders_of_several(agent, 20)
        paying = asyncio.create_task(pay_all(agent, orders[:15]))
        await asyncio.sleep(0.03)
        await agent.shop.run("mandates.revoke", id=mandate["id"])
        late, refused = await pay_all(agent, orders[15:])
        won, lost = await paying
        assert (late, refused) == ([], {"mandate_missing": 5})
        assert lost.keys() <= {"mandate_revoked", "mandate_missing"}
        assert await agent.agrees(mandate) == (0, 100 * len(won))


async def test_lowering_a_limit_races_paying(agent: Spender) -> None:
    """Whoever comes second sees what the first did: the limit is never below what is set aside."""
    for _ in range(5):
        mandate = await agent.grant(total=1000)
        orders = await orders_of_several(agent, 5)
        lower = agent.shop.run("mandates.update_limits", id=mandate["id"], expected_version=1, total=money(200))
        results = await asyncio.gather(pay_all(agent, orders), race([lower]))
        (won, _), lowered = results
        shown = await agent.shop.run("mandates.get", id=mandate["id"])
        assert shown["total"] == money(200 if lowered.won else 1000)
        assert lowered.lost.keys() <= {"mandate_limit_below_spent", "version_stale"}
        assert await agent.agrees(mandate) == (0, 100 * len(won))
        await agent.shop.run("mandates.revoke", id=mandate["id"])
