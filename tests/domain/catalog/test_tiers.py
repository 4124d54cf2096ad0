"""Tiers: validated without a hole, computed without a rounding."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.catalog.price_terms import PriceTerms, PricingModel
from domain.catalog.tiers import (
    MAX_QUANTITY,
    Tier,
    TiersCurrencyMixed,
    TiersDescending,
    TiersFree,
    TiersGap,
    TiersMissing,
    TiersOverlap,
    TiersUnbounded,
    check_tiers,
)
from domain.shared.errors import ValidationError
from domain.shared.money import MAX_MINOR, InvalidAmount, Money


def tier(up_to: int | None, minor: int = 100, flat: int | None = None, currency: str = "EUR") -> Tier:
    return Tier(
        up_to=up_to, unit_amount=Money(minor, currency), flat_amount=None if flat is None else Money(flat, currency)
    )


@st.composite
def valid_tiers(draw: st.DrawFn) -> tuple[Tier, ...]:
    """Draw tiers whose last one has no end."""
    bounds = sorted(draw(st.sets(st.integers(1, 60), max_size=5)))
    amounts = st.integers(0, 10**15)
    tiers = [tier(bound, draw(amounts), draw(st.none() | amounts)) for bound in bounds]
    # The last one costs something, so that not all of them are free.
    return (*tiers, tier(None, draw(st.integers(1, 10**15)), draw(st.none() | amounts)))


def by_the_unit(tiers: tuple[Tier, ...], quantity: int) -> int:
    """Add up unit by unit, each in the tier it falls into, and once the flat amount of every tier that was entered."""
    total, entered = 0, set[int]()
    for unit in range(1, quantity + 1):
        at = next(n for n, each in enumerate(tiers) if each.up_to is None or unit <= each.up_to)
        total += tiers[at].unit_amount.minor
        entered.add(at)
    return total + sum(flat.minor for n in entered if (flat := tiers[n].flat_amount) is not None)


@given(valid_tiers(), st.integers(1, 80))
def test_a_graduated_total_is_what_the_single_units_cost(tiers: tuple[Tier, ...], quantity: int) -> None:
    """However many tiers are entered, and exactly at their bounds."""
    terms = PriceTerms(model=PricingModel.GRADUATED, tiers=tiers)
    terms.check()
    assert terms.total(quantity) == Money(by_the_unit(tiers, quantity), "EUR")


@given(valid_tiers(), st.integers(1, 80))
def test_a_volume_total_is_that_of_one_tier(tiers: tuple[Tier, ...], quantity: int) -> None:
    """The first that reaches the quantity prices all units, and its flat amount is due once."""
    terms = PriceTerms(model=PricingModel.VOLUME, tiers=tiers)
    terms.check()
    (only, *_) = [each for each in tiers if each.up_to is None or quantity <= each.up_to]
    flat = 0 if only.flat_amount is None else only.flat_amount.minor
    assert terms.total(quantity) == Money(only.unit_amount.minor * quantity + flat, "EUR")


@given(valid_tiers(), st.integers(1, 80))
def test_both_models_agree_within_the_first_tier(tiers: tuple[Tier, ...], quantity: int) -> None:
    """They differ only once a second tier is entered."""
    within = min(quantity, tiers[0].up_to or quantity)
    graduated, volume = (
        PriceTerms(model=model, tiers=tiers) for model in (PricingModel.GRADUATED, PricingModel.VOLUME)
    )
    assert graduated.total(within) == volume.total(within)


@pytest.mark.parametrize(
    ("tiers", "error", "path"),
    [
        ([], TiersMissing, "tiers"),
        ([tier(10), tier(10), tier(None)], TiersOverlap, "tiers.1.up_to"),
        ([tier(10), tier(None), tier(None)], TiersUnbounded, "tiers.1.up_to"),
        ([tier(None), tier(10)], TiersUnbounded, "tiers.0.up_to"),
        ([tier(10), tier(5), tier(None)], TiersDescending, "tiers.1.up_to"),
        ([tier(0), tier(None)], TiersDescending, "tiers.0.up_to"),
        ([tier(-3), tier(None)], TiersDescending, "tiers.0.up_to"),
        ([tier(10), tier(20)], TiersGap, "tiers.1.up_to"),
        ([tier(MAX_QUANTITY - 1)], TiersGap, "tiers.0.up_to"),
        ([tier(10), tier(None, currency="USD")], TiersCurrencyMixed, "tiers.1.unit_amount"),
        ([tier(10, -1), tier(None)], InvalidAmount, "tiers.0.unit_amount"),
        ([tier(10, 1, -1), tier(None)], InvalidAmount, "tiers.0.flat_amount"),
        ([tier(10, 0), tier(None, 0, 0)], TiersFree, "tiers"),
    ],
)
def test_tiers_that_leave_a_doubt_are_refused(tiers: list[Tier], error: type[ValidationError], path: str) -> None:
    """Each mistake has a code of its own and says where it is."""
    with pytest.raises(error) as refused:
        check_tiers(tiers, None)
    assert refused.value.details["path"] == path


def test_a_flat_amount_in_another_currency_is_refused() -> None:
    """Nothing converts silently."""
    mixed = Tier(up_to=None, unit_amount=Money(1, "EUR"), flat_amount=Money(1, "USD"))
    with pytest.raises(TiersCurrencyMixed):
        check_tiers([mixed], None)


def test_the_last_tier_may_end_where_the_quantities_do() -> None:
    """Beyond the largest quantity on offer there is nothing to price."""
    check_tiers([tier(10), tier(20)], 20)
    check_tiers([tier(MAX_QUANTITY)], None)
    with pytest.raises(TiersGap) as refused:
        check_tiers([tier(10), tier(20)], 21)
    assert refused.value.details["uncovered_from"] == 21


@pytest.mark.parametrize("model", [PricingModel.GRADUATED, PricingModel.VOLUME])
def test_a_tiered_total_beyond_64_bits_is_refused(model: PricingModel) -> None:
    """Also when only the flat amount is too much."""
    terms = PriceTerms(model=model, tiers=(tier(None, MAX_MINOR - 1, 2),))
    with pytest.raises(InvalidAmount):
        terms.total(1)
