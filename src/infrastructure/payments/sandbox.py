"""A payment provider in this process that moves no money and always does what the token says.

| token | what happens |
|---|---|
| `tok_sandbox_success`, `tok_sandbox_success_mastercard` | succeeds |
| `tok_sandbox_slow` | succeeds after a delay |
| `tok_sandbox_decline` | declined: `card_declined` |
| `tok_sandbox_insufficient_funds` | declined: `insufficient_funds` |
| `tok_sandbox_decline_permanent` | declined for good: `stolen_card` |
| `tok_sandbox_outage` | the provider is down, always |
| `tok_sandbox_outage_once` | down for the first try of a charge, then succeeds |
| `tok_sandbox_unknown` | charged, but the answer is lost; a look-up finds it succeeded |
| `tok_sandbox_unknown_declined` | declined, but the answer is lost; a look-up finds it declined |
| `tok_sandbox_unknown_lost` | the request is lost; a look-up finds nothing |

Any other token is declined for good as `token_invalid`.
"""

import asyncio
import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from application.kernel.ports import Charge, ChargeResult, ChargeStatus, IPaymentProvider
from domain.payments.errors import PaymentProviderError
from infrastructure.payments.card_number import CardNumber
from infrastructure.payments.journal import Journal, Record

_ALWAYS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class _Script:
    """What a token makes the provider do, in this order: be down, take note, dawdle, answer."""

    decline_code: str | None = None
    permanent: bool = False
    outages: int = 0
    request_arrives: bool = True
    slow: bool = False
    answer_arrives: bool = True


_SCRIPTS = {
    "tok_sandbox_success": _Script(),
    "tok_sandbox_success_mastercard": _Script(),
    "tok_sandbox_slow": _Script(slow=True),
    "tok_sandbox_decline": _Script("card_declined"),
    "tok_sandbox_insufficient_funds": _Script("insufficient_funds"),
    "tok_sandbox_decline_permanent": _Script("stolen_card", permanent=True),
    "tok_sandbox_outage": _Script(outages=_ALWAYS),
    "tok_sandbox_outage_once": _Script(outages=1),
    "tok_sandbox_unknown": _Script(answer_arrives=False),
    "tok_sandbox_unknown_declined": _Script("card_declined", answer_arrives=False),
    "tok_sandbox_unknown_lost": _Script(request_arrives=False, answer_arrives=False),
}
_INVALID_TOKEN = _Script("token_invalid", permanent=True)

_TEST_CARDS = {
    "4242424242424242": "tok_sandbox_success",
    "5555555555554444": "tok_sandbox_success_mastercard",
    "4000000000000002": "tok_sandbox_decline",
    "4000000000009995": "tok_sandbox_insufficient_funds",
    "4000000000009979": "tok_sandbox_decline_permanent",
}


def tokenize(card: CardNumber) -> str:
    """Return the token of a well-known test card; every other card, a real one above all, is one that is declined."""
    return _TEST_CARDS.get(card.reveal(), "tok_sandbox_decline")


class SandboxPaymentProvider(IPaymentProvider):
    """Charges at most once per idempotency key, within the process or, with a journal, on the whole machine.

    Without a journal the provider forgets everything when the process ends. With one, any number of processes share
    a memory that survives being killed at any moment; only the tries of `tok_sandbox_outage_once` start over.
    """

    def __init__(self, *, journal: Path | None = None, delay: float = 2.0) -> None:
        """Open the memory; `delay` is how long, in seconds, a slow charge takes."""
        self._journal = Journal(journal)
        self._delay = delay
        self._tries: Counter[str] = Counter()

    @property
    def charges(self) -> tuple[Record, ...]:
        """Every effect so far, in order: one per idempotency key, whatever was asked how often."""
        return self._journal.records()

    async def charge(self, charge: Charge) -> ChargeResult:
        """Do what the token says. Repeating a charge has no further effect and gets the same answer.

        Raises:
            PaymentProviderError: the provider is down and did nothing.
            ValueError: the key belongs to another charge, which is a mistake of the caller.
        """
        script = _SCRIPTS.get(charge.token, _INVALID_TOKEN)
        self._tries[charge.idempotency_key] += 1
        if self._tries[charge.idempotency_key] <= script.outages:
            raise PaymentProviderError
        if script.request_arrives:
            # On a thread, since the journal waits for the disk; a cancelled caller does not stop it half-way.
            await asyncio.to_thread(self._journal.record, _record(charge, script))
        if script.slow:
            await asyncio.sleep(self._delay)
        return _result(_record(charge, script)) if script.answer_arrives else ChargeResult(status=ChargeStatus.UNKNOWN)

    async def lookup(self, idempotency_key: str) -> ChargeResult | None:
        record = await asyncio.to_thread(self._journal.find, idempotency_key)
        return None if record is None else _result(record)


def _record(charge: Charge, script: _Script) -> Record:
    return Record(
        idempotency_key=charge.idempotency_key,
        amount=charge.amount.minor,
        currency=charge.amount.currency,
        token=charge.token,
        reference="sandbox_" + hashlib.sha256(charge.idempotency_key.encode()).hexdigest()[:24],
        decline_code=script.decline_code,
        permanent=script.permanent,
    )


def _result(record: Record) -> ChargeResult:
    return ChargeResult(
        status=ChargeStatus.DECLINED if record.decline_code else ChargeStatus.SUCCEEDED,
        reference=record.reference,
        decline_code=record.decline_code,
        permanent=record.permanent,
    )
