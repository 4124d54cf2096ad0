"""Named questions about payment orders: each one holds for the order it is about and not for its neighbour."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from domain.payments import specifications as s
from domain.payments.payment_order import PaymentOrder
from domain.payments.payment_order_status import PaymentOrderStatus
from domain.shared.ids import CustomerId, PaymentLinkId, PaymentMethodId, PriceId, ProductId
from domain.shared.money import CurrencyMismatch, Money
from domain.shared.specification import Everything, Spec
from domain.shared.specification_values import InvalidSpecification
from tests.domain.payments.builders import (
    CUSTOMER,
    DECLINED,
    DECLINED_FOR_GOOD,
    METHOD,
    NOW,
    REFUND,
    SUCCEEDED,
    UNKNOWN,
    an_order,
    an_order_after,
)

LATER = NOW + timedelta(hours=1)
_S = PaymentOrderStatus


def _refunded(minor: int) -> PaymentOrder:
    order = an_order_after(SUCCEEDED)
    order.reserve_refund(REFUND, Money(minor, "EUR"), NOW)
    order.settle_refund(REFUND, Money(minor, "EUR"), NOW)
    return order


def _refunding() -> PaymentOrder:
    order = an_order_after(SUCCEEDED)
    order.reserve_refund(REFUND, None, NOW)
    return order


def _slow(seconds: int) -> PaymentOrder:
    order = an_order_after()
    order.conclude(order.attempts[-1].id, SUCCEEDED, NOW + timedelta(seconds=seconds))
    return order


def _with(**values: object) -> Callable[[], PaymentOrder]:
    def make() -> PaymentOrder:
        order = an_order()
        for name, value in values.items():
            setattr(order, name, value)
        return order

    return make


OTHER = UUID(int=99)
NAMED: list[tuple[Spec[PaymentOrder], Callable[[], PaymentOrder], Callable[[], PaymentOrder]]] = [
    (s.PaymentOrdersOfCustomerSpec(CUSTOMER), an_order, _with(customer_id=CustomerId(OTHER))),
    (s.PaymentOrdersOfLinkSpec(PaymentLinkId(UUID(int=1))), an_order, _with(payment_link_id=PaymentLinkId(OTHER))),
    (s.PaymentOrdersOfProductSpec(ProductId(UUID(int=3))), an_order, _with(product_id=ProductId(OTHER))),
    (s.PaymentOrdersOfPriceSpec(PriceId(UUID(int=4))), an_order, _with(price_id=PriceId(OTHER))),
    (s.PaymentOrdersByMethodSpec(METHOD), an_order_after, _with(payment_method_id=PaymentMethodId(OTHER))),
    (s.PaymentOrdersWithMetadataSpec({"shop": 7}), _with(metadata={"shop": 7, "a": 1}), _with(metadata={"shop": "7"})),
    (s.PaymentOrdersWithTextSpec("FUNDS"), lambda: an_order_after(DECLINED), an_order),
    (s.PaymentOrdersWithTextSpec("14-0000"), an_order, _with(number="20260315-000001")),
    (s.HighValuePaymentOrdersSpec(Money(3750, "EUR")), an_order, lambda: an_order(3749)),
    (s.HighValuePaymentOrdersSpec(Money(1, "EUR")), an_order, _with(amount=Money(10**9, "JPY"))),
    (
        s.PaymentOrdersAmountBetweenSpec(Money(1, "EUR"), Money(3750, "EUR")), an_order, lambda: an_order(3751),
    ),
    (s.LargeRefundsSpec(Money(1000, "EUR")), lambda: _refunded(1000), lambda: _refunded(999)),
    (s.RefundPendingPaymentOrdersSpec(), _refunding, lambda: _refunded(1)),
    (s.PaymentOrdersInStatusSpec(_S.PENDING, _S.FAILED), an_order, an_order_after),
    (s.RefundedPaymentOrdersSpec(), lambda: _refunded(3750), lambda: _refunded(3749)),
    (s.PartiallyRefundedPaymentOrdersSpec(), lambda: _refunded(1), lambda: _refunded(3750)),
    (s.RetryablePaymentOrdersSpec(), lambda: an_order_after(DECLINED), lambda: an_order_after(DECLINED_FOR_GOOD)),
    (s.RetryDuePaymentOrdersSpec(LATER), lambda: an_order_after(DECLINED), an_order_after),
    (
        s.PermanentlyFailedPaymentOrdersSpec(),
        lambda: an_order_after(DECLINED_FOR_GOOD),
        lambda: an_order_after(DECLINED),
    ),
    (
        s.PaymentOrdersFailedWithSpec("stolen_card"),
        lambda: an_order_after(DECLINED_FOR_GOOD),
        lambda: an_order_after(DECLINED),
    ),
    (s.StuckPaymentOrdersSpec(LATER), an_order_after, lambda: an_order_after(SUCCEEDED)),
    (~s.StuckPaymentOrdersSpec(NOW), an_order_after, lambda: _processing_since(NOW - timedelta(seconds=1))),
    (s.AwaitingReconciliationPaymentOrdersSpec(), lambda: an_order_after(UNKNOWN), an_order_after),
    (s.PaymentOrdersNeedingAttentionSpec(), _with(attention_at=NOW), an_order),
    (s.ExpiredUnpaidPaymentOrdersSpec(NOW), _with(expires_at=NOW), _with(expires_at=LATER)),
    (s.ExpiredUnpaidPaymentOrdersSpec(NOW), _with(status=_S.EXPIRED), lambda: an_order_after(SUCCEEDED)),
    (s.AttemptedPaymentOrdersSpec(1), an_order_after, an_order),
    (s.PaymentOrdersByRiskSpec(70), _with(risk_score=70), an_order),
    (s.PaymentOrdersByRiskSpec(0, 69), _with(risk_score=69), _with(risk_score=70)),
    (s.PaymentOrdersByKycSpec("verified", "pending"), _with(kyc_status="verified"), an_order),
    (s.PaymentOrdersCreatedBetweenSpec(NOW, LATER), an_order, _with(created_at=LATER)),
    (s.PaymentOrdersCompletedBetweenSpec(None, LATER), lambda: an_order_after(SUCCEEDED), an_order),
    (
        s.PaymentOrdersCreatedOnDaySpec(date(2026, 3, 15), ZoneInfo("Pacific/Auckland")),
        _with(created_at=datetime(2026, 3, 14, 11, tzinfo=UTC)),
        _with(created_at=datetime(2026, 3, 14, 10, 59, 59, tzinfo=UTC)),
    ),
    (s.SlowPaymentOrdersSpec(timedelta(seconds=30)), lambda: _slow(31), lambda: _slow(30)),
]  # fmt: skip


def _processing_since(moment: datetime) -> PaymentOrder:
    order = an_order_after()
    order.processing_at = moment
    return order


@pytest.mark.parametrize(("spec", "inside", "outside"), NAMED)
def test_a_named_question_tells_one_order_from_another(
    spec: Spec[PaymentOrder], inside: Callable[[], PaymentOrder], outside: Callable[[], PaymentOrder]
) -> None:
    """It holds for the one, not for the other, and its complement the other way round."""
    assert spec.is_satisfied_by(inside())
    assert not spec.is_satisfied_by(outside())
    assert not (~spec).is_satisfied_by(inside())
    assert (~spec).is_satisfied_by(outside())


def test_there_are_twenty_and_all_are_tried() -> None:
    """Every function named as a specification is in the table above."""
    named = {name for name in vars(s) if name.endswith("Spec") and name != "Spec"}
    table = Path(__file__).read_text(encoding="utf-8").partition("NAMED")[2]
    assert len(named) >= 20
    assert {name for name in named if f"s.{name}(" not in table} == set()


def test_they_combine_with_everything_else() -> None:
    """A worklist is a combination, as operators make it."""
    worth_a_call = s.HighValuePaymentOrdersSpec(Money(1000, "EUR")) & (
        s.PermanentlyFailedPaymentOrdersSpec() | s.AwaitingReconciliationPaymentOrdersSpec()
    ) & ~s.PaymentOrdersByRiskSpec(80)  # fmt: skip
    assert worth_a_call.is_satisfied_by(an_order_after(UNKNOWN))
    assert not worth_a_call.is_satisfied_by(an_order_after(DECLINED))
    assert (Everything() & worth_a_call).is_satisfied_by(an_order_after(DECLINED_FOR_GOOD))


def test_amounts_of_two_currencies_make_no_range() -> None:
    """Nothing lies between 1 EUR and 2 USD."""
    with pytest.raises(CurrencyMismatch):
        s.PaymentOrdersAmountBetweenSpec(Money(1, "EUR"), Money(2, "USD"))


def test_negative_spans_and_counts_are_refused() -> None:
    """Longer than less than nothing, or minus one attempts, is a mistake and no question."""
    with pytest.raises(InvalidSpecification):
        s.SlowPaymentOrdersSpec(timedelta(microseconds=-1))
    with pytest.raises(InvalidSpecification):
        s.AttemptedPaymentOrdersSpec(-1)
