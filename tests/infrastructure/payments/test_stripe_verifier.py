"""Whether a card is real, asked of a stand-in for Stripe; and who is asked under which settings."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from application.customers.method_checks import MethodCheck
from application.kernel.ports import KycCheck, KycVerdict
from domain.payments.errors import PaymentProviderError
from infrastructure.kyc.local import LocalKycProvider
from infrastructure.kyc.manual import ManualKycProvider
from infrastructure.payments.choice import chosen_kyc, chosen_verifier
from infrastructure.payments.sandbox import SandboxPaymentProvider
from infrastructure.payments.sandbox_verifier import SandboxMethodVerifier
from infrastructure.payments.stripe_provider import StripePaymentProvider
from infrastructure.payments.stripe_verifier import StripeMethodVerifier
from infrastructure.settings import Settings
from tests.faults.processes import free_port
from tests.infrastructure.payments.localstripe import KEY, LocalStripe, local_stripe


@pytest.fixture(scope="module")
async def there(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LocalStripe]:
    async with local_stripe(tmp_path_factory.mktemp("localstripe")) as started:
        yield started


@pytest.fixture
async def provider(there: LocalStripe) -> AsyncIterator[StripePaymentProvider]:
    provider = StripePaymentProvider(KEY, api_base=there.url)
    yield provider
    await provider.close()


async def test_a_good_card_is_real(provider: StripePaymentProvider, there: LocalStripe) -> None:
    """Stripe authorises nothing on it, and says yes."""
    check = MethodCheck(idempotency_key=str(uuid4()), token=await there.card())
    assert (await StripeMethodVerifier(provider).check_card(check)).failure_code is None


async def test_a_card_that_nobody_has_is_not(provider: StripePaymentProvider) -> None:
    """A token that Stripe never issued fails, and is no outage."""
    check = MethodCheck(idempotency_key=str(uuid4()), token="pm_nobody")
    assert (await StripeMethodVerifier(provider).check_card(check)).failure_code == "resource_missing"


async def test_accounts_are_not_verified_through_stripe(provider: StripePaymentProvider) -> None:
    """No deposits are sent, so that none may be guessed."""
    check = MethodCheck(idempotency_key=str(uuid4()), token="pm_bank")
    told = await StripeMethodVerifier(provider).send_deposits(check)
    assert (told.failure_code, told.deposits) == ("verification_unsupported", None)


async def test_an_outage_is_no_answer() -> None:
    """Whoever asks has to ask again later."""
    provider = StripePaymentProvider(KEY, api_base=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(PaymentProviderError):
        await StripeMethodVerifier(provider).check_card(MethodCheck(idempotency_key="k", token="pm_1"))
    await provider.close()


async def test_stand_ins_never_decide_where_money_is_real(tmp_path: Path, provider: StripePaymentProvider) -> None:
    """With Stripe, customers wait for a person and cards for Stripe; the sandbox decides by itself."""
    sandbox = Settings(data_dir=tmp_path)
    stripe = sandbox.model_copy(update={"payment_provider": "stripe"})
    assert isinstance(chosen_kyc(sandbox), LocalKycProvider)
    assert isinstance(chosen_verifier(sandbox, SandboxPaymentProvider()), SandboxMethodVerifier)
    assert isinstance(chosen_kyc(stripe), ManualKycProvider)
    assert isinstance(chosen_verifier(stripe, provider), StripeMethodVerifier)
    assert isinstance(chosen_kyc(sandbox.model_copy(update={"environment": "production"})), ManualKycProvider)


async def test_without_a_provider_a_person_decides() -> None:
    """Nobody is approved by nobody."""
    check = KycCheck(idempotency_key="k", email="jane@example.com", name="Jane", country="SE")
    assert (await ManualKycProvider().check(check)).verdict is KycVerdict.NEEDS_REVIEW
