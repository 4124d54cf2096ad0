"""Tokens stand for money exactly, or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.settlements.accepted_token import InvalidAcceptedToken, demand_of
from domain.shared.currencies import EXPONENTS
from domain.shared.money import InvalidCurrency, Money
from tests.domain.settlements.builders import NOW, a_token

EUR = Money(1250, "EUR")


@given(st.integers(1, 2**63 - 1), st.integers(0, 36), st.sampled_from(("EUR", "JPY", "KWD")))
def test_no_unit_is_lost_or_made(minor: int, decimals: int, currency: str) -> None:
    """Units and minor units are the same amount, whichever of them is finer."""
    units = a_token(decimals=decimals, currency=currency).units_of(Money(minor, currency))
    scale = EXPONENTS[currency]
    if units is None:
        assert minor % 10 ** (scale - decimals)
    else:
        assert units * 10**scale == minor * 10**decimals


def test_a_token_that_is_too_coarse_is_not_offered() -> None:
    """Nothing is rounded: twelve euros fifty cannot be paid in whole tokens."""
    coarse = a_token(decimals=0)
    assert coarse.offer_for(EUR) is None
    assert demand_of(EUR, "Espresso", [coarse]) is None
    offer = coarse.offer_for(Money(1200, "EUR"))
    assert offer is not None
    assert offer.amount == 12


def test_an_archived_token_and_another_currency_are_not_offered() -> None:
    """A token stands for one currency, as long as it is accepted."""
    token = a_token()
    assert token.offer_for(Money(1250, "USD")) is None
    token.delete(NOW, "usr_1")
    assert token.offer_for(EUR) is None


def test_a_demand_names_every_token_that_can_pay() -> None:
    """In the order in which they were accepted."""
    demand = demand_of(EUR, "Espresso", [a_token(chain_id=1), a_token(decimals=0), a_token(chain_id=8453, decimals=18)])
    assert demand is not None
    assert [(offer.chain_id, offer.amount) for offer in demand.offers] == [
        (1, 12_500_000), (8453, 12_500_000_000_000_000_000),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [{"chain_id": 0}, {"chain_id": 2**53}, {"decimals": 37}, {"timeout_seconds": 59}, {"timeout_seconds": 3601}],
)
def test_what_cannot_be_is_refused(changes: dict[str, object]) -> None:
    """Each limit by itself."""
    with pytest.raises(InvalidAcceptedToken):
        a_token(**changes)
    with pytest.raises(InvalidCurrency):
        a_token(currency="XTS")
