"""Chains of both kinds, and Stoa's way to them."""

import os
from collections.abc import AsyncIterator

import pytest

from application.wallets.ports import IChain
from infrastructure.chain.chains import Chains
from infrastructure.settings_chain import ChainSettings
from tests.support.chain import DevChain
from tests.support.lying_endpoint import LyingEndpoint, lying_endpoint, through

KINDS = ("anvil",) if os.environ.get("STOA_TEST_CHAIN") == "anvil" else ("py-evm", "anvil")


@pytest.fixture(params=KINDS)
def chain(request: pytest.FixtureRequest) -> DevChain:
    """Return a chain of each kind."""
    found = request.getfixturevalue("anvil" if request.param == "anvil" else "dev_chain")
    assert isinstance(found, DevChain)
    return found


@pytest.fixture
async def there(chain: DevChain) -> AsyncIterator[IChain]:
    """Return the same chain as the application sees it."""
    settings = ChainSettings(chain_id=chain.chain_id, endpoints=(chain.url,), confirmations=3)
    chains = Chains([settings])
    yield chains.of(chain.chain_id)
    await chains.close()


@pytest.fixture
async def liar(dev_chain: DevChain) -> AsyncIterator[LyingEndpoint]:
    """Stand between the chain and who asks it."""
    async with lying_endpoint(dev_chain) as opened:
        yield opened


@pytest.fixture
async def pair(dev_chain: DevChain, liar: LyingEndpoint) -> AsyncIterator[IChain]:
    """Return the chain through two endpoints, one of which may lie."""
    chain = through(dev_chain, dev_chain.url, liar.url)
    yield chain
    await chain.close()
