"""What the metrics of a running process say about its performance, as rows that a person reads from the top."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from math import inf

from prometheus_client.parser import text_string_to_metric_families

from application.kernel.wire import Wire

type Labels = tuple[str, ...]
type Row = dict[str, Wire]
type Buckets = list[tuple[float, float]]
"""Upper bounds, and how many were at most that."""


class Exposition:
    """The samples of one answer of ``/metrics``."""

    def __init__(self, text: str) -> None:
        """Read it.

        Raises:
            ValueError: it is no exposition.
        """
        self._samples: defaultdict[str, list[tuple[Mapping[str, str], float]]] = defaultdict(list)
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                self._samples[sample.name].append((sample.labels, sample.value))

    def __contains__(self, name: str) -> bool:
        return name in self._samples

    def values(self, name: str, *labels: str) -> dict[Labels, float]:
        """Return the sums of a series by some of its labels."""
        sums: defaultdict[Labels, float] = defaultdict(float)
        for given, value in self._samples[name]:
            sums[tuple(given.get(label, "") for label in labels)] += value
        return dict(sums)

    def buckets(self, name: str, *labels: str) -> dict[Labels, Buckets]:
        """Return the buckets of a histogram by some of its labels, from the smallest on."""
        found: defaultdict[Labels, defaultdict[float, float]] = defaultdict(lambda: defaultdict(float))
        for given, value in self._samples[f"{name}_bucket"]:
            found[tuple(given.get(label, "") for label in labels)][float(given["le"])] += value
        return {key: sorted(each.items()) for key, each in found.items()}

    def gauges(self, prefix: str) -> list[tuple[str, Mapping[str, str], float]]:
        """Return every sample whose name begins so."""
        return [
            (name, labels, value)
            for name, samples in sorted(self._samples.items())
            for labels, value in samples
            if name.startswith(prefix) and not name.endswith(("_created", "_bucket"))
        ]


def quantile(buckets: Buckets, share: float) -> float | None:
    """Return what that share of all was at most, as Prometheus estimates it: evenly spread within a bucket."""
    total = buckets[-1][1] if buckets else 0
    if total == 0:
        return None
    rank = share * total
    for (low, before), (high, until) in pairwise([(0.0, 0.0), *buckets]):
        if until >= rank:
            return low if high == inf else low + (high - low) * (rank - before) / max(until - before, 1e-12)
    return None


def read(text: str, limit: int) -> dict[str, list[Row]] | None:
    """Return the sections of the report, each with what took most time first and at most ``limit`` rows.

    None when the text is no exposition of ours.
    """
    try:
        found = Exposition(text)
    except ValueError:
        return None
    if "stoa_audit_unsealed_entries" not in found:
        return None
    sections: dict[str, Callable[[Exposition], Iterable[Row]]] = {
        "use_cases": _use_cases, "statements": _statements, "repositories": _repositories,
        "transactions": _transactions, "pool": _pool, "outbox": _outbox, "jobs": _jobs,
    }  # fmt: skip
    return {name: list(rows(found))[:limit] for name, rows in sections.items()}


def _use_cases(found: Exposition) -> Iterable[Row]:
    labels, name = ("use_case", "face"), "stoa_use_case_duration_seconds"
    errors, seconds = found.values("stoa_use_case_errors_total", *labels), found.values(f"{name}_sum", *labels)
    buckets = found.buckets(name, *labels)
    for key, count in _by_total(found.values(f"{name}_count", *labels), seconds):
        yield {
            "use_case": key[0], "face": key[1], "calls": int(count), "errors": int(errors.get(key, 0)),
            **_quantiles(buckets.get(key, [])),
        }  # fmt: skip


def _statements(found: Exposition) -> Iterable[Row]:
    """The slowest on average first: what is fast and often is seen in its use-cases."""
    labels, name = ("statement", "fingerprint"), "stoa_statement_seconds"
    counts, seconds = found.values(f"{name}_count", *labels), found.values(f"{name}_sum", *labels)
    failures = found.values("stoa_statement_failures_total", *labels)
    slow = found.values("stoa_statement_slow_total", *labels)
    for key in sorted(counts, key=lambda key: -seconds[key] / max(counts[key], 1)):
        yield {
            "statement": key[0], "fingerprint": key[1], "runs": int(counts[key]),
            "mean_us": _us(seconds[key] / max(counts[key], 1)), "total_us": _us(seconds[key]),
            "slow": int(slow.get(key, 0)), "failures": int(failures.get(key, 0)),
        }  # fmt: skip


def _repositories(found: Exposition) -> Iterable[Row]:
    labels, name = ("repository", "method"), "stoa_repository_seconds"
    counts, seconds = found.values(f"{name}_count", *labels), found.values(f"{name}_sum", *labels)
    ok = {key[:2]: n for key, n in found.values(f"{name}_count", *labels, "code").items() if key[2] == "ok"}
    for key, count in _by_total(counts, seconds):
        yield {
            "repository": key[0], "method": key[1], "calls": int(count),
            "failures": int(count - ok.get(key, 0)), "mean_us": _us(seconds[key] / count),
        }  # fmt: skip


def _transactions(found: Exposition) -> Iterable[Row]:
    labels, name = ("pool", "end"), "stoa_transaction_duration_seconds"
    buckets, counts = found.buckets(name, *labels), found.values(f"{name}_count", *labels)
    for key, count in _by_total(counts, found.values(f"{name}_sum", *labels)):
        yield {"pool": key[0], "end": key[1], "count": int(count), **_quantiles(buckets[key])}


def _pool(found: Exposition) -> Iterable[Row]:
    for name, labels, value in found.gauges("stoa_db_pool_"):
        told = " ".join(f"{label}={text}" for label, text in sorted(labels.items()))
        yield {"metric": name, "of": told, "value": f"{value:g}"}


def _outbox(found: Exposition) -> Iterable[Row]:
    backlog, lag = found.values("stoa_outbox_backlog_events"), found.buckets("stoa_outbox_lag_seconds")
    yield {
        "backlog": int(backlog.get((), 0)),
        "published": int(found.values("stoa_outbox_published_events_total").get((), 0)),
        "failed_batches": int(found.values("stoa_outbox_publish_failures_total").get((), 0)),
        **_quantiles(lag.get((), []), "lag_"),
    }


def _jobs(found: Exposition) -> Iterable[Row]:
    runs = found.values("stoa_job_runs_total", "job", "result")
    buckets, name = found.buckets("stoa_job_duration_seconds", "job"), "stoa_job_duration_seconds"
    for (job,), count in _by_total(found.values(f"{name}_count", "job"), found.values(f"{name}_sum", "job")):
        failures = sum(n for (of, result), n in runs.items() if of == job and result != "ok")
        yield {"job": job, "runs": int(count), "failures": int(failures), **_quantiles(buckets[job,])}


def _by_total(counts: Mapping[Labels, float], seconds: Mapping[Labels, float]) -> list[tuple[Labels, float]]:
    return [(key, counts[key]) for key in sorted(counts, key=lambda key: -seconds[key]) if counts[key]]


def _quantiles(buckets: Buckets, prefix: str = "") -> Row:
    return {f"{prefix}p{round(share * 100)}_us": _us(quantile(buckets, share)) for share in (0.5, 0.95, 0.99)}


def _us(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1_000_000)
