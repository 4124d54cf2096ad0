"""A payment provider in this process that moves no money and always does what the token says.

| token | what happens |
|---|---|
| `tok_sandbox_success`, `tok_sandbox_success_mastercard` (`_amex`, `_discover`, `_diners`, `_jcb`, …) | succeeds |
| `tok_sandbox_slow` | succeeds after a delay |
| `tok_sandbox_decline` | declined: `card_declined` |
| `tok_sandbox_insufficient_funds` | declined: `insufficient_funds` |
| `tok_sandbox_incorrect_cvc` | declined: `incorrect_cvc` |
| `tok_sandbox_processing_error` | declined: `processing_error` |
| `tok_sandbox_decline_permanent` | declined for good: `stolen_card` |
| `tok_sandbox_expired_card` | declined for good: `expired_card` |
| `tok_sandbox_outage` | the provider is down, always |
| `tok_sandbox_outage_once` | down for the first try of a charge, then succeeds |
| `tok_sandbox_unknown` | charged, but the answer is lost; a look-up finds it succeeded |
| `tok_sandbox_unknown_declined` | declined, but the answer is lost; a look-up finds it declined |
| `tok_sandbox_unknown_lost` | the request is lost; a look-up finds nothing |
| `tok_sandbox_unknown_forever` | charged, but neither the answer nor any look-up tells |
| `tok_sandbox_refund_decline` | succeeds; its refunds are declined: `refund_declined` |
| `tok_sandbox_refund_unknown` | succeeds; its refunds are done, but the answer is lost; a look-up finds them |
| `tok_sandbox_refund_lost_once` | succeeds; the first request for each refund is lost, the second arrives |
| `tok_sandbox_refund_unknown_forever` | succeeds; its refunds are done, but neither the answer nor any look-up tells |
| `tok_sandbox_refund_outage_once` | succeeds; the provider is down for the first try of each refund |

Any other token is declined for good as `token_invalid`. Of a charge the sandbox keeps 1.4 %, rounded half to even, and
25 minor units of its currency; a refund costs nothing and brings no fee back. It refunds no more than it charged
(`amount_exceeds_charge`), and nothing that it never charged (`charge_not_found`).
"""

import asyncio
import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from application.kernel.ports import (
    Charge,
    ChargeResult,
    ChargeStatus,
    IPaymentProvider,
    Repayment,
    RepaymentResult,
)
from domain.payments.errors import PaymentProviderUnreachable
from domain.shared.money import Money
from infrastructure.payments.journal import Journal, Make, Record, RefundsOf

_ALWAYS = 1_000_000_000


_FEE_PER_MILLE, _FEE_FIXED = 14, 25


@dataclass(frozen=True, slots=True)
class _Script:
    """What a token makes the provider do, in this order: be down, take note, dawdle, answer, look up.

    ``lost`` is how many requests never arrive; ``refund`` is the script of the charge's refunds.
    """

    decline_code: str | None = None
    permanent: bool = False
    outages: int = 0
    lost: int = 0
    slow: bool = False
    answer_arrives: bool = True
    lookup_knows: bool = True
    refund: "_Script | None" = None


_BRANDS = ("mastercard", "amex", "discover", "diners", "jcb", "unionpay", "maestro")
_SCRIPTS = {
    "tok_sandbox_success": _Script(),
    **{f"tok_sandbox_success_{brand}": _Script() for brand in _BRANDS},
    "tok_sandbox_slow": _Script(slow=True),
    "tok_sandbox_decline": _Script("card_declined"),
    "tok_sandbox_insufficient_funds": _Script("insufficient_funds"),
    "tok_sandbox_incorrect_cvc": _Script("incorrect_cvc"),
    "tok_sandbox_processing_error": _Script("processing_error"),
    "tok_sandbox_decline_permanent": _Script("stolen_card", permanent=True),
    "tok_sandbox_expired_card": _Script("expired_card", permanent=True),
    "tok_sandbox_outage": _Script(outages=_ALWAYS),
    "tok_sandbox_outage_once": _Script(outages=1),
    "tok_sandbox_unknown": _Script(answer_arrives=False),
    "tok_sandbox_unknown_declined": _Script("card_declined", answer_arrives=False),
    "tok_sandbox_unknown_lost": _Script(lost=_ALWAYS, answer_arrives=False),
    "tok_sandbox_unknown_forever": _Script(answer_arrives=False, lookup_knows=False),
    "tok_sandbox_refund_decline": _Script(refund=_Script("refund_declined")),
    "tok_sandbox_refund_unknown": _Script(refund=_Script(answer_arrives=False)),
    "tok_sandbox_refund_lost_once": _Script(refund=_Script(lost=1)),
    "tok_sandbox_refund_unknown_forever": _Script(refund=_Script(answer_arrives=False, lookup_knows=False)),
    "tok_sandbox_refund_outage_once": _Script(refund=_Script(outages=1)),
}
_INVALID_TOKEN = _Script("token_invalid", permanent=True)


