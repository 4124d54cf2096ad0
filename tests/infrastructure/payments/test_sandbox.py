"""The sandbox provider does what its tokens say, at most once per key, and remembers it."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from application.kernel.ports import Charge, ChargeResult, ChargeStatus, Repayment
from domain.payments.errors import PaymentProviderError
from domain.shared.money import Money
from infrastructure.payments.sandbox import SandboxPaymentProvider

SUCCEEDED, DECLINED, UNKNOWN = ChargeStatus.SUCCEEDED, ChargeStatus.DECLINED, ChargeStatus.UNKNOWN


def charge(token: str, key: str = "att_1", minor: int = 1250) -> Charge:
    return Charge(idempotency_key=key, amount=Money.of(minor, "EUR"), token=f"tok_sandbox_{token}")


@pytest.fixture(params=["memory", "journal"])
def provider(request: pytest.FixtureRequest, tmp_path: Path) -> SandboxPaymentProvider:
    """A provider of each kind of memory, whose slow charges are quick."""
    journal = tmp_path / "data" / "sandbox.sqlite3" if request.param == "journal" else None
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
    journal = tmp_path / "sandbox.sqlite3"
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


def test_half_an_effect_never_happened(tmp_path: Path) -> None:
    """A process that is killed while it writes leaves nothing of what it wrote, and is in nobody's way."""
    journal = tmp_path / "sandbox.sqlite3"
    asyncio.run(SandboxPaymentProvider(journal=journal).charge(charge("success", "att_1")))
    program = f"""
import os, signal, sqlite3
database = sqlite3.connect({str(journal)!r}, isolation_level=None)
database.execute("PRAGMA cache_spill = 1")
database.execute("BEGIN IMMEDIATE")
database.execute("INSERT INTO records (key, reference, record) VALUES ('att_2', 'sandbox_2', zeroblob(9000000))")
os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = subprocess.run([sys.executable, "-c", program], check=False)
    assert killed.returncode == -signal.SIGKILL
    provider = SandboxPaymentProvider(journal=journal)
    assert asyncio.run(provider.lookup("att_2")) is None
    asyncio.run(provider.charge(charge("success", "att_2")))
    again = SandboxPaymentProvider(journal=journal)
    assert [record.idempotency_key for record in again.charges] == ["att_1", "att_2"]


async def test_two_providers_share_a_journal(tmp_path: Path) -> None:
    """The API's process and the worker's see one provider."""
    one, other = (SandboxPaymentProvider(journal=tmp_path / "sandbox.sqlite3") for _ in range(2))
    await asyncio.gather(*(each.charge(charge("success", f"att_{n}")) for n in range(10) for each in (one, other)))
    assert len(one.charges) == len(other.charges) == 10


async def charged(provider: SandboxPaymentProvider, token: str = "success", minor: int = 1250) -> str:
    """Charge, and return the provider's name for it."""
    result = await provider.charge(charge(token, minor=minor))
    return str(result.reference)


def repayment(reference: str, key: str = "ref_1", minor: int = 1000) -> Repayment:
    return Repayment(idempotency_key=key, charge_reference=reference, amount=Money.of(minor, "EUR"))


@pytest.mark.parametrize(
    ("minor", "fee"), [(1, 25), (100, 26), (250, 29), (750, 35), (1250, 43), (2490, 60), (10_000_000, 140_025)]
)
async def test_the_fee_is_rounded_half_to_even(provider: SandboxPaymentProvider, minor: int, fee: int) -> None:
    """1.4 % and 25 minor units; 17.5 becomes 18 and 3.5 becomes 4, but 10.5 becomes 10."""
    result = await provider.charge(charge("success", minor=minor))
    assert result.fee == Money(fee, "EUR")
    assert (await provider.charge(charge("decline", key="att_2", minor=minor))).fee is None


