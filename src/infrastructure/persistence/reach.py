"""Circuit breakers before databases: one for each server, whichever role connects."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

from infrastructure.persistence.errors import ConnectionLost, DatabaseUnreachable
from infrastructure.resilience.breaker import Breaker, BreakerOpen
from infrastructure.resilience.breakers import Breakers

FAILURES = 5
REST_SECONDS = 1.0
_COUNTS = (DatabaseUnreachable, ConnectionLost)


def database_breaker(breakers: Breakers) -> Breaker:
    """Return a breaker that counts only how often the server could not be reached, never what it answered."""
    return breakers.new("database", counts=_COUNTS, failures=FAILURES, rest_seconds=REST_SECONDS)


class DatabaseBreakers:
    """One breaker for each server. Roles on one server share it: together they try it once a second, not each."""

    def __init__(self, breakers: Breakers) -> None:
        """Make them as they are asked for."""
        self._breakers = breakers
        self._by_server: dict[object, Breaker] = {}

    def of(self, url: str) -> Breaker:
        """Return the breaker of the server behind a URL."""
        server = _server(url)
        if server not in self._by_server:
            self._by_server[server] = database_breaker(self._breakers)
        return self._by_server[server]


def _server(url: str) -> object:
    """Tell one server from another by where it listens, not by who connects; a URL may name several hosts."""
    parsed = urlsplit(url)
    asked = parse_qs(parsed.query)
    return parsed.netloc.rpartition("@")[2], *(tuple(asked.get(name, ())) for name in ("host", "port"))


@contextmanager
def reaching(breaker: Breaker) -> Iterator[None]:
    """Reach for the server in the block, unless it has been out of reach and is left alone.

    Raises:
        DatabaseUnreachable: it is left alone.
    """
    try:
        with breaker.watch():
            yield
    except BreakerOpen as error:
        raise DatabaseUnreachable(retry_after=1) from error
