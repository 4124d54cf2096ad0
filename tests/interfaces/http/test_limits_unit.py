"""Rate limits and bounded concurrency as the HTTP face shows them."""

import logging
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

import pytest
from httpx2 import ASGITransport, AsyncClient

from application.kernel.dispatcher import Call, Outcome
from application.kernel.limits import Importance
from infrastructure.resilience.admission import Admission, AdmittedDispatcher
from infrastructure.resilience.rate_limits import BURST_SECONDS, RateLimits
from interfaces.http.app import create_app
from interfaces.http.limits import Limited
from tests.interfaces.http.face import LINK, VIEW, Behind, check_problem
from tests.interfaces.toy import REGISTRY, ROWS, THING

KEY = {"Authorization": "Bearer secret"}
NOBODY = {"Authorization": "Bearer nobody"}
ONCE = {"Idempotency-Key": "k", "If-Match": '"1"'}


class _Time:
    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


class Shop:
    """The face with limits of one request a second, which so grant five at once, and ten places."""

    def __init__(self, *, credential: int = 1, organization: int = 0, address: int = 1, proxies: int = 0) -> None:
        self.time, self.behind, self.admission = _Time(), Behind(), Admission(10)
        limits = RateLimits(
            credential=credential, organization=organization, address=address, monotonic_ns=self.time
        )  # fmt: skip
        limited = Limited(limits, proxies)
        api = create_app(
            registry=REGISTRY, dispatcher=AdmittedDispatcher(self._dispatch, self.admission, REGISTRY),
            authenticate=self.behind.authenticate, readiness=self.behind.readiness, metrics=lambda: b"up 1\n",
            metrics_content_type="text/plain", observe=self.behind.observe, routes=ROWS, admit=self.admission,
            charge=limited.charge,
        )  # fmt: skip
        self.app = limited.around(api)

    async def _dispatch(self, name: str, command: object, call: Call) -> Outcome:
        return await self.behind.dispatch(name, command, call)

    @asynccontextmanager
    async def client(self, address: str = "203.0.113.7") -> AsyncIterator[AsyncClient]:
        transport = ASGITransport(self.app, client=(address, 4711))
        async with AsyncClient(transport=transport, base_url="http://stoa") as client:
            yield client


async def test_every_answer_says_what_is_left() -> None:
    shop = Shop(organization=100)
    async with shop.client() as client:
        for left in (4, 3):
            answer = await client.get(f"/v1/things/{LINK}", headers=KEY)
            assert answer.status_code == 200
            assert answer.headers["ratelimit-policy"] == '"credential";q=5;w=5, "organization";q=500;w=5'
            assert answer.headers["ratelimit"].startswith(f'"credential";r={left};t={5 - left}, "organization";r=')
        # A refusal of the command counts as well, and says so.
        answer = await client.post("/v1/things", headers=KEY, json={})
        check_problem(answer, 422, "validation_error")
        assert answer.headers["ratelimit"].startswith('"credential";r=2;')


async def test_beyond_the_limit_requests_are_refused_until_the_time_they_are_told() -> None:
    shop = Shop()
    async with shop.client() as client:
        for _ in range(BURST_SECONDS):
            assert (await client.post("/v1/things", headers=KEY, json=THING)).status_code == 201
        refused = await client.post("/v1/things", headers=KEY, json=THING)
        check_problem(refused, 429, "rate_limited")
        assert refused.headers["retry-after"] == "1"
        assert refused.headers["ratelimit"] == '"credential";r=0;t=5'
        assert len(shop.behind.calls) == BURST_SECONDS
        shop.time.now += 1_000_000_000
        assert (await client.post("/v1/things", headers=KEY, json=THING)).status_code == 201


async def test_a_replay_counts_like_any_request_and_comes_after_the_limit() -> None:
    shop = Shop()
    shop.behind.outcome = Outcome(VIEW, replayed=True)
    async with shop.client() as client:
        answers = [await client.post(f"/v1/things/{LINK}/pay", headers=KEY | ONCE) for _ in range(BURST_SECONDS + 1)]
    assert [answer.headers.get("idempotency-replayed") for answer in answers] == ["true"] * BURST_SECONDS + [None]
    assert [answer.status_code for answer in answers] == [200] * BURST_SECONDS + [429]


