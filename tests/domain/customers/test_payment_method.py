"""What the kinds of payment methods are, how they expire, which is the default, and how they are verified."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.customers.default_method import keep_a_default
from domain.customers.method_details import (
    CardFunding,
    InvalidProviderToken,
    InvalidWalletAddress,
    MethodDetails,
    PaymentMethodType,
    WalletNetwork,
)
from domain.customers.payment_method import (
    EXPIRES_SOON,
    MAX_METHODS,
    PaymentMethod,
    PaymentMethodExpired,
    PaymentMethodLimit,
)
from domain.customers.verification import (
    MAX_TRIES,
    PaymentMethodVerificationFailed,
    VerificationStatus,
    VerificationTransitionInvalid,
    VerificationUnsupported,
)
from domain.shared.errors import ValidationError
from domain.shared.ids import CustomerId, OrganizationId, PaymentMethodId

NOW = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
CARD = MethodDetails(brand="visa", funding=CardFunding.DEBIT, last_four="4242", expiry_month=3, expiry_year=2027)
BANK = MethodDetails(bank_name="Harbour Bank", country="SE", last_four="0042")
WALLET = MethodDetails(network=WalletNetwork.BASE, address="0x52908400098527886E0F7030069857D2E4169EE7")


def a_method(
    siblings: Sequence[PaymentMethod] = (), *, type: PaymentMethodType = PaymentMethodType.CARD,
    details: MethodDetails = CARD, token: str | None = "tok_visa_ok_k3v9", now: datetime = NOW, number: int = 3,
) -> PaymentMethod:  # fmt: skip
    return PaymentMethod.add(
        siblings, id=PaymentMethodId(UUID(int=number)), organization_id=OrganizationId(UUID(int=1)),
        customer_id=CustomerId(UUID(int=2)), type=type, provider_token=token, details=details, now=now,
    )  # fmt: skip


def an_account() -> PaymentMethod:
    return a_method(type=PaymentMethodType.BANK, details=BANK)


def a_wallet() -> PaymentMethod:
    return a_method(type=PaymentMethodType.WALLET, details=WALLET, token=None)


def test_a_wallets_address_is_written_in_lower_case_and_stands_for_a_token() -> None:
    """Both spellings of an address are one wallet."""
    wallet = a_wallet()
    assert wallet.address == "0x52908400098527886e0f7030069857d2e4169ee7"
    assert wallet.provider_token == "base:0x52908400098527886e0f7030069857d2e4169ee7"


@pytest.mark.parametrize(
    "address", ["0x", "52908400098527886e0f7030069857d2e4169ee7", "0x" + "g" * 40, "0x" + "0" * 41]
)
def test_a_wallets_address_is_checked(address: str) -> None:
    """What no chain has is refused."""
    with pytest.raises(InvalidWalletAddress):
        a_method(
            type=PaymentMethodType.WALLET, token=None,
            details=MethodDetails(network=WalletNetwork.BASE, address=address),
        )  # fmt: skip


@pytest.mark.parametrize(
    ("type", "details", "path"),
    [
        (PaymentMethodType.CARD, MethodDetails(bank_name="Harbour Bank"), "bank_name"),
        (PaymentMethodType.CARD, MethodDetails(address="0x"), "address"),
        (PaymentMethodType.BANK, MethodDetails(bank_name="B", country="SE", last_four="0042", brand="visa"), "brand"),
        (PaymentMethodType.BANK, MethodDetails(bank_name="Harbour Bank", country="SE"), "last_four"),
        (PaymentMethodType.BANK, MethodDetails(country="SE", last_four="0042"), "bank_name"),
        (PaymentMethodType.BANK, MethodDetails(bank_name="B", country="sweden", last_four="0042"), "country"),
        (PaymentMethodType.WALLET, MethodDetails(network=WalletNetwork.BASE), "address"),
        (PaymentMethodType.WALLET, MethodDetails(address="0x", network=WalletNetwork.BASE, last_four="4"), "last_four"),
    ],
)
def test_each_kind_has_the_details_it_has(type: PaymentMethodType, details: MethodDetails, path: str) -> None:
    """A detail of another kind, or one that is missing, is named."""
    with pytest.raises(ValidationError) as refused:
        details.checked(type)
    assert refused.value.details["path"] == path


def test_cards_and_accounts_need_a_token_and_wallets_have_none() -> None:
    """A wallet is no secret of a provider."""
    for type, details in ((PaymentMethodType.CARD, CARD), (PaymentMethodType.BANK, BANK)):
        with pytest.raises(InvalidProviderToken):
            a_method(type=type, details=details, token=None)
    with pytest.raises(ValidationError):
        a_method(type=PaymentMethodType.WALLET, details=WALLET)


@pytest.mark.parametrize("field", ["brand", "bank_name"])
def test_no_card_number_hides_in_a_detail(field: str) -> None:
    """Free text is looked through."""
    type = PaymentMethodType.CARD if field == "brand" else PaymentMethodType.BANK
    known = {} if field == "brand" else {"country": "SE", "last_four": "0042"}
    with pytest.raises(ValidationError) as refused:
        MethodDetails(**{**known, field: "4242 4242 4242 4242"}).checked(type)  # type: ignore[arg-type]  # reason: by name
    assert "4242" not in str(refused.value)


def test_a_customer_has_few_methods() -> None:
    """All of them are read whenever one changes."""
    methods: list[PaymentMethod] = []
    for number in range(MAX_METHODS):
        methods.append(a_method(methods, number=number + 1))
    with pytest.raises(PaymentMethodLimit):
        a_method(methods)


@given(month=st.integers(1, 12), year=st.integers(2000, 2100), at=st.datetimes(timezones=st.just(UTC)))
def test_expiring_is_computed_from_the_last_month(month: int, year: int, at: datetime) -> None:
    """Good until the first moment of the month after; soon is within thirty days before; never both."""
    method = a_method()
    method.expiry_month, method.expiry_year = month, year
    end = method.expires_at
    assert end is not None
    assert ((end - timedelta(microseconds=1)).year, (end - timedelta(microseconds=1)).month) == (year, month)
    assert method.is_expired(at) == ((at.year, at.month) > (year, month))
    assert not (method.is_expired(at) and method.expires_soon(at))
    if method.expires_soon(at):
        assert end - at <= EXPIRES_SOON
        assert method.is_usable(at)


def test_only_a_card_expires() -> None:
    """An account cannot be given an expiry, nor an expired one to a card."""
    account, card = an_account(), a_method()
    assert (account.expires_at, account.is_expired(NOW), account.expires_soon(NOW)) == (None, False, False)
    with pytest.raises(ValidationError):
        account.edit(NOW, expiry_month=3, expiry_year=2030, billing_name=None, metadata={})
    with pytest.raises(PaymentMethodExpired):
        card.edit(NOW, expiry_month=2, expiry_year=2026, billing_name=None, metadata={})


class Methods:
    """A customer's methods under whatever can be done to them; removed ones leave."""

    def __init__(self) -> None:
        self.all: list[PaymentMethod] = []
        self.now = NOW
        self.number = 0

    def do(self, step: tuple[str, int]) -> None:
        """Add one that expires in some months, remove one, make one the default, or let one fail."""
        what, at = step
        self.now += timedelta(days=20)
        self.number += 1
        if what == "add" and len(self.all) < MAX_METHODS:
            last = self.now + timedelta(days=31 * at)
            details = MethodDetails(expiry_month=last.month, expiry_year=last.year)
            self.all.append(a_method(self.all, details=details, now=self.now, number=self.number))
        elif self.all:
            method = self.all[at % len(self.all)]
            if what == "remove":
                method.remove(self.now, "key_1", in_use=False)
                self.all.remove(method)
                keep_a_default(self.all, self.now)
            elif what == "default" and method.is_usable(self.now):
                method.make_default(self.all, self.now)
            elif what == "fail" and method.is_usable(self.now) and method.verified_at is None:
                method.begin_verification(str(self.number), self.now)
                method.conclude_verification(str(self.number), self.now, failure_code="card_declined")


