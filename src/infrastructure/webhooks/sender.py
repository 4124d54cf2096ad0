"""One request to a webhook endpoint, and what came of it."""

import asyncio
import ssl
import time
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpcore2

from infrastructure.security.redaction import redact_text
from infrastructure.webhooks.network import AddressRefused, GuardedNetwork

TOTAL_SECONDS = 15.0
LONGEST_RESPONSE = 64 * 1024
LONGEST_EXCERPT = 1024
_GONE = 410
_IDLE_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of one request.

    Attributes:
        error: None when the receiver accepted it with a 2xx; else ``http_500``, ``redirected``, ``timeout``,
            ``address_refused``, ``connection_failed``, ``tls_failed`` or ``protocol_error``.
        retry_after: seconds for which the receiver asked to be left alone.
    """

    status_code: int | None
    error: str | None
    duration: float
    response: str = ""
    retry_after: float | None = None

    @property
    def is_gone(self) -> bool:
        """Whether the receiver said that it will never be there again."""
        return self.status_code == _GONE


class WebhookSender:
    """Sends requests over the guarded network: no redirects, no proxies from the environment, one deadline for all."""

    def __init__(
        self, network: GuardedNetwork, *, seconds: float = TOTAL_SECONDS, trust: ssl.SSLContext | None = None
    ) -> None:
        """Take ``seconds`` at most for a request from its name's resolution to the answer's last byte."""
        self._seconds = seconds
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=trust or ssl.create_default_context(),
            # The delivery worker bounds them; here one endpoint would wait for another.
            max_connections=None,
            max_keepalive_connections=32,
            keepalive_expiry=_IDLE_SECONDS,
            network_backend=network,
        )

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Post and report; whatever the other side does is an answer and no exception."""
        started = time.monotonic()
        try:
            async with asyncio.timeout(self._seconds):
                status, found, content = await self._exchange(url, headers, body)
        except Exception as error:  # noqa: BLE001 - a hostile receiver may break anything, and only its own delivery
            return Answer(status_code=None, error=_reason(error), duration=time.monotonic() - started)
        return Answer(
            status_code=status,
            error=_judge(status),
            duration=time.monotonic() - started,
            response=excerpt(content),
            retry_after=_retry_after(found.get(b"retry-after")),
        )

    async def close(self) -> None:
        """Close idle connections."""
        await self._pool.aclose()

    async def _exchange(
        self, url: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, Mapping[bytes, bytes], bytes]:
        sent = {
            "host": _authority(url), "content-length": str(len(body)), "content-type": "application/json",
            "accept-encoding": "identity", "user-agent": "Stoa-Webhooks/1", **headers,
        }  # fmt: skip
        request = httpcore2.Request(
            "POST", url, headers=[(name.encode(), value.encode()) for name, value in sent.items()], content=body
        )
        response = await self._pool.handle_async_request(request)
        try:
            content = b""
            async with aclosing(response.aiter_stream()) as chunks:
                async for chunk in chunks:
                    content += chunk
                    if len(content) >= LONGEST_RESPONSE:
                        # The status says what has to be known; whoever sends more is not read any further.
                        break
        finally:
            await response.aclose()
        return response.status, {name.lower(): value for name, value in response.headers}, content


def excerpt(content: bytes) -> str:
    """Return the beginning of an answer: printable text without secrets, at most 1 KiB of UTF-8."""
    text = content[: LONGEST_EXCERPT * 2].decode("utf-8", errors="replace")
    printable = "".join(each if each.isprintable() or each == "\n" else "\ufffd" for each in text)
    return redact_text(printable).encode()[:LONGEST_EXCERPT].decode("utf-8", errors="ignore")


def _judge(status: int) -> str | None:
    if 200 <= status < 300:
        return None
    return "redirected" if 300 <= status < 400 else f"http_{status}"


def _reason(error: Exception) -> str:
    match error:
        case TimeoutError() | httpcore2.TimeoutException():
            return "timeout"
        case AddressRefused():
            return "address_refused"
        case httpcore2.ConnectError() if _is_of_tls(error):
            return "tls_failed"
        case httpcore2.NetworkError() | OSError():
            return "connection_failed"
    return "protocol_error"


def _is_of_tls(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error is not None


def _retry_after(value: bytes | None) -> float | None:
    """Read seconds or a date; nonsense asks for nothing."""
    if value is None:
        return None
    text = value.decode("ascii", errors="replace").strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text).astimezone(UTC) - datetime.now(UTC)).total_seconds())
    except (ValueError, OverflowError):
        return None


def _authority(url: str) -> str:
    return url.split("/", 3)[2]
