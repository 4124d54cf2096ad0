"""Whatever agents and people do in whatever order: nothing is spent that was not granted, and every hold adds up.

The machine drives the real stack on both databases, with two agents, several mandates and a clock that runs ahead.
"""

import asyncio
from collections.abc import Awaitable, Mapping
from datetime import timedelta
from typing import cast

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from domain.shared.errors import StoaError
from tests.support.databases import DatabaseUrls
from tests.support.shop import Shop, order_id
from tests.support.spenders import Spender
from tests.support.stack import Body, open_stack

TOKENS = st.sampled_from(("success", "decline", "unknown", "unknown_lost"))
CLOSED = ("revoked", "expired")


class MandateMachine(RuleBasedStateMachine):
    """Agents of one shop that sells for 1.00."""

    agents: tuple[Spender, Spender]
    runner: asyncio.Runner

    def __init__(self) -> None:
        super().__init__()
        self.mandates: list[tuple[Spender, Body]] = []
        self.orders: list[Body] = []

    def do[T](self, work: Awaitable[T]) -> T | None:
        """Run something to its end; being refused is part of the game."""

        async def attempt() -> T | None:
            try:
                return await work
            except StoaError:
                return None

        return self.runner.run(attempt())

    @property
    def shop(self) -> Shop:
        return self.agents[0].shop

    @precondition(lambda self: len(self.mandates) < 3)
    @rule(
        who=st.integers(0, 1), total=st.integers(50, 900), day=st.none() | st.integers(100, 500),
        threshold=st.none() | st.sampled_from([0, 100, 200]), hours=st.none() | st.integers(1, 72),
    )  # fmt: skip
    def grant(self, who: int, total: int, day: int | None, threshold: int | None, hours: int | None) -> None:
        agent, now = self.agents[who], self.shop.stack.clock.now()
        minor = {"total": total, "per_day": day, "approval_threshold": threshold}
        terms: dict[str, object] = {
            name: {"amount": n, "currency": "EUR"} for name, n in minor.items() if n is not None
        }  # fmt: skip
        if hours is not None:
            terms["expires_at"] = (now + timedelta(hours=hours)).isoformat()
        granted = self.do(self.shop.run("mandates.grant", agent_id=agent.agent["id"], currency="EUR", **terms))
        assert granted is not None
        self.mandates.append((agent, granted))

    @precondition(lambda self: self.mandates and len(self.orders) < 6)
    @rule(data=st.data(), token=TOKENS, quantity=st.integers(1, 3))
    def buy(self, data: st.DataObject, token: str, quantity: int) -> None:
        agent, mandate = data.draw(st.sampled_from(self.mandates))
        order = self.do(self.shop.order(quantity=quantity))
        assert order is not None
        self.orders.append(order)
        self.do(agent.pay(order, token, mandate_id=mandate["id"]))

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), token=TOKENS, who=st.integers(0, 2))
    def again(self, data: st.DataObject, token: str, who: int) -> None:
        order = data.draw(st.sampled_from(self.orders))
        self.do(self.shop.pay(order, token) if who == 2 else self.agents[who].pay(order, token))

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), what=st.sampled_from(["approve", "approve", "refuse"]))
    def decide(self, data: st.DataObject, what: str) -> None:
        pending = self.do(self.shop.run("approvals.list", status="pending"))
        asked = cast("list[Body]", (pending or {"data": []})["data"])
        if asked:
            self.do(self.shop.run(f"approvals.{what}", id=data.draw(st.sampled_from(asked))["id"]))

    @precondition(lambda self: self.orders)
    @rule(data=st.data())
    def work(self, data: st.DataObject) -> None:
        order, collection = data.draw(st.sampled_from(self.orders)), self.shop.stack.collection
        for job in (collection.charge, collection.reconcile):
            self.do(job(self.shop.organization_id, order_id(order)))

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), what=st.sampled_from(["cancel", "expire"]))
    def give_up(self, data: st.DataObject, what: str) -> None:
        self.do(self.shop.run(f"payment_orders.{what}", id=data.draw(st.sampled_from(self.orders))["id"]))

    @precondition(lambda self: self.orders)
    @rule(data=st.data())
    def money_arrives_after_all(self, data: st.DataObject) -> None:
        order = self.do(self.shop.look(data.draw(st.sampled_from(self.orders))))
        attempts = cast("list[Body]", (order or {"attempts": []})["attempts"])
        if order is not None and attempts:
            attempt = data.draw(st.sampled_from(attempts))
            outcome = {"id": order["id"], "attempt_id": attempt["id"], "status": "succeeded", "reference": "ch_late"}
            self.do(self.shop.run("payment_orders.record_outcome", **outcome))

    @precondition(lambda self: self.mandates)
    @rule(data=st.data(), really=st.sampled_from([True, False, False]))
    def revoke(self, data: st.DataObject, really: bool) -> None:
        if really:
            _, mandate = data.draw(st.sampled_from(self.mandates))
            self.do(self.shop.run("mandates.revoke", id=mandate["id"]))

    @precondition(lambda self: self.mandates)
    @rule(data=st.data(), total=st.integers(1, 900))
    def update(self, data: st.DataObject, total: int) -> None:
        _, mandate = data.draw(st.sampled_from(self.mandates))
        shown = self.do(self.shop.run("mandates.get", id=mandate["id"]))
        assert shown is not None
        money = {"amount": total, "currency": "EUR"}
        changed = {"id": mandate["id"], "expected_version": shown["version"], "total": money}
        self.do(self.shop.run("mandates.update_limits", **changed))

    @rule(hours=st.sampled_from([1, 13, 25]))
    def time_passes(self, hours: int) -> None:
        self.shop.stack.clock.shift += timedelta(hours=hours)

    @precondition(lambda self: self.mandates)
    @rule()
    def the_clock_s_jobs_are_done(self) -> None:
        for agent, mandate in self.mandates:
            self.do(agent.end(mandate))

    @invariant()
    def counters_are_sums_of_holds_and_within_limits(self) -> None:
        for agent, mandate in self.mandates:
            spent, reserved = self.runner.run(agent.agrees(mandate))
            assert min(spent, reserved) >= 0
            shown = self.do(self.shop.run("mandates.get", id=mandate["id"])) or {}
            assert spent + reserved <= amount(shown["total"])
            spending = self.do(self.shop.run("mandates.get_spending", id=mandate["id"])) or {}
            assert shown["per_day"] is None or amount(spending["used_today"]) <= amount(shown["per_day"])

    @invariant()
    def what_is_spent_was_collected(self) -> None:
        """Of orders that agents paid; what a person took over is the person's."""
        self.orders = [self.do(self.shop.look(order)) or order for order in self.orders]
        collected = sum(amount(o["captured"]) for o in self.orders if o["mandated"])
        counters = [self.runner.run(agent.counters(mandate)) for agent, mandate in self.mandates]
        assert sum(spent for spent, _ in counters) == collected
        flying = sum(
            amount(o["amount"]) for o in self.orders
            if o["approval_required"] or (o["mandated"] and o["status"] in ("processing", "unknown"))
        )  # fmt: skip
        assert sum(reserved for _, reserved in counters) == flying

    def teardown(self) -> None:
        """When every payment has ended and every mandate is over, nothing stays set aside."""
        for _, mandate in self.mandates:
            self.do(self.shop.run("mandates.revoke", id=mandate["id"]))
        self.the_clock_s_jobs_are_done()
        for order in self.orders:
            attempts = cast("list[Body]", (self.do(self.shop.look(order)) or {"attempts": []})["attempts"])
            for attempt in attempts:
                declined = {"status": "declined", "decline_code": "declined", "attempt_id": attempt["id"]}
                self.do(self.shop.run("payment_orders.record_outcome", id=order["id"], **declined))
        for agent, mandate in self.mandates:
            assert self.runner.run(agent.agrees(mandate))[1] == 0
        self.shop.stack.clock.shift = timedelta()


def amount(money: object) -> int:
    return cast("Mapping[str, int]", money)["amount"]


def test_mandates_add_up_whatever_happens(fresh_urls: DatabaseUrls, pytestconfig: pytest.Config) -> None:
    """Grants, payments, approvals, refusals, declines, revocations, late money and time, on both databases."""
    thorough = bool(pytestconfig.getoption("--faults"))
    with asyncio.Runner() as runner:
        opened = open_stack(fresh_urls)
        stack = runner.run(opened.__aenter__())
        try:
            first = runner.run(Spender.of(stack))
            MandateMachine.agents, MandateMachine.runner = (first, runner.run(Spender.hired(first.shop))), runner
            run_state_machine_as_test(
                MandateMachine,
                settings=settings(
                    max_examples=300 if thorough else 12, stateful_step_count=25, deadline=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )  # fmt: skip
        finally:
            runner.run(opened.__aexit__(None, None, None))
