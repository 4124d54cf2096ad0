"""The sandbox's verification of payment methods, decided by the token alone.

| token | card | bank account |
|---|---|---|
| `tok_sandbox_decline`, `…_permanent`, `tok_sandbox_expired_card`, `…_incorrect_cvc` | fails, with the code | fails |
| `tok_sandbox_outage` | the provider is down, always | likewise |
| any other | verified | deposits of 32 and 45 are sent |

`tok_sandbox_insufficient_funds` is a real card all the same. Nothing is remembered: the answer to the same question
is always the same.
"""

from application.customers.method_checks import IMethodVerifier, MethodCheck, MethodCheckResult
from domain.payments.errors import PaymentProviderUnreachable

DEPOSITS = (32, 45)
"""What arrives on every account, in minor units."""

_REFUSED = {
    "tok_sandbox_decline": "card_declined",
    "tok_sandbox_decline_permanent": "stolen_card",
    "tok_sandbox_expired_card": "expired_card",
    "tok_sandbox_incorrect_cvc": "incorrect_cvc",
}
_OUTAGE = "tok_sandbox_outage"


class SandboxMethodVerifier(IMethodVerifier):
    """Authorises nothing, sends nothing, and says the same every time."""

    async def check_card(self, check: MethodCheck) -> MethodCheckResult:
        """Say whether the card behind a token is real."""
        return MethodCheckResult(failure_code=_refusal(check.token))

    async def send_deposits(self, check: MethodCheck) -> MethodCheckResult:
        """Say what arrives on the account behind a token."""
        refusal = _refusal(check.token)
        return MethodCheckResult(failure_code=refusal, deposits=None if refusal else DEPOSITS)


def _refusal(token: str) -> str | None:
    if token == _OUTAGE:
        raise PaymentProviderUnreachable
    return _REFUSED.get(token)
