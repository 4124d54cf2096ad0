"""What clients saw of registers with versions, and whether one register each could have shown it to them.

A register is an aggregate: every write that succeeds makes the next version, and every value was never written before.
The check takes one look at each operation.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

type Register = str


@dataclass(frozen=True, slots=True)
class Op:
    """One operation of one session, with a definite answer.

    Attributes:
        kind: a read of the register, a look at a page that shows its value, or a write on top of a version.
        version: what was read, or made; None of a look, whose page has none, and of a write that was refused.
        value: what was read or written.
    """

    session: int
    kind: Literal["read", "look", "write"]
    register: Register
    value: str
    version: int | None


def anomalies(history: Sequence[Op], initial: dict[Register, tuple[int, str]], final: dict[Register, int]) -> list[str]:
    """Return what cannot have been, in the order in which it is found.

    Args:
        history: every session's operations in its own order; sessions may be interleaved in any way.
        initial: the version and value that each register began with.
        final: the version of each register after the last operation.
    """
    made = {(register, version): value for register, (version, value) in initial.items()}
    first = {register: version for register, (version, _) in initial.items()}
    return [*_written(history, made), *_ended(made, first, final), *_seen(history, made)]


def _written(history: Sequence[Op], made: dict[tuple[Register, int], str]) -> Iterator[str]:
    """Collect who made which version; two made none together."""
    for op in history:
        if op.kind == "write" and op.version is not None:
            if (op.register, op.version) in made:
                yield f"version {op.version} of {op.register} was made twice"
            made[op.register, op.version] = op.value


def _ended(
    made: dict[tuple[Register, int], str], first: dict[Register, int], final: dict[Register, int]
) -> Iterator[str]:
    """Count every register's writes."""
    counts = Counter(register for register, _ in made)
    for register, version in final.items():
        if first[register] + counts[register] - 1 != version:
            yield f"{register} ended in version {version} after {counts[register] - 1} successful writes"


def _seen(history: Sequence[Op], made: dict[tuple[Register, int], str]) -> Iterator[str]:
    """Follow every session: what it sees was made, and is never older than what it saw or made before."""
    versions = {(register, value): version for (register, version), value in made.items()}
    latest: dict[tuple[int, Register], int] = {}
    for op in history:
        version = versions.get((op.register, op.value)) if op.kind == "look" else op.version
        if op.kind != "write" and (version is None or made.get((op.register, version)) != op.value):
            yield f"session {op.session} saw {op.value!r} of {op.register}, which nobody made version {op.version}"
            continue
        if version is None:
            continue
        before = latest.get((op.session, op.register), 0)
        if version < before:
            yield f"session {op.session} went back from version {before} of {op.register} to {version} by a {op.kind}"
        latest[op.session, op.register] = max(before, version)
