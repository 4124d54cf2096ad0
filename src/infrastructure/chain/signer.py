"""Signs with the key that a wallet has, wherever that key is."""

import asyncio
import importlib
from typing import Any

import structlog

from application.wallets.ports import SignedTransaction, UnsignedTransaction
from application.wallets.signing_ports import ISigner, SigningKey
from domain.wallets.errors import ChainSupportMissing, SignerRefused, SignerUnavailable
from infrastructure.chain.chains import is_installed
from infrastructure.chain.keystore import Keystore
from infrastructure.chain.remote_signer import RemoteSigner


class Signer(ISigner):
    """Opens the keystore's keys for the moment of a signature; asks the remote signer for all others."""

    def __init__(self, keystore: Keystore, remote: RemoteSigner | None = None) -> None:
        """Without a remote signer, wallets whose keys are elsewhere cannot sign."""
        self._keystore = keystore
        self._remote = remote
        self._log = structlog.get_logger("stoa.chain")

    async def sign(self, key: SigningKey, transaction: UnsignedTransaction) -> SignedTransaction:
        if not is_installed():
            raise ChainSupportMissing
        if key.sealed is not None:
            return await asyncio.to_thread(self._sign_here, key, transaction)
        if self._remote is None:
            raise SignerUnavailable("No remote signer is configured.")
        raw = await self._remote.sign(key, transaction)
        return await asyncio.to_thread(self._checked, key, transaction, raw)

    async def close(self) -> None:
        """Close the connections to the remote signer."""
        if self._remote is not None:
            await self._remote.close()

    def _sign_here(self, key: SigningKey, transaction: UnsignedTransaction) -> SignedTransaction:
        secret = self._keystore.open(key)
        try:
            sender, signed = _transactions().signed_with(secret, transaction)
        except Exception:  # noqa: BLE001 - whatever the library refuses; its error may hold what it was given
            raise SignerRefused from None
        if sender != key.address:
            self._log.error("signer_of_another_address", wallet=str(key.wallet_id))
            raise SignerRefused
        made: SignedTransaction = signed
        return made

    def _checked(self, key: SigningKey, transaction: UnsignedTransaction, raw: bytes) -> SignedTransaction:
        """Take nothing that is not this transaction, signed by this address."""
        try:
            fits = _transactions().says(raw, transaction) and _transactions().sender_of(raw) == key.address
        except Exception:  # noqa: BLE001 - a signer that is not ours may send anything
            fits = False
        if not fits:
            self._log.error("signer_signed_something_else", wallet=str(key.wallet_id))
            raise SignerRefused
        made: SignedTransaction = _transactions().named(raw)
        return made


def _transactions() -> Any:  # noqa: ANN401 - the module, which cannot be imported without the extra
    return importlib.import_module("infrastructure.chain.transactions")
