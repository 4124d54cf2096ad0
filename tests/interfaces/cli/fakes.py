"""An application that remembers what the command line asked of it."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from click.testing import CliRunner, Result

from application.kernel.actor import TENANT_SCOPES, Actor, ActorKind
from application.kernel.dispatcher import Call, Outcome
from application.kernel.import_files import ImportFile
from application.kernel.wire import Wire
from domain.identity.errors import OrganizationNotFound
from domain.shared.errors import NotFound, Unauthenticated
from domain.shared.ids import OrganizationId, uuid7
from interfaces.cli.app import stoa
from interfaces.cli.runtime import AuditReport, BooksReport, Check, Operations
from interfaces.cli.session import Session
from tests.interfaces.toy import REGISTRY

HOME, ABROAD = OrganizationId(uuid7(1, 1)), OrganizationId(uuid7(2, 2))
ORGANIZATIONS = {None: HOME, "home": HOME, "abroad": ABROAD}
LINK = "plink_01m7xqdwdxecebcwzk30ktqpss"
THING: dict[str, Wire] = {"id": LINK, "version": 1, "name": "A thing", "price": {"amount": 1250, "currency": "EUR"}}


class Finding(NamedTuple):
    name: str
    ok: bool
    detail: str = ""
    remedy: str = ""


class Problem(NamedTuple):
    organization_id: str
    seq: int
    entry_id: str | None
    reason: str


class Report(NamedTuple):
    ok: bool
    organizations: int
    entries: int
    unsealed: int
    problems: list[Problem]


class BooksProblem(NamedTuple):
    organization_id: str
    reason: str
    journal_entry_id: str | None
    payment_order_id: str | None


class Books(NamedTuple):
    ok: bool
    organizations: int
    entries: int
    orders: int
    problems: list[BooksProblem]


BALANCED = Books(ok=True, organizations=2, entries=12, orders=5, problems=[])
HEALTHY = Report(ok=True, organizations=2, entries=40, unsealed=3, problems=[])


class Ran(NamedTuple):
    name: str
    command: object
    call: Call


@dataclass
class FakeOperations:
    """Answers what it is told to answer; an exception is raised instead."""

    answer: Outcome | Exception = field(default_factory=lambda: Outcome(THING))
    ran: list[Ran] = field(default_factory=list)
    told: list[tuple[object, ...]] = field(default_factory=list)
    opened: int = 0
    revision: str | None = "0002"
    difference: str | None = None
    report: Report = HEALTHY
    books: Books = BALANCED
    findings: Iterable[Finding] = (Finding("database", True, "reachable"),)
    failure: Exception | None = None

    @asynccontextmanager
    async def runtime(self) -> AsyncIterator["FakeOperations"]:
        self.opened += 1
        yield self
        self.opened -= 1

    async def dispatch(self, name: str, command: object, call: Call) -> Outcome:
        self.ran.append(Ran(name, command, call))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def import_file(self, name: str, file: ImportFile, call: Call) -> Outcome:
        return await self.dispatch(name, file, call)

    async def authenticate(self, secret: str, organization_id: OrganizationId | None = None) -> Actor:
        if secret != "good":
            raise Unauthenticated
        if organization_id not in (None, ABROAD):
            raise OrganizationNotFound
        return Actor(kind=ActorKind.API_KEY, id="key_1", organization_id=ABROAD, scopes=TENANT_SCOPES)

    async def organization(self, given: str | None) -> OrganizationId:
        if given not in ORGANIZATIONS:
            raise NotFound
        return ORGANIZATIONS[given]

    def _tell(self, *what: object) -> None:
        self.told.append(what)
        if self.failure is not None:
            raise self.failure

    def up(self) -> None:
        self._tell("up")

    def serve(self) -> None:
        self._tell("serve")

    def worker(self) -> None:
        self._tell("worker")

    def mcp_stdio(self, api_key: str | None, organization: str | None) -> None:
        self._tell("mcp", api_key, organization)

    def db_upgrade(self, revision: str) -> None:
        self._tell("upgrade", revision)

    def db_downgrade(self, revision: str) -> None:
        self._tell("downgrade", revision)

    def db_current(self) -> str | None:
        return self.revision

    def db_check(self) -> str | None:
        return self.difference

    def db_url(self, *, superuser: bool) -> str:
        return "postgresql://super@/stoa" if superuser else "postgresql://app@/stoa"

    def db_stop(self) -> None:
        self._tell("stop")

    def audit_verify(self, progress: Callable[[int], None], kept: Path | None = None) -> AuditReport:
        self._tell("audit", str(kept))
        progress(self.report.entries)
        return self.report

    def books_verify(self, organization: str | None, progress: Callable[[int], None]) -> BooksReport:
        self._tell("books", organization)
        progress(self.books.entries)
        return self.books

    def doctor(self) -> Iterable[Check]:
        return self.findings

    def demo(self, show: Callable[[Check], None]) -> None:
        for finding in self.findings:
            show(finding)


def invoke(
    operations: Operations, *arguments: str, text: str | None = None, env: dict[str, str] | None = None
) -> Result:
    """Run one command line; nothing it writes looks like a traceback."""
    environment = {"STOA_API_KEY": None, **(env or {})}
    session = Session(lambda: operations, lambda: REGISTRY, request_id="request-1")
    result = CliRunner().invoke(stoa, arguments, obj=session, input=text, env=environment, prog_name="stoa")
    assert "Traceback" not in result.output
    return result
