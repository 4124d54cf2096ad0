"""Calls are encoded as everybody encodes them."""

import pytest
from eth_abi.abi import encode as encode_independently
from hypothesis import given
from hypothesis import strategies as st

from domain.shared.abi import Argument, encode, encode_call
from domain.shared.evm_types import Address
from domain.shared.keccak import keccak_256

ADDRESSES = st.binary(min_size=20, max_size=20).map(lambda each: Address(f"0x{each.hex()}"))
VALUES: dict[str, st.SearchStrategy[Argument]] = {
    "uint256": st.integers(0, 2**256 - 1),
    "uint8": st.integers(0, 255),
    "bool": st.booleans(),
    "address": ADDRESSES,
    "bytes32": st.binary(min_size=32, max_size=32),
    "bytes": st.binary(max_size=100),
    "address[]": st.lists(ADDRESSES, max_size=5),
}


@given(st.data(), st.lists(st.sampled_from(sorted(VALUES)), max_size=6))
def test_values_are_encoded_as_another_library_does(data: st.DataObject, types: list[str]) -> None:
    """Any values, side by side, with what has no fixed length anywhere among them."""
    values = [data.draw(VALUES[type_]) for type_ in types]

    assert encode(types, *values) == encode_independently(types, values)


def test_a_call_begins_with_its_selector() -> None:
    """The well-known one of ERC-20, and one without arguments."""
    call = encode_call("transfer(address,uint256)", f"0x{1:040x}", 5)

    assert call.hex() == f"a9059cbb{1:064x}{5:064x}"
    assert encode_call("pause()") == keccak_256(b"pause()")[:4]


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("uint256", 2**256),
        ("uint256", -1),
        ("uint8", 256),
        ("bool", 2),
        ("address", "0x12"),
        ("address", 5),
        ("uint256", "5"),
        ("bytes32", b"short"),
        ("uint256", b"\0" * 32),
        ("address[]", [f"0x{1:038x}"]),
        ("bytes", [f"0x{1:040x}"]),
        ("string", 5),
    ],
)
def test_what_is_not_of_its_type_is_refused(type_: str, value: Argument) -> None:
    """Cutting it to size would call something else."""
    with pytest.raises(ValueError, match=r"no (value|number) of"):
        encode([type_], value)


def test_more_or_fewer_values_than_types_are_refused() -> None:
    """Every argument has its place."""
    for values in ((), (1, 2)):
        with pytest.raises(ValueError, match="zip"):
            encode(["uint256"], *values)
