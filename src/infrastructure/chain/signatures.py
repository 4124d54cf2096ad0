"""Who signed something, computed from the signature itself."""

from application.wallets.signing_ports import ISignatures
from domain.shared.evm_types import Address
from domain.shared.keccak import keccak_256
from domain.wallets.errors import ChainSupportMissing

_BYTES = 65
_DIGEST_BYTES = 32
# Whoever sees a signature can make a second one of it by turning s around; only the lower one counts (EIP-2).
_HIGHEST_S = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0


class Secp256k1Signatures(ISignatures):
    """Recovers the key of Ethereum's signatures; the library is imported when it is first needed."""

    def signer_of_text(self, message: str, signature: bytes) -> Address | None:
        """Hash the text as EIP-191 says."""
        text = message.encode()
        return self.signer_of_digest(keccak_256(b"\x19Ethereum Signed Message:\n%d" % len(text) + text), signature)

    def signer_of_digest(self, digest: bytes, signature: bytes) -> Address | None:
        """Recover the one key that can have made the signature.

        Raises:
            ChainSupportMissing: the extra that talks to chains is not installed.
        """
        try:
            # Whoever deals with no chain installs and starts without it.
            from eth_keys import datatypes, exceptions  # noqa: PLC0415 - see above
        except ImportError:
            raise ChainSupportMissing from None
        if len(digest) != _DIGEST_BYTES or len(signature) != _BYTES or signature[64] not in (0, 1, 27, 28):
            return None
        r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:64])
        if s > _HIGHEST_S:
            return None
        try:
            made = datatypes.Signature(vrs=(signature[64] % 27, r, s))
            return Address(made.recover_public_key_from_msg_hash(digest).to_address())
        except exceptions.BadSignature:
            return None
