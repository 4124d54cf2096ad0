"""The states of a customer's identity check."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.customers.customer import Customer, CustomerNotDeleted
from domain.customers.kyc import APPROVAL_LASTS, MOVES, CustomerKycUpdatedEvent, KycStatus, KycTransitionInvalid
from domain.shared.errors import ValidationError
from domain.shared.ids import CustomerId, OrganizationId

NOW = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
VERDICTS = (KycStatus.APPROVED, KycStatus.REJECTED, KycStatus.NEEDS_REVIEW)


def a_customer() -> Customer:
    return Customer.create(
        id=CustomerId(UUID(int=2)), organization_id=OrganizationId(UUID(int=1)), email="mara@example.org", name="Mara",
        now=NOW,
    )  # fmt: skip


def a_checked_customer(verdict: KycStatus, score: int = 20) -> Customer:
    customer = a_customer()
    customer.start_kyc("check-1", NOW)
    customer.conclude_kyc("check-1", verdict, risk_score=score, reason=None, now=NOW)
    return customer


def moves(customer: Customer) -> list[tuple[str, str]]:
    events = [recorded.event for recorded in customer.pull_events()]
    return [(e.from_status, e.to_status) for e in events if isinstance(e, CustomerKycUpdatedEvent)]


def test_a_check_goes_from_not_started_to_a_verdict_and_tells_each_step() -> None:
    """The event says from where to where, and the score once it is known."""
    customer = a_checked_customer(KycStatus.APPROVED, score=12)
    assert (customer.kyc_status, customer.risk_score) == (KycStatus.APPROVED, 12)
    assert customer.kyc_expires_at == NOW + APPROVAL_LASTS
    assert moves(customer) == [("not_started", "pending"), ("pending", "approved")]


def test_news_of_another_check_or_repeated_news_change_nothing() -> None:
    """A provider may say everything twice, and late."""
    customer = a_checked_customer(KycStatus.REJECTED)
    customer.start_kyc("check-2", NOW)
    customer.pull_events()
    customer.conclude_kyc("check-1", KycStatus.APPROVED, risk_score=1, reason=None, now=NOW)
    assert customer.kyc_status is KycStatus.PENDING
    customer.conclude_kyc("check-2", KycStatus.NEEDS_REVIEW, risk_score=55, reason="name_unclear", now=NOW)
    customer.conclude_kyc("check-2", KycStatus.APPROVED, risk_score=1, reason=None, now=NOW)
    assert (customer.kyc_status, customer.risk_score) == (KycStatus.NEEDS_REVIEW, 55)
    assert moves(customer) == [("pending", "needs_review")]


def test_a_person_decides_what_was_left_open_and_may_take_an_approval_back() -> None:
    """Nothing else can be decided by hand."""
    customer = a_checked_customer(KycStatus.NEEDS_REVIEW)
    customer.review_kyc(KycStatus.APPROVED, reason="Passport seen.", now=NOW)
    with pytest.raises(KycTransitionInvalid):
        customer.review_kyc(KycStatus.APPROVED, reason=None, now=NOW)
    customer.review_kyc(KycStatus.REJECTED, reason="Passport forged.", now=NOW)
    assert (customer.kyc_status, customer.kyc_reason) == (KycStatus.REJECTED, "Passport forged.")
    assert customer.kyc_expires_at is None
    with pytest.raises(KycTransitionInvalid):
        customer.review_kyc(KycStatus.APPROVED, reason=None, now=NOW)


@pytest.mark.parametrize("status", [KycStatus.PENDING, KycStatus.NOT_STARTED, KycStatus.EXPIRED])
def test_a_review_knows_two_decisions(status: KycStatus) -> None:
    """The other states are no decisions."""
    with pytest.raises(KycTransitionInvalid):
        a_checked_customer(KycStatus.NEEDS_REVIEW).review_kyc(status, reason=None, now=NOW)


def test_an_approval_expires_when_its_time_is_over_and_not_before() -> None:
    """The moment itself is over; expiring twice changes nothing."""
    customer = a_checked_customer(KycStatus.APPROVED)
    customer.expire_kyc(NOW + APPROVAL_LASTS - timedelta(microseconds=1))
    assert moves(customer)[-1] == ("pending", "approved")
    customer.expire_kyc(NOW + APPROVAL_LASTS)
    customer.expire_kyc(NOW + APPROVAL_LASTS)
    assert moves(customer) == [("approved", "expired")]
    customer.start_kyc("check-2", NOW + APPROVAL_LASTS)
    assert customer.kyc_status is KycStatus.PENDING


@pytest.mark.parametrize("verdict", [KycStatus.APPROVED, KycStatus.NEEDS_REVIEW])
def test_no_second_check_starts_beside_an_open_or_approved_one(verdict: KycStatus) -> None:
    """Neither while one is pending."""
    with pytest.raises(KycTransitionInvalid):
        a_checked_customer(verdict).start_kyc("check-2", NOW)
    pending = a_customer()
    pending.start_kyc("check-1", NOW)
    with pytest.raises(KycTransitionInvalid):
        pending.start_kyc("check-2", NOW)


@pytest.mark.parametrize("score", [-1, 101, 1000])
def test_a_risk_score_is_0_to_100(score: int) -> None:
    """A provider that says otherwise is not believed."""
    with pytest.raises(ValidationError):
        a_checked_customer(KycStatus.APPROVED, score)


@given(st.lists(st.sampled_from(["start", "review_yes", "review_no", "expire", *VERDICTS]), max_size=30))
def test_whatever_is_tried_every_step_is_one_of_the_moves(steps: list[str | KycStatus]) -> None:
    """Refused steps leave no trace, an approval has an end exactly while it holds, and every change is an event."""
    customer, now, number = a_customer(), NOW, 0
    for step in steps:
        before, now = customer.kyc_status, now + timedelta(days=100)
        try:
            match step:
                case KycStatus():
                    customer.conclude_kyc(f"c{number}", step, risk_score=number % 101, reason=None, now=now)
                case "start":
                    customer.start_kyc(f"c{number + 1}", now)
                    number += 1
                case "expire":
                    customer.expire_kyc(now)
                case _:
                    verdict = KycStatus.APPROVED if step == "review_yes" else KycStatus.REJECTED
                    customer.review_kyc(verdict, reason=None, now=now)
        except KycTransitionInvalid:
            assert customer.kyc_status is before
        told = moves(customer)
        if customer.kyc_status is not before:
            assert customer.kyc_status in MOVES[before]
            assert told == [(before.value, customer.kyc_status.value)]
        else:
            assert told == []
        assert (customer.kyc_expires_at is not None) == (customer.kyc_status is KycStatus.APPROVED)


def test_only_a_deleted_customer_is_purged() -> None:
    """Erasing takes two steps, so that one slip does not lose a customer."""
    customer = a_customer()
    with pytest.raises(CustomerNotDeleted):
        customer.ensure_purgeable()
    customer.delete(NOW, "key_1")
    customer.ensure_purgeable()
