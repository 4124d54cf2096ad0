"""Who signed something, computed from the signature itself."""

from application.wallets.signing_ports import ISignatures
from domain.shared.evm_types import Address
from domain.shared.signatures import is_well_formed, text_digest
from domain.wallets.errors import ChainSupportMissing

_DIGEST_BYTES = 32


class Secp256k1Signatures(ISignatures):
    """Recovers the key of Ethereum's signatures; the library is imported when it is first needed."""

    def signer_of_text(self, message: str, signature: bytes) -> Address | None:
        """Hash the text as EIP-191 says."""
        return self.signer_of_digest(text_digest(message), signature)

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
        if len(digest) != _DIGEST_BYTES or not is_well_formed(signature):
            return None
        r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:64])
        try:
            made = datatypes.Signature(vrs=(signature[64] % 27, r, s))
            return Address(made.recover_public_key_from_msg_hash(digest).to_address())
        except exceptions.BadSignature:
            return None
