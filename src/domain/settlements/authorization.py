"""A buyer's signed word that a token may move: EIP-3009, hashed as EIP-712 says."""

from attrs import frozen

from domain.shared.evm_types import Address, BaseUnits
from domain.shared.keccak import keccak_256

_WORD = 32
_DOMAIN_TYPE = keccak_256(b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
_TRANSFER_TYPE = keccak_256(
    b"TransferWithAuthorization("
    b"address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
)
_TRANSFER_CALL = keccak_256(
    b"transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)"
)[:4]
_STATE_CALL = keccak_256(b"authorizationState(address,bytes32)")[:4]

_HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
"""Half of the order of secp256k1: of the two signatures that say the same, tokens take the one with the smaller s."""


@frozen(kw_only=True)
class TokenDomain:
    """Which contract an authorization is for, in the words of the contract itself."""

    name: str
    version: str
    chain_id: int
    token: Address

    def separator(self) -> bytes:
        """Return the hash that keeps a signature from counting for another contract, or on another chain."""
        return keccak_256(
            _DOMAIN_TYPE + keccak_256(self.name.encode()) + keccak_256(self.version.encode())
            + _number(self.chain_id) + _address(self.token)
        )  # fmt: skip


@frozen(kw_only=True)
class Authorization:
    """Who lets whom have how much, between which two moments (seconds since 1970, both exclusive), and only once.

    ``nonce`` is 32 bytes chosen by the payer: 0x and 64 hexadecimal digits in lower case.
    """

    payer: Address
    recipient: Address
    amount: BaseUnits
    valid_after: int
    valid_before: int
    nonce: str

    def digest(self, domain: TokenDomain) -> bytes:
        """Return what the payer signs for one contract."""
        return keccak_256(b"\x19\x01" + domain.separator() + keccak_256(_TRANSFER_TYPE + self._words()))

    def transfer_call(self, signature: bytes) -> bytes:
        """Return the input that has the token execute this, for whoever pays the gas."""
        r, s, v = signature[:32], signature[32:64], signature[64]
        return _TRANSFER_CALL + self._words() + _number(v if v >= 27 else v + 27) + r + s

    def state_call(self) -> bytes:
        """Return the input that asks the token whether this was used or cancelled."""
        return _STATE_CALL + _address(self.payer) + bytes.fromhex(self.nonce[2:])

    def _words(self) -> bytes:
        numbers = (self.amount, self.valid_after, self.valid_before)
        moved = b"".join(_number(number) for number in numbers)
        return _address(self.payer) + _address(self.recipient) + moved + bytes.fromhex(self.nonce[2:])


def is_well_formed(signature: bytes) -> bool:
    """Say whether a signature of a key could count: 65 bytes, of which the last is a parity, with the smaller s."""
    if len(signature) != 65 or signature[64] not in (0, 1, 27, 28):
        return False
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:64])
    return r > 0 and 0 < s <= _HALF_ORDER


def _number(value: int) -> bytes:
    return value.to_bytes(_WORD)


def _address(value: Address) -> bytes:
    return bytes.fromhex(value[2:]).rjust(_WORD, b"\0")
