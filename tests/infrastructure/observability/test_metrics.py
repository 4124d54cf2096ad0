"""Metrics as Prometheus reads them."""

import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from infrastructure.observability.metrics import CONTENT_TYPE, Metrics
from infrastructure.resilience.breaker import BreakerState


def samples(metrics: Metrics) -> dict[tuple[str, frozenset[str]], float]:
    """Every sample by its name and the values of its labels."""
    families = text_string_to_metric_families(metrics.render().decode())
    return {
        (sample.name, frozenset(sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
    }


def test_calls_of_use_cases_are_counted_timed_and_told_apart() -> None:
    """By use-case, face and code; failures also by themselves."""
    metrics = Metrics()
    metrics.observe_use_case("customers.get", "http", "ok", 0.02)
    metrics.observe_use_case("customers.get", "http", "ok", 0.03)
    metrics.observe_use_case("customers.get", "cli", "not_found", 0.01)
    found = samples(metrics)
    assert found["stoa_use_case_calls_total", frozenset({"customers.get", "http", "ok"})] == 2
    assert found["stoa_use_case_errors_total", frozenset({"customers.get", "cli", "not_found"})] == 1
    assert ("stoa_use_case_errors_total", frozenset({"customers.get", "http", "ok"})) not in found
    assert found["stoa_use_case_duration_seconds_sum", frozenset({"customers.get", "http"})] == 0.05
    assert found["stoa_use_case_duration_seconds_bucket", frozenset({"customers.get", "http", "0.025"})] == 1


def test_pool_outbox_audit_and_jobs_are_shown() -> None:
    """What an operator looks at when something is slow."""
    metrics = Metrics()
    metrics.set_pool("app", idle=3, in_use=7)
    metrics.set_outbox_backlog(12)
    metrics.observe_published(100, 0.2)
    metrics.observe_published(1, -0.5)
    metrics.observe_publish_failure()
    metrics.set_audit_unsealed(4)
    metrics.observe_job("seal", "ok", 0.1)
    found = samples(metrics)
    assert found["stoa_db_pool_connections", frozenset({"app", "in_use"})] == 7
    assert found["stoa_outbox_backlog_events", frozenset()] == 12
    assert found["stoa_outbox_published_events_total", frozenset()] == 101
    assert found["stoa_outbox_publish_failures_total", frozenset()] == 1
    assert found["stoa_outbox_lag_seconds_sum", frozenset()] == 0.2
    assert found["stoa_audit_unsealed_entries", frozenset()] == 4
    assert found["stoa_job_runs_total", frozenset({"seal", "ok"})] == 1
    assert found["stoa_job_duration_seconds_count", frozenset({"seal"})] == 1


@pytest.mark.parametrize(
    ("state", "value"), [(BreakerState.CLOSED, 0), (BreakerState.HALF_OPEN, 1), (BreakerState.OPEN, 2)]
)
def test_the_state_of_a_breaker_is_a_number(state: BreakerState, value: int) -> None:
    """The worse the higher, so that an alert can say "above 1"."""
    metrics = Metrics()
    metrics.set_breaker("database", state)
    assert samples(metrics)["stoa_breaker_state", frozenset({"database"})] == value


def test_two_applications_in_one_process_do_not_mix() -> None:
    """The registry is private, so that nothing of ours is in the library's global one."""
    one, other = Metrics(), Metrics()
    one.set_outbox_backlog(5)
    assert samples(other)["stoa_outbox_backlog_events", frozenset()] == 0
    assert not [family.name for family in REGISTRY.collect() if family.name.startswith("stoa")]
    assert CONTENT_TYPE.startswith("text/plain")
