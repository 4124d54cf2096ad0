"""The sandbox's tokenizer: well-known test cards in, the sandbox provider's tokens out.

| number | token | what a charge does |
|---|---|---|
| `4242 4242 4242 4242` | `tok_sandbox_success` | succeeds (Visa, credit) |
| `4000 0566 5566 5556` | `tok_sandbox_success` | succeeds (Visa, debit) |
| `5555 5555 5555 4444` | `tok_sandbox_success_mastercard` | succeeds (Mastercard, credit) |
| `5200 8282 8282 8210` | `tok_sandbox_success_mastercard` | succeeds (Mastercard, debit) |
| `5105 1051 0510 5100` | `tok_sandbox_success_mastercard` | succeeds (Mastercard, prepaid) |
| `3782 822463 10005` | `tok_sandbox_success_amex` | succeeds (American Express) |
| `6011 1111 1111 1117` | `tok_sandbox_success_discover` | succeeds (Discover) |
| `3056 930902 5904` | `tok_sandbox_success_diners` | succeeds (Diners Club) |
| `3566 0020 2036 0505` | `tok_sandbox_success_jcb` | succeeds (JCB) |
| `6200 0000 0000 0005` | `tok_sandbox_success_unionpay` | succeeds (UnionPay) |
| `6759 6498 2643 8453` | `tok_sandbox_success_maestro` | succeeds (Maestro, debit) |
| `4000 0000 0000 0077` | `tok_sandbox_slow` | succeeds after a delay |
| `4000 0000 0000 0002` | `tok_sandbox_decline` | declined: `card_declined` |
| `4000 0000 0000 9995` | `tok_sandbox_insufficient_funds` | declined: `insufficient_funds` |
| `4000 0000 0000 0127` | `tok_sandbox_incorrect_cvc` | declined: `incorrect_cvc` |
| `4000 0000 0000 0119` | `tok_sandbox_processing_error` | declined: `processing_error` |
| `4000 0000 0000 0069` | `tok_sandbox_expired_card` | declined for good: `expired_card` |
| `4000 0000 0000 9979` | `tok_sandbox_decline_permanent` | declined for good: `stolen_card` |
| `4000 0000 0000 0259` | `tok_sandbox_unknown` | charged, but the answer is lost |
| `4000 0000 0000 0341` | `tok_sandbox_unknown_declined` | declined, but the answer is lost |
| `4000 0000 0000 0028` | `tok_sandbox_unknown_lost` | the request is lost |
| `4000 0000 0000 0101` | `tok_sandbox_outage` | the provider is down, always |
| `4000 0000 0000 0036` | `tok_sandbox_outage_once` | down for the first try, then succeeds |

Every other valid number, a real one above all, becomes `tok_sandbox_decline`. No token holds a digit of a number.
"""

import re

from application.kernel.ports import CardDetails, CardToken, IClock, ITokenizer
from domain.shared.card_numbers import CardBrand
from domain.shared.errors import ValidationError
from infrastructure.payments.card_number import CardNumber

_CREDIT, _DEBIT, _PREPAID, _UNKNOWN = "credit", "debit", "prepaid", "unknown"
_OTHERS = ("tok_sandbox_decline", _UNKNOWN)
_TEST_CARDS = {
    "4242424242424242": ("tok_sandbox_success", _CREDIT),
    "4000056655665556": ("tok_sandbox_success", _DEBIT),
    "5555555555554444": ("tok_sandbox_success_mastercard", _CREDIT),
    "5200828282828210": ("tok_sandbox_success_mastercard", _DEBIT),
    "5105105105105100": ("tok_sandbox_success_mastercard", _PREPAID),
    "378282246310005": ("tok_sandbox_success_amex", _CREDIT),
    "6011111111111117": ("tok_sandbox_success_discover", _CREDIT),
    "30569309025904": ("tok_sandbox_success_diners", _CREDIT),
    "3566002020360505": ("tok_sandbox_success_jcb", _CREDIT),
    "6200000000000005": ("tok_sandbox_success_unionpay", _CREDIT),
    "6759649826438453": ("tok_sandbox_success_maestro", _DEBIT),
    "4000000000000077": ("tok_sandbox_slow", _CREDIT),
    "4000000000000002": ("tok_sandbox_decline", _CREDIT),
    "4000000000009995": ("tok_sandbox_insufficient_funds", _CREDIT),
    "4000000000000127": ("tok_sandbox_incorrect_cvc", _CREDIT),
    "4000000000000119": ("tok_sandbox_processing_error", _CREDIT),
    "4000000000000069": ("tok_sandbox_expired_card", _CREDIT),
    "4000000000009979": ("tok_sandbox_decline_permanent", _CREDIT),
    "4000000000000259": ("tok_sandbox_unknown", _CREDIT),
    "4000000000000341": ("tok_sandbox_unknown_declined", _CREDIT),
    "4000000000000028": ("tok_sandbox_unknown_lost", _CREDIT),
    "4000000000000101": ("tok_sandbox_outage", _CREDIT),
    "4000000000000036": ("tok_sandbox_outage_once", _CREDIT),
}
_SECURITY_CODE = re.compile("[0-9]{3,4}")


class CardExpired(ValidationError):
    """The card's last month is over, or there is no such month."""

    code = "card_expired"
    summary = "The card has expired."


class InvalidSecurityCode(ValidationError):
    """The security code has the wrong number of digits. It is never repeated."""

    code = "security_code_invalid"
    summary = "The security code has three digits, four on an American Express card."


class SandboxTokenizer(ITokenizer):
    """Stands in for a card network's form: keeps nothing, and tells one test card from another."""

    def __init__(self, clock: IClock) -> None:
        """Keep the clock, by which cards expire."""
        self._clock = clock

    def tokenize(self, card: CardDetails) -> CardToken:
        """Return the token of a test card; every other card, a real one above all, gets one that is declined."""
        number = CardNumber.parse(card.number)
        self._check_expiry(card)
        digits = 4 if number.brand is CardBrand.AMEX else 3
        if _SECURITY_CODE.fullmatch(card.security_code) is None or len(card.security_code) != digits:
            raise InvalidSecurityCode(path="security_code")
        token, funding = _TEST_CARDS.get(number.reveal(), _OTHERS)
        return CardToken(
            token=token, brand=number.brand.value, last_four=number.last_four,
            expiry_month=card.expiry_month, expiry_year=card.expiry_year, funding=funding,
        )  # fmt: skip

    def _check_expiry(self, card: CardDetails) -> None:
        """Hold a card for good until its expiry month is over, in UTC, and for a misprint beyond fifty years."""
        now = self._clock.now()
        if card.expiry_month not in range(1, 13) or card.expiry_year > now.year + 50:
            raise CardExpired("There is no such expiry month.", path="expiry_month")
        if (card.expiry_year, card.expiry_month) < (now.year, now.month):
            raise CardExpired(path="expiry_month")
