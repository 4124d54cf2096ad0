"""Token buckets in one integer each: the moment at which a bucket would be full again.

A bucket of ``size`` tokens that gains ``rate`` of them a second is as empty as that moment is far away, so a token is
the span of ``1 / rate`` seconds. Counting in whole nanoseconds makes every decision exact.
"""

from collections import OrderedDict

SECOND = 1_000_000_000
"""The unit of all moments and spans here is a nanosecond of a clock that never goes back."""


class TokenBuckets[K]:
    """A bucket for every key, for one event loop. Those that are full again may be forgotten: nothing is lost."""

    def __init__(self, rate: int, size: int, *, most: int = 20_000) -> None:
        """Begin with full buckets.

        Args:
            rate: tokens a second that a bucket gains.
            size: tokens that it holds.
            most: how many buckets are remembered; beyond, the one that was longest not asked begins anew.
        """
        self._token = SECOND // rate
        self._span = size * self._token
        self._most = most
        self._full_at: OrderedDict[K, int] = OrderedDict()
        self.size = size
        self.window = -(-self._span // SECOND)

    def __len__(self) -> int:
        """Return how many buckets are remembered."""
        return len(self._full_at)

    def wait(self, key: K, now: int) -> int:
        """Return how long there will be no token; 0 when there is one."""
        return max(0, self.full_in(key, now) + self._token - self._span)

    def take(self, key: K, now: int) -> None:
        """Take a token; :meth:`wait` has said that there is one."""
        self._full_at[key] = max(self._full_at.get(key, now), now) + self._token
        self._full_at.move_to_end(key)
        self._forget(now)

    def left(self, key: K, now: int) -> int:
        """Return how many whole tokens there are."""
        return (self._span - self.full_in(key, now)) // self._token

    def full_in(self, key: K, now: int) -> int:
        """Return how long it is until the bucket is full."""
        return max(0, self._full_at.get(key, now) - now)

    def _forget(self, now: int) -> None:
        """Drop up to two of those that were longest not asked; each call adds one at most."""
        for _ in range(2):
            key, full_at = next(iter(self._full_at.items()))
            if full_at > now and len(self._full_at) <= self._most:
                return
            del self._full_at[key]
