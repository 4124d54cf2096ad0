"""Charges and refunds at a stand-in for Stripe, which forgets idempotency keys as Stripe itself does after a day."""

import asyncio
from collections.abc import AsyncIterator
from typing import cast
from uuid import uuid4

import pytest
import stripe

from application.kernel.ports import Charge, ChargeResult, ChargeStatus, Repayment
from domain.payments.errors import PaymentProviderError
from domain.shared.ids import OrganizationId, PaymentOrderId
from domain.shared.money import Money
from infrastructure.payments.stripe_answers import (
    Failure,
    Intent,
    StripeCharge,
    Transaction,
    minor_units,
    money,
    of_intent,
)
from infrastructure.payments.stripe_provider import ATTEMPT, ORDER, ORGANIZATION, StripePaymentProvider
from infrastructure.system import UuidV7Ids
from tests.faults.processes import free_port
from tests.infrastructure.payments.localstripe import KEY, LocalStripe, Wire, local_stripe, wire_to

IDS = UuidV7Ids()
TEN = Money.of(1000, "EUR")
DECLINED, AUTHENTICATION = "4000000000000341", "4000002500003155"


@pytest.fixture(scope="module")
async def there(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LocalStripe]:
    async with local_stripe(tmp_path_factory.mktemp("localstripe")) as started:
        yield started


@pytest.fixture
async def wire(there: LocalStripe) -> AsyncIterator[Wire]:
    async with wire_to(there) as opened:
        yield opened


@pytest.fixture
async def provider(wire: Wire) -> AsyncIterator[StripePaymentProvider]:
    provider = StripePaymentProvider(KEY, api_base=f"http://127.0.0.1:{wire.port}")
    yield provider
    await provider.close()


def charge(token: str, amount: Money = TEN) -> Charge:
    return Charge(
        idempotency_key=str(IDS.new()), amount=amount, token=token, organization_id=OrganizationId(uuid4()),
        order_id=PaymentOrderId(uuid4()),
    )  # fmt: skip


async def test_a_good_card_is_charged_once(provider: StripePaymentProvider, there: LocalStripe, wire: Wire) -> None:
    """The answer names the intent, repeating it finds the first, and Stripe got our key and whose it is."""
    wanted = charge(await there.card())
    results = [await provider.charge(wanted) for _ in range(3)]
    (intent,) = await there.intents(**{ATTEMPT: wanted.idempotency_key})
    first = results[0]
    assert (first.status, first.reference, first.fee) == (ChargeStatus.SUCCEEDED, intent["id"], Money.zero("EUR"))
    assert results == [first] * 3
    assert await provider.lookup(wanted.idempotency_key) == first
    metadata = cast("dict[str, str]", intent["metadata"])
    assert (metadata[ORGANIZATION], metadata[ORDER]) == (str(wanted.organization_id), str(wanted.order_id))
    sent = b"".join(wire.requests)
    assert f"idempotency-key: {wanted.idempotency_key}".encode() in sent.lower()


async def test_a_declined_card_says_why(provider: StripePaymentProvider, there: LocalStripe) -> None:
    """A decline is an outcome and no failure; asking again gives the same one, and no second try."""
    wanted = charge(await there.card(DECLINED))
    first = await provider.charge(wanted)
    assert (first.status, first.decline_code, first.permanent) == (ChargeStatus.DECLINED, "card_declined", False)
    again = await provider.charge(wanted)
    assert (again.status, again.decline_code) == (ChargeStatus.DECLINED, "card_declined")
    assert len(await there.intents(**{ATTEMPT: wanted.idempotency_key})) == 1


async def test_a_card_that_needs_its_owner_is_given_up(provider: StripePaymentProvider, there: LocalStripe) -> None:
    """Nobody is there to confirm, so that the intent is cancelled: money cannot arrive behind a declined order."""
    wanted = charge(await there.card(AUTHENTICATION))
    first = await provider.charge(wanted)
    assert (first.decline_code, first.permanent) == ("authentication_required", True)
    (intent,) = await there.intents(**{ATTEMPT: wanted.idempotency_key})
    assert intent["status"] == "canceled"
    assert await provider.lookup(wanted.idempotency_key) == first


