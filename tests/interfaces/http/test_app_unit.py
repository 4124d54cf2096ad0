"""The HTTP face over the toy registry: what a caller sees, whatever is behind it."""

import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from httpx2 import AsyncClient

from application.kernel.actor import PUBLIC_ACTOR
from application.kernel.dispatcher import Call, Outcome
from application.kernel.idempotency import IdempotencyInProgress, IdempotencyKeyReused
from application.kernel.use_case import DeclarationError
from domain.shared.errors import (
    DuplicateError,
    EntityNotFoundError,
    MalformedInput,
    RateLimited,
    StaleVersion,
    Unavailable,
)
from interfaces.http.app import create_app
from interfaces.http.routes import ROUTES
from tests.interfaces.http.face import ACTOR, LINK, VIEW, Behind, check_problem, client_of
from tests.interfaces.toy import REGISTRY, THING, ChangeThing, CreateThing, ListThings, UpdateThing


@pytest.fixture
def behind() -> Behind:
    return Behind()


@pytest.fixture
async def http(behind: Behind) -> AsyncIterator[AsyncClient]:
    async with client_of(behind) as client:
        yield client


async def test_a_creation_says_where_the_resource_is(http: AsyncClient, behind: Behind) -> None:
    """201 with the address, the version and the view; the command carries key and request id."""
    headers = {"Idempotency-Key": '"k-1"', "X-Request-Id": "01M7XQDWDXECEBCWZK30KTQPSS"}
    response = await http.post("/v1/things", json=THING, headers=headers)
    assert response.status_code == 201
    assert response.headers["location"] == f"/v1/things/{LINK}"
    assert response.headers["etag"] == '"3"'
    assert response.headers["x-request-id"] == "01M7XQDWDXECEBCWZK30KTQPSS"
    assert response.json() == {**VIEW, "created_at": "2030-01-01T00:00:00Z"}
    name, command, call = behind.calls[0]
    assert name == "things.create"
    assert isinstance(command, CreateThing)
    assert call == Call(actor=ACTOR, request_id="01M7XQDWDXECEBCWZK30KTQPSS", idempotency_key="k-1")
    assert behind.observed == [("things.create", "http", "ok")]


async def test_a_replay_is_marked(http: AsyncClient, behind: Behind) -> None:
    """An answer given before says so, and is otherwise the same."""
    behind.outcome = Outcome({"id": LINK, "version": 1}, replayed=True)
    response = await http.post("/v1/things", json=THING)
    assert (response.status_code, response.headers["idempotency-replayed"]) == (201, "true")


async def test_a_list_reads_its_query(http: AsyncClient, behind: Behind) -> None:
    """Filters are named parameters, and pages go out as they are."""
    behind.outcome = Outcome({"data": [], "next_cursor": None})
    response = await http.get("/v1/things?limit=5&include_total=true&kinds=one_off&price.amount=1&price.currency=EUR")
    assert response.json() == {"data": [], "next_cursor": None}
    assert "etag" not in response.headers
    command = behind.calls[0][1]
    assert isinstance(command, ListThings)
    assert (command.limit, command.include_total) == (5, True)


async def test_an_update_needs_the_version_it_is_based_on(http: AsyncClient, behind: Behind) -> None:
    """If-Match is required on PATCH, stale ones are told apart from conflicts, and the body cannot replace it."""
    path = f"/v1/things/{LINK}"
    check_problem(await http.patch(path, json={"name": "x"}), 428, "if_match_missing")
    check_problem(await http.patch(path, json={"name": "x"}, headers={"If-Match": "*"}), 428, "if_match_missing")
    check_problem(await http.patch(path, json={}, headers={"If-Match": "3"}), 400, "header_malformed")
    assert (await http.patch(path, json={"name": "x"}, headers={"If-Match": '"3"'})).status_code == 200
    command = behind.calls[0][1]
    assert isinstance(command, UpdateThing)
    assert command.expected_version == 3
    problem = check_problem(
        await http.patch(path, json={"expected_version": 3, "id": LINK, "note": 1}, headers={"If-Match": '"3"'}),
        422,
        "validation_error",
    )
    assert {error["path"] for error in problem["errors"]} == {"expected_version", "id", "note"}
    behind.outcome = StaleVersion()
    for tag in ('"2"', 'W/"3"', f'"{10**17}"', '"3", "4"'):
        check_problem(await http.patch(path, json={}, headers={"If-Match": tag}), 412, "version_stale")
    malformed = await http.patch("/v1/things/nonsense", json={}, headers={"If-Match": 'W/"3"'})
    check_problem(malformed, 422, "validation_error")
    check_problem(await http.delete(path), 409, "version_stale")


async def test_money_moves_under_a_key_only(http: AsyncClient, behind: Behind) -> None:
    """The key is required before the command is even read, and must be printable."""
    path = f"/v1/things/{LINK}/pay"
    check_problem(await http.post(path), 400, "idempotency_key_missing")
    for key in (b"", b"k" * 256, "kö".encode(), b"a\tb"):
        response = await http.post(path, headers=[(b"Idempotency-Key", key)])
        check_problem(response, 400, "idempotency_key_malformed")
    assert (await http.post(path, headers={"Idempotency-Key": "k"})).status_code == 200
    assert isinstance(behind.calls[0][1], ChangeThing)


