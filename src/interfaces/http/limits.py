"""Rate limits as HTTP has them: who is charged for a request, and what every answer says about it.

The headers are those of draft-ietf-httpapi-ratelimit-headers: ``RateLimit-Policy`` has the limits, ``RateLimit`` what
is left of them.
"""

import logging
import time
from collections.abc import Callable
from itertools import islice

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from application.kernel.actor import Actor, ActorKind
from application.kernel.limits import Allowance, IRateLimits
from domain.shared.errors import RateLimitExceeded

_ALLOWANCE = "allowance"
_FORWARDED, _PROTOCOL = b"x-forwarded-for", b"x-forwarded-proto"
_SCHEMES = {b"http": "http", b"https": "https"}
_NEVER = (0, Allowance())
_MOST_STOPPED = 1_000
"""Beyond, callers are refused all the same, at a higher cost."""

_LOG = logging.getLogger(__name__)


class Limited:
    """Charges requests and says in their answers what is left; the outermost application, for all faces inside.

    Callers without a credential are told apart by their addresses. What proxies say about those is only believed of as
    many as there are said to be: each adds the address that it was asked from, so of the last ``proxies`` entries of
    ``X-Forwarded-For`` the first is the client's, and everything before is the client's own invention.
    """

    def __init__(
        self, limits: IRateLimits, proxies: int = 0, *, monotonic_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        """Count in ``limits``."""
        self._limits = limits
        self._proxies = proxies
        self._warned = proxies > 0
        self._now = monotonic_ns
        self._stopped: dict[int, tuple[int, Allowance]] = {}
        self._last = 0

    @property
    def has_stopped(self) -> bool:
        """Whether there is anybody who was refused a moment ago and has to wait."""
        if self._stopped and self._last <= self._now():
            self._stopped.clear()
        return bool(self._stopped)

    def stopped(self, credential: bytes, organization: bytes | None) -> Allowance | None:
        """Count one more request of a caller whose last one was refused, if the next one that is granted is not due.

        The arguments are the headers ``Authorization`` and ``Stoa-Organization`` as they came. None is returned for
        everybody else: it is for :meth:`charge` to find out.
        """
        caller = hash((credential, organization))
        until, allowance = self._stopped.get(caller, _NEVER)
        if until <= self._now():
            self._stopped.pop(caller, None)
            return None
        self._limits.count_refusal(allowance)
        return allowance

    def charge(self, scope: Scope, actor: Actor) -> None:
        """Count one request.

        Raises:
            RateLimitExceeded: one of the limits is used up; ``retry_after`` says for how many seconds.
        """
        if actor.kind is ActorKind.PUBLIC:
            client = scope.get("client")
            allowance = self._limits.of_address(client[0] if client else "")
        else:
            allowance = self._limits.of_caller(actor)
            if allowance.wait:
                self._remember(scope, allowance)
        scope["state"][_ALLOWANCE] = allowance
        if allowance.wait:
            raise RateLimitExceeded(retry_after=allowance.retry_after)

    def _remember(self, scope: Scope, allowance: Allowance) -> None:
        """Note who is refused, and until when; no credential is kept."""
        sent = dict(scope["headers"])
        now = self._now()
        if len(self._stopped) >= _MOST_STOPPED:
            self._stopped = {caller: kept for caller, kept in self._stopped.items() if kept[0] > now}
        if len(self._stopped) < _MOST_STOPPED:
            caller = hash((sent.get(b"authorization"), sent.get(b"stoa-organization")))
            self._stopped[caller] = (now + allowance.wait, allowance)
            self._last = max(self._last, now + allowance.wait)

    def around(self, app: ASGIApp) -> ASGIApp:
        """Return the application whose requests can be charged."""

        async def limited(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            self._see_through_proxies(scope)
            state = scope.setdefault("state", {})

            async def send_with_quotas(message: Message) -> None:
                if message["type"] == "http.response.start" and state.get(_ALLOWANCE):
                    message = {**message, "headers": [*message.get("headers", ()), *quota_headers(state[_ALLOWANCE])]}
                await send(message)

            await app(scope, receive, send_with_quotas)

        return limited

    def _see_through_proxies(self, scope: Scope) -> None:
        if self._proxies == 0:
            self._warn(scope)
            return
        said = [value for name, value in scope["headers"] if name == _FORWARDED]
        passed = [part.strip() for part in b",".join(said).split(b",")] if said else []
        # The entry that the outermost of our proxies wrote; with fewer, somebody asked without passing them all.
        client = next(islice(reversed(passed), self._proxies - 1, None), b"")
        if client:
            scope["client"] = (client.decode("latin-1"), 0)
        protocols = [value for name, value in scope["headers"] if name == _PROTOCOL]
        if len(protocols) == 1:
            scope["scheme"] = _SCHEMES.get(protocols[0].strip().lower(), scope["scheme"])

    def _warn(self, scope: Scope) -> None:
        """Say once what behind a proxy that nobody declared would go wrong unseen."""
        if not self._warned and any(name == _FORWARDED for name, _ in scope["headers"]):
            self._warned = True
            _LOG.warning(
                "X-Forwarded-For is ignored, since STOA_TRUSTED_PROXIES is 0: behind a proxy, all callers without a "
                "credential share the limit of its address"
            )


def quota_headers(allowance: Allowance) -> list[tuple[bytes, bytes]]:
    """Return what tells a caller about its limits."""
    quotas = allowance.quotas
    if not quotas:
        return []
    policy = ", ".join(f'"{quota.name}";q={quota.size};w={quota.window}' for quota in quotas)
    left = ", ".join(f'"{quota.name}";r={quota.left};t={quota.reset}' for quota in quotas)
    return [(b"ratelimit-policy", policy.encode()), (b"ratelimit", left.encode())]
