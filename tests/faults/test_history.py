"""What clients see while servers and connections are cut: versions in order, each made once, nothing forgotten."""

import asyncio
import itertools
import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx2
import pytest

from tests.faults.history import Op, anomalies
from tests.faults.served import Served, served
from tests.faults.writers import at_work

OPERATIONS, OPERATIONS_AT_FULL_LENGTH = 2_000, 200_000
SESSIONS, REGISTERS = 8, 6
CUT_EVERY = 0.3
KILLED_AT = 4
CUTS_BETWEEN_KILLS = 40
_AGAIN = frozenset({409, 429, 502, 503, 504})

GOOD = [
    Op(1, "read", "a", "first", 1), Op(1, "write", "a", "second", 2), Op(2, "read", "a", "first", 1),
    Op(1, "read", "a", "second", 2), Op(2, "write", "a", "late", None), Op(2, "look", "a", "second", None),
    Op(2, "write", "a", "third", 3), Op(1, "look", "a", "third", None), Op(1, "read", "b", "other", 1),
]  # fmt: skip


def test_a_history_that_can_have_been_is_believed() -> None:
    """Two sessions, one of which is refused once."""
    assert anomalies(GOOD, {"a": (1, "first"), "b": (1, "other")}, {"a": 3, "b": 1}) == []


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ([*GOOD, Op(3, "write", "a", "again", 3)], "version 3 of a was made twice"),
        ([*GOOD, Op(3, "read", "a", "never", 2)], "saw 'never' of a"),
        ([*GOOD, Op(3, "read", "a", "third", 4)], "saw 'third' of a"),
        ([*GOOD, Op(3, "look", "a", "late", None)], "saw 'late' of a"),
        ([*GOOD, Op(3, "look", "a", "never", None)], "saw 'never' of a"),
        ([*GOOD, Op(2, "read", "a", "second", 2)], "session 2 went back from version 3 of a to 2 by a read"),
        ([*GOOD, Op(1, "look", "a", "second", None)], "session 1 went back from version 3 of a to 2 by a look"),
        ([*GOOD, Op(2, "look", "a", "first", None)], "session 2 went back from version 3 of a to 1"),
        ([op for op in GOOD if op.value != "third"], "a ended in version 3 after 1 successful writes"),
        ([*GOOD, Op(2, "write", "a", "fourth", 4)], "a ended in version 3 after 3 successful writes"),
    ],
)  # fmt: skip
def test_a_history_that_cannot_have_been_is_not(bad: list[Op], says: str) -> None:
    """Versions made twice, values from nowhere, steps back, lost writes: each is told."""
    assert says in "; ".join(anomalies(bad, {"a": (1, "first"), "b": (1, "other")}, {"a": 3, "b": 1}))


