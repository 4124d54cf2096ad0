"""The machine's clock and randomness."""

import secrets
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from application.kernel.ports import IClock, IIds, ISlugs
from domain.shared.ids import uuid7

_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_SLUG_LENGTH = 16  # characters of five bits: 80 random bits
_COUNTER_BITS = 74
# A fresh millisecond starts in the lower half of the counter's range, so that counting up never reaches its end.
_SEED_BITS = _COUNTER_BITS - 1
# The step is random as well: whoever sees one id cannot name the next one.
_STEP_BITS = 32


class SystemClock(IClock):
    """The machine's own time."""

    def now(self) -> datetime:
        return datetime.now(UTC)


def _unix_ms() -> int:
    return time.time_ns() // 1_000_000


class UuidV7Ids(IIds):
    """UUIDv7 that only ever grow within the process, from any thread and whatever the clock does.

    RFC 9562, 6.2 method 2: the bits after the timestamp are one counter, seeded at random in each new millisecond
    and moved by a random step within it. While the clock stands still or is set back, the last timestamp stays.
    """

    def __init__(self, unix_ms: Callable[[], int] = _unix_ms) -> None:
        self._unix_ms = unix_ms
        self._lock = threading.Lock()
        self._ms = -1
        self._counter = 0

    def new(self) -> UUID:
        now = self._unix_ms()
        with self._lock:
            if now > self._ms:
                self._ms, self._counter = now, secrets.randbits(_SEED_BITS)
            else:
                self._counter += 1 + secrets.randbits(_STEP_BITS)
                if self._counter >> _COUNTER_BITS:
                    self._ms, self._counter = self._ms + 1, secrets.randbits(_SEED_BITS)
            return uuid7(self._ms, self._counter)


class RandomSlugs(ISlugs):
    """Sixteen characters of Crockford's base 32, which reads aloud well and spells few words."""

    def new(self) -> str:
        bits = secrets.randbits(_SLUG_LENGTH * 5)
        return "".join(_CROCKFORD[bits >> shift & 31] for shift in range(0, _SLUG_LENGTH * 5, 5))
