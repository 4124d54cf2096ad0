"""A server that is told to stop under load answers everything it accepted, gives everything back, and ends with 0."""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from uuid import uuid4

import asyncpg
import httpx2
import pytest

from infrastructure.persistence.embedded import EmbeddedPostgres
from tests.faults.processes import STARTS_WITHIN, ChildProcess, crowd, free_port
from tests.faults.served import ready
from tests.faults.writers import at_work

CLIENTS = 12
DRAINS = 3
DRAINS_AT_FULL_LENGTH = 100
ENDS_WITHIN = 15.0
_ANSWERS = frozenset({200, 201, 503})
"""Served, or politely refused: twelve clients at once may find no free connection."""
_HELD = "SELECT count(*) FROM {} WHERE lease_until IS NOT NULL"
_CARD = {
    "type": "card", "provider_token": "tok_sandbox_slow", "brand": "visa", "last_four": "4242", "expiry_month": 12,
    "expiry_year": 2040,
}  # fmt: skip


@dataclass
class Buyers:
    """Clients that send each request once, over connections that they keep, and know what they were told."""

    base_url: str
    secret: str
    link: str = ""
    customer: str = ""
    card: str = ""
    answered: Counter[int] = field(default_factory=Counter)
    made: set[str] = field(default_factory=set)
    unanswered: set[str] = field(default_factory=set)
    broken_off: int = 0
    stopping: bool = False

    def client(self) -> httpx2.AsyncClient:
        """Return a client with the credentials."""
        headers = {"Authorization": f"Bearer {self.secret}"}
        return httpx2.AsyncClient(base_url=self.base_url, headers=headers, timeout=30, trust_env=False)

    def stop(self) -> None:
        """Begin nothing new."""
        self.stopping = True

    async def open_shop(self) -> None:
        """Make what orders are made of, and a card whose every charge takes two seconds."""
        async with self.client() as client:
            product = await self._post(client, "/v1/products", {"name": "Beans", "sku": None, "description": ""})
            amount = {"amount": 1250, "currency": "EUR"}
            price = await self._post(client, "/v1/prices", {"product_id": product["id"], "unit_amount": amount})
            self.link = str((await self._post(client, "/v1/payment-links", {"price_id": price["id"]}))["id"])
            person = {"name": "Ana", "email": f"{uuid4().hex}@shop.example"}
            self.customer = str((await self._post(client, "/v1/customers", person))["id"])
            card = await self._post(client, f"/v1/customers/{self.customer}/payment-methods", _CARD)
            self.card = str(card["id"])

    async def buy(self) -> None:
        """Order and pay, one after the other, until nobody listens any more."""
        async with self.client() as client:
            while not self.stopping:
                wish = {"customer_id": self.customer, "quantity": 1}
                order = await self._once(client, f"/v1/payment-links/{self.link}/orders", wish)
                if order is not None:
                    paying = {"payment_method_id": self.card}
                    await self._once(client, f"/v1/payment-orders/{order['id']}/pay", paying)

    async def _once(
        self, client: httpx2.AsyncClient, path: str, body: Mapping[str, object]
    ) -> Mapping[str, object] | None:
        key = str(uuid4())
        try:
            response = await client.post(path, json=body, headers={"Idempotency-Key": key})
        except httpx2.TransportError as error:
            self.unanswered.add(key)
            # A head without its whole body is an answer that was broken off; nothing at all is none.
            self.broken_off += "incomplete" in str(error)
            await asyncio.sleep(0.05)
            return None
        self.answered[response.status_code] += 1
        if not response.is_success:
            return None
        self.made.add(key)
        made: Mapping[str, object] = response.json()
        return made

    async def _post(self, client: httpx2.AsyncClient, path: str, body: Mapping[str, object]) -> dict[str, object]:
        response = await client.post(path, json=body, headers={"Idempotency-Key": str(uuid4())})
        made: dict[str, object] = response.raise_for_status().json()
        return made


@dataclass
class Site:
    """A data folder with a database, and the servers that are started on it one after the other."""

    folder: Path
    port: int
    cluster: EmbeddedPostgres
    server: ChildProcess

    async def start(self, name: str, **settings: object) -> None:
        """Start a server and wait until it is ready."""
        self.begin(name, "up", **settings)
        await self.serving()

    def begin(self, name: str, command: str, **settings: object) -> None:
        """Start one of Stoa's commands."""
        common = {"data_dir": self.folder / "data", "port": self.port, "log_level": "warning"}
        self.server = ChildProcess(self.folder / name, "interfaces.cli.main", command, **common, **settings)
        self.server.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serving(self) -> None:
        """Wait until it is ready."""
        await ready(self.server, self.url)

    async def stopped(self) -> float:
        """Tell it to stop, see it end with 0, and return how many seconds that took."""
        began = perf_counter()
        self.server.tell(signal.SIGTERM)
        code = await asyncio.to_thread(self.server.wait, ENDS_WITHIN * crowd())
        assert code == 0, self.server.errors[-3000:]
        return perf_counter() - began

    async def fetch(self, sql: str) -> list[str]:
        """Return the first column of a query, as the superuser."""
        connection = await asyncpg.connect(self.cluster.url("stoa", "postgres"))
        try:
            return [str(row[0]) for row in await connection.fetch(sql)]
        finally:
            await connection.close()


