"""Requests nobody would write by hand, generated from the application's own description and judged by it.

An operation is asked in four ways, for random ids alone would only ever find out what "not found" looks like:
with what the world knows to succeed, with generated fields around real ids, with generated fields alone, and with
fields that break the description.
"""

import asyncio
import json
import re
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Any, cast
from uuid import uuid4

import uvicorn
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy
from requests import Session
from schemathesis import APIOperation, BaseSchema, Case, CheckFunction, Config, GenerationMode, Response, openapi
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.result import Err
from schemathesis.specs.openapi.checks import positive_data_acceptance
from starlette.types import ASGIApp

from domain.shared.ids import ID_TYPES
from interfaces.http.operation import Operation
from tests.support.use_cases import REGISTRY
from tests.support.world import World

_ID = re.compile(r"([a-z]+)_[0-7][0-9a-hjkmnp-tv-z]{25}")
# JSON Schema takes 193.0 for an integer and knows nothing of what the rules of the domain refuse.
_NOT_CHECKED: list[CheckFunction] = [positive_data_acceptance]
_PROBLEM = {"type", "title", "status", "detail", "code", "request_id", "errors"}

type _Case = Case[Any]  # the library's parameters say which specification it is about, which nothing here asks
type _Operation = APIOperation[Any, Any, Any, Any]


class Way(Enum):
    """How an operation is asked."""

    KNOWN = "known"
    PLANTED = "planted"
    WILD = "wild"
    BROKEN = "broken"


_EIGHTHS = {Way.KNOWN: 1, Way.PLANTED: 3, Way.WILD: 2, Way.BROKEN: 2}


@dataclass(kw_only=True)
class Findings:
    """What the requests brought.

    Attributes:
        answers: how often an operation, asked in a way, answered with a status.
        failures: every violated promise, with the request that shows it, once per operation and kind.
    """

    answers: Counter[tuple[str, Way, int]] = field(default_factory=Counter)
    failures: dict[tuple[str, str], str] = field(default_factory=dict)

    def asked(self, way: Way) -> Counter[str]:
        """Return how many requests each operation got in one way."""
        return self._sum(lambda asked, _: asked is way)

    def succeeded(self, way: Way) -> Counter[str]:
        """Return how many requests of one way each operation was seen to fulfil."""
        return self._sum(lambda asked, status: asked is way and 200 <= status < 300)

    def _sum(self, chosen: Callable[[Way, int], bool]) -> Counter[str]:
        found: Counter[str] = Counter()
        for (name, way, status), times in self.answers.items():
            if chosen(way, status):
                found[name] += times
        return found

    def record(self, name: str, way: Way, case: _Case, response: Response) -> None:
        """Count one answer and check it against the description."""
        self.answers[name, way, response.status_code] += 1
        for kind, message in _violations(case, response):
            curl = case.as_curl_command(headers={"Authorization": "…"})
            told = f"{name} ({way.name}) {kind}: {message}\n  {curl}\n  {response.status_code} {response.text[:500]}"
            self.failures.setdefault((name, kind), told)


def _violations(case: _Case, response: Response) -> Iterator[tuple[str, str]]:
    try:
        case.validate_response(response, excluded_checks=_NOT_CHECKED)
    except FailureGroup as group:
        for each in group.exceptions:
            yield each.title, each.message
    except Failure as failure:
        yield failure.title, failure.message
    if response.status_code >= 400 and (reason := _no_problem(response)):
        yield "No problem details", reason


def _no_problem(response: Response) -> str | None:
    """Tell what keeps a refusal from being a problem of RFC 9457."""
    kind = response.headers.get("content-type")
    if kind != ["application/problem+json"]:
        return f"content-type {kind}"
    body = json.loads(response.content)
    if missing := _PROBLEM - body.keys():
        return f"without {sorted(missing)}"
    return None if body["status"] == response.status_code else f"status {body['status']} in the body"


