"""Failures of payments that belong to no single aggregate."""

from domain.shared.errors import Unavailable


class PaymentProviderError(Unavailable):
    """The provider is not answering, or certainly did nothing; the same charge may be tried again later."""

    code = "payment_provider_error"
    summary = "The payment provider is not available."


class PaymentProviderUnreachable(PaymentProviderError):
    """Nobody is there: no connection, no answer in time, or a failure of the provider's own."""