async def test_who_comes_first_then_may_they_then_the_rest(http: AsyncClient, behind: Behind) -> None:
    """Nothing about the command is said to those who may not send it."""
    bad: dict[str, Any] = {"content": b"{", "headers": {"Authorization": ""}}
    for authorization, status, code in [
        ("", 401, "unauthenticated"),
        ("Bearer wrong", 401, "unauthenticated"),
        ("Basic c2VjcmV0", 401, "unauthenticated"),
        ("Bearer s\xe9cret", 401, "unauthenticated"),
        ("Bearer reader", 403, "scope_missing"),
        ("bearer secret", 415, "media_type_unsupported"),
    ]:
        bad["headers"]["Authorization"] = authorization.encode("latin-1")
        response = await http.post("/v1/things", **bad)
        check_problem(response, status, code)
        assert ("www-authenticate" in response.headers) == (status == 401)
    assert not behind.calls


async def test_the_public_needs_no_credentials(http: AsyncClient, behind: Behind) -> None:
    """A public use-case is called by nobody in particular, even when a caller says who it is."""
    for authorization in ("", "Bearer secret", "Bearer wrong"):
        response = await http.get("/v1/open/a-slug", headers={"Authorization": authorization})
        assert response.status_code == 200
    assert {call.actor for _, _, call in behind.calls} == {PUBLIC_ACTOR}


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (rb'{"name": "\ud800"}', 400, "json_encoding"),
        (b'{"name": "\xff"}', 400, "json_encoding"),
        (b'{"quantity": NaN}', 400, "json_number"),
        (b'{"metadata": {"a": 1e999}}', 400, "json_number"),
        (b'{"quantity": ' + b"9" * 5_000 + b"}", 400, "json_number"),
        (b'{"name": "a", "name": "b"}', 400, "json_duplicate_key"),
        (b"[" * 100_000, 400, "json_depth"),
        (b"{", 400, "json_malformed"),
        (rb'{"name": "\u0000"}', 422, "validation_error"),
        (b"[]", 422, "validation_error"),
        (b"", 422, "validation_error"),
        (b" " * (1024 * 1024 + 1), 413, "body_too_large"),
    ],
)
async def test_bad_bodies_are_refused(http: AsyncClient, content: bytes, status: int, code: str) -> None:
    """Each reason has its code, and no input comes back."""
    response = await http.post("/v1/things", content=content, headers={"Content-Type": "application/json"})
    check_problem(response, status, code)


@pytest.mark.parametrize("media_type", ["text/plain", "", "application/json; charset=latin-1", "application/xml"])
async def test_only_json_is_read(http: AsyncClient, media_type: str) -> None:
    """A body in any other form is refused, compressed ones included."""
    response = await http.post("/v1/things", content=b"{}", headers={"Content-Type": media_type})
    check_problem(response, 415, "media_type_unsupported")
    response = await http.post("/v1/things", json=THING, headers={"Content-Encoding": "gzip"})
    check_problem(response, 415, "media_type_unsupported")


async def test_a_stream_without_a_length_is_cut(http: AsyncClient) -> None:
    """The limit holds before the body is complete."""
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1_000):
            sent += 1
            yield b" " * 65_536

    response = await http.post("/v1/things", content=endless(), headers={"Content-Type": "application/json"})
    check_problem(response, 413, "body_too_large")
    assert sent < 20


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=-1", "limit=1000000000", "limit=1&limit=2", "sort=id;drop", "secret=1", "name=%00"]
)
async def test_bad_queries_are_invalid(http: AsyncClient, query: str) -> None:
    """Unlisted parameters and sorts are not ignored."""
    check_problem(await http.get(f"/v1/things?{query}"), 422, "validation_error")


async def test_other_bad_requests(http: AsyncClient) -> None:
    """Queries that are no text, parameters where none belong, ids that are none, and repeated headers."""
    check_problem(await http.get("/v1/things?name=%ff"), 400, "query_malformed")
    check_problem(await http.post("/v1/things?limit=1", json=THING), 422, "validation_error")
    problem = check_problem(await http.get("/v1/things/nonsense"), 422, "validation_error")
    assert [error["code"] for error in problem["errors"]] == ["id_invalid"]
    check_problem(await http.get(f"/v1/things/{LINK}?id={LINK}"), 422, "validation_error")
    twice = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    check_problem(await http.post("/v1/things", json=THING, headers=twice), 400, "header_malformed")


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [
        (EntityNotFoundError(), 404, None),
        (DuplicateError(), 409, None),
        (IdempotencyInProgress(), 409, "1"),
        (IdempotencyKeyReused(), 422, None),
        (MalformedInput(path="cursor"), 400, None),
        (RateLimited(retry_after=7), 429, "7"),
        (Unavailable(), 503, "1"),
    ],
)
async def test_kinds_become_numbers(
    http: AsyncClient, behind: Behind, error: Any, status: int, retry_after: str | None
) -> None:
    """Each kind of failure has one status, and says when to come back where that helps."""
    behind.outcome = error
    response = await http.post("/v1/things", json=THING)
    check_problem(response, status, error.code)
    assert response.headers.get("retry-after") == retry_after
    assert behind.observed == [("things.create", "http", error.code)]


async def test_a_bug_is_opaque_and_logged_once(
    http: AsyncClient, behind: Behind, caplog: pytest.LogCaptureFixture
) -> None:
    """The caller learns the request id, the log learns the rest."""
    behind.outcome = RuntimeError("SELECT secret FROM keys")
    with caplog.at_level(logging.ERROR):
        response = await http.post("/v1/things", json=THING)
    check_problem(response, 500, "internal_error")
    assert "secret" not in response.text
    assert len(caplog.records) == 1


def test_the_table_and_the_registry_must_agree(behind: Behind) -> None:
    """A use-case without a route, or the other way round, stops the start."""
    with pytest.raises(DeclarationError, match="routes and use-cases differ"):
        create_app(
            registry=REGISTRY, dispatcher=behind.dispatch, authenticate=behind.authenticate, metrics=bytes,
            readiness=behind.readiness, metrics_content_type="text/plain", observe=behind.observe, routes=ROUTES,
        )  # fmt: skip
