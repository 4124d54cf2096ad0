"""Which payment provider the settings choose, and what comes with it.

Stripe's library takes a while to import, so that only who chose it does.
"""

from typing import Protocol, runtime_checkable

from application.customers.method_checks import IMethodVerifier
from application.kernel.ports import IClock, IKycProvider, IPaymentProvider, ITokenizer
from infrastructure.kyc.local import LocalKycProvider
from infrastructure.kyc.manual import ManualKycProvider
from infrastructure.payments.sandbox import SandboxPaymentProvider
from infrastructure.payments.sandbox_verifier import SandboxMethodVerifier
from infrastructure.payments.vault import SandboxVault
from infrastructure.settings import Settings


class INotices(Protocol):
    """Reads what a provider sends us by itself."""

    @property
    def provider(self) -> str:
        """Return the provider's name."""
        ...

    def read(self, body: bytes, signature: str | None) -> object:
        """Return the command a signed body makes, or refuse it."""
        ...


@runtime_checkable
class _Closing(Protocol):
    async def close(self) -> None: ...


def chosen_provider(settings: Settings) -> IPaymentProvider:
    """Return who moves the money; the sandbox moves none and remembers it in the data folder."""
    if settings.payment_provider == "stripe":
        from infrastructure.payments.stripe_provider import StripePaymentProvider  # noqa: PLC0415 - see above

        return StripePaymentProvider(settings.stripe_api_key.get_secret_value(), api_base=settings.stripe_api_base)
    return SandboxPaymentProvider(journal=settings.data_dir / "sandbox-charges.sqlite3")


def chosen_verifier(settings: Settings, provider: IPaymentProvider) -> IMethodVerifier:
    """Return who finds out whether payment methods are real: whoever charges them."""
    if settings.payment_provider == "stripe":
        from infrastructure.payments.stripe_provider import StripePaymentProvider  # noqa: PLC0415 - see above
        from infrastructure.payments.stripe_verifier import StripeMethodVerifier  # noqa: PLC0415 - see above

        if isinstance(provider, StripePaymentProvider):
            return StripeMethodVerifier(provider)
    return SandboxMethodVerifier()


def chosen_kyc(settings: Settings) -> IKycProvider:
    """Return who checks customers. The local stand-in approves by rule, so that real payments never rest on it."""
    real = settings.is_production or settings.payment_provider != "sandbox"
    return ManualKycProvider() if real else LocalKycProvider()


def chosen_notices(settings: Settings) -> INotices | None:
    """Return who reads the provider's notices; the sandbox sends none."""
    if settings.payment_provider != "stripe":
        return None
    from infrastructure.payments.stripe_notices import StripeNotices  # noqa: PLC0415 - see above

    return StripeNotices(settings.stripe_webhook_secret.get_secret_value())


def chosen_vault(settings: Settings, tokenizer: ITokenizer, clock: IClock) -> SandboxVault | None:
    """Return the sandbox's vault; where cards may be real there is none."""
    if settings.is_production or settings.payment_provider != "sandbox":
        return None
    return SandboxVault(tokenizer, settings.pepper(), clock)


async def close_provider(provider: IPaymentProvider) -> None:
    """Close the connections of a provider that has any."""
    if isinstance(provider, _Closing):
        await provider.close()