class SandboxPaymentProvider(IPaymentProvider):
    """Charges and refunds at most once per key, within the process or, with a journal, on the whole machine.

    Without a journal the provider forgets everything when the process ends. With one, any number of processes share
    a memory that survives being killed at any moment; only counted tries (`…_once`) start over.
    """

    def __init__(self, *, journal: Path | None = None, delay: float = 2.0) -> None:
        """Name the memory; `delay` is how long, in seconds, a slow charge takes."""
        self._journal = Journal(journal)
        self._delay = delay
        self._tries: Counter[str] = Counter()

    @property
    def name(self) -> str:
        return "sandbox"

    @property
    def charges(self) -> tuple[Record, ...]:
        """Every effect of a charge so far, in order: one per idempotency key, whatever was asked how often."""
        return tuple(record for record in self._journal.records() if record.kind == "charge")

    @property
    def refunds(self) -> tuple[Record, ...]:
        """Every effect of a refund so far, in order, one per idempotency key."""
        return tuple(record for record in self._journal.records() if record.kind == "refund")

    async def charge(self, charge: Charge) -> ChargeResult:
        """Do what the token says. Repeating a charge has no further effect and gets the same answer.

        Raises:
            PaymentProviderError: the provider is down and did nothing.
            ValueError: the key belongs to another charge, which is a mistake of the caller.
        """
        script = _SCRIPTS.get(charge.token, _INVALID_TOKEN)
        record = await self._perform(charge.idempotency_key, script, lambda _: _charged(charge, script))
        return ChargeResult(status=ChargeStatus.UNKNOWN) if record is None else _charge_result(record)

    async def lookup(self, idempotency_key: str) -> ChargeResult | None:
        record = await asyncio.to_thread(self._journal.find, idempotency_key)
        if record is not None and not _SCRIPTS.get(record.token, _INVALID_TOKEN).lookup_knows:
            return ChargeResult(status=ChargeStatus.UNKNOWN)
        return None if record is None else _charge_result(record)

    async def refund(self, repayment: Repayment) -> RepaymentResult:
        """Do what the charge's token says of refunds. Repeating one has no further effect and gets the same answer.

        Raises:
            PaymentProviderError: the provider is down and did nothing.
            ValueError: the key belongs to another refund, which is a mistake of the caller.
        """
        charged = await asyncio.to_thread(self._journal.charge_named, repayment.charge_reference)
        script = _refund_script(charged)
        record = await self._perform(
            repayment.idempotency_key, script, lambda refunds_of: _refunded(repayment, script, charged, refunds_of)
        )
        return RepaymentResult(status=ChargeStatus.UNKNOWN) if record is None else _refund_result(record)

    async def lookup_refund(self, repayment: Repayment) -> RepaymentResult | None:
        record = await asyncio.to_thread(self._journal.find, repayment.idempotency_key)
        if record is not None and not _refund_script(record).lookup_knows:
            return RepaymentResult(status=ChargeStatus.UNKNOWN)
        return None if record is None else _refund_result(record)

    async def _perform(self, key: str, script: _Script, make: Make) -> Record | None:
        """Follow the script; None when no answer arrives."""
        if script.outages or script.lost:
            self._tries[key] += 1
            if self._tries[key] <= script.outages:
                raise PaymentProviderUnreachable
            if self._tries[key] <= script.outages + script.lost:
                return None
        # On a thread, since the journal waits for the disk; a cancelled caller does not stop it half-way.
        record = await asyncio.to_thread(self._journal.record, make)
        if script.slow:
            await asyncio.sleep(self._delay)
        return record if script.answer_arrives else None


def fee_of(minor: int) -> int:
    """Return what the sandbox keeps of a charge: 1.4 %, rounded half to even, and 25 minor units."""
    whole, rest = divmod(minor * _FEE_PER_MILLE, 1000)
    return whole + (rest > 500 or (rest == 500 and whole % 2 == 1)) + _FEE_FIXED


def _refund_script(charged: Record | None) -> _Script:
    script = None if charged is None else _SCRIPTS.get(charged.token, _INVALID_TOKEN).refund
    return script or _Script()


def _charged(charge: Charge, script: _Script) -> Record:
    return Record(
        idempotency_key=charge.idempotency_key,
        amount=charge.amount.minor,
        currency=charge.amount.currency,
        token=charge.token,
        reference=_reference("sandbox_", charge.idempotency_key),
        fee=None if script.decline_code else fee_of(charge.amount.minor),
        decline_code=script.decline_code,
        permanent=script.permanent,
    )


def _refunded(repayment: Repayment, script: _Script, charged: Record | None, refunds_of: RefundsOf) -> Record:
    return Record(
        idempotency_key=repayment.idempotency_key,
        kind="refund",
        amount=repayment.amount.minor,
        currency=repayment.amount.currency,
        token=charged.token if charged else "",
        reference=_reference("sandbox_refund_", repayment.idempotency_key),
        charge_reference=repayment.charge_reference,
        decline_code=script.decline_code or _refusal(repayment, charged, refunds_of),
        permanent=False,
    )


def _refusal(repayment: Repayment, charged: Record | None, refunds_of: RefundsOf) -> str | None:
    """Say why a refund cannot be: the provider keeps its own account of what it owes."""
    if charged is None or charged.decline_code is not None:
        return "charge_not_found"
    given = sum(
        each.amount
        for each in refunds_of(charged.reference)
        if each.decline_code is None and each.idempotency_key != repayment.idempotency_key
    )
    exceeds = given + repayment.amount.minor > charged.amount or repayment.amount.currency != charged.currency
    return "amount_exceeds_charge" if exceeds else None


def _reference(prefix: str, key: str) -> str:
    return prefix + hashlib.sha256(key.encode()).hexdigest()[:24]


def _status(record: Record) -> ChargeStatus:
    return ChargeStatus.DECLINED if record.decline_code else ChargeStatus.SUCCEEDED


def _charge_result(record: Record) -> ChargeResult:
    return ChargeResult(
        status=_status(record),
        reference=record.reference,
        decline_code=record.decline_code,
        permanent=record.permanent,
        fee=None if record.fee is None else Money(record.fee, record.currency),
    )


def _refund_result(record: Record) -> RepaymentResult:
    return RepaymentResult(status=_status(record), reference=record.reference, decline_code=record.decline_code)
