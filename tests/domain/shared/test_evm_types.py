"""Amounts, addresses and hashes of chains."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.shared.evm import checksummed
from domain.shared.evm_types import (
    MAX_UNITS,
    InvalidBaseUnits,
    InvalidHash,
    caip_2,
    check_units,
    read_address,
    read_hash,
    read_units,
)


@given(st.integers(0, MAX_UNITS))
def test_every_amount_of_256_bits_is_read_back_from_its_text(units: int) -> None:
    assert read_units(str(units)) == units == check_units(units)


@pytest.mark.parametrize(
    "text", ["", "-1", "+1", "01", "1.0", "1e3", " 1", "1_000", "٣", "²", str(MAX_UNITS + 1), "9" * 100_000]
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(InvalidBaseUnits):
        read_units(text)


@pytest.mark.parametrize("value", [-1, MAX_UNITS + 1])
def test_a_number_no_chain_can_hold_is_refused(value: int) -> None:
    with pytest.raises(InvalidBaseUnits):
        check_units(value)


def test_a_hash_is_kept_in_lower_case() -> None:
    assert read_hash("0x" + "AB" * 32) == "0x" + "ab" * 32


@pytest.mark.parametrize("text", ["", "0x", "ab" * 33, "0x" + "ab" * 31 + "a", "0x" + "g" * 64, "0X" + "ab" * 32])
def test_what_is_no_hash_is_refused(text: str) -> None:
    with pytest.raises(InvalidHash):
        read_hash(text)


def test_an_address_is_kept_in_lower_case_and_shown_with_its_checksum() -> None:
    shown = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
    assert checksummed(read_address(shown)) == shown


def test_a_chain_has_a_name_of_caip_2() -> None:
    assert caip_2(8453) == "eip155:8453"
