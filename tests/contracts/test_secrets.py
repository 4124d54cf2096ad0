"""Secrets come in and are never seen again: not in logs, refusals, events, audit entries or kept answers."""

import hashlib
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import fields, replace
from io import StringIO
from uuid import uuid4

import asyncpg
import pytest
import structlog
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from application.identity.person_mails import RECOVER_PASSWORD
from application.kernel.actor import PUBLIC_ACTOR
from application.kernel.dispatcher import Call, Outcome
from application.kernel.idempotency import fingerprint
from domain.shared.card_numbers import CardNumberMisplaced
from infrastructure.observability.calls import Calls
from infrastructure.observability.logging import configure_logging
from infrastructure.observability.otel import OtelSpans
from infrastructure.persistence.models.base import Base
from tests.support.databases import TestDatabases
from tests.support.faces import over_cli, over_mcp
from tests.support.http import HttpFace, http_face
from tests.support.persons import mailed_token, sign_in, signed_up
from tests.support.rows import TENANT_TABLES, Rows, open_rows
from tests.support.stack import Stack, open_stack
from tests.support.use_cases import REGISTRY, ROUTED
from tests.support.world import World

CARD = "4012888888881881"
GROUPED_CARD = "4012 8888 8888 1881"
PASSWORD = "canary-hunter2-canary"
REST = {
    "whsec": "whsec_Y2FuYXJ5LWNhbmFyeQ", "logfire": "pylf_v1_eu_canarycanary", "database": "postgresql://me:canary-pw@db",
    "wallet": "private_key=0xcafecafecafecafe", "pem": "-----BEGIN PRIVATE KEY-----MIIcanary-----END PRIVATE KEY-----",
}  # fmt: skip
"""Secrets that have one shape and no owner, put into fields together."""
INSIDE = (REST["whsec"], REST["logfire"], "canary-pw", "0xcafecafecafecafe", "MIIcanary")
TAKEN_AT_ITS_WORD = {"new_password"}
"""A field that would lock the world's own person out; what becomes of passwords is a test of its own below."""


@pytest.fixture(autouse=True)
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[StringIO]:
    """Return all that a process in production would log, down to debug, and leave logging as it was found."""
    root, stream = logging.getLogger(), StringIO()
    handlers, level = root.handlers[:], root.level
    configure_logging("debug", json=True, stream=stream)
    # The tests' own client logs the addresses it asks for, as no server of ours does.
    monkeypatch.setattr(logging.getLogger("httpx2"), "disabled", True)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def canaries(world: World) -> list[str]:
    """Return what must not come out: a key, a session's token, a card number in two spellings, and the rest."""
    return [world.key, world.person.token, CARD, GROUPED_CARD, " ".join(REST.values())]


def hits(text: str, world: World) -> list[str]:
    """Return the canaries that a text holds."""
    return [canary for canary in (*canaries(world), PASSWORD, *INSIDE) if canary in text]


def tainted(given: Mapping[str, object], command: type, canary: str) -> list[dict[str, object]]:
    """Return a command's fields with a canary in each of them, in the metadata, and as a field of its own."""
    found: list[dict[str, object]] = [{**given, "surprise": canary}, {**given, canary: "x"}]
    for name in (field.name for field in fields(command) if field.name not in TAKEN_AT_ITS_WORD):
        found += [{**given, name: canary}, {**given, name: {"amount": canary, "currency": canary}}]
        if name == "metadata":
            found += [{**given, name: each} for each in ({"note": canary}, {canary: "x"}, {"password": PASSWORD})]
    return found


@pytest.fixture(scope="module")
def exporter() -> InMemorySpanExporter:
    """Return where spans go."""
    return InMemorySpanExporter()


@pytest.fixture
def spans(exporter: InMemorySpanExporter) -> Callable[[], str]:
    """Return what tells all of every span of this test."""
    exporter.clear()
    return lambda: "".join(span.to_json(indent=None) for span in exporter.get_finished_spans())


@pytest.fixture(scope="module")
async def stack(engine: str, test_databases: TestDatabases, exporter: InMemorySpanExporter) -> AsyncIterator[Stack]:
    """Return the core on databases of this module's own, whose every row is looked through; calls are observed."""
    traced = OtelSpans(SimpleSpanProcessor(exporter))
    async with open_stack(test_databases.make(engine), spans=traced) as opened:
        opened.observe = Calls(opened.database.watch.metrics).observe
        yield opened


@pytest.fixture(scope="module")
async def tainted_world(stack: Stack) -> World:
    """Return an organization of its own to write secrets into."""
    return await World.create(stack)


