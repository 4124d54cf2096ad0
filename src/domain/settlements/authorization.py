"""A buyer's signed word that a token may move: EIP-3009, hashed as EIP-712 says."""

from attrs import frozen

from domain.shared.abi import Argument, encode, encode_call
from domain.shared.evm_types import Address, BaseUnits
from domain.shared.keccak import keccak_256

_DOMAIN_TYPE = keccak_256(b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
_TRANSFER_TYPE = keccak_256(
    b"TransferWithAuthorization("
    b"address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
)
_TERMS = ("address", "address", "uint256", "uint256", "uint256", "bytes32")
_EXECUTE = f"transferWithAuthorization({','.join(_TERMS)},uint8,bytes32,bytes32)"


@frozen(kw_only=True)
class TokenDomain:
    """Which contract an authorization is for, in the words of the contract itself."""

    name: str
    version: str
    chain_id: int
    token: Address

    def separator(self) -> bytes:
        """Return the hash that keeps a signature from counting for another contract, or on another chain."""
        words = (keccak_256(self.name.encode()), keccak_256(self.version.encode()), self.chain_id, self.token)
        return keccak_256(_DOMAIN_TYPE + encode(("bytes32", "bytes32", "uint256", "address"), *words))


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
        terms = keccak_256(_TRANSFER_TYPE + encode(_TERMS, *self._terms()))
        return keccak_256(b"\x19\x01" + domain.separator() + terms)

    def transfer_call(self, signature: bytes) -> bytes:
        """Return the input that has the token execute this, for whoever pays the gas."""
        r, s, v = signature[:32], signature[32:64], signature[64]
        return encode_call(_EXECUTE, *self._terms(), v if v >= 27 else v + 27, r, s)

    def state_call(self) -> bytes:
        """Return the input that asks the token whether this was used or cancelled."""
        return encode_call("authorizationState(address,bytes32)", self.payer, bytes.fromhex(self.nonce[2:]))

    def _terms(self) -> tuple[Argument, ...]:
        nonce = bytes.fromhex(self.nonce[2:])
        return self.payer, self.recipient, self.amount, self.valid_after, self.valid_before, nonce