@pytest.fixture(scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """Run ``stoa up`` in an empty data folder; its output has the first key."""
    folder, port = tmp_path_factory.mktemp("drain"), free_port()
    site = Site(folder, port, EmbeddedPostgres(folder / "data"), ChildProcess(folder, "interfaces.cli.main"))
    try:
        await site.start("first")
        yield site
    finally:
        site.server.kill()
        await asyncio.to_thread(site.cluster.stop)


@pytest.fixture(scope="module")
def secret(site: Site) -> str:
    """Return the first key, which the first start printed."""
    return site.server.output.split()[-1]


async def test_a_stopped_server_answers_what_it_accepted_and_holds_nothing(
    site: Site, secret: str, pytestconfig: pytest.Config
) -> None:
    """Twelve clients order and pay: every effect was answered in full, and no job or delivery stays leased."""
    drains = DRAINS_AT_FULL_LENGTH if pytestconfig.getoption("--faults") else DRAINS
    buyers = Buyers(site.url, secret)
    await buyers.open_shop()
    seconds = []
    for drain in range(drains):
        if drain:
            await site.start("again")
        before = sum(buyers.answered.values())
        async with at_work((buyers.buy() for _ in range(CLIENTS)), buyers.stop):
            while sum(buyers.answered.values()) < before + 2 * CLIENTS:  # noqa: ASYNC110 - clients have no bell
                await asyncio.sleep(0.01)
            await asyncio.sleep(random.uniform(0, 0.2))
            seconds.append(await site.stopped())
        buyers.stopping = False
        held = [await site.fetch(_HELD.format(table)) for table in ("jobs", "webhook_deliveries")]
        assert held == [["0"], ["0"]], "a lease outlives the process that held it"
    charged = await site.fetch("SELECT count(*) FROM payment_orders WHERE status = 'completed'")
    stored = set(await site.fetch("SELECT key FROM idempotency_records"))
    print(  # noqa: T201 - the figures of the run, seen with -rP
        f"{drains} drains in {max(seconds):.1f} s at most, {sum(buyers.answered.values())} answers "
        f"({dict(buyers.answered)}), {len(buyers.unanswered)} not accepted, {buyers.broken_off} broken off, "
        f"{len(buyers.unanswered & stored)} effects without an answer, {charged[0]} charges of two seconds"
    )
    assert int(charged[0]) > 0
    assert buyers.made <= stored
    assert not buyers.unanswered & stored, "an order was made and its maker was not told"
    assert (buyers.broken_off, set(buyers.answered) <= _ANSWERS) == (0, True), buyers.answered


async def test_it_says_that_it_drains_before_it_refuses_and_told_twice_ends_at_once(site: Site, secret: str) -> None:
    """During its grace `/readyz` is 503 and requests are answered, over connections that close behind the answer."""
    site.server.kill()
    await site.start("graceful", drain_grace_seconds=60)
    headers = {"Authorization": f"Bearer {secret}"}
    async with httpx2.AsyncClient(base_url=site.url, headers=headers, trust_env=False, timeout=30) as client:
        assert "connection" not in (await client.get("/v1/products")).headers
        site.server.tell(signal.SIGTERM)
        async with asyncio.timeout(30):
            while (await client.get("/readyz")).is_success:  # noqa: ASYNC110 - the other process has no bell
                await asyncio.sleep(0.01)
        assert (await client.get("/readyz")).json()["detail"] == "draining: draining"
        listed = await client.get("/v1/products")
        assert (listed.status_code, listed.headers["connection"]) == (200, "close")
        assert (await client.get("/livez")).status_code == 200
    site.server.tell(signal.SIGINT)
    assert await asyncio.to_thread(site.server.wait, 5.0 * crowd()) == -signal.SIGINT


async def test_a_worker_alone_shows_itself_and_ends_with_0_too(site: Site) -> None:
    """It has no requests of the API to answer, tells who asks how it is, and has the same end."""
    site.server.kill()
    port = free_port()
    site.begin("worker", "worker", worker_port=port)
    async with asyncio.timeout(STARTS_WITHIN):
        while "Stoa's worker is running" not in site.server.errors:
            assert site.server.alive, site.server.errors
            await asyncio.sleep(0.05)
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30) as client:
        checks = (await client.get("/readyz")).raise_for_status().json()["checks"]
        assert {checks[name] for name in ("database", "relay", "sealer", "jobs", "webhooks")} == {"ok"}
        assert "stoa_outbox_backlog_events" in (await client.get("/metrics")).raise_for_status().text
        elsewhere = await client.get("/v1/products")
        assert (elsewhere.status_code, elsewhere.json()["code"]) == (404, "path_unknown")
    assert await site.stopped() <= ENDS_WITHIN * crowd()


@pytest.mark.parametrize(("how", "code"), [("hanging", 70), ("finished", 0)])
async def test_a_call_that_never_returns_does_not_keep_the_process(tmp_path: Path, how: str, code: int) -> None:
    """A thread hangs in the resolver, say: the process ends all the same, and says whether all else was done."""
    stuck = ChildProcess(tmp_path, "tests.faults.stuck_process", how)
    stuck.start()
    try:
        assert await asyncio.to_thread(stuck.wait, STARTS_WITHIN) == code
    finally:
        stuck.kill()
