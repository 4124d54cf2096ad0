"""The sandbox's tokenizer: which card becomes which token."""

import re
from datetime import UTC, datetime

import pytest

from application.kernel.ports import CardDetails, Charge, ChargeStatus, IClock
from domain.payments.errors import PaymentProviderError
from domain.shared.errors import ValidationError
from domain.shared.money import Money
from infrastructure.payments import sandbox_tokenizer
from infrastructure.payments.card_number import InvalidCardNumber
from infrastructure.payments.sandbox import SandboxPaymentProvider
from infrastructure.payments.sandbox_tokenizer import CardExpired, InvalidSecurityCode, SandboxTokenizer

_ROW = re.compile(
    r"^\| `([0-9 ]+)` \| `(tok_[a-z_]+)` \| (succeeds|declined for good|declined|charged|[a-z ]+)", re.MULTILINE
)
DOCUMENTED = _ROW.findall(sandbox_tokenizer.__doc__ or "")


class Noon(IClock):
    """A clock that stands still."""

    def now(self) -> datetime:
        return datetime(2026, 3, 14, 12, tzinfo=UTC)


def a_card(number: str = "4242 4242 4242 4242", month: int = 3, year: int = 2026, code: str = "123") -> CardDetails:
    return CardDetails(number=number, expiry_month=month, expiry_year=year, security_code=code)


@pytest.mark.parametrize(("number", "token", "effect"), DOCUMENTED)
async def test_each_test_card_does_what_its_row_says(number: str, token: str, effect: str) -> None:
    """The provider knows every token that the tokenizer makes, and no token holds a digit of its number."""
    code = "1234" if number.startswith("37") else "123"
    made = SandboxTokenizer(Noon()).tokenize(a_card(number, code=code))
    assert made.token == token
    assert made.last_four == number.replace(" ", "")[-4:]
    assert not re.search("[0-9]", token)
    provider = SandboxPaymentProvider(delay=0)
    charge = Charge(idempotency_key="k", amount=Money.of(1250, "EUR"), token=token)
    if token.startswith("tok_sandbox_outage"):
        with pytest.raises(PaymentProviderError):
            await provider.charge(charge)
        return
    result = await provider.charge(charge)
    assert result.decline_code != "token_invalid"
    if effect == "succeeds":
        assert result.status is ChargeStatus.SUCCEEDED
    elif effect.startswith("declined") and not token.startswith("tok_sandbox_unknown"):
        assert (result.status, result.permanent) == (ChargeStatus.DECLINED, effect == "declined for good")
    else:
        assert result.status is ChargeStatus.UNKNOWN


def test_the_table_is_complete() -> None:
    """What is documented is what there is."""
    assert len(DOCUMENTED) == len(sandbox_tokenizer._TEST_CARDS) == 23


def test_any_other_card_is_one_that_is_declined() -> None:
    """A real card above all: nobody is charged by accident."""
    made = SandboxTokenizer(Noon()).tokenize(a_card("4012 8888 8888 1881"))
    assert (made.token, made.brand, made.funding) == ("tok_sandbox_decline", "visa", "unknown")


@pytest.mark.parametrize(
    ("card", "refusal", "path"),
    [
        (a_card("4242 4242 4242 4241"), InvalidCardNumber, "number"),
        (a_card("four two"), InvalidCardNumber, "number"),
        (a_card(month=2), CardExpired, "expiry_month"),
        (a_card(month=13), CardExpired, "expiry_month"),
        (a_card(year=2999), CardExpired, "expiry_month"),
        (a_card(code="12"), InvalidSecurityCode, "security_code"),
        (a_card(code="1234"), InvalidSecurityCode, "security_code"),
        (a_card("3782 822463 10005"), InvalidSecurityCode, "security_code"),
        (a_card(code="12a"), InvalidSecurityCode, "security_code"),
    ],
)
def test_a_bad_card_is_refused_by_the_field_that_is_wrong(
    card: CardDetails, refusal: type[ValidationError], path: str
) -> None:
    """Without repeating it."""
    with pytest.raises(refusal) as refused:
        SandboxTokenizer(Noon()).tokenize(card)
    assert refused.value.details == {"path": path}
    assert card.number not in str(refused.value)
    assert card.number not in repr(card)
    assert card.security_code not in repr(card).replace("2026", "")
