"""Same key, same command, same answer: the rule behind every safe retry."""

import hashlib
import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from application.kernel.patch import Unset
from application.kernel.wire import Wire, to_wire
from domain.shared.errors import Conflict, Invalid, MalformedInput, Unavailable

_PRINTABLE = re.compile(r"[\x20-\x7e]{1,255}")


class IdempotencyKeyMissing(MalformedInput):
    """Money moves only under a key, so that a lost answer can be asked for again."""

    code = "idempotency_key_missing"
    summary = "This operation requires an Idempotency-Key."


class IdempotencyKeyMalformed(MalformedInput):
    """The key is not 1-255 printable ASCII characters."""

    code = "idempotency_key_malformed"
    summary = "An Idempotency-Key is 1 to 255 printable ASCII characters."


class IdempotencyKeyReused(Invalid):
    """The key belongs to another command."""

    code = "idempotency_key_reused"
    summary = "This Idempotency-Key was used for a different request."


class IdempotencyInProgress(Conflict):
    """The first request with this key has not finished."""

    code = "idempotency_in_progress"
    summary = "A request with this Idempotency-Key is still running; retry shortly."


class OutcomeUnknown(Unavailable):
    """The connection broke during commit: the effect may or may not have happened, and a retry will tell."""

    code = "outcome_unknown"
    summary = "The outcome is unknown; retry with the same Idempotency-Key."


class IIdempotencyStore(Protocol):
    """Answers already given, kept in the caller's own transaction."""

    async def claim(self, key: str, fingerprint: str) -> Wire | None:
        """Claim the key for this transaction, or return the answer stored under it.

        Raises:
            IdempotencyKeyReused: the key belongs to another fingerprint.
            IdempotencyInProgress: a twin holds the claim and did not finish in time.
        """
        ...

    def store(self, key: str, answer: Wire) -> None:
        """Keep the answer; it is written by the commit and not before."""
        ...


def parse_key(raw: str | None) -> str | None:
    """Return the key without the optional quotes of a structured header; None stays None.

    Raises:
        IdempotencyKeyMalformed: empty, too long or not printable ASCII.
    """
    if raw is None:
        return None
    quoted = len(raw) >= 2 and raw[0] == raw[-1] == '"'
    key = raw[1:-1] if quoted else raw
    if not _PRINTABLE.fullmatch(key):
        raise IdempotencyKeyMalformed
    return key


def fingerprint(use_case: str, command: object) -> str:
    """Return SHA-256 over the use-case's name and the canonical parsed command."""
    canonical = json.dumps(
        [use_case, to_wire(command)], sort_keys=True, separators=(",", ":"), default=_leaf, ensure_ascii=False
    )
    return hashlib.sha256(canonical.encode()).hexdigest()


def strangers_key(key: str, use_case: str, values: Sequence[object]) -> str:
    """Return the key under which the answer to somebody unknown is kept.

    Strangers have no name to tell their keys apart by, so a key belongs to the use-case and to the values it looks up:
    nobody meets another one's key, or learns of it, who does not know those too.
    """
    canonical = json.dumps([use_case, key, *values], separators=(",", ":"), default=_leaf)
    return f"public:{hashlib.sha256(canonical.encode()).hexdigest()}"


def _leaf(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Unset):
        # A one-key object no field of a command can look like.
        return {"\0": "unset"}
    raise TypeError(f"{type(value)} has no canonical form")
