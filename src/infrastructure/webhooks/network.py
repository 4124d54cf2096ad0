"""Connecting to a webhook's address without being led into our own network.

The name is resolved once, every address it has must be public, and exactly the address that was checked is connected
to: what the name says a moment later changes nothing. TLS and the Host header keep the name.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address

import httpcore2

from domain.webhooks.webhook_endpoint import InvalidWebhookUrl
from infrastructure.webhooks.targets import WebhookTargets

type Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class AddressRefused(Exception):
    """The name leads to an address, or a port, that webhooks must not reach."""


class Resolver:
    """Looks names up in threads of its own: a name server that does not answer must not hold up other work."""

    def __init__(self, threads: int) -> None:
        """Look up so many names at once."""
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="stoa-webhook-names")

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """Return the addresses of a host."""
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, _look_up, host, port)
        return list(dict.fromkeys(found))

    def close(self) -> None:
        """Look up nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str, port: int) -> list[str]:
    return [str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class GuardedNetwork(httpcore2.AsyncNetworkBackend):
    """A network in which only public addresses exist."""

    def __init__(self, targets: WebhookTargets, resolve: Resolve) -> None:
        """Judge with ``targets`` what ``resolve`` finds."""
        self._targets = targets
        self._resolve = resolve
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is the library's
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to the first address that answers, when all of them may be reached.

        Raises:
            AddressRefused: one of them may not.
            ConnectError: there is none, or none answers.
        """
        failure: Exception = httpcore2.ConnectError("the name has no address")
        for address in await self._checked(host, port):
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure

    async def connect_unix_socket(
        self,
        path: str,  # noqa: ARG002 - the signature is the library's
        timeout: float | None = None,  # noqa: ARG002, ASYNC109 - as above
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,  # noqa: ARG002 - as above
    ) -> httpcore2.AsyncNetworkStream:
        """Refuse: no webhook is in a file."""
        raise AddressRefused

    async def sleep(self, seconds: float) -> None:
        """Pause."""
        await asyncio.sleep(seconds)

    async def _checked(self, host: str, port: int) -> Sequence[str]:
        try:
            self._targets.check_host(host)
            found = await self._resolve(host, port)
            for text in found:
                address = ip_address(text)
                self._targets.check_address(address)
                self._targets.check_port(address, port)
        except (InvalidWebhookUrl, ValueError) as error:
            # What cannot be read as an address, such as one with a zone, is no public one.
            raise AddressRefused from error
        except OSError as error:
            raise httpcore2.ConnectError("the name cannot be resolved") from error
        return found
