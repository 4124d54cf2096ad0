"""What the command line needs from whoever composes the application. ``main`` provides it; nothing here builds it."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol, cast

import click

from application.kernel.actor import Actor
from application.kernel.dispatcher import Call, Outcome
from application.kernel.import_files import ImportFile
from domain.shared.ids import OrganizationId
from interfaces.cli.session import session_of


class Runtime(Protocol):
    """The application, open: settings read, database reached."""

    async def dispatch(self, name: str, command: object, call: Call) -> Outcome:
        """Run one use-case; raises any ``StoaError``."""
        ...

    async def import_file(self, name: str, file: ImportFile, call: Call) -> Outcome:
        """Run an import over a whole file; raises any ``StoaError``."""
        ...

    async def authenticate(self, secret: str, organization_id: OrganizationId | None = None) -> Actor:
        """Return the caller behind an API key, or behind a session's token in one of the person's organizations.

        Raises:
            Unauthenticated: the secret is unknown, revoked or malformed.
            OrganizationNotFound: the organization is not the caller's.
        """
        ...

    async def organization(self, given: str | None) -> OrganizationId:
        """Return the organization with this id or slug, or the one to use when none is given.

        Raises:
            NotFound: there is no such organization.
        """
        ...


class Check(Protocol):
    """One finding of ``doctor``, or one step of ``demo``."""

    @property
    def name(self) -> str: ...
    @property
    def ok(self) -> bool: ...
    @property
    def detail(self) -> str:
        """Say what was found."""
        ...

    @property
    def remedy(self) -> str:
        """Say what to do about it; empty when it is ok."""
        ...


class AuditProblem(Protocol):
    """The first entry of one organization that does not verify; ids are text."""

    @property
    def organization_id(self) -> str: ...
    @property
    def seq(self) -> int:
        """Return its place in the chain, from 1."""
        ...

    @property
    def entry_id(self) -> str | None:
        """Return its id; None when the entry is missing."""
        ...

    @property
    def reason(self) -> str: ...


class AuditReport(Protocol):
    """What was read of all audit chains, and what was wrong."""

    @property
    def ok(self) -> bool: ...
    @property
    def organizations(self) -> int: ...
    @property
    def entries(self) -> int: ...
    @property
    def unsealed(self) -> int:
        """Return how many entries are too young to be in a chain; they are not wrong."""
        ...

    @property
    def problems(self) -> Sequence[AuditProblem]: ...


class BooksProblem(Protocol):
    """One thing that is wrong in one organization's books; ids are text."""

    @property
    def organization_id(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def journal_entry_id(self) -> str | None: ...
    @property
    def payment_order_id(self) -> str | None: ...


class BooksReport(Protocol):
    """What was read of all books, and what was wrong."""

    @property
    def ok(self) -> bool: ...
    @property
    def organizations(self) -> int: ...
    @property
    def entries(self) -> int: ...
    @property
    def orders(self) -> int: ...
    @property
    def problems(self) -> Sequence[BooksProblem]: ...


class Operations(Protocol):
    """Everything ``stoa`` can do. The methods own their event loop and return when they are done.

    All of them may raise ``StartError`` and ``StoaError``; the command line turns those into one line and an exit code.
    """

    def runtime(self) -> AbstractAsyncContextManager[Runtime]:
        """Open the application for one use-case and close it again; for use inside an event loop."""
        ...

    def up(self) -> None:
        """Serve API and worker, with the embedded database when none is configured, until told to stop."""
        ...

    def serve(self) -> None:
        """Serve the API only, until told to stop."""
        ...

    def worker(self) -> None:
        """Run relay, sealer and scheduled jobs only, until told to stop."""
        ...

    def mcp_stdio(self, api_key: str | None, organization: str | None) -> None:
        """Serve MCP over standard input and output, for the key's caller or the operator of an organization."""
        ...

    def db_upgrade(self, revision: str) -> None:
        """Migrate up to a revision; ``head`` is the latest."""
        ...

    def db_downgrade(self, revision: str) -> None:
        """Migrate down to a revision; ``-1`` is one step, ``base`` is nothing left."""
        ...

    def db_current(self) -> str | None:
        """Return the database's revision, None when it was never migrated."""
        ...

    def db_check(self) -> str | None:
        """Return how the database's schema differs from the models, None when it does not."""
        ...

    def db_url(self, *, superuser: bool) -> str:
        """Return an address for psql, with the password it needs."""
        ...

    def db_stop(self) -> None:
        """Stop the embedded database, if it runs."""
        ...

    def audit_verify(self, progress: Callable[[int], None], kept: Path | None = None) -> AuditReport:
        """Verify the audit chain of every organization; ``progress`` hears how many entries were read so far.

        ``kept`` are anchors from elsewhere than the data folder.
        """
        ...

    def books_verify(self, organization: str | None, progress: Callable[[int], None]) -> BooksReport:
        """Verify the books of one organization, by id or slug, or of every one; progress as in ``audit_verify``."""
        ...

    def doctor(self) -> Iterable[Check]:
        """Check what the application stands on; findings may come one by one."""
        ...

    def demo(self, show: Callable[[Check], None]) -> None:
        """Play a scripted story through the real use-cases; ``show`` sees every step as it ends."""
        ...


def operations_of(ctx: click.Context) -> Operations:
    """Compose the application; this is where the heavy imports happen."""
    return cast("Operations", session_of(ctx).operations())
