"""A payment provider behind a circuit breaker, whichever it is.

What counts is that the provider cannot be reached: no connection, no answer in time, or a failure of its own (5xx). A
declined card, a refusal of our key or of our rate, and an answer of any other kind show that it is there. While the
breaker is open nothing is asked, and ``BreakerOpen`` says so: unlike a charge that failed, one that was not tried is
nothing that anybody has to look up.
"""

from contextlib import suppress

from application.customers.method_checks import IMethodVerifier, MethodCheck, MethodCheckResult
from application.kernel.ports import Charge, ChargeResult, ChargeStatus, IPaymentProvider, Repayment, RepaymentResult
from domain.payments.errors import PaymentProviderUnreachable
from infrastructure.observability.loggers import Outbound, payment_answered
from infrastructure.resilience.breaker import Breaker


class Unanswered(Exception):
    """The request left and no answer came: a failure to the breaker, and no exception to anybody else."""


COUNTS = (PaymentProviderUnreachable, Unanswered)


class WatchedPaymentProvider(IPaymentProvider):
    """Another provider, left alone while it keeps failing: then everything raises ``BreakerOpen``."""

    def __init__(self, provider: IPaymentProvider, breaker: Breaker, outbound: Outbound | None = None) -> None:
        """Watch with a breaker that counts ``COUNTS``."""
        self._provider = provider
        self._breaker = breaker
        self._outbound = outbound or Outbound()

    @property
    def name(self) -> str:
        return self._provider.name

    async def charge(self, charge: Charge) -> ChargeResult:
        with suppress(Unanswered), self._breaker.watch():
            with self._outbound.call("payment_provider", "charge"):
                result = await self._provider.charge(charge)
            payment_answered(
                "charge", provider=self.name, key=charge.idempotency_key, amount=charge.amount,
                status=result.status.value, decline_code=result.decline_code,
            )  # fmt: skip
            _count_silence(result)
        return result

    async def lookup(self, idempotency_key: str) -> ChargeResult | None:
        with self._breaker.watch(), self._outbound.call("payment_provider", "lookup"):
            return await self._provider.lookup(idempotency_key)

    async def refund(self, repayment: Repayment) -> RepaymentResult:
        with suppress(Unanswered), self._breaker.watch():
            with self._outbound.call("payment_provider", "refund"):
                result = await self._provider.refund(repayment)
            payment_answered(
                "refund", provider=self.name, key=repayment.idempotency_key, amount=repayment.amount,
                status=result.status.value,
            )  # fmt: skip
            _count_silence(result)
        return result

    async def lookup_refund(self, repayment: Repayment) -> RepaymentResult | None:
        with self._breaker.watch(), self._outbound.call("payment_provider", "lookup_refund"):
            return await self._provider.lookup_refund(repayment)


class WatchedMethodVerifier(IMethodVerifier):
    """Whoever verifies for the provider, watched by the provider's own breaker: both ask the same service."""

    def __init__(self, verifier: IMethodVerifier, breaker: Breaker, outbound: Outbound | None = None) -> None:
        """Watch with a breaker that counts ``COUNTS``."""
        self._verifier = verifier
        self._breaker = breaker
        self._outbound = outbound or Outbound()

    async def check_card(self, check: MethodCheck) -> MethodCheckResult:
        with self._breaker.watch(), self._outbound.call("payment_provider", "check_card"):
            return await self._verifier.check_card(check)

    async def send_deposits(self, check: MethodCheck) -> MethodCheckResult:
        with self._breaker.watch(), self._outbound.call("payment_provider", "send_deposits"):
            return await self._verifier.send_deposits(check)


def _count_silence(result: ChargeResult | RepaymentResult) -> None:
    """Raise for a result that nobody told us: what the provider knows of has a reference."""
    if result.status is ChargeStatus.UNKNOWN and result.reference is None:
        raise Unanswered
