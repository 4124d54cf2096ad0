"""Signatures as they are written, and how a contract is asked whether it accepts one (EIP-1271)."""

from domain.shared.abi import encode_call
from domain.wallets.errors import SignatureInvalid

LONGEST_SIGNATURE = 4_096
"""Bytes; of a key it has 65, of a contract as many as the contract likes."""

_ACCEPTED = bytes.fromhex("1626ba7e").ljust(32, b"\0")


def read_signature(text: str) -> bytes:
    """Read ``0x`` and hexadecimal digits.

    Raises:
        SignatureInvalid: it is anything else, or too long.
    """
    digits = text.removeprefix("0x")
    if len(digits) != len(text) - 2 or len(digits) > 2 * LONGEST_SIGNATURE or len(digits) % 2:
        raise SignatureInvalid(path="signature")
    if not set(digits) <= set("0123456789abcdefABCDEF"):
        raise SignatureInvalid(path="signature")
    return bytes.fromhex(digits)


def acceptance_call(digest: bytes, signature: bytes) -> bytes:
    """Return the input by which a contract is asked whether it accepts a signature of a digest."""
    return encode_call("isValidSignature(bytes32,bytes)", digest, signature)


def is_acceptance(answer: bytes) -> bool:
    """Say whether a contract accepted; whatever is no contract answers nothing."""
    return answer == _ACCEPTED
