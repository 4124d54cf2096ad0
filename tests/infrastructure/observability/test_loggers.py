"""Loggers with names of their own: what each writes, and what it is never given."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs

from application.kernel.ports import Charge, Repayment
from domain.payments.errors import PaymentProviderError
from domain.shared.money import Money
from infrastructure.observability.calls import Calls
from infrastructure.observability.loggers import Outbound, call_of_agent, forget_caller, name_caller, refusals
from infrastructure.observability.metrics import Metrics
from infrastructure.payments.sandbox import SandboxPaymentProvider
from infrastructure.payments.watched import COUNTS, WatchedPaymentProvider
from infrastructure.resilience.breaker import Breaker
from tests.infrastructure.observability.test_watch import series
from tests.support.databases import TestDatabases
from tests.support.system import open_system

TOKEN = "tok_sandbox_success"


@pytest.fixture(autouse=True)
def _nobody() -> Iterator[None]:
    """Forget who called."""
    yield
    forget_caller()
    structlog.contextvars.clear_contextvars()


def provider(metrics: Metrics) -> WatchedPaymentProvider:
    """Return the sandbox as the container wraps it."""
    breaker = Breaker("payment_provider", counts=COUNTS, failures=5, rest_seconds=1.0)
    return WatchedPaymentProvider(SandboxPaymentProvider(), breaker, Outbound(metrics))


async def test_a_payment_is_a_line_without_what_pays_it() -> None:
    """Amount, attempt and outcome of charges and refunds, by the provider's name; the method's token is in no line."""
    metrics = Metrics()
    with capture_logs() as lines:
        watched = provider(metrics)
        charged = await watched.charge(Charge(idempotency_key="att_1", amount=Money(1250, "EUR"), token=TOKEN))
        assert charged.reference is not None
        repayment = Repayment(idempotency_key="ref_1", charge_reference=charged.reference, amount=Money(250, "EUR"))
        await watched.refund(repayment)
    told = [line for line in lines if line["event"] == "payment_answered"]
    assert told == [
        {
            "event": "payment_answered", "log_level": "info", "operation": operation, "provider": "sandbox",
            "attempt": key, "amount_minor": minor, "currency": "EUR", "status": "succeeded", "decline_code": None,
        }
        for operation, key, minor in (("charge", "att_1", 1250), ("refund", "ref_1", 250))
    ]  # fmt: skip
    assert TOKEN not in repr(lines)
    calls = series(metrics, "stoa_outbound_seconds_count")
    assert calls == {("ok", "charge", "payment_provider"): 1, ("ok", "refund", "payment_provider"): 1}


def test_a_call_outside_that_fails_is_a_warning_with_its_code() -> None:
    """What the other side said is not repeated: it may hold anything."""
    metrics = Metrics()
    outbound = Outbound(metrics)
    with capture_logs() as lines:
        with outbound.call("mail", "send"):
            pass
        for error in (PaymentProviderError("said-by-the-other-side"), OSError("said-by-the-other-side")):
            with pytest.raises(type(error)), outbound.call("mail", "send"):
                raise error
    assert [(line["log_level"], line["code"]) for line in lines] == [
        ("debug", "ok"), ("warning", PaymentProviderError.code), ("warning", "OSError"),
    ]  # fmt: skip
    assert "said-by" not in repr(lines) + metrics.render().decode()
    assert series(metrics, "stoa_outbound_seconds_count")["OSError", "send", "mail"] == 1


def test_who_is_refused_is_a_line_of_security() -> None:
    """Without credentials, without the right or too often; what is wrong with a command is nobody's attack."""
    calls = Calls(Metrics())
    with capture_logs() as lines:
        for code in ("unauthenticated", "scope_missing", "rate_limited", "not_found", "ok"):
            calls.observe("products.create", "http", code, 0.01)
    refused = [line["code"] for line in lines if line["event"] == "access_refused"]
    assert refused == ["unauthenticated", "scope_missing", "rate_limited"]
    assert {"unauthenticated", "forbidden", "agent_paused", "rate_limited"} <= refusals()
    assert "not_found" not in refusals()


def test_what_an_agent_does_is_a_line_of_its_own() -> None:
    """Its calls are told at the usual level, others' only for debugging."""
    with capture_logs() as lines:
        call_of_agent("tasks.claim", "ok", 0.01)
        name_caller("agt_1", is_agent=True)
        call_of_agent("tasks.claim", "task_not_claimed", 0.01)
    [line] = lines
    assert line == {
        "event": "agent_call", "log_level": "info", "use_case": "tasks.claim", "code": "task_not_claimed", "ms": 10.0,
    }  # fmt: skip
    assert structlog.contextvars.get_contextvars()["actor"] == "agt_1"


async def test_every_face_tells_who_called(test_databases: TestDatabases, tmp_path: Path) -> None:
    """A key's calls carry the key's id, an agent's the agent's, a wrong key nobody's; no secret is among it."""
    async with open_system(test_databases.postgres(), tmp_path) as system:
        agent = (await system.client.post("/v1/agents", json={"name": "Scout", "type": "assistant"})).json()
        assert (await system.client.post(f"/v1/agents/{agent['id']}/activate", json={})).is_success
        given = {"name": "Scout's", "scopes": ["tasks:read"], "expires_at": None}
        made = (await system.client.post(f"/v1/agents/{agent['id']}/keys", json=given)).json()
        bound = structlog.contextvars.merge_contextvars
        with capture_logs(processors=[bound]) as lines:
            for secret in (system.key, made["secret"], f"{system.key}x"):
                structlog.contextvars.clear_contextvars()
                await system.client.get("/v1/tasks", headers={"authorization": f"Bearer {secret}"})
    told = [(line["event"], str(line.get("actor"))[:4], line.get("code")) for line in lines if "use_case" in line]
    assert told == [
        ("call", "key_", "ok"), ("agent_call", "agt_", "ok"), ("call", "agt_", "ok"),
        ("access_refused", "None", "unauthenticated"), ("call", "None", "unauthenticated"),
    ]  # fmt: skip
    assert system.key not in repr(lines)
