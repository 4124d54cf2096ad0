"""The HTTP face keeps the promises of its own description, whatever is sent to it."""

from collections.abc import Callable

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from interfaces.http.operation import Operation, read_operations
from interfaces.http.routes import ROUTES
from tests.support.fuzz import Way, fuzz
from tests.support.http import app_of
from tests.support.stack import Stack
from tests.support.use_cases import ROUTED
from tests.support.world import World

type Spoil = Callable[[Message], None]


@pytest.fixture(scope="module")
def stack(pg_stack: Stack) -> Stack:
    """One database is enough: what is attacked is in front of it."""
    return pg_stack


@pytest.fixture(scope="module")
def operations(stack: Stack) -> dict[str, Operation]:
    return {each.use_case.name: each for each in read_operations(ROUTES, stack.registry)}


async def test_no_request_brings_an_answer_that_is_not_described(
    stack: Stack, world: World, operations: dict[str, Operation], pytestconfig: pytest.Config
) -> None:
    """Every operation answers known, odd and broken requests with a described status, type, headers and body."""
    examples = 104 if pytestconfig.getoption("--faults") else 8
    found = await fuzz(app_of(stack), world, operations, examples)
    assert not found.failures, "\n\n".join(found.failures.values())
    for way in Way:
        # What reads no field and no key has nothing that could be broken.
        unbreakable = {"events.list_schemas"} if way is Way.BROKEN else set()
        assert found.asked(way).keys() == set(ROUTED) - unbreakable, (
            f"not every operation was asked in the {way.value} way"
        )
    assert found.succeeded(Way.KNOWN) == found.asked(Way.KNOWN), "what the world knows to succeed did not"
    # Generated fields around real ids must get past "not found", or most of the code would never see them. What asks
    # for a password or a mailed token is not guessed.
    assert len(found.succeeded(Way.PLANTED)) >= len(ROUTED) * 8 // 10, sorted(found.answers.items(), key=str)
    assert found.succeeded(Way.PLANTED).total() >= found.asked(Way.PLANTED).total() // 2


def _fail(message: Message) -> None:
    if message["type"] == "http.response.start":
        message["status"] = 500


def _tell_teapot(message: Message) -> None:
    if message["type"] == "http.response.start":
        message["status"] = 418


def _misspell_ids(message: Message) -> None:
    if message["type"] == "http.response.body":
        message["body"] = message["body"].replace(b'"prod_', b'"dorp_')


def _call_it_text(message: Message) -> None:
    if message["type"] == "http.response.start":
        headers = [(name, value) for name, value in message["headers"] if name != b"content-type"]
        message["headers"] = [*headers, (b"content-type", b"text/plain")]


def _spoiled(app: ASGIApp, path: str, spoil: Spoil) -> ASGIApp:
    """Wrap an application so that answers below one path are not what it said."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def changed(message: Message) -> None:
            spoil(message)
            await send(message)

        await app(scope, receive, changed if scope["path"].startswith(path) else send)

    return wrapped


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (_fail, "Server error"),
        (_tell_teapot, "Undocumented status code"),
        (_misspell_ids, "Response violates schema"),
        (_call_it_text, "Undocumented Content-Type"),
        (_call_it_text, "No problem details"),
    ],
)
async def test_an_answer_that_breaks_the_description_is_found(
    spoil: Spoil, kind: str, stack: Stack, world: World, operations: dict[str, Operation]
) -> None:
    """The net has no hole: an application that lies about one operation is told on."""
    app = _spoiled(app_of(stack), "/v1/products/", spoil)
    found = await fuzz(app, world, {"products.get": operations["products.get"]}, 8)
    assert ("products.get", kind) in found.failures, sorted(found.failures)