class Fuzzer:
    """Asks every operation of a server in a world; blocking, so it runs in a thread beside the world's loop."""

    def __init__(
        self, url: str, world: World, operations: Mapping[str, Operation], loop: asyncio.AbstractEventLoop
    ) -> None:
        """Take the server's address, a world whose loop is running elsewhere, and what to ask of the description."""
        self.url, self.world, self.operations, self.loop = url, world, operations, loop
        self.findings = Findings()
        self._session = Session()

    def __call__(self, examples: int) -> Findings:
        """Send so many requests, a multiple of eight, to every chosen operation."""
        with self._session as session:
            document = session.get(f"{self.url}/openapi.json").json()
            for operation in self._asked(openapi.from_dict(document, config=Config())):
                for way in Way if _takes_something(operation) else set(Way) - {Way.BROKEN}:
                    self._ask(operation, way, examples * _EIGHTHS[way] // 8)
        return self.findings

    def _asked(self, schema: BaseSchema) -> Iterator[_Operation]:
        for result in schema.get_all_operations():
            if isinstance(result, Err):
                raise result.err()
            operation = result.ok()
            if operation.definition.raw["x-use-case"] in self.operations:
                yield operation

    def _ask(self, operation: _Operation, way: Way, examples: int) -> None:
        name = operation.definition.raw["x-use-case"]
        self._session.headers["Authorization"] = f"Bearer {self.world.key_for(name)}"

        def once(case: _Case) -> None:
            response = case.call(base_url=self.url, session=self._session, timeout=10)
            self.findings.record(name, way, case, Response.from_any(response))

        def planted(case: _Case) -> None:
            self._plant(case, self._fields(name), self.operations[name])
            once(case)

        if way is Way.KNOWN:
            for _ in range(examples):
                once(self._known(operation, self._fields(name), self.operations[name]))
            return
        mode = GenerationMode.NEGATIVE if way is Way.BROKEN else GenerationMode.POSITIVE
        strategy = operation.as_strategy(generation_mode=mode)
        _examples(strategy, examples, planted if way is Way.PLANTED else once)

    def _fields(self, name: str) -> dict[str, object]:
        return asyncio.run_coroutine_threadsafe(self.world.fields(name), self.loop).result(timeout=30)

    def _known(self, operation: _Operation, fields: dict[str, object], known: Operation) -> _Case:
        """Write the world's own fields as a request."""
        rest = {name: value for name, value in fields.items() if name not in known.reserved}
        case = operation.Case(
            path_parameters={name: fields[name] for name in known.path_fields},
            headers=_version(fields, known) | _once(known),
            query={} if known.has_body else {name: _text(value) for name, value in rest.items() if value is not None},
        )
        if known.has_body and known.fields:
            case.body, case.media_type = _sent(rest), "application/json"
        return case

    def _plant(self, case: _Case, fields: dict[str, object], known: Operation) -> None:
        """Put what exists in the place of generated ids, so that the rest of the request is read too."""
        if known.path_fields:
            case.path_parameters = {name: fields[name] for name in known.path_fields}
        case.headers.pop("Authorization", None)
        case.headers.update(_version(fields, known) | _once(known))
        case.query = _sent(self._real(case.query))
        if isinstance(case.body, dict):
            case.body = _sent(self._real(case.body))

    def _real(self, value: object) -> object:
        if isinstance(value, dict):
            return {name: self._real(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self._real(each) for each in value]
        if isinstance(value, str) and (match := _ID.fullmatch(value)):
            return self.world.ids.get(ID_TYPES.get(match[1]), value)
        return value


def _text(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value


def _version(fields: Mapping[str, object], known: Operation) -> dict[str, object]:
    return {"If-Match": f'"{fields["expected_version"]}"'} if known.versioned and "expected_version" in fields else {}


def _takes_something(operation: _Operation) -> bool:
    """Say whether there is anything to break: not where no field and not even a key is read."""
    use_case = REGISTRY[operation.definition.raw["x-use-case"]]
    return bool(fields(use_case.command)) or not use_case.public


def _sent(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value)


def _once(known: Operation) -> dict[str, object]:
    return {"Idempotency-Key": str(uuid4())} if known.idempotent else {}


def _examples(strategy: SearchStrategy[_Case], examples: int, once: Callable[[_Case], None]) -> None:
    """Run the same examples every time.

    Nothing is shrunk, for what was asked once has changed the world; and no health check is made, for each of them is
    about the speed or the size of a generator that is not ours.
    """

    @settings(
        max_examples=examples, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=strategy)
    def test(case: _Case) -> None:
        once(case)

    test()


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[str]:
    """Serve an application on a free port of this machine, in the running loop, where its pools belong."""
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", ws="none", log_level="critical"))
    # The protocol is named because asyncio turns the 40 ms delay of small answers off only where it reads TCP.
    with socket.socket(proto=socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            while not server.started:  # noqa: ASYNC110 - the server has no event to wait for
                await asyncio.sleep(0.01)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


async def fuzz(app: ASGIApp, world: World, operations: Mapping[str, Operation], examples: int) -> Findings:
    """Serve an application and send so many requests, a multiple of eight, to each of the given operations."""
    async with served(app) as url:
        return await asyncio.to_thread(Fuzzer(url, world, operations, asyncio.get_running_loop()), examples)
