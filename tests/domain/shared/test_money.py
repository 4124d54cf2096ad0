"""Money is exact, bounded and of one currency."""

import operator
from collections.abc import Callable
from decimal import Decimal, localcontext
from fractions import Fraction

import iso4217
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.shared.currencies import EXPONENTS
from domain.shared.money import (
    MAX_MINOR,
    CurrencyMismatch,
    InvalidAllocation,
    InvalidAmount,
    InvalidCurrency,
    Money,
)

minors = st.integers(-MAX_MINOR, MAX_MINOR)
currencies = st.sampled_from(sorted(EXPONENTS))
amounts = st.builds(Money, minors, currencies)
ratio_lists = st.lists(st.integers(0, 10**12), min_size=1, max_size=30).filter(any)


def test_the_currencies_are_all_active_ones_with_a_minor_unit() -> None:
    """The table equals the maintained library's, less the codes without a minor unit."""
    maintained = {currency.code: currency.exponent for currency in iso4217.Currency if currency.exponent is not None}
    assert maintained == EXPONENTS


def test_codes_without_a_minor_unit_are_exactly_the_documented_ones() -> None:
    """Metals, bond market units, institutional units and the reserved codes are no money here."""
    without = {currency.code for currency in iso4217.Currency if currency.exponent is None}
    assert without == {"XAG", "XAU", "XPD", "XPT", "XBA", "XBB", "XBC", "XBD", "XDR", "XSU", "XUA", "XTS", "XXX"}


@pytest.mark.parametrize(
    ("minor", "currency", "exponent", "shown"),
    [
        (1250, "EUR", 2, "12.50"),
        (-5, "EUR", 2, "-0.05"),
        (1250, "JPY", 0, "1250"),
        (1250, "KWD", 3, "1.250"),
        (1250, "CLF", 4, "0.1250"),
        (0, "EUR", 2, "0.00"),
    ],
)
def test_the_decimal_view_has_the_currencys_decimals(minor: int, currency: str, exponent: int, shown: str) -> None:
    """Minor units are shown in major units without rounding."""
    money = Money.of(minor, currency)
    assert money.exponent == exponent
    assert str(money.decimal) == shown


@given(amounts)
def test_decimals_read_back_as_the_same_money(money: Money) -> None:
    """The decimal view is exact in both directions."""
    assert Money.from_decimal(money.decimal, money.currency) == money


@given(amounts)
def test_the_decimal_context_changes_nothing(money: Money) -> None:
    """A context of low precision elsewhere in the process cannot round money."""
    with localcontext(prec=1):
        assert Money.from_decimal(money.decimal, money.currency) == money


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("0.001", "EUR"),
        ("1.230", "EUR"),
        ("0.1", "JPY"),
        ("1.0001", "KWD"),
        ("NaN", "EUR"),
        ("sNaN", "EUR"),
        ("Infinity", "EUR"),
        ("-Infinity", "EUR"),
        ("1E+999999", "EUR"),
        ("92233720368547758.08", "EUR"),
    ],
)
def test_decimals_that_are_no_exact_amount_are_refused(amount: str, currency: str) -> None:
    """Nothing is rounded, and nothing huge is computed."""
    with pytest.raises(InvalidAmount):
        Money.from_decimal(Decimal(amount), currency)


def test_decimals_with_fewer_places_are_fine() -> None:
    """A whole number of euros is an amount of cents."""
    assert Money.from_decimal(Decimal("1E+2"), "EUR") == Money(10_000, "EUR")


@pytest.mark.parametrize("minor", [True, 1.0, "1", None, Decimal(1), MAX_MINOR + 1, -MAX_MINOR - 1])
def test_amounts_are_integers_of_64_bits(minor: object) -> None:
    """Booleans, fractions and text are no amounts."""
    with pytest.raises(InvalidAmount) as refused:
        Money.of(minor, "EUR")  # type: ignore[arg-type]  # reason: the wrong types are what is tested
    assert refused.value.code == "amount_invalid"


@pytest.mark.parametrize("currency", ["eur", "EURO", "", "XXX", "XTS", "XAU", "HRK", "EUR ", None, ["EUR"]])
def test_currencies_are_active_upper_case_codes(currency: object) -> None:
    """Neither lower case, nor withdrawn codes, nor codes without a minor unit."""
    with pytest.raises(InvalidCurrency) as refused:
        Money.of(1, currency)  # type: ignore[arg-type]  # reason: the wrong types are what is tested
    assert refused.value.code == "currency_invalid"


