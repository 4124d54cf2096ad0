"""The configured chains, each opened when it is first asked for."""

import importlib.util
from collections.abc import Sequence

from application.wallets.ports import IChain, IChains
from domain.wallets.errors import ChainNotSupported, ChainSupportMissing
from infrastructure.chain.agreement import Agreement
from infrastructure.chain.endpoint import Endpoint
from infrastructure.chain.node import Node
from infrastructure.chain.web3_chain import Web3Chain
from infrastructure.resilience.breakers import Breakers
from infrastructure.settings_chain import ChainSettings

TIMEOUT_SECONDS = 5.0


class Chains(IChains):
    """Web3's way to every chain of the settings."""

    def __init__(
        self, chains: Sequence[ChainSettings], *, timeout: float = TIMEOUT_SECONDS, breakers: Breakers | None = None
    ) -> None:
        """Connect to nothing yet; ``timeout`` is in seconds, for one question to one endpoint."""
        self._breakers = breakers
        self._settings = {chain.chain_id: chain for chain in chains}
        self._timeout = timeout
        self._opened: dict[int, Web3Chain] = {}

    def of(self, chain_id: int) -> IChain:
        settings = self._settings.get(chain_id)
        if settings is None:
            raise ChainNotSupported(chain_id=chain_id)
        if not is_installed():
            raise ChainSupportMissing
        if chain_id not in self._opened:
            self._opened[chain_id] = self._open(settings)
        return self._opened[chain_id]

    async def close(self) -> None:
        """Close all connections; a chain that is asked for later opens its own anew."""
        while self._opened:
            await self._opened.popitem()[1].close()

    def _open(self, settings: ChainSettings) -> Web3Chain:
        endpoints = [
            Endpoint(url, settings.chain_id, timeout=self._timeout, breakers=self._breakers)
            for url in settings.endpoints
        ]
        return Web3Chain(settings.chain_id, settings.confirmations, Agreement([Node(each) for each in endpoints]))


def is_installed() -> bool:
    """Say whether the extra is there, without importing it."""
    try:
        return importlib.util.find_spec("web3") is not None
    except (ImportError, ValueError):
        return False
