"""What a database is asked, and how long it takes: told by its transactions, statement by statement."""

import logging
from time import perf_counter
from typing import Protocol
from uuid import UUID

import structlog
from prometheus_client import Histogram

from domain.shared.ids import OrganizationId, encode_id
from infrastructure.observability.metrics import Metrics
from infrastructure.observability.spans import NO_SPANS, Kind, Spans, Value
from infrastructure.observability.tallies import Tally

SLOW_SECONDS = 1.0
_log = structlog.get_logger("stoa.database")
_standard_log = logging.getLogger("stoa.database")


class IStatement(Protocol):
    """A compiled statement: its text, which holds no values, and room for its tally."""

    @property
    def sql(self) -> str:
        """Return the text."""
        ...

    tally: Tally | None


class Watch:
    """Told of every statement, transaction and repository method of one database. Never told a parameter."""

    def __init__(
        self, metrics: Metrics, *, pool: str = "database", slow_seconds: float = SLOW_SECONDS, spans: Spans = NO_SPANS
    ) -> None:
        """Count under the name of a pool, and log what takes ``slow_seconds`` or more."""
        self._spans = spans if spans.is_on else None
        self.system = "postgresql"
        self.metrics = metrics
        self._pool = pool
        self._slow_seconds = slow_seconds
        self.method_ran = metrics.methods.add
        self._transactions: dict[str, Histogram] = {}
        self.pool = metrics.pools.of(pool)

    def statement_ran(self, statement: IStatement, started: float, rows: int | None, tenant: UUID | None) -> None:
        """Note one statement.

        Args:
            statement: what ran.
            started: when, by ``perf_counter``.
            rows: how many came back; None when it failed or was given up.
            tenant: the organization that it ran for, if for one.
        """
        seconds = perf_counter() - started
        tally = statement.tally
        if tally is None:
            tally = statement.tally = self.metrics.statements.of(statement.sql)
        tally.count += 1
        tally.seconds += seconds
        if rows is None:
            tally.failures += 1
        if seconds >= self._slow_seconds:
            tally.slow += 1
            _log.warning("statement_slow", **self._line(tally, seconds, rows, tenant))
        elif _standard_log.isEnabledFor(logging.DEBUG):
            _log.debug("statement", **self._line(tally, seconds, rows, tenant))
        if self._spans is not None:
            facts: dict[str, Value] = {
                "db.system.name": self.system, "db.query.summary": tally.name,
                "stoa.statement.fingerprint": tally.fingerprint, "db.response.returned_rows": rows or 0,
            }  # fmt: skip
            self._spans.past(tally.name, Kind.CLIENT, seconds, facts, failed=rows is None)

    def transaction_ended(self, started: float, end: str) -> None:
        """Note how long a connection was somebody's; ``end`` is ``commit``, ``rollback`` or ``failed``."""
        seconds = perf_counter() - started
        series = self._transactions.get(end)
        if series is None:
            # Kept, because looking it up costs more than counting.
            series = self._transactions[end] = self.metrics.transactions(self._pool, end)
        series.observe(seconds)
        if self._spans is not None:
            self._spans.past(f"transaction {end}", Kind.INTERNAL, seconds)

    def event_recorded(self, event_id: UUID, event_type: str, traceparent: str) -> None:
        """Note that an event is about to be committed."""
        if self._spans is not None:
            self._spans.event(event_id, event_type, traceparent)

    def _line(self, tally: Tally, seconds: float, rows: int | None, tenant: UUID | None) -> dict[str, object]:
        return {
            "statement": tally.name, "fingerprint": tally.fingerprint, "ms": round(seconds * 1000, 1), "rows": rows,
            "organization_id": None if tenant is None else encode_id("org", OrganizationId(tenant)),
            "pool": self._pool,
        }  # fmt: skip
