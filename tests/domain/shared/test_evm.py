"""Keccak-256 and the addresses that are checked with it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.shared.evm import InvalidAddress, check_address, checksummed
from domain.shared.keccak import keccak_256

KNOWN = {
    b"": "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470",
    b"abc": "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45",
    b"The quick brown fox jumps over the lazy dog": "4d741b6f1eb29cb2a9b9911c82f56fa8d73b04959d3d9d222895df6c0b28aa15",
    b"Transfer(address,address,uint256)": "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef",
}
# The examples of EIP-55.
ADDRESSES = (
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x27b1fdb04752bbc536007a920d24acb045561c26",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
)


@pytest.mark.parametrize("data", KNOWN)
def test_the_digest_is_the_published_one(data: bytes) -> None:
    """Known answers, one of them the topic of every token transfer."""
    assert keccak_256(data).hex() == KNOWN[data]


@pytest.mark.parametrize("length", [134, 135, 136, 137, 271, 272, 273])
def test_every_length_around_a_block_is_another_digest(length: int) -> None:
    """Padding neither overflows a block nor leaves one out."""
    assert len({keccak_256(bytes(n)) for n in (length - 1, length, length + 1)}) == 3


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_passes_in_its_checksum_and_without_capitals(address: str) -> None:
    """All three spellings are one address."""
    lower = address.lower()
    assert check_address(address) == check_address(f" {lower} ") == check_address("0x" + lower[2:].upper()) == lower
    assert checksummed(lower) == address or address[2:] in (address[2:].lower(), address[2:].upper())


@pytest.mark.parametrize("address", ADDRESSES[4:])
def test_a_mistyped_capital_is_found(address: str) -> None:
    """Every single letter in the other case breaks the checksum."""
    for at, letter in enumerate(address[2:], 2):
        if letter.isalpha():
            with pytest.raises(InvalidAddress):
                check_address(address[:at] + letter.swapcase() + address[at + 1 :])


@pytest.mark.parametrize(
    "text", ["", "0x", "0x" + "0" * 39, "0x" + "0" * 41, "0X" + "0" * 40, "0x" + "g" * 40, "1" * 42]
)
def test_anything_else_is_no_address(text: str) -> None:
    """The prefix is lower case, and there are exactly forty digits."""
    with pytest.raises(InvalidAddress):
        check_address(text)


@given(st.binary(min_size=20, max_size=20))
def test_a_checksum_always_passes(raw: bytes) -> None:
    """What we show is what we accept."""
    address = "0x" + raw.hex()
    assert check_address(checksummed(address)) == address
