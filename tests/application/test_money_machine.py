"""Whatever is done to orders and refunds, however late, twice or half it arrives: the money adds up everywhere.

The machine drives the real stack. The provider, its journal included, is the sandbox; crashes lose the transaction
that would have recorded an outcome, and the job is run again as a lease that ran out would have it.
"""

import asyncio
from collections.abc import Awaitable, Mapping
from typing import cast

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from application.kernel.dispatcher import Call, Outcome
from application.kernel.ports import Charge
from domain.payments.errors import PaymentProviderError
from domain.shared.errors import StoaError
from domain.shared.money import Money
from tests.support.databases import DatabaseUrls
from tests.support.shop import Shop, amounts, attempt_key, order_id
from tests.support.stack import Body, open_stack

TOKENS = (
    "success", "decline", "decline_permanent", "unknown", "unknown_declined", "unknown_lost", "outage_once",
    "refund_decline", "refund_unknown", "refund_lost_once", "refund_outage_once",
)  # fmt: skip


class Crash(Exception):
    """The process died between the provider's answer and the record of it."""


class Crashing:
    """A dispatcher that dies before it records an outcome, when it is told to."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.armed = False

    async def __call__(self, name: str, command: object, call: Call) -> Outcome:
        if self.armed and name.endswith("record_outcome"):
            self.armed = False
            raise Crash
        return await self.shop.stack.dispatcher(name, command, call)


class MoneyMachine(RuleBasedStateMachine):
    """Up to three orders of one shop at a time, driven at random."""

    shop: Shop
    runner: asyncio.Runner
    crashing: Crashing

    def __init__(self) -> None:
        super().__init__()
        self.orders: list[Body] = []
        self.refunds: list[Body] = []

    def do[T](self, work: Awaitable[T]) -> T | None:
        """Run something to its end; being refused, or dying on the way, is part of the game."""

        async def attempt() -> T | None:
            try:
                return await work
            except (StoaError, Crash):
                return None

        return self.runner.run(attempt())

    def sure[T](self, work: Awaitable[T]) -> T:
        async def attempt() -> T:
            return await work

        return self.runner.run(attempt())

    @precondition(lambda self: len(self.orders) < 3)
    @rule(token=st.sampled_from(TOKENS))
    def buy(self, token: str) -> None:
        order = self.sure(self.shop.order())
        self.orders.append(order)
        self.do(self.shop.pay(order, token))

    @precondition(lambda self: len(self.orders) < 3)
    @rule()
    def wish(self) -> None:
        self.orders.append(self.sure(self.shop.order()))

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), token=st.sampled_from(TOKENS), again=st.booleans())
    def pay(self, data: st.DataObject, token: str, again: bool) -> None:
        order = data.draw(st.sampled_from(self.orders))
        method = self.sure(self.shop.method(token))
        name = "payment_orders.retry" if again else "payment_orders.pay"
        self.do(self.shop.run(name, id=order["id"], payment_method_id=method))

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), crash=st.booleans())
    def work(self, data: st.DataObject, crash: bool) -> None:
        stack, order = self.shop.stack, data.draw(st.sampled_from(self.orders))
        job = data.draw(st.sampled_from([stack.collection.charge, stack.collection.reconcile]))
        self.crashing.armed = crash
        self.do(job(self.shop.organization_id, order_id(order)))
        self.crashing.armed = False

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), give_up=st.sampled_from(["cancel", "expire"]))
    def give_up(self, data: st.DataObject, give_up: str) -> None:
        order = data.draw(st.sampled_from(self.orders))
        self.do(self.shop.run(f"payment_orders.{give_up}", id=order["id"]))

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), minor=st.none() | st.integers(1, 101))
    def refund(self, data: st.DataObject, minor: int | None) -> None:
        made = self.do(self.shop.refund(data.draw(st.sampled_from(self.orders)), minor))
        if made is not None:
            self.refunds.append(made)

    @precondition(lambda self: self.refunds)
    @rule(data=st.data(), crash=st.booleans())
    def give_back(self, data: st.DataObject, crash: bool) -> None:
        self.crashing.armed = crash
        self.do(self.shop.give_back(data.draw(st.sampled_from(self.refunds))))
        self.crashing.armed = False

    @precondition(lambda self: self._attempts())
    @rule(data=st.data())
    def a_notice_repeats_what_the_provider_said(self, data: st.DataObject) -> None:
        """Late, out of order and twice: but true, for a provider does not lie about its own journal."""
        for _ in range(2):
            self._notice(*data.draw(st.sampled_from(self._attempts())))

    @precondition(lambda self: self._lost())
    @rule(data=st.data())
    def a_lost_request_arrives_after_all(self, data: st.DataObject) -> None:
        """It was on its way all the time, and collects whatever we made of its silence; nobody hears of it yet."""
        self._arrive(*data.draw(st.sampled_from(self._lost())))

    def _arrive(self, order: Body, attempt: Body) -> None:
        provider, key = self.shop.stack.provider, _key(attempt)
        provider._tries[key] = 1_000_000_000
        amount = Money(cast("Mapping[str, int]", order["amount"])["amount"], "EUR")
        self.sure(provider.charge(Charge(idempotency_key=key, amount=amount, token="tok_sandbox_unknown_lost")))

    def _attempts(self) -> list[tuple[Body, Body]]:
        return [(order, attempt) for order in self.orders for attempt in cast("list[Body]", order["attempts"])]

    def _lost(self) -> list[tuple[Body, Body]]:
        method = self.shop.methods.get("unknown_lost")
        return [(order, attempt) for order, attempt in self._attempts() if attempt["payment_method_id"] == method]

    def _notice(self, order: Body, attempt: Body) -> None:
        known = self.sure(self.shop.stack.provider.lookup(_key(attempt)))
        if known is None:
            return
        notice = {
            "id": order["id"], "attempt_id": attempt["id"], "status": known.status.value, "provider": "sandbox",
            "reference": known.reference, "decline_code": known.decline_code, "permanent": known.permanent,
            "fee": known.fee and {"amount": known.fee.minor, "currency": "EUR"},
        }  # fmt: skip
        self.sure(self.shop.run("payment_orders.record_outcome", **notice))

    @invariant()
    def no_more_goes_back_than_came_in(self) -> None:
        self.orders = [self.sure(self.shop.look(order)) for order in self.orders]
        for order in self.orders:
            captured, refunded, refundable = amounts(order)
            assert 0 <= refunded <= captured <= 100
            assert 0 <= refundable <= captured - refunded

    @invariant()
    def the_books_balance_and_agree(self) -> None:
        assert self.sure(self.shop.problems()) == []
        assert sum(self.sure(self.shop.balances()).values()) == 0

    def teardown(self) -> None:
        """Let the worker finish, what was lost arrive and every notice come; then compare with the provider."""
        self.crashing.armed = False
        self._finish()
        for order in self.orders[::2]:
            self.do(self.shop.run("payment_orders.cancel", id=order["id"]))
        for order, attempt in self._lost():
            self._arrive(order, attempt)
        for order, attempt in self._attempts():
            self._notice(order, attempt)
        self._finish()
        self.the_books_balance_and_agree()
        provider, balances = self.shop.stack.provider, self.sure(self.shop.balances())
        came = sum(each.amount for each in provider.charges if each.decline_code is None)
        kept = sum(each.fee or 0 for each in provider.charges)
        went = sum(each.amount for each in provider.refunds if each.decline_code is None)
        assert balances.get("provider_clearing", 0) == came - kept - went
        assert balances.get("surplus_payments", 0) == 0
        assert not {order["status"] for order in self.orders} & {"processing", "unknown"}

    def _finish(self) -> None:
        collection, organization = self.shop.stack.collection, self.shop.organization_id
        for _ in range(3):
            for order in self.orders:
                self.do(_until_up(collection.charge(organization, order_id(order))))
                self.do(_until_up(collection.reconcile(organization, order_id(order))))
            for refund in self._open_refunds():
                self.do(_until_up(self.shop.give_back(refund)))
        self.orders = [self.sure(self.shop.look(order)) for order in self.orders]

    def _open_refunds(self) -> list[Body]:
        listed = self.sure(self.shop.run("refunds.list", limit=100))
        open_ = ("pending", "processing", "unknown")
        return [each for each in cast("list[Body]", listed["data"]) if each["status"] in open_]


async def _until_up(work: Awaitable[object]) -> None:
    try:
        await work
    except PaymentProviderError:
        return


def _key(attempt: Mapping[str, object]) -> str:
    return attempt_key({"attempts": [attempt]})


def test_the_money_adds_up_whatever_happens(fresh_urls: DatabaseUrls, pytestconfig: pytest.Config) -> None:
    """Charges, refunds, cancellations, expiries and crashes in any order, on both databases."""
    thorough = bool(pytestconfig.getoption("--faults"))
    with asyncio.Runner() as runner:
        opened = open_stack(fresh_urls)
        stack = runner.run(opened.__aenter__())
        try:
            MoneyMachine.shop, MoneyMachine.runner = runner.run(Shop.open(stack)), runner
            MoneyMachine.crashing = Crashing(MoneyMachine.shop)
            for port in (stack.collection, stack.repayments, stack.expiry):
                port._dispatch = MoneyMachine.crashing
            run_state_machine_as_test(
                MoneyMachine,
                settings=settings(
                    max_examples=400 if thorough else 12, stateful_step_count=20, deadline=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )  # fmt: skip
        finally:
            runner.run(opened.__aexit__(None, None, None))