@pytest.mark.parametrize("name", ROUTED)
async def test_no_field_lets_a_secret_out(
    name: str, http: HttpFace, tainted_world: World, rows: Rows, *, log: StringIO, spans: Callable[[], str], engine: str
) -> None:
    """A key, a card number or a password in any field of any use-case is in no refusal, log, span or audit entry."""
    world = tainted_world
    given = await world.fields(name)
    home = world.home_of(name)
    last = await rows.last("audit_entries")
    refused = 0
    # What is refused is refused before any database is asked, so the second one has one canary, another for each.
    every = canaries(world)
    for canary in every if engine == "postgres" else [every[ROUTED.index(name) % len(every)]]:
        for fields_ in tainted(given, REGISTRY[name].command, canary):
            if not all(isinstance(fields_[part], str) for part in http.operations[name].path_fields):
                continue
            response = await http.send(name, fields_, key=world.key_for(name))
            if not response.is_success:
                refused += 1
                assert hits(response.text, world) == []
    assert refused
    assert hits(log.getvalue(), world) == []
    assert "http.response.status_code" in spans()
    assert hits(spans(), world) == []
    assert [entry for entry in await rows.since(last, "audit_entries", home) if hits(repr(entry), world)] == []


@pytest.mark.parametrize("name", [name for name in ROUTED if "name" in REGISTRY[name].example])
async def test_no_event_holds_a_secret_that_strayed_into_a_name(name: str, tainted_world: World, rows: Rows) -> None:
    """Whoever types a key or a card number where a name belongs finds it in their own data, and consumers do not."""
    world = tainted_world
    home = world.home_of(name)
    last = await rows.last("outbox")
    # All of the rest together would be too long for a name.
    for canary in (*canaries(world)[:-1], REST["whsec"], REST["logfire"]):
        # Of customers not even that: their names are refused when they hold a card number.
        with suppress(CardNumberMisplaced):
            await world.run(name, name=canary)
    assert [event for event in await rows.since(last, "outbox", home) if hits(repr(event), world)] == []


@pytest.mark.parametrize("name", ROUTED)
async def test_no_other_face_lets_a_secret_out(name: str, world: World, log: StringIO) -> None:
    """What a tool or a command says of a field it refuses does not repeat the field."""
    given = await world.fields(name)
    for fields_ in ({**given, "surprise": CARD}, {**given, "limit": CARD, "expected_version": CARD, "id": CARD}):
        answer = await over_mcp(world.stack, name, fields_, world.key_for(name))
        assert answer.failed
        assert hits(json.dumps(answer.body), world) == []
        run = await over_cli(world.stack, name, fields_, world.key_for(name))
        assert run.exit_code
        assert hits(run.out + run.err, world) == []
    assert hits(log.getvalue(), world) == []


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {CARD}"},
        {"idempotency-key": f"{PASSWORD}\x7f"},
        {"if-match": PASSWORD},
        {"x-request-id": PASSWORD},
        {"content-type": PASSWORD},
    ],
)
async def test_no_header_lets_a_secret_out(
    headers: dict[str, str], http: HttpFace, world: World, log: StringIO, spans: Callable[[], str]
) -> None:
    """What a header holds is in no refusal, no log and no span."""
    response = await http.send("products.update", await world.fields("products.update"), key=world.key, headers=headers)
    assert hits(response.text + repr(response.headers), world) == []
    assert hits(log.getvalue() + spans(), world) == []


async def test_an_issued_key_is_in_no_table(http: HttpFace, stack: Stack, world: World, rows: Rows) -> None:
    """Of a hundred issued keys, also over HTTP and under idempotency keys, no table holds a single one."""
    secrets = [world.key]
    for _ in range(100):
        given = await world.fields("api_keys.create")
        issued = await http.send("api_keys.create", given, key=world.key, idempotency_key=str(uuid4()))
        secrets.append(issued.json()["secret"])
    everything = {table: repr(await rows.of(table, world.actor.organization_id)) for table in TENANT_TABLES}
    assert [(table, secret) for table, text in everything.items() for secret in secrets if secret in text] == []


