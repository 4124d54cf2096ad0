"""What Stoa needs outside of itself: when each is left alone, and how many jobs may wait for it at once.

Nothing of this tries again: a breaker only decides whether to ask. Trying again is left to what is stored and comes
back by itself: jobs, deliveries of webhooks, and the outbox.
"""

from application.customers.kyc import CHECK as KYC_CHECK
from application.customers.verification import VERIFY
from application.identity.invitations import INVITATION_MAIL
from application.identity.person_mails import (
    FINISH_SIGN_UP,
    KNOWN_ADDRESS,
    PASSWORD_CHANGED,
    RECOVER_PASSWORD,
    VERIFY_EMAIL,
)
from application.payments.collection import CHARGE, RECONCILE
from application.payments.refunds import REFUND
from application.payments.token_paying import SETTLE
from application.wallets.deployments import CHECK_DEPLOYMENT
from application.wallets.transaction_jobs import SEND
from application.wallets.wallet_ownership import CHECK_OWNERSHIP
from application.wallets.watches import COMPARE, WATCH
from domain.shared.errors import Unavailable
from infrastructure.mail.smtp import MailServerUnreachable
from infrastructure.payments.watched import COUNTS
from infrastructure.resilience.breaker import Breaker
from infrastructure.resilience.breakers import Breakers
from infrastructure.workers.lanes import Lane

_PAYMENTS = frozenset({CHARGE, RECONCILE, REFUND, VERIFY})
_MAILS = frozenset({
    VERIFY_EMAIL, RECOVER_PASSWORD, FINISH_SIGN_UP, KNOWN_ADDRESS, PASSWORD_CHANGED, INVITATION_MAIL,
})  # fmt: skip
_CHAINS = frozenset({CHECK_OWNERSHIP, SEND, CHECK_DEPLOYMENT, WATCH, COMPARE, SETTLE})
_IDENTITY_CHECKS = frozenset({KYC_CHECK})


def provider_breaker(breakers: Breakers) -> Breaker:
    """Return the breaker of the payment provider."""
    return breakers.new("payment_provider", counts=COUNTS, rest_seconds=15.0)


def broker_breaker(breakers: Breakers) -> Breaker:
    """Return the breaker of the event broker; one failure already took as long as a batch may wait."""
    return breakers.new("event_broker", counts=(Unavailable,), failures=2, rest_seconds=5.0)


def mail_breaker(breakers: Breakers) -> Breaker:
    """Return the breaker of the mail server."""
    return breakers.new("mail", counts=(MailServerUnreachable,), rest_seconds=30.0)


def lanes(provider: Breaker, mail: Breaker) -> list[Lane]:
    """Return how the job worker shares its slots; chains have breakers of their own, one for every endpoint."""
    return [
        Lane(_PAYMENTS, 8, provider), Lane(_CHAINS, 4), Lane(_MAILS, 2, mail), Lane(_IDENTITY_CHECKS, 2),
    ]  # fmt: skip
