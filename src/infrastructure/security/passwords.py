"""Human passwords: Argon2id, off the event loop, on threads that leave it a core of its own."""

import asyncio
import base64
import os
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Self

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from application.kernel.ports import IPasswordHasher
from domain.identity.passwords import LONGEST, SHORTEST, InvalidPassword
from domain.shared.errors import Unavailable


class PasswordsBusy(Unavailable):
    """More passwords wait to be hashed than can be in a second or two; whether one is right plays no part."""

    code = "passwords_busy"
    summary = "Too many people are signing in at this moment."


class Argon2Passwords(IPasswordHasher):
    """Argon2id with 19 MiB, two passes and one lane.

    The executor is its own, so that a burst of logins queues here and nothing else waits: it bounds memory and CPU
    alike. A flood does not pile up: beyond ``WAITING`` for each thread, passwords are refused at once. Call `close` at
    the end, or use the object as a context manager.
    """

    WAITING = 16

    def __init__(self, *, time_cost: int = 2, memory_kib: int = 19_456, workers: int | None = None) -> None:
        self._argon2 = PasswordHasher(time_cost=time_cost, memory_cost=memory_kib, parallelism=1)
        workers = workers or max(1, (os.cpu_count() or 1) - 1)
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="stoa-passwords")
        self._most, self._waiting = workers * self.WAITING, 0
        # Nobody's hash, with today's parameters: comparing with it takes as long as with a real one and never succeeds.
        salt, digest = (base64.b64encode(secrets.token_bytes(size)).rstrip(b"=").decode() for size in (16, 32))
        self._nobody = f"$argon2id$v=19$m={memory_kib},t={time_cost},p=1${salt}${digest}"

    async def hash(self, password: str) -> str:
        """Return an encoded hash.

        Raises:
            InvalidPassword: the length is outside the bounds.
            PasswordsBusy: too many are waiting.
        """
        encoded = _encode(password)
        if encoded is None:
            raise InvalidPassword
        return await self._run(lambda: self._argon2.hash(encoded))

    def ensure_room(self) -> None:
        """Raise ``PasswordsBusy`` if too many are waiting, whoever's password it is."""
        if self._waiting >= self._most:
            raise PasswordsBusy(retry_after=1)

    async def verify(self, password: str, encoded: str | None) -> bool:
        """Compare; a password no user can have, an unknown user and a damaged hash all take as long as a wrong one.

        Raises:
            PasswordsBusy: too many are waiting, whoever's password this is.
        """
        candidate = _encode(password)
        if encoded is None or candidate is None:
            await self._run(lambda: self._matches(self._nobody, b""))
            return False
        return await self._run(lambda: self._matches(encoded, candidate))

    def needs_rehash(self, encoded: str) -> bool:
        try:
            return self._argon2.check_needs_rehash(encoded)
        except InvalidHashError:
            return True

    def close(self) -> None:
        """End the threads after what they are doing."""
        self._executor.shutdown(cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def _run[T](self, work: Callable[[], T]) -> T:
        self.ensure_room()
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, work)
        finally:
            self._waiting -= 1

    def _matches(self, encoded: str, candidate: bytes) -> bool:
        try:
            return self._argon2.verify(encoded, candidate)
        except InvalidHashError:
            return self._matches(self._nobody, b"")
        except VerificationError:
            return False


def _encode(password: str) -> bytes | None:
    """Return the bytes to hash, the same for every keyboard's spelling of an accent; None when out of bounds."""
    # The length is looked at first: normalising is the expensive part, and it may grow the text.
    if not SHORTEST <= len(password) <= LONGEST:
        return None
    normal = unicodedata.normalize("NFC", password)
    if not SHORTEST <= len(normal) <= LONGEST:
        return None
    try:
        return normal.encode()
    except UnicodeEncodeError:
        return None
