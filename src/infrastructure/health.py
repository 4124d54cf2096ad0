"""What ``/readyz`` says: what is missing, and what is missed but can be done without."""

import asyncio
from collections.abc import Mapping
from time import monotonic

import structlog

from infrastructure.container import Container
from infrastructure.persistence import guard
from infrastructure.persistence.guard import SchemaOutOfDate
from infrastructure.resilience.breaker import BreakerState
from infrastructure.workers.supervisor import Supervisor

_log = structlog.get_logger("stoa")


class Health:
    """Answers for one process; the database is asked at most once a second."""

    def __init__(self, container: Container, supervisor: Supervisor) -> None:
        """Start undrained and unknown."""
        self._container = container
        self._supervisor = supervisor
        self._asked = -1.0
        self._state = "not asked yet"
        self._asking = asyncio.Lock()
        self.draining = False

    async def __call__(self) -> dict[str, str]:
        """Return every check's state: ok, degraded, or the code of what is missing.

        Requests are served without workers, providers, brokers and mail servers, so that none of these is missing.
        """
        async with self._asking:
            if monotonic() - self._asked >= 1:
                self._state = await self._ask()
                self._asked = monotonic()
        checks = {"database": self._state, "draining": "draining" if self.draining else "ok"}
        # What its own answer says of the database counts, not what the breaker before it remembers.
        return self._breakers() | checks | self._workers()

    def _workers(self) -> dict[str, str]:
        return {
            name: "ok" if state.settled else f"degraded: {state.last_error or 'stopped'}"
            for name, state in self._supervisor.states.items()
        }

    def _breakers(self) -> dict[str, str]:
        states: Mapping[str, BreakerState] = self._container.breakers().states
        return {name: "ok" if state is BreakerState.CLOSED else f"degraded: {state}" for name, state in states.items()}

    async def _ask(self) -> str:
        try:
            async with asyncio.timeout(0.5):
                await guard.refuse_other_schema(self._container.database())
        except TimeoutError:
            return "silent"
        except SchemaOutOfDate:
            return "schema_out_of_date"
        except Exception:  # noqa: BLE001 - health must answer whatever happens
            # Anybody may ask; what went wrong is for the log.
            _log.warning("database_check_failed", exc_info=True)
            return "unavailable"
        return "ok"
