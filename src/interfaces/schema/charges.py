"""How every face that serves over HTTP counts a request against its caller's limits."""

from collections.abc import Awaitable, Callable

from starlette.types import Scope

from application.kernel.actor import PUBLIC_ACTOR, Actor
from domain.shared.errors import StoaError, Unavailable

type Charge = Callable[[Scope, Actor], None]
"""Counts one request against its caller's limits, or raises ``RateLimited``."""


def charge_nothing(_scope: Scope, _actor: Actor) -> None:
    """Limit nobody."""


async def charged(charge: Charge, scope: Scope, find: Awaitable[Actor]) -> Actor:
    """Find out who calls, and count the request, whoever it is.

    Strangers are counted by their address, and so are those who are known and stopped; nobody for an outage of ours.

    Raises:
        RateLimited: the caller has used up one of its limits.
        StoaError: the caller is a stranger, or stopped, or cannot be looked up.
    """
    try:
        actor = await find
    except Unavailable:
        raise
    except StoaError:
        charge(scope, PUBLIC_ACTOR)
        raise
    charge(scope, actor)
    return actor
