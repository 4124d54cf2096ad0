"""Signing secrets, kept encrypted: whoever reads the database alone can sign nothing."""

import base64
import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from application.webhooks.ports import IWebhookSecrets, SigningSecret
from domain.shared.ids import WebhookEndpointId

PREFIX = "whsec_"
_SECRET_BYTES = 32  # the standard asks for 24 to 64
_NONCE_BYTES = 12
_VERSION = "v1."


class SecretUnreadable(Exception):
    """The sealed secret was made with another pepper, for another endpoint, or was changed."""


class WebhookSecrets(IWebhookSecrets):
    """AES-256-GCM under a key derived from the pepper; the endpoint's id is authenticated with the secret."""

    def __init__(self, pepper: bytes) -> None:
        """Derive the key, so that the pepper itself serves nothing but the API keys."""
        self._cipher = AESGCM(hmac.digest(pepper, b"stoa webhook secrets", "sha256"))

    def issue(self, endpoint_id: WebhookEndpointId) -> SigningSecret:
        key = secrets.token_bytes(_SECRET_BYTES)
        plain = f"{PREFIX}{base64.b64encode(key).decode()}"
        nonce = secrets.token_bytes(_NONCE_BYTES)
        box = nonce + self._cipher.encrypt(nonce, key, endpoint_id.bytes)
        return SigningSecret(plain=plain, sealed=f"{_VERSION}{base64.b64encode(box).decode()}")

    def open(self, endpoint_id: WebhookEndpointId, sealed: str) -> bytes:
        """Return the key to sign with.

        Raises:
            SecretUnreadable: it is not a secret of this endpoint and this pepper.
        """
        try:
            box = base64.b64decode(sealed.removeprefix(_VERSION), validate=True)
            return self._cipher.decrypt(box[:_NONCE_BYTES], box[_NONCE_BYTES:], endpoint_id.bytes)
        except (InvalidTag, ValueError) as error:
            raise SecretUnreadable from error
