"""What the worker does to verify payment methods between two transactions.

The check's name is the provider's idempotency key: asking again gets the first answer and sends nothing twice.
"""

from dataclasses import dataclass, field
from typing import Protocol

from application.customers.verification import VERIFY, RecordVerification
from application.kernel.actor import worker
from application.kernel.dispatcher import Call, Dispatcher
from application.kernel.unit_of_work import IUnitOfWorkFactory
from domain.customers.method_details import PaymentMethodType
from domain.customers.verification import VerificationStatus
from domain.shared.ids import OrganizationId, PaymentMethodId


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodCheck:
    """One verification of a payment method. ``idempotency_key`` is stable over every repetition of it."""

    idempotency_key: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodCheckResult:
    """The provider's answer: refused with a code, or good; of an account, how much the two small deposits were."""

    failure_code: str | None = None
    deposits: tuple[int, int] | None = field(default=None, repr=False)


class IMethodVerifier(Protocol):
    """Finds out whether a payment method is real. Never called inside a transaction."""

    async def check_card(self, check: MethodCheck) -> MethodCheckResult:
        """Authorise an amount of zero, at most once per idempotency key.

        Raises:
            PaymentProviderError: the provider is not answering; ask again later.
        """
        ...

    async def send_deposits(self, check: MethodCheck) -> MethodCheckResult:
        """Send two deposits of 1 to 99 minor units to an account, at most once per idempotency key.

        Raises:
            PaymentProviderError: the provider is not answering; ask again later.
        """
        ...


class MethodChecks:
    """The worker's job. The provider is asked while no transaction is open.

    ``PaymentProviderError`` passes, so that the worker tries the job again later. Who was removed is left alone.
    """

    def __init__(self, units: IUnitOfWorkFactory, dispatch: Dispatcher, verifier: IMethodVerifier) -> None:
        """Keep the ports."""
        self._units = units
        self._dispatch = dispatch
        self._verifier = verifier

    async def verify(self, organization_id: OrganizationId, method_id: PaymentMethodId) -> None:
        """Ask the provider about a method whose verification is pending.

        Raises:
            PaymentProviderError: the provider is not answering.
        """
        actor = worker(organization_id)
        async with self._units(actor, use_case=VERIFY, request_id=str(method_id), read_only=True) as uow:
            method = await uow.payment_methods.get(method_id, with_deleted=True)
        asked = method.verification is VerificationStatus.PENDING and method.deposits_digest is None
        if method.is_deleted or not asked or method.verification_check is None:
            return
        check = MethodCheck(idempotency_key=method.verification_check, token=method.provider_token)
        ask = self._verifier.check_card if method.type is PaymentMethodType.CARD else self._verifier.send_deposits
        result = await ask(check)
        first, second = result.deposits or (None, None)
        command = RecordVerification(
            id=method_id, check=check.idempotency_key, failure_code=result.failure_code,
            first_deposit=first, second_deposit=second,
        )  # fmt: skip
        call = Call(actor=actor, request_id=check.idempotency_key)
        await self._dispatch("payment_methods.record_verification", command, call)
