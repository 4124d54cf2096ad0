"""Where spans go: to Logfire by a token, to any other collector by its address, or nowhere."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from pydantic import SecretStr

from infrastructure.settings_rules import SettingsError

TOKEN, ENDPOINT = "LOGFIRE_TOKEN", "OTEL_EXPORTER_OTLP_ENDPOINT"
"""Not ours to name: these are what the tools around them call them."""

_REGION = re.compile(r"pylf_v[0-9]+_([a-z]{2,8})_")


class TracingSettings(Protocol):
    """What the settings say about it."""

    @property
    def logfire_token(self) -> SecretStr:
        """Return a write token of Logfire, or nothing."""
        ...

    @property
    def otlp_endpoint(self) -> str:
        """Return the address of a collector, or nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Destination:
    """A collector that speaks OTLP over HTTP, and the setting that named it."""

    setting: str
    endpoint: str
    headers: Mapping[str, str]


def destination(settings: TracingSettings) -> Destination | None:
    """Return where spans go, None when nowhere.

    Raises:
        SettingsError: two places, or an address that is none.
    """
    token, endpoint = settings.logfire_token.get_secret_value(), settings.otlp_endpoint
    if token and endpoint:
        raise SettingsError(f"{ENDPOINT}: set, and so is {TOKEN}; spans go to one place")
    if token:
        region = _REGION.match(token)
        # Logfire takes plain OTLP; the token's own prefix says where the project is.
        host = f"logfire-{region[1]}.pydantic.dev" if region else "logfire-api.pydantic.dev"
        return Destination(TOKEN, f"https://{host}", {"Authorization": token})
    if not endpoint:
        return None
    parts = urlsplit(endpoint)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query:
        raise SettingsError(f"{ENDPOINT}: must be the http or https address of a collector, as in http://host:4318")
    if parts.username or parts.password:
        raise SettingsError(f"{ENDPOINT}: must hold no credentials; OTEL_EXPORTER_OTLP_HEADERS does")
    return Destination(ENDPOINT, endpoint, {})
