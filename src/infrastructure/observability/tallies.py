"""Counts that cost next to nothing to keep: plain numbers, which become series only when somebody asks for them.

A labelled counter of the Prometheus client takes a lock and a look-up by label each time. Statements and repository
methods run thousands of times a second, always in the thread of the event loop, where a plain addition is enough.
"""

import hashlib
import re
from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.metrics_core import CounterMetricFamily, SummaryMetricFamily
from prometheus_client.registry import Collector

MOST_STATEMENTS = 1000
"""Filters combine to ever more statements; those beyond so many are counted together."""

OTHERS = "others"
_VERB = re.compile(r"\s*([A-Za-z]+)")
_TABLE = re.compile(r"\b(?:FROM|INTO|UPDATE)\s+([a-z_][a-z0-9_]*)")


class Tally:
    """How often something was done, how long all of it took, and how often it failed or was slow."""

    __slots__ = ("count", "failures", "fingerprint", "name", "seconds", "slow")

    def __init__(self, name: str, fingerprint: str) -> None:
        """Begin at zero."""
        self.name = name
        self.fingerprint = fingerprint
        self.count = 0
        self.seconds = 0.0
        self.failures = 0
        self.slow = 0


class StatementTallies(Collector):
    """One tally for every text of a statement. Texts hold names of parameters and never values."""

    def __init__(self) -> None:
        """Begin without any."""
        self._by_fingerprint: dict[str, Tally] = {}
        self._others = Tally(OTHERS, OTHERS)

    def of(self, sql: str) -> Tally:
        """Return the tally of a statement."""
        fingerprint = fingerprint_of(sql)
        tally = self._by_fingerprint.get(fingerprint)
        if tally is None:
            if len(self._by_fingerprint) >= MOST_STATEMENTS:
                return self._others
            tally = self._by_fingerprint[fingerprint] = Tally(name_of(sql), fingerprint)
        return tally

    def collect(self) -> Iterator[Metric]:
        """Yield the series of those that ran."""
        labels = ("statement", "fingerprint")
        durations = SummaryMetricFamily("stoa_statement_seconds", "Duration of SQL statements.", labels=labels)
        failures = CounterMetricFamily("stoa_statement_failures", "SQL statements that failed.", labels=labels)
        slow = CounterMetricFamily("stoa_statement_slow", "SQL statements that were logged as slow.", labels=labels)
        for tally in [*self._by_fingerprint.values(), self._others]:
            if not tally.count:
                continue
            values = (tally.name, tally.fingerprint)
            durations.add_metric(values, tally.count, tally.seconds)
            failures.add_metric(values, tally.failures)
            slow.add_metric(values, tally.slow)
        yield from (durations, failures, slow)


class CallTallies(Collector):
    """One tally for every pair of an object and what is asked of it, and what came of it: ``ok`` or an error's code."""

    def __init__(self, name: str, documentation: str, labels: tuple[str, str]) -> None:
        """Call the pairs by these labels."""
        self._name = name
        self._documentation = documentation
        self._labels = (*labels, "code")
        self._tallies: dict[tuple[str, str, str], list[float]] = {}

    def add(self, subject: str, method: str, code: str, seconds: float) -> None:
        """Count one call."""
        tally = self._tallies.get((subject, method, code))
        if tally is None:
            tally = self._tallies[(subject, method, code)] = [0, 0.0]
        tally[0] += 1
        tally[1] += seconds

    def collect(self) -> Iterator[Metric]:
        """Yield the series."""
        durations = SummaryMetricFamily(self._name, self._documentation, labels=self._labels)
        for labels, (count, seconds) in self._tallies.items():
            durations.add_metric(labels, int(count), seconds)
        yield durations


def fingerprint_of(sql: str) -> str:
    """Return what names a statement by its text, the same in every process of a version."""
    return hashlib.blake2b(sql.encode(), digest_size=4).hexdigest()


def name_of(sql: str) -> str:
    """Return what a person recognises a statement by: what it does first, and the first table it does it to."""
    verb, table = _VERB.match(sql), _TABLE.search(sql)
    words = [found[1].lower() for found in (verb, table) if found is not None]
    return " ".join(words) or "statement"
