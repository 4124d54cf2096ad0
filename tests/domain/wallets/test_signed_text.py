"""Signatures and calls as text and bytes, compared with the libraries that everybody uses."""

import pytest
from eth_abi.abi import encode
from eth_account.messages import _hash_eip191_message, encode_defunct
from hypothesis import given
from hypothesis import strategies as st

from domain.shared.signatures import text_digest
from domain.wallets.errors import SignatureInvalid
from domain.wallets.signed_text import (
    LONGEST_SIGNATURE,
    acceptance_call,
    is_acceptance,
    read_signature,
)

MAGIC = bytes.fromhex("1626ba7e")


@given(st.text(max_size=300))
def test_a_texts_digest_is_eip_191s(text: str) -> None:
    assert text_digest(text) == bytes(_hash_eip191_message(encode_defunct(text=text)))


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200))
def test_a_contract_is_asked_as_its_interface_says(digest: bytes, signature: bytes) -> None:
    assert acceptance_call(digest, signature) == MAGIC + encode(["bytes32", "bytes"], [digest, signature])


@pytest.mark.parametrize(
    "answer", [b"", MAGIC, MAGIC + bytes(27), MAGIC + bytes(29), bytes(28) + MAGIC, (1).to_bytes(32), b"\xff" * 32]
)
def test_anything_but_the_agreed_word_is_a_refusal(answer: bytes) -> None:
    assert is_acceptance(MAGIC + bytes(28))
    assert not is_acceptance(answer)


@given(st.binary(max_size=100))
def test_hexadecimal_text_is_read_in_either_case(data: bytes) -> None:
    for text in (f"0x{data.hex()}", f"0x{data.hex().upper()}"):
        assert read_signature(text) == data


@pytest.mark.parametrize("text", ["", "0", "5a", "0X5a", "0x5", "0xzz", " 0x5a", "0x5a ", "0x٣٣", "0x0x5a"])
def test_what_is_not_hexadecimal_is_refused(text: str) -> None:
    with pytest.raises(SignatureInvalid):
        read_signature(text)


def test_what_is_too_long_is_refused() -> None:
    assert len(read_signature(f"0x{'00' * LONGEST_SIGNATURE}")) == LONGEST_SIGNATURE
    with pytest.raises(SignatureInvalid):
        read_signature(f"0x{'00' * (LONGEST_SIGNATURE + 1)}")