STEPS = st.tuples(st.sampled_from(["add", "remove", "default", "fail"]), st.integers(0, 30))


@given(st.lists(STEPS, max_size=40))
def test_who_has_methods_has_exactly_one_default(steps: list[tuple[str, int]]) -> None:
    """Whatever is added, removed, expires, fails or is made the default; a removed one is never it."""
    methods = Methods()
    for step in steps:
        removing = step[0] == "remove"
        before = [method for method in methods.all if method.is_default]
        methods.do(step)
        defaults = [method for method in methods.all if method.is_default]
        assert len(defaults) == (1 if methods.all else 0)
        if removing and defaults and before != defaults:
            usable = [method for method in methods.all if method.is_usable(methods.now)]
            assert defaults[0] is max(usable or methods.all, key=lambda method: (method.created_at, method.id))


def test_the_place_is_given_up_before_it_is_taken() -> None:
    """The order in which things happen is the order in which they are written, and the database allows one default."""
    first = a_method()
    second = a_method([first], number=4)
    for method in (first, second):
        method.pull_events()
    second.make_default([first, second], NOW)
    assert first.first_event_order < second.first_event_order
    assert (first.is_default, second.is_default) == (False, True)


def test_an_expired_or_failed_method_does_not_become_the_default_nor_pay() -> None:
    """Neither is usable."""
    expired, failed = a_method(), a_method(number=4)
    with pytest.raises(PaymentMethodExpired):
        expired.make_default([], NOW + timedelta(days=400))
    failed.begin_verification("check-1", NOW)
    failed.conclude_verification("check-1", NOW, failure_code="card_declined")
    with pytest.raises(PaymentMethodVerificationFailed):
        failed.make_default([], NOW)
    with pytest.raises(PaymentMethodVerificationFailed):
        failed.ensure_usable_by(CustomerId(UUID(int=2)), NOW)


