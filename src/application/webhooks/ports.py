"""What webhooks need from the outside world."""

from dataclasses import dataclass, field
from typing import Protocol

from domain.shared.ids import WebhookEndpointId


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningSecret:
    """A fresh secret: ``plain`` (``whsec_…``) is shown once, ``sealed`` is kept."""

    plain: str = field(repr=False)
    sealed: str = field(repr=False)


class IWebhookSecrets(Protocol):
    """Makes the secrets that sign webhooks. Only the delivery worker opens them again."""

    def issue(self, endpoint_id: WebhookEndpointId) -> SigningSecret:
        """Return a fresh secret of 256 random bits, sealed for this endpoint alone."""
        ...


class IWebhookTargets(Protocol):
    """Knows which addresses Stoa would call at all."""

    def check(self, url: str) -> str:
        """Return the address in its canonical form.

        Where a name leads is checked again at every connection, for it may change.

        Raises:
            InvalidWebhookUrl: it is malformed, not https on an allowed port, or names a private address.
        """
        ...
