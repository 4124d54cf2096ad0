"""What is stored of keys, and what a key that is none costs."""

import string
import time
from collections.abc import AsyncIterator
from statistics import median
from uuid import uuid4

import pytest

from application.kernel.actor import TENANT_SCOPES
from domain.shared.errors import Unauthenticated, Unavailable
from infrastructure.persistence.authenticator import Authenticator
from infrastructure.persistence.database import Database
from infrastructure.security.opaque_tokens import APIKeys, SessionTokens
from infrastructure.system import SystemClock
from tests.support.databases import TestDatabases
from tests.support.dump import dumped
from tests.support.persons import sign_in, signed_up
from tests.support.stack import PEPPER, Stack, open_stack

NOWHERE = "postgresql://stoa_app@127.0.0.1:1/nowhere"
"""An address at which no database is: whoever asks it anything fails."""


@pytest.fixture
async def stack(test_databases: TestDatabases) -> AsyncIterator[Stack]:
    """Return the core on a database of the test's own, whose every byte is looked through."""
    async with open_stack(test_databases.postgres()) as opened:
        yield opened


async def test_no_issued_secret_is_anywhere_in_a_dump_of_the_database(
    stack: Stack, pytestconfig: pytest.Config
) -> None:
    """Of all keys and session tokens, also of those issued under an idempotency key, the dump has the hashes only."""
    home, secrets, rotated = await stack.organization(), [], []
    for number in range(10_000 if pytestconfig.getoption("--faults") else 180):
        given = {"name": f"Key {number}", "scopes": sorted(TENANT_SCOPES), "expires_at": None}
        issued = await stack.run_once(str(uuid4()), "api_keys.create", home, **given)
        secrets.append(str(issued["secret"]))
        rotated.append(str(issued["id"]))
    person = await signed_up(stack)
    secrets += [(await sign_in(stack, person.email)).token for _ in range(20)]
    await stack.run("api_keys.rotate", home, id=rotated[0])
    text = dumped(stack.urls)
    # One pass over the dump, however many keys there are: a secret is a prefix and 39 characters.
    assert [secret for secret in secrets if secret[8:] in text] == []
    assert all(str(APIKeys(PEPPER).digest(secret)) in text for secret in secrets[:10])


async def test_a_mistyped_secret_never_reaches_the_database() -> None:
    """With no database at all every typing error in a key or a token is still told; only a real one is asked about."""
    keys, tokens = APIKeys(PEPPER), SessionTokens(PEPPER)
    database = Database(NOWHERE, pool_size=1)
    authenticate = Authenticator(database, keys, tokens, SystemClock())
    for issued in (keys.issue(), tokens.issue()):
        for place in range(len(issued.secret) - 39, len(issued.secret)):
            letter = next(each for each in string.ascii_letters if each != issued.secret[place])
            with pytest.raises(Unauthenticated):
                await authenticate(issued.secret[:place] + letter + issued.secret[place + 1 :])
        with pytest.raises(Unavailable):
            await authenticate(issued.secret)
    await database.dispose()


@pytest.mark.faults
async def test_a_key_is_recognised_in_half_a_millisecond(stack: Stack) -> None:
    """The median of two thousand look-ups of a key among many, one after the other, over the local socket."""
    home = await stack.organization()
    issued = [
        await stack.run("api_keys.create", home, name=f"Key {n}", scopes=sorted(TENANT_SCOPES), expires_at=None)
        for n in range(200)
    ]
    took = []
    for turn in range(2_200):
        begun = time.perf_counter()
        await stack.authenticate(str(issued[turn % 200]["secret"]))
        took.append(time.perf_counter() - begun)
    await stack.authenticate.settle()
    typical = median(took[200:])
    print(f"authentication p50 {typical * 1e3:.3f} ms")  # noqa: T201 - seen with -rP
    assert typical <= 0.5e-3
