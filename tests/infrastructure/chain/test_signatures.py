"""Who signed is recovered as everybody else does it."""

import secrets

from eth_account import Account
from eth_account.messages import encode_defunct
from hypothesis import given
from hypothesis import strategies as st

from infrastructure.chain.signatures import Secp256k1Signatures

SIGNATURES = Secp256k1Signatures()
DIGEST = b"\x11" * 32


def test_a_text_and_a_digest_tell_who_signed_them() -> None:
    """Another implementation signs, in both notations of the parity."""
    account = Account.create()
    text = "stoa.example wants you to sign in: ünïcode\n"
    of_text = bytes(account.sign_message(encode_defunct(text=text)).signature)
    of_digest = bytes(account.unsafe_sign_hash(DIGEST).signature)
    for parity in (0, 27):
        changed = of_digest[:64] + bytes([of_digest[64] - 27 + parity])
        assert SIGNATURES.signer_of_digest(DIGEST, changed) == account.address.lower()
    assert SIGNATURES.signer_of_text(text, of_text) == account.address.lower()
    assert SIGNATURES.signer_of_text(text + "!", of_text) != account.address.lower()


@given(st.binary(max_size=70))
def test_whatever_comes_nothing_is_raised(signature: bytes) -> None:
    """What nobody can have signed has no signer; of most other bytes the signer is somebody unknown."""
    found = SIGNATURES.signer_of_digest(DIGEST, signature)
    assert found is None or len(signature) == 65


def test_impossible_signatures_have_no_signer() -> None:
    """Zero, and numbers beyond the order of the curve."""
    for impossible in (bytes(64), b"\xff" * 64, secrets.token_bytes(32) + bytes(32)):
        assert SIGNATURES.signer_of_digest(DIGEST, impossible + b"\x1b") is None
    assert SIGNATURES.signer_of_digest(DIGEST, b"\x01" * 64 + b"\x05") is None


def test_a_signature_turned_around_is_nobodys() -> None:
    """The other signature that anybody can make of a valid one recovers the same key, and is refused."""
    made = Account.create().unsafe_sign_hash(DIGEST)
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    turned = made.r.to_bytes(32) + (order - made.s).to_bytes(32) + bytes([55 - made.v])

    assert SIGNATURES.signer_of_digest(DIGEST, bytes(made.signature)) is not None
    assert SIGNATURES.signer_of_digest(DIGEST, turned) is None


def test_a_digest_has_32_bytes() -> None:
    """Of anything else nobody has signed anything."""
    signature = bytes(Account.create().unsafe_sign_hash(DIGEST).signature)

    assert SIGNATURES.signer_of_digest(DIGEST[1:], signature) is None
    assert SIGNATURES.signer_of_digest(DIGEST + b"\0", signature) is None
