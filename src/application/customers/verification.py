"""Verifying payment methods: asking whether one is real, and recording what the provider said."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval, Len

from application.customers.method_view import PaymentMethodView
from application.customers.payment_methods import locked_with_siblings
from application.kernel.actor import Scope
from application.kernel.fields import Version
from application.kernel.ports import IClock, IIds
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from domain.customers.verification import VerificationStatus
from domain.shared.ids import PaymentMethodId

VERIFY = "payment_methods.verify"

# A deposit in minor units; nobody gives away more to know an account.
Deposit = Annotated[int, Interval(ge=1, le=99)]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyPaymentMethod:
    """Which payment method, and optionally the version the caller read."""

    id: PaymentMethodId
    expected_version: Version | None = None


@use_case("payment_methods.verify", scope=Scope.PAYMENT_METHODS_WRITE, example={}, statements=9)
async def verify_payment_method(
    cmd: VerifyPaymentMethod, uow: IUnitOfWork, *, clock: IClock, ids: IIds
) -> PaymentMethodView:
    """Find out whether a card or a bank account is real; the outcome follows, as `verification` and as event.

    A card is authorised for an amount of zero. To an account two small deposits are sent, to be named by
    `payment_methods.confirm_deposits`. Wallets cannot be verified yet.

    A method that failed may be asked about again, three times in all, and cannot be paid with until it is verified.

    Errors: `not_found`, `version_stale`, `verification_unsupported`, `verification_transition_invalid`,
    `verification_exhausted`, `payment_method_expired`.
    """
    method, _ = await locked_with_siblings(uow, cmd.id)
    method.expect_version(cmd.expected_version)
    method.begin_verification(str(ids.new()), clock.now())
    await uow.jobs.schedule(VERIFY, method.id)
    return PaymentMethodView.at(clock.now(), method)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmDeposits:
    """How much the two deposits were that arrived on the account, in minor units and in any order."""

    id: PaymentMethodId
    first: Deposit
    second: Deposit


@use_case(
    "payment_methods.confirm_deposits",
    scope=Scope.PAYMENT_METHODS_WRITE,
    example={"first": 32, "second": 45},
    statements=8,
)
async def confirm_deposits(cmd: ConfirmDeposits, uow: IUnitOfWork, *, clock: IClock) -> PaymentMethodView:
    """Name the deposits that verify a bank account. A wrong answer is counted, and the third fails the verification.

    Errors: `not_found`, `verification_transition_invalid` when no deposits are waiting to be named.
    """
    method, _ = await locked_with_siblings(uow, cmd.id)
    method.confirm_deposits((cmd.first, cmd.second), clock.now())
    return PaymentMethodView.at(clock.now(), method)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordVerification:
    """What the provider said of one verification: refused with a code, or good, and how much it sent."""

    id: PaymentMethodId
    check: Annotated[str, Len(1, 36)]
    failure_code: Annotated[str, Len(1, 100)] | None = None
    first_deposit: Deposit | None = None
    second_deposit: Deposit | None = None


@use_case(
    "payment_methods.record_verification",
    scope=Scope.PLATFORM_OPERATE,
    internal="Only Stoa's own worker knows what a payment provider said.",
    example={"check": "0198f2c4-61b0-7d55-9c3e-2f8a4be07d13", "failure_code": "card_declined"},
    statements=9,
)
async def record_verification(cmd: RecordVerification, uow: IUnitOfWork, *, clock: IClock) -> PaymentMethodView:
    """Record what came of a verification; whatever is known already, or of an earlier one, changes nothing.

    Errors: `not_found`.
    """
    method, _ = await locked_with_siblings(uow, cmd.id)
    known = cmd.first_deposit is not None and cmd.second_deposit is not None
    deposits = (cmd.first_deposit or 0, cmd.second_deposit or 0) if known else None
    method.conclude_verification(cmd.check, clock.now(), failure_code=cmd.failure_code, deposits=deposits)
    if method.verification is not VerificationStatus.PENDING or method.deposits_digest is not None:
        await uow.jobs.finish(VERIFY, method.id)
    return PaymentMethodView.at(clock.now(), method)
