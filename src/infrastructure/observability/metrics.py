"""What Prometheus can ask for at `/metrics`."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from infrastructure.observability.pool_metrics import PoolMetrics
from infrastructure.observability.tallies import CallTallies, StatementTallies
from infrastructure.resilience.breaker import BreakerState

CONTENT_TYPE = CONTENT_TYPE_LATEST

_USE_CASE_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_TRANSACTION_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15)
_LAG_SECONDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30, 60, 300, 1800)
_BREAKER_VALUES = {BreakerState.CLOSED: 0, BreakerState.HALF_OPEN: 1, BreakerState.OPEN: 2}
_JOB_SECONDS = (0.001, 0.01, 0.05, 0.1, 0.5, 1, 5, 30, 60, 300)


class Metrics:
    """Counts and durations in a registry of their own, so that two applications in one process do not mix.

    Labels take values from fixed sets only (names of use-cases, codes of errors), never from requests or tenants.
    """

    content_type = CONTENT_TYPE

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry(auto_describe=True)
        self._use_cases(registry)
        self.statements = StatementTallies()
        self.methods = CallTallies(
            "stoa_repository_seconds", "Duration of repository methods.", ("repository", "method")
        )
        self.outbound = CallTallies("stoa_outbound_seconds", "Duration of calls outside.", ("service", "operation"))
        for collector in (self.statements, self.methods, self.outbound):
            registry.register(collector)
        self.pools = PoolMetrics(registry)
        self._breaker = Gauge(
            "stoa_breaker_state", "Circuit breakers: 0 closed, 1 half open, 2 open.", ("breaker",), registry=registry
        )
        self._transactions = Histogram(
            "stoa_transaction_duration_seconds",
            "From taking a connection to giving it back.",
            ("pool", "end"),
            buckets=_TRANSACTION_SECONDS,
            registry=registry,
        )
        self._receivers = Gauge(
            "stoa_webhook_breakers_open", "Webhook endpoints that are left alone.", registry=registry
        )
        self._restarts = Counter("stoa_worker_restarts", "Restarts of crashed workers.", ("worker",), registry=registry)
        self._outbox(registry)
        self._unsealed = Gauge("stoa_audit_unsealed_entries", "Audit entries not yet sealed.", registry=registry)
        self._jobs(registry)
        self._limits(registry)
        self._cache(registry)
        self._drifts = Counter(
            "stoa_wallet_drifts", "Balances of wallets that were found to drift by another amount.", registry=registry
        )

    def _use_cases(self, registry: CollectorRegistry) -> None:
        self._calls = Counter(
            "stoa_use_case_calls", "Calls of use-cases.", ("use_case", "face", "code"), registry=registry
        )
        self._errors = Counter(
            "stoa_use_case_errors", "Calls that failed, by code.", ("use_case", "face", "code"), registry=registry
        )
        self._durations = Histogram(
            "stoa_use_case_duration_seconds",
            "Duration of use-cases.",
            ("use_case", "face"),
            buckets=_USE_CASE_SECONDS,
            registry=registry,
        )

    def _outbox(self, registry: CollectorRegistry) -> None:
        self._backlog = Gauge("stoa_outbox_backlog_events", "Events waiting to be published.", registry=registry)
        self._published = Counter("stoa_outbox_published_events", "Events published.", registry=registry)
        self._publish_failures = Counter(
            "stoa_outbox_publish_failures", "Batches that were not confirmed.", registry=registry
        )
        self._lag = Histogram(
            "stoa_outbox_lag_seconds",
            "From an event's occurrence to its confirmation.",
            buckets=_LAG_SECONDS,
            registry=registry,
        )

    def _limits(self, registry: CollectorRegistry) -> None:
        self._in_flight = Gauge(
            "stoa_requests_in_flight", "Requests that hold a place of bounded concurrency.", registry=registry
        )
        self._shed = Counter(
            "stoa_requests_shed", "Requests refused because too much was under way.", ("importance",), registry=registry
        )
        self._limited = Counter(
            "stoa_requests_rate_limited", "Requests refused by a rate limit.", ("limit",), registry=registry
        )

    def _jobs(self, registry: CollectorRegistry) -> None:
        self._job_runs = Counter("stoa_job_runs", "Runs of background jobs.", ("job", "result"), registry=registry)
        self._job_durations = Histogram(
            "stoa_job_duration_seconds",
            "Duration of background jobs.",
            ("job",),
            buckets=_JOB_SECONDS,
            registry=registry,
        )
        self._buried = Counter("stoa_jobs_buried", "Jobs given up after many failures.", ("job",), registry=registry)

    def _cache(self, registry: CollectorRegistry) -> None:
        self._cached_reads = Counter(
            "stoa_cache_reads", "Reads that may be cached, by how they ended.", ("use_case", "result"),
            registry=registry,
        )  # fmt: skip
        self._cache_changes = Counter(
            "stoa_cache_invalidations", "Commits that ended cached answers.", ("origin",), registry=registry
        )

    def observe_use_case(self, name: str, face: str, code: str, seconds: float) -> None:
        """Count one call; `code` is ``ok`` or the code of the error."""
        self._calls.labels(name, face, code).inc()
        if code != "ok":
            self._errors.labels(name, face, code).inc()
        self._durations.labels(name, face).observe(seconds)

    def set_pool(self, pool: str, *, idle: int, in_use: int, waiting: int = 0) -> None:
        """Note the present state of a connection pool."""
        self.pools.set_connections(pool, idle=idle, in_use=in_use, waiting=waiting)

    def set_breaker(self, name: str, state: BreakerState) -> None:
        """Note the state of a circuit breaker, from the moment it is made."""
        self._breaker.labels(name).set(_BREAKER_VALUES[state])

    def transactions(self, pool: str, end: str) -> Histogram:
        """Return what counts how long transactions had their connections; `end` is ``commit`` or ``rollback``."""
        return self._transactions.labels(pool, end)

    def set_webhook_breakers_open(self, endpoints: int) -> None:
        self._receivers.set(endpoints)

    def watch_worker(self, worker: str) -> None:
        """Show a worker from its start, before it ever crashed."""
        self._restarts.labels(worker)

    def observe_worker_restart(self, worker: str) -> None:
        self._restarts.labels(worker).inc()

    def set_in_flight(self, requests: int) -> None:
        self._in_flight.set(requests)

    def observe_shed(self, importance: str) -> None:
        self._shed.labels(importance).inc()

    def observe_rate_limited(self, limit: str) -> None:
        self._limited.labels(limit).inc()

    def set_outbox_backlog(self, events: int) -> None:
        self._backlog.set(events)

    def observe_published(self, events: int, lag_seconds: float) -> None:
        """Count a confirmed batch; the lag is that of its oldest event."""
        self._published.inc(events)
        self._lag.observe(max(0.0, lag_seconds))

    def observe_publish_failure(self) -> None:
        self._publish_failures.inc()

    def set_audit_unsealed(self, entries: int) -> None:
        self._unsealed.set(entries)

    def observe_job(self, job: str, result: str, seconds: float) -> None:
        """Count one run of a background job; `result` is ``ok`` or the code of the error."""
        self._job_runs.labels(job, result).inc()
        self._job_durations.labels(job).observe(seconds)

    def observe_buried_job(self, job: str) -> None:
        """Count a background job that is not tried again by itself."""
        self._buried.labels(job).inc()

    def observe_wallet_drifts(self, drifts: int) -> None:
        """Count balances that differ from what is recorded by another amount than before."""
        self._drifts.inc(drifts)

    def observe_cached_read(self, use_case: str, result: str) -> None:
        """Count a read: a hit, shared with another caller's, a miss, or with the cache off."""
        self._cached_reads.labels(use_case, result).inc()

    def observe_cache_changes(self, origin: str) -> None:
        """Count changes of this process (here) or another one (elsewhere) that ended something."""
        self._cache_changes.labels(origin).inc()

    def render(self) -> bytes:
        """Return everything in Prometheus' text format, to be served as `CONTENT_TYPE`."""
        return generate_latest(self._registry)
