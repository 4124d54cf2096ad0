"""Rules for the settings of Stripe: its keys belong together, and to the environment they are used in."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from pydantic import SecretStr

from infrastructure.settings_rules import SettingsError

_KEYS = ("sk_", "rk_")
_SHORTEST = 12  # characters


def check_stripe(
    api_key: SecretStr, webhook_secret: SecretStr, api_base: str, *, chosen: bool, production: bool
) -> None:
    """Accept a key and a webhook secret when Stripe is chosen, and neither when it is not.

    Raises:
        SettingsError: something is missing, malformed, or would move real money in development and none in production.
    """
    given = {
        "STOA_STRIPE_API_KEY": api_key.get_secret_value(),
        "STOA_STRIPE_WEBHOOK_SECRET": webhook_secret.get_secret_value(),
    }
    if not chosen:
        for name, value in {**given, "STOA_STRIPE_API_BASE": api_base}.items():
            if value:
                raise SettingsError(f"{name}: set, but STOA_PAYMENT_PROVIDER is not stripe")
        return
    for name, value in given.items():
        if not value:
            raise SettingsError(f"{name}: required by STOA_PAYMENT_PROVIDER=stripe")
    key = given["STOA_STRIPE_API_KEY"]
    if not key.startswith(_KEYS) or len(key) < _SHORTEST:
        raise SettingsError("STOA_STRIPE_API_KEY: must be a secret or restricted key (sk_… or rk_…)")
    if not given["STOA_STRIPE_WEBHOOK_SECRET"].startswith("whsec_"):
        raise SettingsError("STOA_STRIPE_WEBHOOK_SECRET: must be an endpoint's signing secret (whsec_…)")
    _check_environment(key, api_base, production=production)


def _check_environment(key: str, api_base: str, *, production: bool) -> None:
    live = "_live_" in key
    if production and not live:
        raise SettingsError("STOA_STRIPE_API_KEY: a test key moves no money; production needs a live one")
    if live and not production:
        raise SettingsError("STOA_STRIPE_API_KEY: a live key moves money; it needs STOA_ENVIRONMENT=production")
    if not api_base:
        return
    if production:
        raise SettingsError("STOA_STRIPE_API_BASE: is for tests and not for production")
    parts = urlsplit(api_base)
    if parts.scheme not in ("http", "https") or not _is_local(parts.hostname or ""):
        raise SettingsError("STOA_STRIPE_API_BASE: must be an address of this machine; the key is sent there")


def _is_local(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
