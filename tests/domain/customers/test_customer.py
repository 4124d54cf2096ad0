"""Customers and how they pay."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.customers.customer import Customer, CustomerHasOpenOrders, InvalidCountry
from domain.customers.default_method import keep_a_default
from domain.customers.method_details import InvalidProviderToken, MethodDetails, PaymentMethodType
from domain.customers.payment_method import (
    PaymentMethod,
    PaymentMethodExpired,
    PaymentMethodInUse,
    PaymentMethodMismatch,
)
from domain.customers.specifications import customers_matching, methods_of
from domain.shared.errors import ValidationError
from domain.shared.ids import CustomerId, OrganizationId, PaymentMethodId
from domain.shared.text import InvalidEmail, InvalidText

NOW = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
ORGANIZATION = OrganizationId(UUID(int=1))
CUSTOMER = CustomerId(UUID(int=2))
TOKEN = "tok_visa_ok_k3v9"


def a_customer(email: str = "Mara@Example.org", country: str | None = "SE", external_id: str | None = "x1") -> Customer:
    return Customer.create(
        id=CUSTOMER,
        organization_id=ORGANIZATION,
        email=email,
        name="Mara",
        country=country,
        external_id=external_id,
        now=NOW,
    )


def a_method(
    *siblings: PaymentMethod,
    n: int = 3,
    token: str = TOKEN,
    last_four: str | None = "4242",
    expiry: tuple[int | None, int | None] = (3, 2026),
    now: datetime = NOW,
) -> PaymentMethod:
    return PaymentMethod.add(
        siblings,
        id=PaymentMethodId(UUID(int=n)),
        organization_id=ORGANIZATION,
        customer_id=CUSTOMER,
        type=PaymentMethodType.CARD,
        provider_token=token,
        details=MethodDetails(brand="visa", last_four=last_four, expiry_month=expiry[0], expiry_year=expiry[1]),
        now=now,
    )


def test_a_customer_is_known_by_the_canonical_address() -> None:
    """Events tell nothing of who it is."""
    customer = a_customer()
    assert customer.email == "mara@example.org"
    assert "mara" not in repr(customer.pull_events()).lower()


def test_a_customer_is_not_created_on_bad_values() -> None:
    """Each value is checked by its own rule."""
    with pytest.raises(InvalidEmail):
        a_customer(email="mara")
    with pytest.raises(InvalidText):
        a_customer(external_id=" ")


@pytest.mark.parametrize("country", ["se", "SWE", "S", "", "5E", "ÅE", "SE\n"])
def test_a_country_has_two_upper_case_letters(country: str) -> None:
    """Nothing is guessed from other spellings."""
    with pytest.raises(InvalidCountry):
        a_customer(country=country)


def test_editing_a_customer_changes_what_differs() -> None:
    """Null takes a value away."""
    customer = a_customer()
    customer.edit(NOW, email="mara@example.org", name="Mara L", external_id=None, country=None, metadata={})
    assert (customer.name, customer.external_id, customer.country) == ("Mara L", None, None)


def test_a_customer_with_open_orders_stays() -> None:
    """Nothing is deleted while money may still move, neither customer nor methods."""
    customer, method = a_customer(), a_method()
    with pytest.raises(CustomerHasOpenOrders):
        customer.remove([method], NOW, "key_1", has_open_orders=True)
    assert not customer.is_deleted
    assert not method.is_deleted


def test_a_deleted_customer_takes_the_payment_methods_along() -> None:
    """No token outlives its customer."""
    customer, method = a_customer(), a_method()
    customer.remove([method], NOW, "key_1", has_open_orders=False)
    assert customer.is_deleted
    assert method.is_deleted


def test_the_first_method_is_the_default_and_the_second_is_not() -> None:
    """A customer with methods always has exactly one default."""
    first = a_method()
    second = a_method(first, n=4)
    assert (first.is_default, second.is_default) == (True, False)


def test_the_newest_remaining_method_becomes_the_default() -> None:
    """Removing the default hands its place on; removing another changes nothing."""
    first = a_method()
    second = a_method(first, n=4, now=NOW + timedelta(seconds=1))
    third = a_method(first, second, n=5, now=NOW + timedelta(seconds=2), expiry=(None, None))
    keep_a_default([first, second, third], NOW)
    assert first.is_default
    first.remove(NOW, "key_1", in_use=False)
    keep_a_default([second, third], NOW)
    assert [method.is_default for method in (first, second, third)] == [False, False, True]
    keep_a_default([], NOW)


def test_a_method_in_use_stays() -> None:
    """A payment on its way needs it."""
    method = a_method()
    with pytest.raises(PaymentMethodInUse):
        method.remove(NOW, "key_1", in_use=True)
    assert method.is_default


@pytest.mark.parametrize(
    ("now", "expired"),
    [
        (datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC), False),
        (datetime(2026, 4, 1, tzinfo=UTC), True),
        (datetime(2027, 1, 1, tzinfo=UTC), True),
    ],
)
def test_a_card_is_good_until_its_month_is_over(now: datetime, *, expired: bool) -> None:
    """The expiry month itself belongs to it."""
    assert a_method().is_expired(now) is expired
    assert not a_method(expiry=(None, None)).is_expired(now)


def test_an_expired_or_foreign_method_pays_nothing() -> None:
    """Neither is it added when it has expired before."""
    method = a_method()
    method.ensure_usable_by(CUSTOMER, NOW)
    with pytest.raises(PaymentMethodMismatch):
        method.ensure_usable_by(CustomerId(UUID(int=9)), NOW)
    with pytest.raises(PaymentMethodExpired):
        method.ensure_usable_by(CUSTOMER, NOW + timedelta(days=30))
    with pytest.raises(PaymentMethodExpired):
        a_method(expiry=(2, 2026))


@pytest.mark.parametrize(
    "token",
    [
        "short12",
        "tok_" + "x" * 252,
        "tok with space",
        "tök_visa_1",
        "tok_visa_1\n",
        "4242424242424242",
        "tok_4242424242424242",
        "tok4242424242424242x",
        "4242-4242-4242-4242",
        "tok_378282246310005",
    ],
)
def test_no_card_number_passes_for_a_token(token: str) -> None:
    """Neither do texts that no provider makes; none is repeated in the error."""
    with pytest.raises(InvalidProviderToken) as refused:
        a_method(token=token)
    assert token not in str(refused.value)


@pytest.mark.parametrize("token", ["tok_4242424242424243", "pm_1MqLiJLkdIwHu7ix", "tok_424242424242", "x" * 255])
def test_what_providers_make_passes(token: str) -> None:
    """Digits alone make no card number."""
    assert a_method(token=token).provider_token == token


def test_a_token_is_shown_nowhere() -> None:
    """Neither the representation nor an event holds it."""
    method = a_method()
    assert TOKEN not in repr(method)
    assert TOKEN not in repr(method.pull_events())


@pytest.mark.parametrize("last_four", ["424", "42424", "42a2", "٤٢٤٢", ""])
def test_the_last_four_are_four_digits(last_four: str) -> None:
    """Of the ASCII kind."""
    with pytest.raises(ValidationError):
        a_method(last_four=last_four)


@pytest.mark.parametrize("expiry", [(3, None), (None, 2030), (0, 2030), (13, 2030), (3, 99), (3, 2101)])
def test_an_expiry_is_a_month_of_a_year(expiry: tuple[int | None, int | None]) -> None:
    """Month and year come together."""
    with pytest.raises(ValidationError):
        a_method(expiry=expiry)


def test_customers_and_methods_are_found_by_what_is_asked() -> None:
    """What is not asked excludes nothing."""
    customer, method = a_customer(), a_method()
    assert customers_matching().is_satisfied_by(customer)
    assert customers_matching(
        text="MAR", email="mara@example.org", external_id="x1", country="SE"
    ).is_satisfied_by(customer)  # fmt: skip
    assert not customers_matching(country="NO").is_satisfied_by(customer)
    assert methods_of(CUSTOMER).is_satisfied_by(method)
