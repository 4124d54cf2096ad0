"""Verifying a payment method again: how often, and what it may do meanwhile."""

import pytest

from domain.customers.verification import (
    MAX_ROUNDS,
    MAX_TRIES,
    PaymentMethodVerificationFailed,
    VerificationExhausted,
    VerificationStatus,
)
from tests.domain.customers.test_payment_method import NOW, an_account


def test_asking_again_does_not_make_a_failed_method_good() -> None:
    """It pays once it is verified, and not while it is asked about."""
    account = an_account()
    account.begin_verification("check-1", NOW)
    account.ensure_usable_by(account.customer_id, NOW)
    account.conclude_verification("check-1", NOW, failure_code="account_closed")
    account.begin_verification("check-2", NOW)
    assert not account.is_usable(NOW)
    with pytest.raises(PaymentMethodVerificationFailed):
        account.ensure_usable_by(account.customer_id, NOW)
    account.conclude_verification("check-2", NOW, deposits=(32, 45))
    account.confirm_deposits((32, 45), NOW)
    account.ensure_usable_by(account.customer_id, NOW)


def test_nobody_asks_and_guesses_for_ever() -> None:
    """After the last round there is none, whatever the earlier ones came to."""
    account = an_account()
    for number in range(MAX_ROUNDS):
        account.begin_verification(f"check-{number}", NOW)
        account.conclude_verification(f"check-{number}", NOW, deposits=(32, 45))
        for _ in range(MAX_TRIES):
            account.confirm_deposits((1, 2), NOW)
    with pytest.raises(VerificationExhausted):
        account.begin_verification("one-more", NOW)
    assert account.verification is VerificationStatus.FAILED
