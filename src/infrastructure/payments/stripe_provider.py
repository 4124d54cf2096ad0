"""Charges and refunds by Stripe.

A charge is one PaymentIntent, created and confirmed in one request with the buyer away. Three things keep it one per
attempt: Stripe's own idempotency keys, which it forgets after a day; the attempt's id in the intent's metadata, which
is looked for before anything is created; and a request whose fate is not certain is answered with UNKNOWN and never
repeated blindly.
"""

from collections.abc import AsyncIterator, Mapping
from typing import cast
from uuid import UUID

import aiohttp
import msgspec
import stripe

from application.kernel.ports import Charge, ChargeResult, ChargeStatus, IPaymentProvider, Repayment, RepaymentResult
from domain.payments.errors import PaymentProviderError, PaymentProviderUnreachable
from infrastructure.payments.stripe_answers import (
    Intent,
    StripeRefund,
    declined,
    minor_units,
    of_error,
    of_intent,
    of_refund,
    read,
)

ATTEMPT, ORDER, ORGANIZATION, REFUND = "stoa_attempt", "stoa_order", "stoa_organization", "stoa_refund"
"""Names in the metadata of what we make at Stripe."""

# The names of parameters and answers are those of this version, whatever the account's default is.
_VERSION = "2025-03-31.basil"
_TIMEOUT = aiohttp.ClientTimeout(total=30, sock_connect=5)
_PAGE, _PAGES = 100, 20
# Clocks differ; an intent is never older than the attempt by more than this.
_SECONDS_APART = 300
_FEE = ["latest_charge.balance_transaction"]

# The connection was not made, so that nothing was sent over it.
_NOT_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)
# Refused before anything was tried: our credentials, our rate.
_REFUSED = (stripe.AuthenticationError, stripe.PermissionError, stripe.RateLimitError)
_ITS_OWN = 500  # the first status that says that the failure is Stripe's
BROKEN = (aiohttp.ClientError, TimeoutError, OSError, msgspec.ValidationError)


class StripePaymentProvider(IPaymentProvider):
    """Talks to Stripe. A token is a ``pm_…``, or ``cus_…/pm_…`` for one that Stripe lets us use again and again."""

    name = "stripe"

    def __init__(self, api_key: str, *, api_base: str = "") -> None:
        """Connect to nothing yet; ``api_base`` is for tests."""
        self._http = stripe.AIOHTTPClient(timeout=_TIMEOUT)
        self._client = stripe.StripeClient(
            api_key, http_client=self._http, max_network_retries=0, stripe_version=_VERSION,
            base_addresses={"api": api_base} if api_base else None,
        )  # fmt: skip

    @property
    def client(self) -> stripe.StripeClient:
        """Return the library's client, whose connections end with the provider's."""
        return self._client

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close_async()  # type: ignore[no-untyped-call]  # reason: the library leaves it untyped

    async def charge(self, charge: Charge) -> ChargeResult:
        """Collect once, whatever is repeated; a charge that needs the buyer is given up and never left half-done.

        Raises:
            PaymentProviderError: Stripe was not reached, or refused to hear us.
        """
        found = await self._find(charge.idempotency_key)
        if found is not None:
            return await self._decided(found)
        amount = minor_units(charge.amount)
        if amount is None:
            return declined("amount_invalid")
        try:
            created = await self._client.v1.payment_intents.create_async(
                _wanted(charge, amount), {"idempotency_key": charge.idempotency_key}
            )
            return await self._decided(read(created, Intent))
        except stripe.StripeError as error:
            return _refusal(error)
        except BROKEN:
            return ChargeResult(status=ChargeStatus.UNKNOWN)

    async def lookup(self, idempotency_key: str) -> ChargeResult | None:
        """Find the charge by the attempt's id among what Stripe did since the attempt began.

        Raises:
            PaymentProviderError: Stripe is not answering, or did too much since to say for certain.
        """
        found = await self._find(idempotency_key)
        return None if found is None else await self._decided(found)

    async def refund(self, repayment: Repayment) -> RepaymentResult:
        """Give money back once, whatever is repeated.

        Raises:
            PaymentProviderError: Stripe was not reached, or refused to hear us.
        """
        found = await self.lookup_refund(repayment)
        if found is not None:
            return found
        amount = minor_units(repayment.amount)
        if amount is None:
            return RepaymentResult(status=ChargeStatus.DECLINED, decline_code="amount_invalid")
        metadata = {REFUND: repayment.idempotency_key, **_owner(repayment)}
        try:
            made = await self._client.v1.refunds.create_async(
                {"payment_intent": repayment.charge_reference, "amount": amount, "metadata": metadata},
                {"idempotency_key": repayment.idempotency_key},
            )
            return of_refund(read(made, StripeRefund))
        except stripe.StripeError as error:
            refusal = _refusal(error)
            return RepaymentResult(
                status=refusal.status, reference=refusal.reference, decline_code=refusal.decline_code
            )  # fmt: skip
        except BROKEN:
            return RepaymentResult(status=ChargeStatus.UNKNOWN)

    async def lookup_refund(self, repayment: Repayment) -> RepaymentResult | None:
        """Find the refund by its id among those of its charge.

        Raises:
            PaymentProviderError: Stripe is not answering.
        """
        try:
            listed = await self._client.v1.refunds.list_async(
                {"payment_intent": repayment.charge_reference, "limit": _PAGE}
            )
            refunds = [read(each, StripeRefund) async for each in listed.auto_paging_iter()]
        except (stripe.StripeError, *BROKEN) as error:
            raise failure_of(error) from error
        mine = (each for each in refunds if each.metadata.get(REFUND) == repayment.idempotency_key)
        found = next(mine, None)
        return None if found is None else of_refund(found)

    async def _decided(self, intent: Intent) -> ChargeResult:
        """Return what became of an intent, after giving up one that waits for a buyer who is not there."""
        if intent.status not in ("requires_action", "requires_confirmation"):
            return of_intent(intent)
        try:
            cancelled = await self._client.v1.payment_intents.cancel_async(
                intent.id, None, {"idempotency_key": f"{intent.id}-cancel"}
            )
            return of_intent(read(cancelled, Intent))
        except (stripe.StripeError, *BROKEN):
            return ChargeResult(status=ChargeStatus.UNKNOWN, reference=intent.id)

    async def _find(self, key: str) -> Intent | None:
        try:
            async for page in self._since(_began(key)):
                for intent in page:
                    if intent.metadata.get(ATTEMPT) == key:
                        return intent
        except (stripe.StripeError, *BROKEN) as error:
            raise failure_of(error) from error
        return None

    async def _since(self, moment: int) -> AsyncIterator[list[Intent]]:
        """Yield pages of intents, the newest first, back to a moment in seconds since 1970.

        Raises:
            PaymentProviderError: there are more than anybody should read.
        """
        after = ""
        for _ in range(_PAGES):
            wanted: stripe.params.PaymentIntentListParams = {
                "limit": _PAGE, "expand": [f"data.{path}" for path in _FEE]
            }  # fmt: skip
            if after:
                wanted["starting_after"] = after
            answer = await self._client.v1.payment_intents.list_async(wanted)
            page = [read(each, Intent) for each in answer.data]
            yield page
            if not answer.has_more or not page or min(intent.created for intent in page) < moment:
                return
            after = page[-1].id
        raise PaymentProviderError


