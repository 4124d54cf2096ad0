"""What keys of the Ethereum family of chains sign, and what a signature of one looks like."""

from domain.shared.keccak import keccak_256

# Half of the order of secp256k1: of the two signatures that say the same, only the one with the smaller s counts, or
# whoever sees one could make a second (EIP-2).
_HIGHEST_S = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0


def text_digest(text: str) -> bytes:
    """Return what is signed in a text's place, by EIP-191."""
    written = text.encode()
    return keccak_256(b"\x19Ethereum Signed Message:\n%d" % len(written) + written)


def is_well_formed(signature: bytes) -> bool:
    """Say whether a signature of a key could count: 65 bytes, of which the last is a parity, with the smaller s."""
    if len(signature) != 65 or signature[64] not in (0, 1, 27, 28):
        return False
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:64])
    return r > 0 and 0 < s <= _HIGHEST_S
