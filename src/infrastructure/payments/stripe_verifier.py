"""Whether a card is real, by a SetupIntent of Stripe's: an authorisation of nothing."""

import msgspec
import stripe

from application.customers.method_checks import IMethodVerifier, MethodCheck, MethodCheckResult
from infrastructure.payments.stripe_answers import AUTHENTICATION_REQUIRED, Failure, read
from infrastructure.payments.stripe_provider import BROKEN, StripePaymentProvider, failure_of

UNSUPPORTED = "verification_unsupported"


class _Setup(msgspec.Struct, frozen=True):
    id: str
    status: str
    last_setup_error: Failure | None = None


class StripeMethodVerifier(IMethodVerifier):
    """Asks Stripe about cards. Accounts are not verified here, and not charged either."""

    def __init__(self, provider: StripePaymentProvider) -> None:
        """Ask over the provider's connections."""
        self._client = provider.client

    async def check_card(self, check: MethodCheck) -> MethodCheckResult:
        """Confirm a SetupIntent with the buyer away; one that needs the buyer is a card we could not charge."""
        customer, _, method = check.token.rpartition("/")
        wanted: stripe.params.SetupIntentCreateParams = {"usage": "off_session"}
        if customer:
            wanted["customer"] = customer
        setups, key = self._client.v1.setup_intents, check.idempotency_key
        try:
            begun = read(await setups.create_async(wanted, {"idempotency_key": key}), _Setup)
            confirmed: stripe.params.SetupIntentConfirmParams = {"payment_method": method}
            made = await setups.confirm_async(begun.id, confirmed, {"idempotency_key": f"{key}-confirm"})
            setup = read(made, _Setup)
        except stripe.CardError as error:
            return MethodCheckResult(failure_code=(error.code or "card_declined")[:80])
        except stripe.InvalidRequestError:
            return MethodCheckResult(failure_code="resource_missing")
        except (stripe.StripeError, *BROKEN) as error:
            raise failure_of(error) from error
        if setup.status == "succeeded":
            return MethodCheckResult()
        failure = setup.last_setup_error or Failure(code=AUTHENTICATION_REQUIRED)
        return MethodCheckResult(failure_code=(failure.decline_code or failure.code or "card_declined")[:80])

    async def send_deposits(self, check: MethodCheck) -> MethodCheckResult:  # noqa: ARG002 - of any account the same
        """Refuse: Stripe sends deposits only to accounts that it collects by itself."""
        return MethodCheckResult(failure_code=UNSUPPORTED)
