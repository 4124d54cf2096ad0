"""web3's provider over connections of our own. Importing this takes a second or two: import it late."""

from typing import override

import aiohttp
from web3 import AsyncHTTPProvider
from web3.types import RPCEndpoint

LARGEST_ANSWER = 32 * 1024 * 1024
"""Bytes; a full block of a busy chain has a few millions of them."""


class AnswerTooLarge(Exception):
    """The endpoint sends more than any answer needs."""


class Provider(AsyncHTTPProvider):
    """Keeps connections open, and can be cancelled at any time.

    web3's own sessions open a connection for every question, and stay locked for good when a question is cancelled
    while it waits for one.
    """

    def __init__(self, url: str, timeout: float) -> None:
        """Connect to nothing yet; ``timeout`` is in seconds."""
        super().__init__(url, exception_retry_configuration=None)
        self._ours: aiohttp.ClientSession | None = None
        self._limit = aiohttp.ClientTimeout(total=timeout)

    @override
    async def _make_request(self, method: RPCEndpoint, request_data: bytes) -> bytes:
        if self._ours is None:
            self._ours = aiohttp.ClientSession(raise_for_status=True, timeout=self._limit)
        async with self._ours.post(
            str(self.endpoint_uri), data=request_data, headers={"Content-Type": "application/json"},
            allow_redirects=False,
        ) as response:  # fmt: skip
            body = bytearray()
            async for chunk in response.content.iter_chunked(1 << 16):
                body += chunk
                if len(body) > LARGEST_ANSWER:
                    raise AnswerTooLarge
            return bytes(body)

    @override
    async def disconnect(self) -> None:
        session, self._ours = self._ours, None
        if session is not None:
            await session.close()
