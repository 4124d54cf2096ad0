"""Importing files of any length with bounded memory, and so that an interrupted run can be taken up again.

The rows come as commands of a few hundred. With ``skip`` each of them is a transaction with a key derived from the
caller's: the same call again replays what is done and goes on behind it. With ``abort`` all of them are one
transaction, whose rows, events and entries are written a command at a time: it happened completely or not at all.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import cast

from application.kernel.dispatcher import Call, Dispatcher, Handle, Outcome
from application.kernel.imports import ImportCommand, ImportView, OnError, RowErrorView, RowsRefused
from application.kernel.unit_of_work import ITransaction
from application.kernel.wire import Wire, to_wire
from domain.shared.errors import DuplicateError

MAX_ERRORS = 1_000
"""How many errors are listed; all of them are counted."""

_TRIES = 3

type Progress = Callable[[int], None]
"""Hears how many rows were looked at so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportFile:
    """A file of rows: ``digest`` is over its bytes, and ``commands`` are its rows in order."""

    digest: str
    on_error: OnError
    commands: Iterable[ImportCommand]
    progress: Progress


class Importer:
    """Runs ``….import`` use-cases over files, as the dispatcher runs use-cases over commands."""

    def __init__(self, dispatch: Dispatcher) -> None:
        """Keep the dispatcher."""
        self._dispatch = dispatch

    async def __call__(self, name: str, file: ImportFile, call: Call) -> Outcome:
        """Import a file.

        Raises:
            RowsRefused: some rows are bad and ``on_error`` is ``abort``; nothing was kept.
            StoaError: any other failure; with ``skip``, what was done before it stays done.
        """
        if call.dry_run or file.on_error is OnError.ABORT:
            return await self._all_or_nothing(name, file, call)
        tally = _Tally()
        for command in file.commands:
            tally.add(await self._one(name, command, call))
            file.progress(tally.rows)
        return Outcome(to_wire(tally.view()), replayed=tally.rows > 0 and not tally.fresh)

    async def _one(self, name: str, command: ImportCommand, call: Call) -> Outcome:
        """Import some rows under their own key; a value that somebody took meanwhile is found by the next try."""
        key = None if call.idempotency_key is None else _key_of(call.idempotency_key, command.first_row)
        for _ in range(_TRIES - 1):
            try:
                return await self._dispatch(name, command, replace(call, idempotency_key=key))
            except DuplicateError:
                continue
        return await self._dispatch(name, command, replace(call, idempotency_key=key))

    async def _all_or_nothing(self, name: str, file: ImportFile, call: Call) -> Outcome:
        async def write(uow: ITransaction, handle: Handle) -> ImportView:
            """Write the good rows; that there were bad ones is judged when all of them are known."""
            tally = _Tally()
            for command in file.commands:
                view = await handle(replace(command, on_error=OnError.SKIP), uow)
                await uow.checkpoint()
                tally.add(Outcome(to_wire(view)))
                file.progress(tally.rows)
            if tally.errors and file.on_error is OnError.ABORT:
                raise RowsRefused(tally.errors)
            return tally.view()

        whole = _Whole(digest=file.digest, on_error=file.on_error)
        return await self._dispatch.at_length(name, whole, write, call)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Whole:
    """What the key of a whole file stands for."""

    digest: str
    on_error: OnError


class _Tally:
    """What became of the commands so far."""

    def __init__(self) -> None:
        self.errors: list[RowErrorView] = []
        self.fresh = False
        self._imported = self._skipped = 0

    @property
    def rows(self) -> int:
        """Return how many rows were looked at."""
        return self._imported + self._skipped

    def add(self, outcome: Outcome) -> None:
        """Add what one command came to."""
        body = cast("dict[str, Wire]", outcome.body)
        self._imported += cast("int", body["imported"])
        self._skipped += cast("int", body["skipped"])
        self.fresh = self.fresh or not outcome.replayed
        room = MAX_ERRORS - len(self.errors)
        told = cast("list[dict[str, str | int]]", body["errors"])[:room]
        self.errors += [
            RowErrorView(
                row=int(error["row"]), path=str(error["path"]), code=str(error["code"]), message=str(error["message"])
            )
            for error in told
        ]

    def view(self) -> ImportView:
        """Return the answer for the whole file."""
        return ImportView(imported=self._imported, skipped=self._skipped, errors=self.errors)


def _key_of(key: str, row: int) -> str:
    """Return the key of the rows that begin at one: hashed, since a key may be too long for anything behind it."""
    return f"{hashlib.sha256(key.encode()).hexdigest()}/row-{row}"