async def test_a_refund_happens_once_per_key(provider: SandboxPaymentProvider) -> None:
    """Its repetition and its look-up agree, and the provider refunds no more than it charged."""
    reference = await charged(provider)
    first = await provider.refund(repayment(reference))
    assert first.status is SUCCEEDED
    assert await provider.refund(repayment(reference)) == first
    assert await provider.lookup_refund(repayment(reference)) == first
    too_much = await provider.refund(repayment(reference, "ref_2", 251))
    assert (too_much.status, too_much.decline_code) == (DECLINED, "amount_exceeds_charge")
    assert (await provider.refund(repayment(reference, "ref_3", 250))).status is SUCCEEDED
    assert [record.amount for record in provider.refunds if record.decline_code is None] == [1000, 250]
    with pytest.raises(ValueError, match="another refund"):
        await provider.refund(repayment(reference, minor=1))


async def test_only_what_was_charged_is_refunded(provider: SandboxPaymentProvider) -> None:
    """Neither a charge nobody knows nor a declined one."""
    declined = await charged(provider, "decline")
    for reference in ("sandbox_nobody", declined):
        refused = await provider.refund(repayment(reference, key=f"ref_{reference}"))
        assert (refused.status, refused.decline_code) == (DECLINED, "charge_not_found")


@pytest.mark.parametrize(
    ("token", "answers", "found"),
    [
        ("refund_decline", [DECLINED, DECLINED], DECLINED),
        ("refund_unknown", [UNKNOWN, UNKNOWN], SUCCEEDED),
        ("refund_lost_once", [UNKNOWN, SUCCEEDED], SUCCEEDED),
        ("refund_unknown_forever", [UNKNOWN, UNKNOWN], UNKNOWN),
        ("refund_outage_once", [None, SUCCEEDED], SUCCEEDED),
    ],
)
async def test_a_charges_token_decides_about_its_refunds(
    provider: SandboxPaymentProvider, token: str, answers: list[ChargeStatus | None], found: ChargeStatus
) -> None:
    """Two tries and a look-up; None is an outage."""
    reference = await charged(provider, token)
    for expected in answers:
        if expected is None:
            with pytest.raises(PaymentProviderError):
                await provider.refund(repayment(reference))
        else:
            assert (await provider.refund(repayment(reference))).status is expected
    looked_up = await provider.lookup_refund(repayment(reference))
    assert looked_up is not None
    assert looked_up.status is found
    assert len(provider.refunds) == 1


async def test_a_refund_is_not_refunded(provider: SandboxPaymentProvider) -> None:
    """The name of a refund is not the name of a charge."""
    refunded = await provider.refund(repayment(await charged(provider)))
    again = await provider.refund(repayment(str(refunded.reference), "ref_2"))
    assert (again.status, again.decline_code) == (DECLINED, "charge_not_found")


async def test_twin_refunds_have_one_effect_in_every_process(tmp_path: Path) -> None:
    """Two providers on one journal, asked ten times each, give back once; what fits only once is given to one."""
    one, other = (SandboxPaymentProvider(journal=tmp_path / "sandbox.sqlite3") for _ in range(2))
    reference = await charged(one)
    await asyncio.gather(*(each.refund(repayment(reference)) for _ in range(10) for each in (one, other)))
    assert len(one.refunds) == len(other.refunds) == 1
    halves = [each.refund(repayment(reference, key, 200)) for key, each in (("ref_2", one), ("ref_3", other))]
    assert sorted(result.status for result in await asyncio.gather(*halves)) == [DECLINED, SUCCEEDED]


async def test_a_journal_of_older_days_is_still_read(tmp_path: Path) -> None:
    """Its charges have no fee and can be refunded."""
    (tmp_path / "sandbox.jsonl").write_text(
        '{"idempotency_key":"att_1","amount":1250,"currency":"EUR","token":"tok_sandbox_success",'
        '"reference":"sandbox_old","decline_code":null,"permanent":false}\n'
    )
    provider = SandboxPaymentProvider(journal=tmp_path / "sandbox.sqlite3")
    assert (await provider.charge(charge("success"))).fee is None
    assert (await provider.refund(repayment("sandbox_old"))).status is SUCCEEDED