@dataclass
class Sessions:
    """Clients that read and rename products, look at their public offers, and write down what they saw."""

    house: Served
    wanted: int
    history: list[Op] = field(default_factory=list)
    slugs: dict[str, str] = field(default_factory=dict)
    initial: dict[str, tuple[int, str]] = field(default_factory=dict)
    final: dict[str, int] = field(default_factory=dict)
    asked_again: int = 0
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def client(self) -> httpx2.AsyncClient:
        """Return an HTTP client with the credentials."""
        headers = {"Authorization": f"Bearer {self.house.secret}"}
        return httpx2.AsyncClient(base_url=f"{self.house.url}/v1", headers=headers, timeout=10, trust_env=False)

    async def open(self) -> None:
        """Make the registers: products in their first version that a session sees, each with an offer."""
        async with self.client() as client:
            for _ in range(REGISTERS):
                product = (await self._sure(client, "POST", "/products", {"name": uuid4().hex})).json()
                amount = {"amount": 1250, "currency": "EUR"}
                priced = {"product_id": product["id"], "unit_amount": amount}
                price = (await self._sure(client, "POST", "/prices", priced)).json()
                link = (await self._sure(client, "POST", "/payment-links", {"price_id": price["id"]})).json()
                self.slugs[product["id"]] = link["slug"]
                product = (await self._sure(client, "GET", f"/products/{product['id']}")).json()
                self.initial[product["id"]] = (product["version"], product["name"])

    async def work(self, session: int) -> None:
        """Do one thing after the other until there is enough of all."""
        async with self.client() as client:
            while len(self.history) < self.wanted:
                register = random.choice(list(self.slugs))
                act = random.choice([self._read, self._look, self._write])
                await act(client, session, register)
        self.done.set()

    def stop(self) -> None:
        """Be content with what there is."""
        self.wanted = 0

    async def close(self) -> None:
        """Read the last versions."""
        async with self.client() as client:
            for register in self.slugs:
                self.final[register] = (await self._sure(client, "GET", f"/products/{register}")).json()["version"]

    async def _read(self, client: httpx2.AsyncClient, session: int, register: str) -> dict[str, object]:
        seen: dict[str, object] = (await self._sure(client, "GET", f"/products/{register}")).json()
        self.history.append(Op(session, "read", register, str(seen["name"]), int(str(seen["version"]))))
        return seen

    async def _look(self, client: httpx2.AsyncClient, session: int, register: str) -> None:
        shown = (await self._sure(client, "GET", f"/pay/{self.slugs[register]}")).json()["product_name"]
        self.history.append(Op(session, "look", register, shown, None))

    async def _write(self, client: httpx2.AsyncClient, session: int, register: str) -> None:
        seen, name = await self._read(client, session, register), uuid4().hex
        headers = {"If-Match": f'"{seen["version"]}"'}
        response = await self._sure(client, "PATCH", f"/products/{register}", {"name": name}, headers)
        version = response.json()["version"] if response.is_success else None
        self.history.append(Op(session, "write", register, name, version))

    async def _sure(
        self, client: httpx2.AsyncClient, method: str, path: str, body: object = None,
        headers: dict[str, str] | None = None,
    ) -> httpx2.Response:  # fmt: skip
        """Ask under one key until the answer is definite."""
        key = {} if method == "GET" else {"Idempotency-Key": str(uuid4())}
        for tries in itertools.count():
            self.asked_again += tries > 0
            try:
                response = await client.request(method, path, json=body, headers={**key, **(headers or {})})
            except httpx2.TransportError:
                await asyncio.sleep(0.05)
                continue
            if response.status_code not in _AGAIN:
                assert response.is_success or response.status_code == 412, response.text
                return response
            await asyncio.sleep(0.05)
        raise AssertionError("counting never ends")


async def test_nobody_sees_versions_go_back_while_servers_and_connections_are_cut(
    tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    """Eight sessions on six products and their cached offers; servers and connections of the database are killed."""
    wanted = OPERATIONS_AT_FULL_LENGTH if pytestconfig.getoption("--faults") else OPERATIONS
    async with served(tmp_path) as house:
        sessions = Sessions(house, wanted)
        await sessions.open()
        connection = await asyncpg.connect(house.database)
        cutting = asyncio.ensure_future(cut(house, connection, sessions))
        async with at_work((sessions.work(n) for n in range(SESSIONS)), lambda: None):
            await sessions.done.wait()
            cutting.cancel()
            await asyncio.gather(cutting, return_exceptions=True)
            if not house.server.alive:
                house.server.start()
        await house.serving()
        await sessions.close()
        await connection.close()
    kinds = Counter(op.kind for op in sessions.history)
    print(f"{len(sessions.history)} operations {dict(kinds)}, {sessions.asked_again} asked again")  # noqa: T201 - figures
    assert anomalies(sessions.history, sessions.initial, sessions.final) == []
    assert sessions.asked_again


async def cut(house: Served, connection: "asyncpg.Connection[asyncpg.Record]", sessions: Sessions) -> None:
    """Terminate connections of the server's, and now and then the server itself."""
    for n in itertools.count(1):
        await asyncio.sleep(CUT_EVERY)
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename LIKE 'stoa_%'"
            " ORDER BY random() LIMIT 1"
        )
        # Once in the gate, for a start takes as long as all the rest.
        if n == KILLED_AT or (n % CUTS_BETWEEN_KILLS == 0 and sessions.wanted > OPERATIONS):
            house.server.kill()
            house.server.start()
            await house.serving()