def test_arithmetic_is_that_of_integers() -> None:
    """Sums, differences, multiples and signs."""
    ten, three = Money(10, "EUR"), Money(3, "EUR")
    assert ten + three == Money(13, "EUR")
    assert three - ten == Money(-7, "EUR")
    assert ten * 3 == 3 * ten == Money(30, "EUR")
    assert abs(-ten) == ten
    assert sum([ten, three], start=Money.zero("EUR")) == Money(13, "EUR")


def test_arithmetic_that_leaves_64_bits_is_refused() -> None:
    """An overflow is a named error here, not a failure of the database later."""
    most = Money(MAX_MINOR, "EUR")
    with pytest.raises(InvalidAmount):
        _ = most + Money(1, "EUR")
    with pytest.raises(InvalidAmount):
        _ = -most - Money(1, "EUR")
    with pytest.raises(InvalidAmount):
        _ = most * 2


@pytest.mark.parametrize(
    "combine",
    [operator.add, operator.sub, operator.lt, operator.le, operator.gt, operator.ge],
)
def test_two_currencies_never_meet(combine: Callable[[Money, Money], object]) -> None:
    """Neither arithmetic nor order crosses currencies."""
    with pytest.raises(CurrencyMismatch) as refused:
        combine(Money(1, "EUR"), Money(1, "USD"))
    assert refused.value.code == "currency_mismatch"


def test_equality_across_currencies_is_just_false() -> None:
    """Different money is different, which is no error."""
    assert Money(1, "EUR") != Money(1, "USD")


@pytest.mark.parametrize(
    "combine",
    [operator.add, operator.sub, operator.lt, operator.le, operator.gt, operator.ge],
)
@pytest.mark.parametrize("other", [1, 0.5, "1", None])
def test_money_meets_nothing_but_money(combine: Callable[[object, object], object], other: object) -> None:
    """A bare number has no currency."""
    with pytest.raises(TypeError):
        combine(Money(1, "EUR"), other)


@pytest.mark.parametrize("factor", [0.5, True, Decimal(2)])
def test_money_is_multiplied_by_integers_only(factor: object) -> None:
    """Fractions are a matter of allocating."""
    with pytest.raises(TypeError):
        operator.mul(Money(1, "EUR"), factor)


@given(minors, minors)
def test_order_is_that_of_the_minor_units(one: int, other: int) -> None:
    """Within a currency money sorts like integers."""
    a, b = Money(one, "EUR"), Money(other, "EUR")
    assert (a < b, a <= b, a > b, a >= b, a == b) == (
        one < other,
        one <= other,
        one > other,
        one >= other,
        one == other,
    )


@given(minors)
def test_exactly_one_sign_holds(minor: int) -> None:
    """An amount is zero, positive or negative."""
    money = Money(minor, "EUR")
    assert (money.is_zero, money.is_positive, money.is_negative) == (minor == 0, minor > 0, minor < 0)


@given(amounts, ratio_lists)
def test_shares_add_up_and_are_within_a_unit_of_proportion(money: Money, ratios: list[int]) -> None:
    """Allocation loses nothing and favours nobody by a whole unit."""
    shares = money.allocate(ratios)
    assert sum(share.minor for share in shares) == money.minor
    for share, ratio in zip(shares, ratios, strict=True):
        assert abs(share.minor - Fraction(money.minor * ratio, sum(ratios))) < 1
        assert ratio or share.is_zero


@given(amounts, ratio_lists)
def test_negative_amounts_share_like_positive_ones(money: Money, ratios: list[int]) -> None:
    """A refund is split the way its payment was."""
    assert (-money).allocate(ratios) == [-share for share in money.allocate(ratios)]


def test_left_over_units_go_to_the_largest_remainders_then_to_the_first() -> None:
    """Ties are broken by position, so that a split can be repeated."""
    assert [share.minor for share in Money(100, "EUR").allocate([1, 1, 1])] == [34, 33, 33]
    assert [share.minor for share in Money(5, "EUR").allocate([3, 7])] == [2, 3]
    assert [share.minor for share in Money(10, "EUR").allocate([1, 1, 4])] == [2, 2, 6]


@pytest.mark.parametrize("ratios", [[], [0], [0, 0], [1, -1], [True], [0.5]])
def test_ratios_that_share_nothing_are_refused(ratios: list[int]) -> None:
    """Empty, all zero, negative and fractional ratios."""
    with pytest.raises(InvalidAllocation):
        Money(1, "EUR").allocate(ratios)


def test_the_constructor_trusts_but_the_exponent_does_not() -> None:
    """A row with an unknown currency hydrates and fails when its decimals are asked for."""
    with pytest.raises(InvalidCurrency):
        _ = Money(1, "???").decimal