def test_a_card_is_verified_once_and_a_failed_one_may_be_asked_again() -> None:
    """News of an earlier asking change nothing."""
    card = a_method()
    card.begin_verification("check-1", NOW)
    with pytest.raises(VerificationTransitionInvalid):
        card.begin_verification("check-2", NOW)
    card.conclude_verification("check-1", NOW, failure_code="card_declined")
    assert (card.verification, card.verification_failure) == (VerificationStatus.FAILED, "card_declined")
    card.begin_verification("check-2", NOW)
    card.conclude_verification("check-1", NOW, failure_code="late")
    card.conclude_verification("check-2", NOW)
    assert (card.verification, card.verified_at, card.verification_failure) == (VerificationStatus.VERIFIED, NOW, None)
    with pytest.raises(VerificationTransitionInvalid):
        card.begin_verification("check-3", NOW)


def standing(account: PaymentMethod) -> tuple[VerificationStatus, int | None]:
    return account.verification, account.verification_tries_left


def test_who_can_name_the_deposits_has_the_account() -> None:
    """In any order; before they were sent nobody is asked."""
    account = an_account()
    account.begin_verification("check-1", NOW)
    with pytest.raises(VerificationTransitionInvalid):
        account.confirm_deposits((32, 45), NOW)
    account.conclude_verification("check-1", NOW, deposits=(32, 45))
    account.conclude_verification("check-1", NOW, deposits=(1, 2))
    assert standing(account) == (VerificationStatus.PENDING, MAX_TRIES)
    account.confirm_deposits((32, 44), NOW)
    assert standing(account) == (VerificationStatus.PENDING, MAX_TRIES - 1)
    account.confirm_deposits((45, 32), NOW)
    assert standing(account) == (VerificationStatus.VERIFIED, None)


def test_the_third_wrong_answer_is_the_last() -> None:
    """The right one comes too late then; asking again sends other deposits under another name."""
    account = an_account()
    account.begin_verification("check-1", NOW)
    account.conclude_verification("check-1", NOW, deposits=(32, 45))
    for _ in range(MAX_TRIES):
        account.confirm_deposits((1, 2), NOW)
    assert (account.verification, account.verification_failure) == (VerificationStatus.FAILED, "deposits_mismatch")
    with pytest.raises(VerificationTransitionInvalid):
        account.confirm_deposits((32, 45), NOW)
    account.begin_verification("check-2", NOW)
    assert account.verification_tries == 0


def test_nobody_verifies_a_wallet_and_the_deposits_are_shown_nowhere() -> None:
    """Neither in the representation nor in an event."""
    with pytest.raises(VerificationUnsupported):
        a_wallet().begin_verification("check-1", NOW)
    account = an_account()
    account.begin_verification("check-1", NOW)
    account.conclude_verification("check-1", NOW, deposits=(32, 45))
    assert str(account.deposits_digest) not in repr(account)
    assert "32" not in repr([recorded.event for recorded in account.pull_events()])