def _began(key: str) -> int:
    """Return when an attempt began, which its id says, less what clocks may differ; 0 for any other key."""
    try:
        id = UUID(key)
    except ValueError:
        return 0
    return (id.int >> 80) // 1000 - _SECONDS_APART if id.version == 7 else 0


def _wanted(charge: Charge, amount: int) -> stripe.params.PaymentIntentCreateParams:
    """Return the one request that creates and confirms; cards only, as others would send the absent buyer elsewhere."""
    customer, _, method = charge.token.rpartition("/")
    order = {} if charge.order_id is None else {ORDER: str(charge.order_id)}
    wanted: dict[str, object] = {
        "amount": amount, "currency": charge.amount.currency.lower(), "payment_method": method, "confirm": True,
        "off_session": True, "payment_method_types": ["card"], "expand": _FEE,
        "metadata": {ATTEMPT: charge.idempotency_key, **order, **_owner(charge)},
        **({"customer": customer} if customer else {}),
    }  # fmt: skip
    # The library's types describe a later version, which calls payment_method_types by another name.
    return cast("stripe.params.PaymentIntentCreateParams", wanted)


def _owner(order: Charge | Repayment) -> Mapping[str, str]:
    return {} if order.organization_id is None else {ORGANIZATION: str(order.organization_id)}


def _refusal(error: stripe.StripeError) -> ChargeResult:
    """Say what an error means for the money.

    Raises:
        PaymentProviderError: nothing was done for certain, and trying again later can help.
    """
    if isinstance(error, _REFUSED) or isinstance(error.__cause__, _NOT_SENT):
        raise failure_of(error) from error
    certain = isinstance(error, stripe.CardError | stripe.InvalidRequestError) and error.http_status != 409
    return of_error(error) if certain else ChargeResult(status=ChargeStatus.UNKNOWN)


def failure_of(error: Exception) -> PaymentProviderError:
    """Tell a Stripe that is not there from one that does not want to hear us, or says what cannot be read."""
    answered = isinstance(error, stripe.StripeError) and (error.http_status or _ITS_OWN) < _ITS_OWN
    there = answered or isinstance(error, msgspec.ValidationError)
    return PaymentProviderError() if there else PaymentProviderUnreachable()
