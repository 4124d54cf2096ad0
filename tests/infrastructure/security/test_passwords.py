"""Passwords: hashed slowly, compared without telling who exists."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from domain.identity.passwords import InvalidPassword
from infrastructure.security.passwords import Argon2Passwords

PASSWORD = "correct horse battery"


@pytest.fixture
def passwords() -> Iterator[Argon2Passwords]:
    """A hasher with the cheapest parameters there are."""
    with Argon2Passwords(time_cost=1, memory_kib=8) as hasher:
        yield hasher


async def test_a_password_matches_its_hash_and_nothing_else_does(passwords: Argon2Passwords) -> None:
    """Right is right, wrong is wrong, and hashes of equal passwords differ."""
    encoded = await passwords.hash(PASSWORD)
    assert await passwords.verify(PASSWORD, encoded)
    assert not await passwords.verify(PASSWORD + "!", encoded)
    assert await passwords.hash(PASSWORD) != encoded


async def test_the_default_parameters_are_the_recommended_ones() -> None:
    """Argon2id with 19 MiB, two passes and one lane."""
    with Argon2Passwords() as hasher:
        assert (await hasher.hash(PASSWORD)).startswith("$argon2id$v=19$m=19456,t=2,p=1$")


@pytest.mark.parametrize("password", ["", "eleven char", "x" * 129, "x" * 10_000_000, "\ud800" * 12])
async def test_an_impossible_password_is_refused_before_hashing(passwords: Argon2Passwords, password: str) -> None:
    """Too short, too long or no text: not hashed, and equal to no user's password."""
    with pytest.raises(InvalidPassword):
        await passwords.hash(password)
    assert not await passwords.verify(password, await passwords.hash(PASSWORD))


@pytest.mark.parametrize("password", ["twelve chars", "x" * 128, "\U0001f600" * 128])
async def test_lengths_count_characters(passwords: Argon2Passwords, password: str) -> None:
    """The bounds are inclusive, and an emoji is as long as a letter."""
    assert await passwords.verify(password, await passwords.hash(password))


async def test_an_accent_may_be_typed_either_way(passwords: Argon2Passwords) -> None:
    """Keyboards compose accents differently; the password is the same."""
    assert await passwords.verify("cafe\u0301 au lait", await passwords.hash("caf\u00e9 au lait"))


@pytest.mark.parametrize("encoded", [None, "", "not a hash", "$argon2id$v=19$m=8,t=1,p=1$AA$AA"])
async def test_an_unknown_user_and_a_damaged_hash_are_just_false(
    passwords: Argon2Passwords, encoded: str | None
) -> None:
    """Nothing tells them from a wrong password."""
    assert not await passwords.verify(PASSWORD, encoded)


async def test_an_unknown_user_takes_as_long_as_a_known_one() -> None:
    """The dummy comparison does the same work, within the noise of the machine."""
    with Argon2Passwords() as hasher:
        encoded = await hasher.hash(PASSWORD)

        async def fastest(stored: str | None) -> float:
            durations = []
            for _ in range(3):
                start = time.perf_counter()
                await hasher.verify("a wrong password", stored)
                durations.append(time.perf_counter() - start)
            return min(durations)

        assert await fastest(None) > 0.3 * await fastest(encoded)


async def test_a_hash_with_old_parameters_asks_for_a_new_one(passwords: Argon2Passwords) -> None:
    """Stronger parameters reach old users at their next login."""
    encoded = await passwords.hash(PASSWORD)
    assert not passwords.needs_rehash(encoded)
    assert passwords.needs_rehash("damaged")
    with Argon2Passwords(time_cost=2, memory_kib=8) as stronger:
        assert stronger.needs_rehash(encoded)
        assert await stronger.verify(PASSWORD, encoded)


async def test_the_event_loop_stays_free_while_passwords_are_hashed() -> None:
    """A burst of logins queues for its own threads; everybody else goes on."""
    with Argon2Passwords(workers=1) as hasher:
        burst = asyncio.gather(*(hasher.hash(PASSWORD) for _ in range(4)))
        ticks = 0
        while not burst.done():
            await asyncio.sleep(0.001)
            ticks += 1
        await burst
    assert ticks > 4
