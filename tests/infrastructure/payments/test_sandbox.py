"""The sandbox provider does what its tokens say, at most once per key, and remembers it."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from application.kernel.ports import Charge, ChargeResult, ChargeStatus
from domain.payments.errors import PaymentProviderError
from domain.shared.money import Money
from infrastructure.payments.card_number import CardNumber
from infrastructure.payments.sandbox import SandboxPaymentProvider, tokenize

SUCCEEDED, DECLINED, UNKNOWN = ChargeStatus.SUCCEEDED, ChargeStatus.DECLINED, ChargeStatus.UNKNOWN


def charge(token: str, key: str = "att_1", minor: int = 1250) -> Charge:
    return Charge(idempotency_key=key, amount=Money.of(minor, "EUR"), token=f"tok_sandbox_{token}")


@pytest.fixture(params=["memory", "journal"])
def provider(request: pytest.FixtureRequest, tmp_path: Path) -> SandboxPaymentProvider:
    """A provider of each kind of memory, whose slow charges are quick."""
    journal = tmp_path / "data" / "sandbox.jsonl" if request.param == "journal" else None
    return SandboxPaymentProvider(journal=journal, delay=0.05)


@pytest.mark.parametrize(
    ("token", "status", "decline_code", "permanent"),
    [
        ("success", SUCCEEDED, None, False),
        ("success_mastercard", SUCCEEDED, None, False),
        ("slow", SUCCEEDED, None, False),
        ("decline", DECLINED, "card_declined", False),
        ("insufficient_funds", DECLINED, "insufficient_funds", False),
        ("decline_permanent", DECLINED, "stolen_card", True),
        ("nobody_knows", DECLINED, "token_invalid", True),
    ],
)
async def test_a_token_decides_the_answer(
    provider: SandboxPaymentProvider, token: str, status: ChargeStatus, decline_code: str | None, permanent: bool
) -> None:
    """The answer, its repetition and the look-up agree, and there is one effect."""
    result = await provider.charge(charge(token))
    assert (result.status, result.decline_code, result.permanent) == (status, decline_code, permanent)
    assert result.reference
    assert await provider.charge(charge(token)) == result
    assert await provider.lookup("att_1") == result
    assert len(provider.charges) == 1


@pytest.mark.parametrize(
    ("token", "found"), [("unknown", SUCCEEDED), ("unknown_declined", DECLINED), ("unknown_lost", None)]
)
async def test_a_lost_answer_is_found_by_looking_up(
    provider: SandboxPaymentProvider, token: str, found: ChargeStatus | None
) -> None:
    """UNKNOWN hides a success, a refusal, or nothing at all; only the look-up tells."""
    for _ in range(2):
        assert await provider.charge(charge(token)) == ChargeResult(status=UNKNOWN)
    looked_up = await provider.lookup("att_1")
    assert (looked_up and looked_up.status) == found
    assert len(provider.charges) == (found is not None)


async def test_an_outage_has_no_effect(provider: SandboxPaymentProvider) -> None:
    """Down is down, however often one tries."""
    for _ in range(3):
        with pytest.raises(PaymentProviderError):
            await provider.charge(charge("outage"))
    assert await provider.lookup("att_1") is None
    assert provider.charges == ()


async def test_a_short_outage_ends_with_the_second_try_of_each_charge(provider: SandboxPaymentProvider) -> None:
    """Every charge meets the outage once."""
    for key in ("att_1", "att_2"):
        with pytest.raises(PaymentProviderError):
            await provider.charge(charge("outage_once", key))
        assert (await provider.charge(charge("outage_once", key))).status is SUCCEEDED
    assert len(provider.charges) == 2


async def test_twins_have_one_effect(provider: SandboxPaymentProvider) -> None:
    """Twenty charges at once with one key collect once and get one answer."""
    results = await asyncio.gather(*(provider.charge(charge("slow")) for _ in range(20)))
    assert len(set(results)) == 1
    assert [(record.amount, record.currency) for record in provider.charges] == [(1250, "EUR")]


async def test_a_caller_who_gave_up_was_charged_all_the_same(provider: SandboxPaymentProvider) -> None:
    """A cancelled wait is a lost answer, not a lost charge."""
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(provider.charge(charge("slow")), 0.03)
    found = await provider.lookup("att_1")
    assert found is not None
    assert found.status is SUCCEEDED


async def test_a_key_of_another_charge_is_a_mistake(provider: SandboxPaymentProvider) -> None:
    """Neither is the first charge changed nor a second one made."""
    await provider.charge(charge("success"))
    with pytest.raises(ValueError, match="another charge"):
        await provider.charge(charge("success", minor=9999))
    assert [record.amount for record in provider.charges] == [1250]


def test_the_journal_survives_a_kill(tmp_path: Path) -> None:
    """A process killed right after its charge leaves a charge that the next process knows."""
    journal = tmp_path / "sandbox.jsonl"
    program = f"""
import asyncio, os, signal
from pathlib import Path
from tests.infrastructure.payments.test_sandbox import SandboxPaymentProvider, charge
provider = SandboxPaymentProvider(journal=Path({str(journal)!r}))
asyncio.run(provider.charge(charge("unknown")))
os.kill(os.getpid(), signal.SIGKILL)
"""
    root = Path(__file__).parents[3]
    killed = subprocess.run(
        [sys.executable, "-c", program], cwd=root, env={"PYTHONPATH": f"{root}:{root / 'src'}"}, check=False
    )
    assert killed.returncode == -signal.SIGKILL

    provider = SandboxPaymentProvider(journal=journal)
    found = asyncio.run(provider.lookup("att_1"))
    assert found is not None
    assert found.status is SUCCEEDED
    asyncio.run(provider.charge(charge("unknown")))
    assert len(provider.charges) == 1
    assert journal.stat().st_mode & 0o077 == 0


async def test_a_half_written_line_never_happened(tmp_path: Path) -> None:
    """What a crash left of a line is neither read nor in the way."""
    journal = tmp_path / "sandbox.jsonl"
    await SandboxPaymentProvider(journal=journal).charge(charge("success", "att_1"))
    with journal.open("ab") as file:
        file.write(b'{"idempotency_key":"att_2","amou')
    provider = SandboxPaymentProvider(journal=journal)
    assert await provider.lookup("att_2") is None
    await provider.charge(charge("success", "att_2"))
    again = SandboxPaymentProvider(journal=journal)
    assert [record.idempotency_key for record in again.charges] == ["att_1", "att_2"]


async def test_two_providers_share_a_journal(tmp_path: Path) -> None:
    """The API's process and the worker's see one provider."""
    one, other = (SandboxPaymentProvider(journal=tmp_path / "sandbox.jsonl") for _ in range(2))
    await asyncio.gather(*(each.charge(charge("success", f"att_{n}")) for n in range(10) for each in (one, other)))
    assert len(one.charges) == len(other.charges) == 10


@pytest.mark.parametrize(
    ("number", "token"),
    [
        ("4242424242424242", "tok_sandbox_success"),
        ("5555555555554444", "tok_sandbox_success_mastercard"),
        ("4000000000009995", "tok_sandbox_insufficient_funds"),
        ("4000000000009979", "tok_sandbox_decline_permanent"),
        ("378282246310005", "tok_sandbox_decline"),
    ],
)
def test_test_cards_have_tokens(number: str, token: str) -> None:
    """Well-known test cards get their behaviour, any other card is declined."""
    assert tokenize(CardNumber.parse(number)) == token
