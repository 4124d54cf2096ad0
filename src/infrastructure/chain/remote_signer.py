"""Signing by somebody who has the keys and does not give them away: ``eth_signTransaction`` over HTTP.

The protocol is written down in docs/chains.md. Nothing that comes back is believed: what was signed, and by whom, is
read from the signed bytes.
"""

import structlog
from httpx2 import AsyncClient, HTTPError, Limits

from application.wallets.ports import UnsignedTransaction
from application.wallets.signing_ports import SigningKey
from domain.wallets.errors import SignerRefused, SignerUnavailable
from infrastructure.settings_chain import RemoteSignerSettings

TIMEOUT_SECONDS = 10.0
_LOST_KEY = frozenset({401, 407, 408, 425, 429})
"""Refusals that say nothing of the transaction: it may be signed once the service is in order."""


class RemoteSigner:
    """Asks for one signature at a time, and never twice for the same call."""

    def __init__(self, settings: RemoteSignerSettings, *, timeout: float = TIMEOUT_SECONDS) -> None:
        """Connect to nothing yet; ``timeout`` is in seconds."""
        self._url = settings.url
        self._client = AsyncClient(
            headers={"Authorization": f"Bearer {settings.token}"}, timeout=timeout, trust_env=False,
            limits=Limits(max_connections=16),
        )  # fmt: skip
        self._log = structlog.get_logger("stoa.chain").bind(signer="remote")

    async def sign(self, key: SigningKey, transaction: UnsignedTransaction) -> bytes:
        """Return signed bytes as they came, unchecked.

        Raises:
            SignerUnavailable: no answer, or none that could be read.
            SignerRefused: it does not sign this, or has no such key.
        """
        request = {"jsonrpc": "2.0", "id": 1, "method": "eth_signTransaction", "params": [_written(key, transaction)]}
        try:
            response = await self._client.post(self._url, json=request)
        except HTTPError as error:
            self._log.warning("signer_failed", error=type(error).__name__)
            raise SignerUnavailable from None
        if response.is_client_error and response.status_code not in _LOST_KEY:
            raise SignerRefused
        if not response.is_success:
            self._log.warning("signer_failed", status=response.status_code)
            raise SignerUnavailable
        try:
            return _raw(response.json())
        except (ValueError, TypeError, KeyError, AttributeError):
            self._log.warning("signer_failed", error="Nonsense")
            raise SignerUnavailable from None

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()


def _written(key: SigningKey, transaction: UnsignedTransaction) -> dict[str, str]:
    to = {} if transaction.to is None else {"to": transaction.to}
    return {
        "from": key.address,
        "type": "0x2",
        "chainId": hex(transaction.chain_id),
        "nonce": hex(transaction.nonce),
        "value": hex(transaction.value),
        "data": f"0x{transaction.data.hex()}",
        "gas": hex(transaction.gas),
        "maxFeePerGas": hex(transaction.fees.max_fee),
        "maxPriorityFeePerGas": hex(transaction.fees.priority_fee),
    } | to


def _raw(answer: dict[str, object]) -> bytes:
    """Read signed bytes; some signers wrap them in an object."""
    if answer.get("error") is not None:
        raise SignerRefused
    result = answer["result"]
    text = result["raw"] if isinstance(result, dict) else result
    if not isinstance(text, str) or not text.startswith("0x"):
        raise ValueError
    return bytes.fromhex(text[2:])
