"""Keys of wallets, kept encrypted: whoever reads the database alone can sign nothing."""

import base64
import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from application.wallets.signing_ports import IKeystore, KeptKey, SigningKey
from domain.shared.evm_types import Address
from domain.shared.ids import OrganizationId, WalletId
from domain.shared.keccak import keccak_256
from domain.wallets.errors import SignerUnavailable

_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141  # of secp256k1: keys are below it
_NONCE_BYTES = 12
_VERSION = "v1."


class Keystore(IKeystore):
    """AES-256-GCM under a key derived from the wallets' secret; organization and wallet are authenticated with it."""

    def __init__(self, secret: bytes) -> None:
        """Derive the key; without a secret nothing is kept, and nothing opened."""
        self._cipher = AESGCM(hmac.digest(secret, b"stoa wallet keys", "sha256")) if secret else None

    def create(self, organization_id: OrganizationId, wallet_id: WalletId) -> KeptKey:
        """Make a key and encrypt it.

        Raises:
            SignerUnavailable: there is no secret to encrypt it with.
        """
        cipher = self._usable()
        number = 1 + secrets.randbelow(_ORDER - 1)
        nonce = secrets.token_bytes(_NONCE_BYTES)
        box = nonce + cipher.encrypt(nonce, number.to_bytes(32), _bound(organization_id, wallet_id))
        return KeptKey(address=_address(number), sealed=f"{_VERSION}{base64.b64encode(box).decode()}")

    def open(self, key: SigningKey) -> bytes:
        """Return a key, for the signer alone.

        Raises:
            SignerUnavailable: it was kept with another secret, for another wallet, or was changed.
        """
        try:
            box = base64.b64decode((key.sealed or "").removeprefix(_VERSION), validate=True)
            bound = _bound(key.organization_id, key.wallet_id)
            return self._usable().decrypt(box[:_NONCE_BYTES], box[_NONCE_BYTES:], bound)
        except (InvalidTag, ValueError):
            raise SignerUnavailable("The wallet's key cannot be opened.") from None

    def _usable(self) -> AESGCM:
        if self._cipher is None:
            raise SignerUnavailable("No keys are kept here: STOA_WALLET_KEY is not set.")
        return self._cipher


def _bound(organization_id: OrganizationId, wallet_id: WalletId) -> bytes:
    return b"stoa wallet key" + organization_id.bytes + wallet_id.bytes


def _address(number: int) -> Address:
    public = ec.derive_private_key(number, ec.SECP256K1()).public_key()
    point = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return Address(f"0x{keccak_256(point[1:])[12:].hex()}")