async def test_passwords_and_mailed_tokens_are_in_no_table(stack: Stack, rows: Rows, log: StringIO) -> None:
    """Of a whole life of passwords, tokens and sessions, no table and no log holds a single secret."""
    person, chosen = await signed_up(stack), f"{PASSWORD}-next"
    await stack.run_once(
        str(uuid4()), "account.change_password", person.actor, current_password=person.password, new_password=chosen
    )
    mailed = await mailed_token(stack, RECOVER_PASSWORD, person.user_id)
    again = f"{PASSWORD}-again"
    await stack.run_once(str(uuid4()), "account.recover_password", PUBLIC_ACTOR, token=mailed, password=again)
    session = (await sign_in(stack, person.email, again)).token
    everything = {
        table.name: repr(await rows.query(f"SELECT * FROM {table.name}")) for table in Base.metadata.sorted_tables
    }
    everything["the log"] = log.getvalue()
    secrets = (person.password, chosen, again, mailed, session, person.token)
    # What a password hashes to quickly is as bad as the password: it could be guessed from that.
    quick = [hashlib.sha256(secret.encode()).hexdigest() for secret in secrets]
    recovering = stack.command("account.recover_password", token=mailed, password=again)
    quick.append(fingerprint("account.recover_password", recovering))
    assert [(place, s) for place, text in everything.items() for s in (*secrets, *quick) if s in text] == []


async def test_a_providers_token_is_kept_in_one_column_and_never_shown(
    http: HttpFace, world: World, rows: Rows, log: StringIO
) -> None:
    """The token is where the worker needs it and in no answer, event, audit entry, kept answer or log."""
    token = f"tok_canary_{uuid4().hex}"
    given = {**await world.fields("payment_methods.add"), "provider_token": token}
    added = await http.send("payment_methods.add", given, key=world.key, idempotency_key=str(uuid4()))
    answers = [added, await http.send("payment_methods.get", {"id": added.json()["id"]}, key=world.key)]
    answers.append(await http.send("payment_methods.list", {"customer_id": given["customer_id"]}, key=world.key))
    answers.append(await http.send("payment_methods.remove", {"id": added.json()["id"]}, key=world.key))
    assert all(answer.is_success and token not in answer.text for answer in answers)
    holding = [
        (table, column)
        for table in TENANT_TABLES
        for row in await rows.of(table, world.actor.organization_id)
        for column, value in row.items()
        if token in str(value)
    ]
    assert holding == [("payment_methods", "provider_token")]
    assert token not in log.getvalue()


async def test_a_mistake_of_ours_tells_nobody_what_it_held(
    stack: Stack, world: World, log: StringIO, spans: Callable[[], str]
) -> None:
    """An unforeseen failure answers 500 with nothing of its cause; the log has the cause without the secrets in it."""

    async def broken(name: str, command: object, call: Call) -> Outcome:
        raise RuntimeError(f"{' '.join(canaries(world))}, password={PASSWORD}, Bearer {world.key}")

    async with http_face(replace(stack, dispatcher=broken)) as http:  # type: ignore[arg-type]  # reason: it dispatches
        response = await http.send("products.list", {}, key=world.key)
    assert (response.status_code, response.json()["code"]) == (500, "internal_error")
    assert hits(response.text, world) == []
    assert hits(log.getvalue(), world) == []
    assert "RuntimeError" in log.getvalue()
    assert '"http.response.status_code": 500' in spans()
    assert hits(spans(), world) == []
    assert response.headers["x-request-id"] in log.getvalue()


async def test_a_refusing_database_does_not_show_the_row(test_databases: TestDatabases, log: StringIO) -> None:
    """When a constraint nobody foresaw breaks, the row that broke it is in no answer and no log."""
    async with open_stack(test_databases.postgres()) as stack, http_face(stack) as http, open_rows(stack.urls) as rows:
        world, token = await World.create(stack), f"tok_canary_{uuid4().hex}"
        superuser = await asyncpg.connect(stack.urls.superuser)
        await superuser.execute("ALTER TABLE payment_methods ADD CONSTRAINT surprise CHECK (brand <> 'canary')")
        await superuser.close()
        given = {**await world.fields("payment_methods.add"), "provider_token": token, "brand": "canary"}
        response = await http.send("payment_methods.add", given, key=world.key)
        assert response.status_code >= 400
        assert token not in response.text + log.getvalue() + repr(await rows.of("outbox", world.actor.organization_id))


def test_the_search_has_teeth(world: World) -> None:
    """Each canary is found where it is."""
    assert hits(f"a {world.key} b {world.person.token}", world) == [world.key, world.person.token]
    assert hits(f"{CARD}{GROUPED_CARD}{PASSWORD}", world) == [CARD, GROUPED_CARD, PASSWORD]
    assert set(hits(" ".join(REST.values()), world)) >= set(INSIDE)


async def test_what_logs_leave_out_is_in_what_was_logged(world: World, log: StringIO) -> None:
    """The log of these tests does record: a word that is logged beside a secret is found, and the secret is not."""
    logging.getLogger("stoa").debug("harmless %s", world.key)
    assert "harmless" in log.getvalue()
    assert hits(log.getvalue(), world) == []
