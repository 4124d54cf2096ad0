"""Counting the calls of repository methods: which are used, how long they take, and how often they fail."""

from collections.abc import Awaitable, Callable
from functools import update_wrapper
from inspect import iscoroutinefunction
from time import perf_counter
from typing import Concatenate, Protocol

from domain.shared.errors import StoaError
from infrastructure.persistence.session import Session


class InSession(Protocol):
    """A repository; all of them keep the session that they work in."""

    _session: Session


_done: set[tuple[type, str]] = set()


def measure(kind: type) -> None:
    """Have every public coroutine method of a repository counted under the repository's name; once for each method.

    What yields rows one by one is counted by the pages that it loads, and what only remembers by what is written.
    """
    for owner in kind.__mro__:
        if not owner.__module__.startswith("infrastructure."):
            continue
        for name, method in [*vars(owner).items()]:
            if not name.startswith("_") and iscoroutinefunction(method) and (owner, name) not in _done:
                _done.add((owner, name))
                setattr(owner, name, _measured(method))


def _measured[R: InSession, **P, T](
    method: Callable[Concatenate[R, P], Awaitable[T]],
) -> Callable[Concatenate[R, P], Awaitable[T]]:
    name = method.__name__

    async def call(self: R, /, *args: P.args, **kwargs: P.kwargs) -> T:
        started, code = perf_counter(), "failed"
        try:
            result = await method(self, *args, **kwargs)
            code = "ok"
        except StoaError as error:
            code = error.code
            raise
        finally:
            watch = self._session.database.watch
            watch.method_ran(type(self).__name__, name, code, perf_counter() - started)
        return result

    update_wrapper(call, method)
    return call
