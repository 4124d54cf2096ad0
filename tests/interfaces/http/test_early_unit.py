"""Who is refused unread, and who is not although others are."""

import asyncio
import time

import pytest

from application.kernel.limits import Importance
from domain.shared.errors import RateLimitExceeded
from infrastructure.resilience.admission import Admission
from infrastructure.resilience.rate_limits import BURST_SECONDS, RateLimits
from interfaces.http.early import EarlyRefusals
from interfaces.http.limits import Limited
from tests.interfaces.http.face import ACTOR

SECOND = 1_000_000_000
READS = 6
"""Of ten places."""

type Header = tuple[bytes, bytes]


class Door:
    """The refusals before an application with ten places, for one request a second and five at once of each caller."""

    def __init__(self) -> None:
        """Begin at the first second."""
        self.now = SECOND
        self.limited = Limited(
            RateLimits(credential=1, organization=0, address=0, monotonic_ns=lambda: self.now),
            monotonic_ns=lambda: self.now,
        )
        self.early = EarlyRefusals(Admission(10), self.limited, draining=lambda: False)

    def answers(self, *requests: bytes) -> list[bool]:
        """Return which of some requests that come in one turn of the loop are refused."""
        return [self.early(request, ()) is not None for request in requests]

    def charge(self) -> None:
        """Count a request of the caller whose credential is ``one``."""
        self.limited.charge({"headers": [(b"authorization", b"one")], "state": {}}, ACTOR)


def get(path: bytes = b"/v1/products", *headers: Header) -> bytes:
    lines = [b"%s: %s" % each for each in ((b"host", b"stoa"), *headers)]
    return b"\r\n".join([b"GET %s HTTP/1.1" % path, *lines]) + b"\r\n\r\n"


ONE = (b"authorization", b"one")


async def test_so_many_are_let_in_at_one_turn_as_there_are_places() -> None:
    """None has taken its place yet; at the next turn those that have not are forgotten."""
    door = Door()
    assert door.answers(*[get(b"/v1/products", ONE)] * 10) == [False] * READS + [True] * 4
    await asyncio.sleep(0)
    assert door.answers(get(b"/v1/products", ONE)) == [False]


async def test_what_takes_no_place_refuses_nobody_else() -> None:
    """Any number of buyers of an offer that is kept, and of looks at the process's health, come in one turn."""
    door = Door()
    crowd = [get(b"/v1/pay/abc"), get(b"/livez"), b"POST /v1/sessions HTTP/1.1\r\nhost: stoa\r\n\r\n"] * 50
    assert not any(door.answers(*crowd))
    assert door.answers(*[get(b"/v1/products", ONE)] * READS) == [False] * READS


async def test_nothing_is_looked_at_once_nobody_has_to_wait_any_more() -> None:
    """A caller who never came back is forgotten all the same."""
    door = Door()
    for _ in range(BURST_SECONDS):
        door.charge()
    with pytest.raises(RateLimitExceeded):
        door.charge()
    two = get(b"/v1/products", (b"authorization", b"two"))
    assert (door.limited.has_stopped, door.answers(get(b"/v1/products", ONE), two)) == (True, [True, False])
    door.now += SECOND
    assert (door.limited.has_stopped, door.answers(get(b"/v1/products", ONE))) == (False, [False])


async def test_what_may_mean_something_else_is_not_answered() -> None:
    """Two hosts or none, or a head that is too long: all is left to the parser, and soon."""
    door = Door()
    room = door.early._room
    assert isinstance(room, Admission)
    places = [room(Importance.READ) for _ in range(READS)]
    for place in places:
        place.__enter__()
    assert door.answers(get()) == [True]
    long, started = b"GET /v1/products HTTP/1.1\r\nhost: stoa" + b"\r\na:" * 60_000, time.process_time()
    odd = [
        get(b"/v1/products", (b"host", b"b")),
        b"GET /v1/products HTTP/1.1\r\na: b\r\n\r\n",
        long,
        long + b"\r\n\r\n",
    ]
    assert door.answers(*odd) == [False] * 4
    assert time.process_time() - started < 0.05
    for place in places:
        place.__exit__(None, None, None)
