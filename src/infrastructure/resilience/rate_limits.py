"""Who may ask how often: every credential, every organization, and every address of callers without a credential."""

import ipaddress
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from application.kernel.actor import PLATFORM, Actor
from application.kernel.limits import Allowance, IRateLimits, Quota
from infrastructure.resilience.token_buckets import SECOND, TokenBuckets

BURST_SECONDS = 5
"""A caller who was silent for so long may ask at once what it could have asked meanwhile."""

_NOBODY = ""
"""All whose address is not known share what one address has."""
_NETWORK_OF_ONE = 64  # bits: the least that somebody with IPv6 has is a network of this length


@dataclass(frozen=True, slots=True)
class _Limit:
    """One limit; the name is what callers and metrics are told."""

    name: str
    buckets: TokenBuckets[Hashable]

    def quota(self, key: Hashable, now: int) -> Quota:
        buckets, reset = self.buckets, -(-self.buckets.full_in(key, now) // SECOND)
        return Quota(name=self.name, size=buckets.size, window=buckets.window, left=buckets.left(key, now), reset=reset)


type _Asked = tuple[_Limit, Hashable]


class RateLimits(IRateLimits):
    """Token buckets in this process, so that each process grants as much; 0 requests a second mean no limit."""

    def __init__(
        self, *, credential: int, organization: int, address: int, refused: Callable[[str], None] | None = None,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:  # fmt: skip
        """Set the requests a second; ``refused`` is told the name of every limit that refuses one."""

        def limit(name: str, rate: int) -> tuple[_Limit, ...]:
            return (_Limit(name, TokenBuckets(rate, rate * BURST_SECONDS)),) if rate else ()

        self._credential = limit("credential", credential)
        self._organization = limit("organization", organization)
        self._address = limit("address", address)
        self._refused = refused
        self._now = monotonic_ns

    def of_caller(self, actor: Actor) -> Allowance:
        # Sessions of one person count apart, the keys of one agent together.
        limits: list[_Asked] = [(limit, (actor.id, actor.session_id)) for limit in self._credential]
        if actor.organization_id != PLATFORM:
            limits += [(limit, actor.organization_id) for limit in self._organization]
        return self._count(limits)

    def of_address(self, address: str) -> Allowance:
        return self._count([(limit, _who(address)) for limit in self._address])

    def _count(self, limits: list[_Asked]) -> Allowance:
        now = self._now()
        waits = [limit.buckets.wait(key, now) for limit, key in limits]
        refused_by = tuple(limit.name for (limit, _), wait in zip(limits, waits, strict=True) if wait)
        if not refused_by:
            for limit, key in limits:
                limit.buckets.take(key, now)
        allowance = Allowance(tuple(limit.quota(key, now) for limit, key in limits), refused_by, max(waits, default=0))
        self.count_refusal(allowance)
        return allowance

    def count_refusal(self, allowance: Allowance) -> None:
        if self._refused is not None:
            for name in allowance.refused_by:
                self._refused(name)


def _who(address: str) -> str:
    """Return what addresses of one caller have in common; some proxies write them with a port."""
    bare = address.removeprefix("[").partition("]")[0]
    if bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        parsed = ipaddress.ip_address(bare)
    except ValueError:
        return _NOBODY
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(parsed), _NETWORK_OF_ONE), strict=False))
