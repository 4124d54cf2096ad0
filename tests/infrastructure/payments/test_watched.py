"""A provider that cannot be reached is left alone; one that refuses is not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

import pytest

from application.customers.method_checks import MethodCheck
from application.kernel.ports import Charge, ChargeStatus, Repayment
from domain.payments.errors import PaymentProviderError
from domain.shared.money import Money
from infrastructure.outside import provider_breaker
from infrastructure.payments.sandbox import SandboxPaymentProvider
from infrastructure.payments.sandbox_verifier import SandboxMethodVerifier
from infrastructure.payments.stripe_provider import StripePaymentProvider
from infrastructure.payments.watched import COUNTS, WatchedMethodVerifier, WatchedPaymentProvider
from infrastructure.resilience.breaker import FAILURES, BreakerOpen, BreakerState
from infrastructure.resilience.breakers import Breakers
from tests.support.receiver import Receiver, receiver, status

_ANSWER = '{"error": {"type": "api_error", "message": "Whatever."}}'


@asynccontextmanager
async def stripe_at(inbox: Receiver) -> AsyncIterator[StripePaymentProvider]:
    """Return Stripe's adapter with a server that says what a test wants."""
    provider = StripePaymentProvider("sk_test_none", api_base=f"http://127.0.0.1:{inbox.port}")
    try:
        yield provider
    finally:
        await provider.close()


def charge(token: str) -> Charge:
    return Charge(idempotency_key=str(uuid4()), amount=Money(1250, "EUR"), token=token)


async def test_outages_open_the_breaker_and_then_nobody_is_asked() -> None:
    """As many failures as it takes; the next charge is refused before it reaches the provider."""
    breaker = provider_breaker(Breakers())
    provider = WatchedPaymentProvider(SandboxPaymentProvider(), breaker)
    for _ in range(FAILURES):
        with pytest.raises(PaymentProviderError):
            await provider.charge(charge("tok_sandbox_outage"))
    assert breaker.state is BreakerState.OPEN
    for asking in (
        provider.charge(charge("tok_sandbox_success")),
        provider.lookup("x"),
        provider.refund(Repayment(idempotency_key="x", amount=Money(1, "EUR"), charge_reference="y")),
        provider.lookup_refund(Repayment(idempotency_key="x", amount=Money(1, "EUR"), charge_reference="y")),
        WatchedMethodVerifier(SandboxMethodVerifier(), breaker).check_card(MethodCheck(idempotency_key="x", token="t")),
    ):
        with pytest.raises(BreakerOpen):
            await asking


async def test_lost_answers_count_and_stay_unknown() -> None:
    """A charge whose answer is lost is a failure to the breaker, and to everybody else one that has to be looked up."""
    breaker = provider_breaker(Breakers())
    provider = WatchedPaymentProvider(SandboxPaymentProvider(), breaker)
    results = [await provider.charge(charge("tok_sandbox_unknown")) for _ in range(FAILURES)]
    assert {result.status for result in results} == {ChargeStatus.UNKNOWN}
    assert breaker.state is BreakerState.OPEN


async def test_declined_cards_never_open_the_breaker() -> None:
    """A hundred refusals are a hundred answers, and one of them ends a row of failures."""
    breaker = provider_breaker(Breakers())
    provider = WatchedPaymentProvider(SandboxPaymentProvider(), breaker)
    for _ in range(100):
        declined = await provider.charge(charge("tok_sandbox_decline"))
        assert declined.status is ChargeStatus.DECLINED
    for _ in range(3):
        for _ in range(FAILURES - 1):
            with pytest.raises(PaymentProviderError):
                await provider.charge(charge("tok_sandbox_outage"))
        await provider.charge(charge("tok_sandbox_expired_card"))
    assert breaker.state is BreakerState.CLOSED


@pytest.mark.parametrize(
    ("code", "state"),
    [
        (500, BreakerState.OPEN), (503, BreakerState.OPEN), (400, BreakerState.CLOSED), (401, BreakerState.CLOSED),
        (402, BreakerState.CLOSED), (403, BreakerState.CLOSED), (429, BreakerState.CLOSED),
    ],
)  # fmt: skip
async def test_only_failures_of_stripes_own_count(code: int, state: BreakerState) -> None:
    """A wrong key, a rate limit and a refused card are answers, which another pause would not change."""
    breaker = provider_breaker(Breakers())
    async with receiver() as inbox, stripe_at(inbox) as stripe:
        provider = WatchedPaymentProvider(stripe, breaker)
        inbox.otherwise = status(code, _ANSWER)
        for _ in range(FAILURES):
            with suppress(PaymentProviderError):
                await provider.lookup(str(uuid4()))
        assert breaker.state is state
        assert len(inbox.received) == FAILURES, "trying again is the job's"


async def test_a_stripe_that_is_not_there_is_asked_no_more() -> None:
    """Refused connections count; with the breaker open not even a connection is tried, and one probe closes it."""
    now = [0.0]
    breaker = Breakers().new("payment_provider", counts=COUNTS, monotonic=lambda: now[0])
    async with receiver() as inbox, stripe_at(inbox) as stripe:
        provider = WatchedPaymentProvider(stripe, breaker)
        inbox.otherwise = _slam
        for _ in range(FAILURES):
            with pytest.raises(PaymentProviderError):
                await provider.lookup(str(uuid4()))
        before = inbox.connections
        with pytest.raises(BreakerOpen):
            await provider.charge(charge("pm_card"))
        assert inbox.connections == before
        now[0] += 60
        inbox.otherwise = status(200, '{"object": "list", "data": [], "has_more": false, "url": "/v1/payment_intents"}')
        assert await provider.lookup(str(uuid4())) is None
    assert breaker.state is BreakerState.CLOSED


async def _slam(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
    raise ConnectionError
