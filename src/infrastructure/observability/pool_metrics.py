"""What Prometheus can ask of the connection pools."""

from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_WAIT_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1)


class Dropped(StrEnum):
    """Why a connection left its pool."""

    RECYCLED = "recycled"
    BROKEN = "broken"
    UNKNOWN_STATE = "unknown_state"


class PoolMetrics:
    """The series of all pools, told apart by the label ``pool``."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register the series."""
        self._connections = Gauge(
            "stoa_db_pool_connections", "Connections of a pool, and takers waiting for one.", ("pool", "state"),
            registry=registry,
        )  # fmt: skip
        self._waits = Histogram(
            "stoa_db_pool_wait_seconds", "Waits for a free connection; takers that need not wait are not in it.",
            ("pool",), buckets=_WAIT_SECONDS, registry=registry,
        )  # fmt: skip
        self._exhausted = Counter(
            "stoa_db_pool_exhausted", "Waits that ended without a connection.", ("pool",), registry=registry
        )
        self._connects = Counter(
            "stoa_db_pool_connects", "Connections made, or not.", ("pool", "result"), registry=registry
        )
        self._dropped = Counter(
            "stoa_db_pool_dropped", "Connections that left a pool before its end.", ("pool", "reason"),
            registry=registry,
        )  # fmt: skip

    def set_connections(self, pool: str, *, idle: int, in_use: int, waiting: int) -> None:
        """Note the present state of a pool."""
        for state, value in (("idle", idle), ("in_use", in_use), ("waiting", waiting)):
            self._connections.labels(pool, state).set(value)

    def of(self, pool: str) -> "PoolStatistics":
        """Return what counts one pool; every series of it is there from now on."""
        return PoolStatistics(
            self._waits.labels(pool), self._exhausted.labels(pool),
            {ok: self._connects.labels(pool, "ok" if ok else "failed") for ok in (True, False)},
            {reason: self._dropped.labels(pool, reason.value) for reason in Dropped},
        )  # fmt: skip


class PoolStatistics:
    """What one pool tells of itself."""

    def __init__(
        self, waits: Histogram, exhausted: Counter, connects: dict[bool, Counter], dropped: dict[Dropped, Counter]
    ) -> None:
        """Count in these series."""
        self._waits = waits
        self._exhausted = exhausted
        self._connects = connects
        self._dropped = dropped

    def waited(self, seconds: float) -> None:
        """Note that a taker waited for a free connection, whether or not it got one."""
        self._waits.observe(seconds)

    def exhausted(self) -> None:
        """Note that a taker got none."""
        self._exhausted.inc()

    def connected(self, *, ok: bool) -> None:
        """Note an attempt to make a connection."""
        self._connects[ok].inc()

    def dropped(self, reason: Dropped) -> None:
        """Note that a connection left the pool."""
        self._dropped[reason].inc()
