"""One endpoint of a chain, over JSON-RPC by HTTP. What it is called is its host: its address may hold a key."""

import asyncio
import importlib
import logging
import time
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import urlsplit

import structlog

from infrastructure.chain.answers import Nonsense, as_number
from infrastructure.resilience.breaker import BreakerOpen
from infrastructure.resilience.breakers import Breakers

_FAILURES = 3
_REST_SECONDS = 15.0
_LARGEST_CODE = 64  # characters of what is logged about a failure
# It writes the addresses it asks, keys included, at debug.
logging.getLogger("web3").setLevel(logging.WARNING)


class EndpointFailure(Exception):
    """The endpoint did not answer in time, or with nothing that could be used."""


class Refusal(Exception):
    """The endpoint answered with an error."""

    def __init__(self, code: int, message: str, data: bytes | None) -> None:
        """Keep what it said."""
        super().__init__(code)
        self.code = code
        self.message = message
        self.data = data


class _Provider(Protocol):
    """As much of web3's provider as is used here; web3 itself is imported late."""

    async def make_request(self, method: str, params: object) -> Any:  # noqa: ANN401 - JSON
        """Ask."""

    async def disconnect(self) -> None:
        """Close its connections."""


class Endpoint:
    """Asks one endpoint, once it has shown that it is of the right chain; left alone while it keeps failing."""

    def __init__(
        self, url: str, chain_id: int, *, timeout: float, monotonic: Callable[[], float] = time.monotonic,
        breakers: Breakers | None = None,
    ) -> None:  # fmt: skip
        """Connect to nothing yet.

        Args:
            url: of the endpoint.
            chain_id: what it has to answer for.
            timeout: seconds for one question.
            monotonic: the breaker's clock.
            breakers: know the state of this endpoint's, under the name of its chain.
        """
        self.name = urlsplit(url).hostname or ""
        self._url = url
        self._chain_id = chain_id
        self._timeout = timeout
        self._breaker = (breakers or Breakers()).new(
            f"chain:{chain_id}", counts=(EndpointFailure,), failures=_FAILURES, rest_seconds=_REST_SECONDS,
            monotonic=monotonic,
        )  # fmt: skip
        self._provider: _Provider | None = None
        self._opening = asyncio.Lock()
        self._is_ours = False
        self._log = structlog.get_logger("stoa.chain").bind(chain=chain_id, endpoint=self.name)

    async def ask(self, method: str, *params: object) -> object:
        """Return the result.

        Raises:
            EndpointFailure: there is none.
            Refusal: there is an error in its place.
        """
        try:
            with self._breaker.watch():
                if not self._is_ours:
                    await self._identify()
                return await self._ask(method, params)
        except BreakerOpen as error:
            raise EndpointFailure from error

    async def close(self) -> None:
        """Close its connections."""
        provider, self._provider = self._provider, None
        if provider is not None:
            await provider.disconnect()

    async def _identify(self) -> None:
        try:
            found = as_number(await self._ask("eth_chainId", ()))
        except (Nonsense, Refusal) as error:
            raise EndpointFailure from error
        if found != self._chain_id:
            self._log.error("chain_endpoint_of_another_chain", found=found)
            raise EndpointFailure
        self._is_ours = True

    async def _ask(self, method: str, params: tuple[object, ...]) -> object:
        try:
            provider = await self._opened()
            async with asyncio.timeout(self._timeout):
                answer = await provider.make_request(method, list(params))
        except Exception as error:  # noqa: BLE001 - whatever web3 or the network raise, there is no answer
            # Its text would name the address; the kind says enough.
            self._log.warning("chain_endpoint_failed", method=method, error=type(error).__name__[:_LARGEST_CODE])
            raise EndpointFailure from None
        return self._result(method, answer)

    def _result(self, method: str, answer: object) -> object:
        if isinstance(answer, dict) and "result" in answer and answer.get("error") is None:
            return answer["result"]
        if isinstance(answer, dict) and isinstance(error := answer.get("error"), dict):
            code, message = error.get("code"), error.get("message")
            raise Refusal(code if type(code) is int else 0, str(message or ""), _data(error.get("data")))
        self._log.warning("chain_endpoint_failed", method=method, error="Nonsense")
        raise EndpointFailure

    async def _opened(self) -> _Provider:
        async with self._opening:
            if self._provider is None:
                self._provider = await asyncio.to_thread(_new_provider, self._url, self._timeout)
            return self._provider


def _new_provider(url: str, timeout: float) -> _Provider:
    """Import web3, which takes seconds the first time."""
    made: _Provider = importlib.import_module("infrastructure.chain.provider").Provider(url, timeout)
    return made


def _data(value: object) -> bytes | None:
    """Return the bytes that came with an error, wherever a node puts them."""
    if isinstance(value, dict):
        value = value.get("data", value.get("result"))
    if not isinstance(value, str):
        return None
    try:
        return bytes.fromhex(value.removeprefix("Reverted ").removeprefix("0x"))
    except ValueError:
        return None
