"""What is asked before a request may do anything: is there room for it, and has its caller not had enough?"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from application.kernel.actor import Actor
from application.kernel.use_case import UseCase
from domain.shared.errors import Unavailable


class Overloaded(Unavailable):
    """As much is under way as one process does well; nothing of this request was done."""

    code = "overloaded"
    summary = "Too much is under way right now; try again in a moment."


class Importance(StrEnum):
    """What goes on when there is not room for everything: money to the last, reads first to be refused."""

    READ = "read"
    WRITE = "write"
    MONEY = "money"


def importance_of(use_case: UseCase) -> Importance:
    """Return what a use-case's declaration says about it."""
    if use_case.money:
        return Importance.MONEY
    return Importance.READ if use_case.read_only else Importance.WRITE


type Admit = Callable[[Importance], AbstractContextManager[None]]
"""Gives a place among what is under way for the length of a block, or raises ``Overloaded`` at once."""


class IRoom(Protocol):
    """Knows whether there is room, for who asks before a place is taken."""

    def is_full(self, importance: Importance, *, before: int = 0) -> bool:
        """Return whether something of this importance would be refused, with so many ``before`` it on their way."""
        ...

    def refusal(self, importance: Importance) -> Overloaded:
        """Return what to refuse it with, which counts as refused from then on."""
        ...


def admit_all(_: Importance) -> AbstractContextManager[None]:
    """Have room for everything."""
    return nullcontext()


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """What a caller has left of one limit.

    Attributes:
        name: of the limit.
        size: how many requests it grants at once.
        window: the seconds in which so many are granted again.
        left: how many it would grant now.
        reset: the seconds until it grants ``size`` again.
    """

    name: str
    size: int
    window: int
    left: int
    reset: int


@dataclass(frozen=True, slots=True)
class Allowance:
    """A request's standing with every limit it counts against.

    Attributes:
        quotas: what is left of each limit.
        refused_by: the names of the limits that are used up; a request that has any is refused.
        wait: the nanoseconds until it would be granted.
    """

    quotas: tuple[Quota, ...] = ()
    refused_by: tuple[str, ...] = ()
    wait: int = 0

    @property
    def retry_after(self) -> int:
        """Return the whole seconds to wait."""
        return -(-self.wait // 1_000_000_000)


class IRateLimits(Protocol):
    """Counts requests. One that is refused by any limit counts against none."""

    def of_caller(self, actor: Actor) -> Allowance:
        """Count one request of somebody known."""
        ...

    def of_address(self, address: str) -> Allowance:
        """Count one request of somebody unknown, by where it came from."""
        ...

    def count_refusal(self, allowance: Allowance) -> None:
        """Count a request that was refused, also one that was refused by what another was told, unasked."""
        ...
