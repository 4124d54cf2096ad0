"""What the worker does about identities and payment methods, with the local provider and the sandbox."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import cast
from uuid import uuid4

import pytest

from application.customers.kyc_checks import KycChecks
from application.customers.method_checks import MethodCheck, MethodCheckResult, MethodChecks
from application.kernel.actor import Actor
from application.kernel.ports import IKycProvider, KycCheck, KycResult
from domain.customers.kyc import KYCProviderError
from domain.customers.verification import (
    MAX_ROUNDS,
    VerificationExhausted,
    VerificationTransitionInvalid,
    VerificationUnsupported,
)
from domain.payments.errors import PaymentProviderError
from domain.shared.ids import CustomerId, PaymentMethodId, decode_id
from infrastructure.kyc.local import LocalKycProvider
from infrastructure.payments.sandbox_verifier import SandboxMethodVerifier
from infrastructure.workers.jobs import Handler, JobWorker
from tests.support.stack import Body, Stack


@pytest.fixture
async def stack(fresh_stack: Stack) -> Stack:
    """Return the core on a database of the test's own, where nobody else's jobs are."""
    return fresh_stack


@pytest.fixture
async def actor(stack: Stack) -> Actor:
    """Return the operator of a fresh organization."""
    return await stack.organization()


class Counting(IKycProvider):
    """The local provider, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[KycCheck] = []

    async def check(self, check: KycCheck) -> KycResult:
        self.asked.append(check)
        return await LocalKycProvider().check(check)


async def a_customer(stack: Stack, actor: Actor, mark: str = "plain", country: str | None = "SE") -> Body:
    email = f"{uuid4().hex[:10]}+{mark}@example.org"
    return await stack.run("customers.create", actor, email=email, name="Mara Lind", country=country)


async def a_method(stack: Stack, actor: Actor, **given: object) -> Body:
    customer = await a_customer(stack, actor)
    return await stack.run("payment_methods.add", actor, customer_id=customer["id"], **given)


async def an_account(stack: Stack, actor: Actor, token: str = "tok_sandbox_success") -> Body:
    bank = {"type": "bank", "bank_name": "Harbour Bank", "country": "SE", "last_four": "0042"}
    return await a_method(stack, actor, provider_token=token, **bank)


def checking(stack: Stack, actor: Actor, provider: IKycProvider) -> Callable[[Body], Awaitable[None]]:
    jobs = KycChecks(stack.units, stack.dispatcher, provider)
    return lambda body: jobs.check(actor.organization_id, CustomerId(decode_id("cus", str(body["id"]))))


def verifying(stack: Stack, actor: Actor) -> Callable[[Body], Awaitable[None]]:
    jobs = MethodChecks(stack.units, stack.dispatcher, SandboxMethodVerifier())
    return lambda body: jobs.verify(actor.organization_id, PaymentMethodId(decode_id("pm", str(body["id"]))))


@pytest.mark.parametrize(
    ("mark", "country", "status", "risk", "reason"),
    [
        ("kyc_rejected", "SE", "rejected", 92, "document_forged"),
        ("kyc_review", "SE", "needs_review", 55, "name_unclear"),
        ("plain", "KP", "needs_review", 80, "country_high_risk"),
        ("plain", None, "needs_review", 45, "country_missing"),
        ("plain", "SE", "approved", range(30), None),
    ],
)
async def test_the_customers_data_decide_the_outcome(  # noqa: PLR0917 - the columns of the table
    stack: Stack, actor: Actor, mark: str, country: str | None, status: str, risk: int | range, reason: str | None
) -> None:
    """The local provider is deterministic, and its answer is recorded once however often the job runs."""
    customer, provider = await a_customer(stack, actor, mark, country), Counting()
    check = checking(stack, actor, provider)
    await stack.run("customers.start_kyc", actor, id=customer["id"])
    await check(customer)
    await check(customer)
    found = await stack.run("customers.get_kyc", actor, id=customer["id"])
    assert (found["kyc_status"], found["kyc_reason"]) == (status, reason)
    assert found["risk_score"] in (risk if isinstance(risk, range) else [risk])
    assert len(provider.asked) == 1
    shown = await stack.run("customers.get", actor, id=customer["id"])
    assert (shown["kyc_status"], shown["risk_score"]) == (status, found["risk_score"])


async def test_a_provider_that_is_down_is_asked_again_under_the_same_key(stack: Stack, actor: Actor) -> None:
    """The check stays pending, and the job comes back."""
    customer, provider = await a_customer(stack, actor, "kyc_outage"), Counting()
    check = checking(stack, actor, provider)
    await stack.run("customers.start_kyc", actor, id=customer["id"])
    for _ in range(2):
        with pytest.raises(KYCProviderError):
            await check(customer)
    assert len({each.idempotency_key for each in provider.asked}) == 1
    assert (await stack.run("customers.get_kyc", actor, id=customer["id"]))["kyc_status"] == "pending"


async def test_nobody_asks_about_a_customer_who_was_deleted_meanwhile(stack: Stack, actor: Actor) -> None:
    """The job is done without a word to the provider."""
    customer, provider = await a_customer(stack, actor), Counting()
    await stack.run("customers.start_kyc", actor, id=customer["id"])
    await stack.run("customers.delete", actor, id=customer["id"])
    await checking(stack, actor, provider)(customer)
    assert provider.asked == []


