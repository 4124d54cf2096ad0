"""Stripe's settings belong together, and to the environment they are used in."""

import pytest

from infrastructure.payments.choice import chosen_notices, chosen_provider, chosen_vault, close_provider
from infrastructure.payments.sandbox_tokenizer import SandboxTokenizer
from infrastructure.settings import load_settings
from infrastructure.settings_rules import SettingsError
from infrastructure.system import SystemClock

CHOSEN = {
    "STOA_PAYMENT_PROVIDER": "stripe",
    "STOA_STRIPE_API_KEY": "sk_test_51Hx0000000000",
    "STOA_STRIPE_WEBHOOK_SECRET": "whsec_0123456789",
}
PRODUCTION = {
    "STOA_ENVIRONMENT": "production",
    "STOA_DATABASE_URL": "postgresql://stoa_app@localhost/stoa",
    "STOA_KEY_PEPPER": "3f9a1c7be05d2846f1b39e7ca0d45832",
    "STOA_AUDIT_SEAL_KEY": "b82e04d96f3a5c71e98d0b47a6f2c135",
    "STOA_MAIL": "file",
    "STOA_PUBLIC_URL": "https://pay.harbour.example",
}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"STOA_STRIPE_API_KEY": ""}, "STOA_STRIPE_API_KEY: required"),
        ({"STOA_STRIPE_WEBHOOK_SECRET": ""}, "STOA_STRIPE_WEBHOOK_SECRET: required"),
        ({"STOA_STRIPE_API_KEY": "pk_test_51Hx0000000000"}, "must be a secret or restricted key"),
        ({"STOA_STRIPE_API_KEY": "sk_live_51Hx0000000000"}, "a live key moves money"),
        ({"STOA_STRIPE_WEBHOOK_SECRET": "0123456789"}, "must be an endpoint's signing secret"),
        ({"STOA_STRIPE_API_BASE": "https://api.stripe.example"}, "must be an address of this machine"),
        ({"STOA_STRIPE_API_BASE": "file:///etc"}, "must be an address of this machine"),
        ({"STOA_PAYMENT_PROVIDER": "sandbox"}, "set, but STOA_PAYMENT_PROVIDER is not stripe"),
        (PRODUCTION, "a test key moves no money"),
        (
            {**PRODUCTION, "STOA_STRIPE_API_KEY": "sk_live_51Hx0000000000", "STOA_STRIPE_API_BASE": "http://127.0.0.1:1"},
            "is for tests",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_refused(change: dict[str, str], said: str) -> None:
    """One line names the setting and what is wrong, and repeats no value."""
    given = {**CHOSEN, **change}
    with pytest.raises(SettingsError, match=said) as refused:
        load_settings(given)
    assert not [value for value in given.values() if len(value) > 12 and value in str(refused.value)]


@pytest.mark.parametrize(
    "given",
    [
        {},
        CHOSEN,
        {**CHOSEN, "STOA_STRIPE_API_BASE": "http://[::1]:8420"},
        {**PRODUCTION, **CHOSEN, "STOA_STRIPE_API_KEY": "rk_live_51Hx0000000000"},
    ],
)
def test_what_fits_together_is_accepted(given: dict[str, str]) -> None:
    """The sandbox needs nothing; Stripe needs a key and a secret."""
    assert load_settings(given).payment_provider == ("stripe" if given else "sandbox")


async def test_each_choice_comes_with_what_belongs_to_it() -> None:
    """The sandbox has a vault and sends no notices, Stripe is the other way round, and production has no vault."""
    clock = SystemClock()
    sandbox, stripe = load_settings({}), load_settings(CHOSEN)
    production = load_settings({**PRODUCTION, "STOA_PAYMENT_PROVIDER": "sandbox"})
    for settings, name, vault, notices in (
        (sandbox, "sandbox", True, False), (stripe, "stripe", False, True), (production, "sandbox", False, False),
    ):  # fmt: skip
        provider = chosen_provider(settings)
        assert provider.name == name
        assert (chosen_vault(settings, SandboxTokenizer(clock), clock) is not None) == vault
        assert (chosen_notices(settings) is not None) == notices
        await close_provider(provider)