async def test_a_token_nobody_has_is_declined_for_good(provider: StripePaymentProvider, there: LocalStripe) -> None:
    """What Stripe does not know will not be known by trying again."""
    result = await provider.charge(charge("pm_nobody_has_this"))
    assert result.status is ChargeStatus.DECLINED


async def test_an_answer_that_is_lost_is_unknown_and_found_later(
    provider: StripePaymentProvider, there: LocalStripe, wire: Wire
) -> None:
    """The charge happened; the look-up finds it, and so does charging again, without collecting twice."""
    wanted = charge(await there.card())
    wire.lose_answer = True
    assert await provider.charge(wanted) == ChargeResult(status=ChargeStatus.UNKNOWN)
    found = await provider.lookup(wanted.idempotency_key)
    assert found is not None
    assert found.status is ChargeStatus.SUCCEEDED
    assert await provider.charge(wanted) == found
    assert len(await there.intents(**{ATTEMPT: wanted.idempotency_key})) == 1


async def test_what_was_never_sent_was_never_charged(there: LocalStripe) -> None:
    """Where nobody listens nothing was done, and it can be tried again."""
    provider = StripePaymentProvider(KEY, api_base=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(PaymentProviderError):
        await provider.charge(charge("pm_x"))
    with pytest.raises(PaymentProviderError):
        await provider.lookup(str(IDS.new()))
    await provider.close()


async def test_a_charge_that_could_not_be_sent_is_not_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The look before it went well, then nobody listened any more: certainly nothing was collected."""
    provider = StripePaymentProvider(KEY, api_base=f"http://127.0.0.1:{free_port()}")

    async def nothing(_: str) -> None:
        return None

    monkeypatch.setattr(provider, "_find", nothing)
    with pytest.raises(PaymentProviderError):
        await provider.charge(charge("pm_x"))
    await provider.close()


async def test_a_wrong_key_is_no_decline(there: LocalStripe) -> None:
    """Our own credentials are not the buyer's fault."""
    provider = StripePaymentProvider("pk_not_a_secret_one", api_base=there.url)
    with pytest.raises(PaymentProviderError):
        await provider.charge(charge("pm_x"))
    await provider.close()


async def test_what_stripe_never_saw_is_told_from_what_nobody_knows(
    provider: StripePaymentProvider, wire: Wire
) -> None:
    """None is said only when Stripe answered and had nothing."""
    assert await provider.lookup(str(IDS.new())) is None


async def test_charges_at_once_are_kept_apart(provider: StripePaymentProvider, there: LocalStripe) -> None:
    """Ten attempts in parallel make ten intents of their own amounts."""
    token = await there.card()
    wanted = [charge(token, Money.of(100 + n, "EUR")) for n in range(10)]
    results = await asyncio.gather(*(provider.charge(each) for each in wanted))
    for each, result in zip(wanted, results, strict=True):
        (intent,) = await there.intents(**{ATTEMPT: each.idempotency_key})
        assert (intent["id"], intent["amount"]) == (result.reference, each.amount.minor)


async def refundable(provider: StripePaymentProvider, there: LocalStripe) -> str:
    result = await provider.charge(charge(await there.card()))
    assert result.reference is not None
    return result.reference


async def test_a_refund_happens_once(provider: StripePaymentProvider, there: LocalStripe, wire: Wire) -> None:
    """Repeated, and with its answer lost, a refund is one refund; two refunds of one charge are two."""
    reference = await refundable(provider, there)
    repayments = [
        Repayment(idempotency_key=str(IDS.new()), charge_reference=reference, amount=Money.of(n, "EUR"))
        for n in (300, 200)
    ]
    before = len(await there.refunds())
    assert await provider.lookup_refund(repayments[0]) is None
    wire.lose_answer = True
    assert (await provider.refund(repayments[0])).status is ChargeStatus.UNKNOWN
    results = [await provider.refund(repayments[0]) for _ in range(2)]
    assert {result.status for result in results} == {ChargeStatus.SUCCEEDED}
    assert results[0] == results[1] == await provider.lookup_refund(repayments[0])
    assert (await provider.refund(repayments[1])).reference != results[0].reference
    assert sorted(each["amount"] for each in (await there.refunds())[:2]) == [200, 300]  # type: ignore[type-var]  # reason: amounts are numbers
    assert len(await there.refunds()) == before + 2


async def test_a_failed_payment_cannot_be_refunded(provider: StripePaymentProvider, there: LocalStripe) -> None:
    """A refusal by Stripe is a declined refund."""
    declined = await provider.charge(charge(await there.card(DECLINED)))
    (intent,) = [each for each in await there.intents() if each["status"] == "requires_payment_method"][:1]
    repayment = Repayment(idempotency_key=str(IDS.new()), charge_reference=str(intent["id"]), amount=TEN)
    assert declined.status is ChargeStatus.DECLINED
    assert (await provider.refund(repayment)).status is ChargeStatus.DECLINED


@pytest.mark.parametrize(
    ("amount", "counted"),
    [
        (Money.of(1250, "EUR"), 1250),
        (Money.of(1250, "JPY"), 1250),
        (Money.of(1250, "KWD"), 1250),
        (Money.of(1250, "ISK"), 125_000),
        (Money.of(12_00, "MGA"), 12),
        (Money.of(12_50, "MGA"), None),
    ],
)
def test_amounts_are_counted_as_stripe_counts_them(amount: Money, counted: int | None) -> None:
    """A few currencies have other decimals there; what cannot be said is not rounded."""
    assert minor_units(amount) == counted
    if counted is not None:
        assert money(counted, amount.currency.lower()) == amount
    assert money(1, "xxx-not-a-currency") is None


def intent(status: str, error: Failure | None = None, **parts: object) -> Intent:
    made = Intent(id="pi_1", status=status, currency="eur", created=0, last_payment_error=error)
    return Intent(**{**{name: getattr(made, name) for name in made.__struct_fields__}, **parts})


@pytest.mark.parametrize(
    ("told", "status", "code", "permanent"),
    [
        (intent("succeeded"), ChargeStatus.SUCCEEDED, None, False),
        (intent("processing"), ChargeStatus.UNKNOWN, None, False),
        (intent("requires_capture"), ChargeStatus.UNKNOWN, None, False),
        (intent("something_new"), ChargeStatus.UNKNOWN, None, False),
        (intent("canceled"), ChargeStatus.DECLINED, "authentication_required", True),
        (intent("requires_payment_method"), ChargeStatus.UNKNOWN, None, False),
        (
            intent("requires_payment_method", Failure("card_declined", "stolen_card")),
            ChargeStatus.DECLINED, "stolen_card", True,
        ),
        (
            intent("requires_payment_method", Failure("card_declined", "insufficient_funds")),
            ChargeStatus.DECLINED, "insufficient_funds", False,
        ),
    ],
)  # fmt: skip
def test_an_intent_in_our_words(told: Intent, status: ChargeStatus, code: str | None, permanent: bool) -> None:
    """What is certain is said, and everything else is unknown."""
    result = of_intent(told)
    assert (result.status, result.decline_code, result.permanent) == (status, code, permanent)


def test_the_fee_is_told_in_the_currency_of_the_charge_or_not_at_all() -> None:
    """What was settled in another currency says nothing about this one."""
    for currency, fee in (("eur", Money.of(44, "EUR")), ("usd", None)):
        settled = StripeCharge("ch_1", Transaction(44, currency))
        assert of_intent(intent("succeeded", latest_charge=settled)).fee == fee


@pytest.mark.parametrize(
    ("error", "unknown"),
    [
        (stripe.APIError("down", http_status=500), True),
        (stripe.InvalidRequestError("busy", None, http_status=409), True),  # type: ignore[no-untyped-call]  # reason: the library's own
        (stripe.APIConnectionError("cut"), True),  # type: ignore[no-untyped-call]  # reason: as above
        (stripe.RateLimitError("slow down"), False),
        (stripe.PermissionError("no"), False),
    ],
)
async def test_an_error_is_unknown_unless_nothing_can_have_happened(
    error: stripe.StripeError, unknown: bool, provider: StripePaymentProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server error or a cut may follow a charge; a refusal of ourselves never does."""

    async def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(provider._client.v1.payment_intents, "create_async", fail)
    if unknown:
        assert (await provider.charge(charge("pm_x"))).status is ChargeStatus.UNKNOWN
    else:
        with pytest.raises(PaymentProviderError):
            await provider.charge(charge("pm_x"))