async def test_the_job_worker_finds_the_checks_that_use_cases_left(stack: Stack, actor: Actor) -> None:
    """Starting leaves a job, and recording takes it away and leaves one for the end of the approval."""
    customer = await a_customer(stack, actor)
    checks = KycChecks(stack.units, stack.dispatcher, LocalKycProvider())
    # What is a UUID to the worker is a customer's id to these.
    check, expire = cast("Handler", checks.check), cast("Handler", checks.expire)
    worker = JobWorker(stack.relay_database, {"customers.check_kyc": check, "customers.expire_kyc": expire})
    await stack.run("customers.start_kyc", actor, id=customer["id"])
    assert await worker.run_due_once() == 1
    assert (await stack.run("customers.get_kyc", actor, id=customer["id"]))["kyc_status"] == "approved"
    assert await worker.run_due_once() == 0
    stack.clock.shift = timedelta(days=366)
    await checks.expire(actor.organization_id, CustomerId(decode_id("cus", str(customer["id"]))))
    assert (await stack.run("customers.get_kyc", actor, id=customer["id"]))["kyc_status"] == "expired"


async def test_a_person_decides_what_the_provider_left_open(stack: Stack, actor: Actor) -> None:
    """With a reason that is kept."""
    customer = await a_customer(stack, actor, "kyc_review")
    await stack.run("customers.start_kyc", actor, id=customer["id"])
    await checking(stack, actor, LocalKycProvider())(customer)
    decided = await stack.run(
        "customers.review_kyc", actor, id=customer["id"], decision="approved", reason="Passport seen."
    )
    assert (decided["kyc_status"], decided["kyc_reason"]) == ("approved", "Passport seen.")


@pytest.mark.parametrize(
    ("token", "verification", "failure"),
    [
        ("tok_sandbox_success", "verified", None),
        ("tok_sandbox_insufficient_funds", "verified", None),
        ("tok_sandbox_decline", "failed", "card_declined"),
        ("tok_sandbox_expired_card", "failed", "expired_card"),
    ],
)
async def test_a_card_is_verified_by_an_amount_of_zero(
    stack: Stack, actor: Actor, token: str, verification: str, failure: str | None
) -> None:
    """Outside of any transaction, by a job that may run twice."""
    card = await a_method(stack, actor, type="card", provider_token=token)
    assert card["verification"] == "unverified"
    asked = await stack.run("payment_methods.verify", actor, id=card["id"])
    assert asked["verification"] == "pending"
    verify = verifying(stack, actor)
    await verify(card)
    await verify(card)
    found = await stack.run("payment_methods.get", actor, id=card["id"])
    assert (found["verification"], found["verification_failure"]) == (verification, failure)


async def test_an_account_is_verified_by_naming_two_deposits(stack: Stack, actor: Actor) -> None:
    """Wrong answers count; the right one is right in any order."""
    account = await an_account(stack, actor)
    with pytest.raises(VerificationTransitionInvalid):
        await stack.run("payment_methods.confirm_deposits", actor, id=account["id"], first=32, second=45)
    await stack.run("payment_methods.verify", actor, id=account["id"])
    await verifying(stack, actor)(account)
    wrong = await stack.run("payment_methods.confirm_deposits", actor, id=account["id"], first=1, second=2)
    assert (wrong["verification"], wrong["verification_tries_left"]) == ("pending", 2)
    right = await stack.run("payment_methods.confirm_deposits", actor, id=account["id"], first=45, second=32)
    assert right["verification"] == "verified"


async def test_three_wrong_answers_fail_an_account(stack: Stack, actor: Actor) -> None:
    """It may be verified anew, with deposits of its own."""
    account = await an_account(stack, actor)
    await stack.run("payment_methods.verify", actor, id=account["id"])
    await verifying(stack, actor)(account)
    wrong = {"id": account["id"], "first": 1, "second": 2}
    *_, last = [await stack.run("payment_methods.confirm_deposits", actor, **wrong) for _ in range(3)]
    assert (last["verification"], last["verification_failure"]) == ("failed", "deposits_mismatch")
    assert (await stack.run("payment_methods.verify", actor, id=account["id"]))["verification"] == "pending"


async def test_a_method_is_asked_about_three_times_in_all(stack: Stack, actor: Actor) -> None:
    """The rounds are kept with the method."""
    card = await a_method(stack, actor, type="card", provider_token="tok_sandbox_decline")
    for _ in range(MAX_ROUNDS):
        await stack.run("payment_methods.verify", actor, id=card["id"])
        await verifying(stack, actor)(card)
    with pytest.raises(VerificationExhausted):
        await stack.run("payment_methods.verify", actor, id=card["id"])


async def test_a_provider_that_is_down_leaves_a_method_pending(stack: Stack, actor: Actor) -> None:
    """The job is tried again later."""
    account = await an_account(stack, actor, "tok_sandbox_outage")
    await stack.run("payment_methods.verify", actor, id=account["id"])
    with pytest.raises(PaymentProviderError):
        await verifying(stack, actor)(account)
    assert (await stack.run("payment_methods.get", actor, id=account["id"]))["verification"] == "pending"


async def test_nobody_can_verify_a_wallet_yet(stack: Stack, actor: Actor) -> None:
    """It stays unverified."""
    wallet = await a_method(stack, actor, type="wallet", network="base", address="0x" + "Ab" * 20)
    assert wallet["address"] == "0x" + "ab" * 20
    with pytest.raises(VerificationUnsupported):
        await stack.run("payment_methods.verify", actor, id=wallet["id"])


def test_neither_token_nor_deposits_are_shown() -> None:
    """What travels between worker and provider shows neither when it strays into a log."""
    assert "tok_sandbox_success" not in repr(MethodCheck(idempotency_key="c", token="tok_sandbox_success"))
    assert "32" not in repr(MethodCheckResult(deposits=(32, 45)))