async def test_who_has_no_credential_counts_by_address_and_a_wrong_one_is_none() -> None:
    shop = Shop()
    async with shop.client() as client, shop.client("203.0.113.8") as neighbour:
        statuses = [(await client.get("/v1/open/abc")).status_code for _ in range(3)]
        statuses += [(await client.get(f"/v1/things/{LINK}", headers=NOBODY)).status_code for _ in range(2)]
        statuses += [(await client.get(f"/v1/things/{LINK}")).status_code]
        assert statuses == [200, 200, 200, 401, 401, 429]
        # A good credential has limits of its own, wherever it is used.
        assert (await client.get(f"/v1/things/{LINK}", headers=KEY)).status_code == 200
        assert (await neighbour.get("/v1/open/abc")).status_code == 200


async def test_who_is_known_and_stopped_is_counted_by_address() -> None:
    shop = Shop()
    async with shop.client() as client:
        stopped = {"Authorization": "Bearer stopped"}
        statuses = [(await client.get(f"/v1/things/{LINK}", headers=stopped)).status_code for _ in range(7)]
    assert statuses == [403] * 5 + [429] * 2


async def test_who_may_not_is_charged_and_told_so() -> None:
    shop = Shop()
    async with shop.client() as client:
        answer = await client.get(f"/v1/things/{LINK}", headers={"Authorization": "Bearer reader"})
    check_problem(answer, 403, "scope_missing")
    assert answer.headers["ratelimit"] == '"credential";r=4;t=1'


async def _statuses(shop: Shop, *forwarded: str) -> list[int]:
    async with shop.client("10.0.0.1") as client:
        return [(await client.get("/v1/open/abc", headers={"X-Forwarded-For": said})).status_code for said in forwarded]


async def test_what_callers_say_about_their_address_is_ignored(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        statuses = await _statuses(Shop(), *(f"198.51.100.{n}" for n in range(8)))
    assert statuses == [200] * 5 + [429] * 3
    assert caplog.text.count("STOA_TRUSTED_PROXIES") == 1


@pytest.mark.parametrize("proxies", [1, 2])
async def test_of_so_many_proxies_as_are_declared_the_outermost_is_believed(proxies: int) -> None:
    inner = ", 10.0.0.2" * (proxies - 1)
    told = [f"198.51.100.{n}{inner}" for n in range(8)]
    assert await _statuses(Shop(proxies=proxies), *told) == [200] * 8
    invented = [f"198.51.100.{n}, 203.0.113.9{inner}" for n in range(8)]
    assert await _statuses(Shop(proxies=proxies), *invented) == [200] * 5 + [429] * 3


async def test_without_room_reads_are_refused_before_anybody_is_asked_who_calls() -> None:
    shop = Shop(credential=100)
    with ExitStack() as held:
        for _ in range(6):
            held.enter_context(shop.admission(Importance.READ))
        async with shop.client() as client:
            refused = await client.get(f"/v1/things/{LINK}", headers=KEY)
            check_problem(refused, 503, "overloaded")
            assert 1 <= int(refused.headers["retry-after"]) <= 3
            assert "ratelimit" not in refused.headers, "what was not looked at counts against nobody"
            check_problem(await client.get("/v1/open/abc"), 503, "overloaded")
            assert shop.behind.named == []
            assert (await client.post("/v1/things", headers=KEY, json=THING)).status_code == 201
            for path in ("/livez", "/readyz", "/metrics", "/openapi.json"):
                assert (await client.get(path)).status_code == 200
    assert shop.admission.in_flight == 0


async def test_no_place_is_held_while_a_body_is_waited_for() -> None:
    """Senders who never finish take no room from others."""
    shop = Shop(credential=100)
    seen: list[int] = []

    async def slowly() -> AsyncIterator[bytes]:
        seen.append(shop.admission.in_flight)
        yield b"{"
        seen.append(shop.admission.in_flight)
        yield b"}"

    async with shop.client() as client:
        headers = KEY | {"Content-Type": "application/json"}
        await client.post("/v1/things", headers=headers, content=slowly())
    assert seen == [0, 0]
