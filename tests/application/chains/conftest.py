"""Shops that sell for tokens."""

import pytest

from tests.support.stack import Stack
from tests.support.token_shops import TokenShop


@pytest.fixture
async def shop(stack: Stack) -> TokenShop:
    """Sell something for 12.50 EUR."""
    return await TokenShop.open(stack)
