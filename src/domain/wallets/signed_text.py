"""How a text is signed (EIP-191), and how a contract is asked whether it accepts a signature (EIP-1271)."""

from domain.shared.keccak import keccak_256
from domain.wallets.errors import SignatureInvalid

LONGEST_SIGNATURE = 4_096
"""Bytes; of a key it has 65, of a contract as many as the contract likes."""

_WORD = 32
_MAGIC = bytes.fromhex("1626ba7e")  # the selector of isValidSignature(bytes32,bytes), and also what it answers
_OFFSET = (2 * _WORD).to_bytes(_WORD)


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


def text_digest(text: str) -> bytes:
    """Return what is signed in a text's place."""
    written = text.encode()
    return keccak_256(b"\x19Ethereum Signed Message:\n%d" % len(written) + written)


def acceptance_call(digest: bytes, signature: bytes) -> bytes:
    """Return the input by which a contract is asked whether it accepts a signature of a digest."""
    padding = bytes(-len(signature) % _WORD)
    return _MAGIC + digest + _OFFSET + len(signature).to_bytes(_WORD) + signature + padding


def is_acceptance(answer: bytes) -> bool:
    """Say whether a contract accepted; whatever is no contract answers nothing."""
    return answer == _MAGIC.ljust(_WORD, b"\0")
