"""Authorizations are hashed and written as everybody else does it."""

from typing import Any

from eth_abi.abi import encode
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.settlements.authorization import Authorization, TokenDomain
from domain.shared.evm_types import MAX_UNITS, Address, BaseUnits
from domain.shared.signatures import is_well_formed

KEY = "0x" + "4c" * 32
PAYER = Address(Account.from_key(KEY).address.lower())
_FIELDS = [
    *({"name": name, "type": "address"} for name in ("from", "to")),
    *({"name": name, "type": "uint256"} for name in ("value", "validAfter", "validBefore")),
    {"name": "nonce", "type": "bytes32"},
]
ADDRESSES = st.binary(min_size=20, max_size=20).map(lambda raw: Address("0x" + raw.hex()))
NUMBERS = st.integers(min_value=0, max_value=MAX_UNITS)
AUTHORIZATIONS = st.builds(
    Authorization,
    payer=ADDRESSES, recipient=ADDRESSES, amount=NUMBERS.map(BaseUnits), valid_after=NUMBERS, valid_before=NUMBERS,
    nonce=st.binary(min_size=32, max_size=32).map(lambda raw: "0x" + raw.hex()),
)  # fmt: skip
DOMAINS = st.builds(
    TokenDomain, name=st.text(max_size=40), version=st.text(max_size=5), chain_id=NUMBERS, token=ADDRESSES
)


def typed(domain: TokenDomain, given: Authorization) -> dict[str, Any]:
    """Return what wallets are shown."""
    return {
        "domain_data": {
            "name": domain.name, "version": domain.version, "chainId": domain.chain_id,
            "verifyingContract": domain.token,
        },
        "message_types": {"TransferWithAuthorization": _FIELDS},
        "message_data": {
            "from": given.payer, "to": given.recipient, "value": given.amount, "validAfter": given.valid_after,
            "validBefore": given.valid_before, "nonce": bytes.fromhex(given.nonce[2:]),
        },
    }  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(DOMAINS, AUTHORIZATIONS)
def test_the_digest_is_what_wallets_sign(domain: TokenDomain, authorization: Authorization) -> None:
    """Another implementation of EIP-712 comes to the same digest, for whatever values."""
    signable = encode_typed_data(**typed(domain, authorization))
    theirs = keccak(b"\x19" + signable.version + signable.header + signable.body)
    assert authorization.digest(domain) == theirs


@settings(max_examples=50, deadline=None)
@given(AUTHORIZATIONS, st.sampled_from((0, 1, 27, 28)))
def test_the_call_is_what_tokens_read(authorization: Authorization, parity: int) -> None:
    """Another encoder writes the same input, with the parity as contracts want it."""
    types = ["address", "address", "uint256", "uint256", "uint256", "bytes32"]
    values = [
        authorization.payer, authorization.recipient, authorization.amount, authorization.valid_after,
        authorization.valid_before, bytes.fromhex(authorization.nonce[2:]),
    ]  # fmt: skip
    signature = b"\x01" * 32 + b"\x02" * 32 + bytes([parity])
    selector = keccak(text=f"transferWithAuthorization({','.join([*types, 'uint8', 'bytes32', 'bytes32'])})")[:4]
    written = encode(
        [*types, "uint8", "bytes32", "bytes32"], [*values, parity if parity > 1 else parity + 27, signature[:32],
        signature[32:64]],
    )  # fmt: skip
    assert authorization.transfer_call(signature) == selector + written
    asked = keccak(text="authorizationState(address,bytes32)")[:4] + encode(
        ["address", "bytes32"], [values[0], values[5]]
    )
    assert authorization.state_call() == asked


def test_a_wallets_signature_is_well_formed_and_its_twin_is_not() -> None:
    """For every signature there is another with the same meaning, which tokens refuse; so do we, beforehand."""
    signed = Account.sign_message(encode_typed_data(**typed(DOMAIN, AUTHORIZATION)), private_key=KEY)
    signature = bytes(signed.signature)
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    twin = signature[:32] + (order - signed.s).to_bytes(32) + bytes([55 - signature[64]])
    assert is_well_formed(signature)
    assert not is_well_formed(twin)
    for wrong in (b"", signature[:64], signature + b"\0", bytes(65), signature[:64] + b"\x02"):
        assert not is_well_formed(wrong)


DOMAIN = TokenDomain(name="Harbour Euro", version="1", chain_id=31337, token=Address("0x" + "ab" * 20))
AUTHORIZATION = Authorization(
    payer=PAYER, recipient=Address("0x" + "cd" * 20), amount=BaseUnits(12_500_000), valid_after=0,
    valid_before=1_900_000_000, nonce="0x" + "11" * 32,
)  # fmt: skip
