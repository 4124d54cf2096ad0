"""Paying, collecting, cancelling and refunding an order at once, through HTTP: the money of each always adds up."""

import random
from collections import Counter
from uuid import uuid4

import pytest

from domain.shared.ids import decode_id
from tests.support.http import HttpFace, http_face
from tests.support.races import race
from tests.support.shop import Shop, amounts
from tests.support.stack import Body, Stack

ROUNDS, ROUNDS_AT_FULL_LENGTH = 10, 1_000
RANKS = {"pending": 0, "processing": 1, "completed": 2, "cancelled": 2, "partially_refunded": 3, "refunded": 4}
"""An order's status never has a lower rank than before."""
TWINS = 20
KEYS, KEYS_AT_FULL_LENGTH = 5, 200


async def secret_of(shop: Shop) -> str:
    """Return an API key that may do all of it."""
    scopes = ["payment_orders:write", "payment_orders:read", "refunds:write", "customers:write"]
    return str((await shop.run("api_keys.create", name="Till", scopes=scopes))["secret"])


class Till:
    """One shop's orders over HTTP; each request has a key of its own."""

    def __init__(self, shop: Shop, http: HttpFace, secret: str) -> None:
        self.shop = shop
        self.answers: Counter[int] = Counter()
        self._http = http
        self._secret = secret

    async def ask(self, name: str, **fields: object) -> int:
        """Send one request and count its answer."""
        status = (await self._http.send(name, fields, key=self._secret)).status_code
        self.answers[status] += 1
        return status

    async def pay(self, order: Body) -> int:
        """Begin to pay an order."""
        method = await self.shop.method("success")
        return await self.ask("payment_orders.pay", id=order["id"], payment_method_id=method)

    async def cancel(self, order: Body) -> int:
        """Cancel it."""
        return await self.ask("payment_orders.cancel", id=order["id"])

    async def refund(self, order: Body, minor: int) -> int:
        """Give so much of it back."""
        amount = {"amount": minor, "currency": "EUR"}
        return await self.ask("refunds.create", payment_order_id=order["id"], amount=amount)

    async def collect(self, order: Body) -> int:
        """Do the worker's part, which may meet all the others."""
        await self.shop.charge(order)
        return 0


async def test_whatever_races_an_orders_money_adds_up(stack: Stack, pytestconfig: pytest.Config) -> None:
    """Ten racing requests for each order: no more is refunded than was captured, and no more captured than ordered."""
    shop = await Shop.open(stack)
    await shop.method("success")
    async with http_face(stack) as http:
        till = Till(shop, http, await secret_of(shop))
        for _ in range(ROUNDS_AT_FULL_LENGTH if pytestconfig.getoption("--faults") else ROUNDS):
            await one_order(till)
    print(f"{till.answers.total()} racing requests: {dict(till.answers)}")  # noqa: T201 - the figures of the run
    assert set(till.answers) <= {200, 201, 409, 422, 503}
    await verified(shop)
    assert sum((await shop.balances()).values()) == 0


async def verified(shop: Shop) -> None:
    """Have the books read in as many parts as they need."""
    after: object = None
    while True:
        report = await shop.run("books.verify", after=after)
        assert report["ok"], report
        after = report["next_after"]
        if after is None:
            return


async def one_order(till: Till) -> None:
    """Race for one order, three times, and look at it after each."""
    shop = till.shop
    order, rank = await shop.order(), 0
    legs = (
        [till.pay(order), till.pay(order), till.cancel(order) if random.random() < 0.3 else till.refund(order, 1)],
        [till.collect(order), till.refund(order, 60), till.cancel(order)],
        [till.refund(order, 60), till.refund(order, 60), till.refund(order, 40), till.cancel(order), till.pay(order)],
    )
    for leg in legs:
        random.shuffle(leg)
        await race(leg)
        seen = await shop.look(order)
        captured, refunded, refundable = amounts(seen)
        assert 0 <= refunded <= captured <= 100, seen
        assert 0 <= refundable <= captured - refunded, seen
        assert RANKS[str(seen["status"])] >= rank, (seen["status"], rank)
        rank = RANKS[str(seen["status"])]
    for refund in (await shop.run("refunds.list", payment_order_id=order["id"], limit=100))["data"]:  # type: ignore[attr-defined]  # reason: a list
        await race([shop.give_back(refund), shop.give_back(refund)])
    captured, refunded, _ = amounts(await shop.look(order))
    assert refunded in (0, 40, 60, 100)
    assert refunded <= captured


async def test_twenty_twins_of_each_key_are_one_order(stack: Stack, pytestconfig: pytest.Config) -> None:
    """Simultaneous identical requests through HTTP have one effect and one answer for each key."""
    shop, keys = await Shop.open(stack), KEYS_AT_FULL_LENGTH if pytestconfig.getoption("--faults") else KEYS
    async with http_face(stack) as http:
        secret = await secret_of(shop)
        wanted = {"payment_link_id": shop.link["id"], "customer_id": shop.customer["id"], "quantity": 1}
        made = set()
        for _ in range(keys):
            key = str(uuid4())
            send = (http.send("payment_orders.create", wanted, key=secret, idempotency_key=key) for _ in range(TWINS))
            answers = [response.json() for response in (await race(send)).won if response.status_code == 201]
            assert answers, "none of the twins was answered"
            assert all(answer == answers[0] for answer in answers)
            made.add(decode_id("ord", answers[0]["id"]))
    orders = await shop.run("payment_orders.list", limit=100, include_total=True)
    assert (len(made), orders["total"]) == (keys, keys)
