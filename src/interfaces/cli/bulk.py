"""``stoa run ….import --json @FILE``: a file of rows, with a progress bar on standard error."""

import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import batched
from pathlib import Path
from typing import BinaryIO, cast
from uuid import uuid4

import click

from application.kernel.import_files import ImportFile, Progress
from application.kernel.imports import ImportCommand
from application.kernel.use_case import UseCase
from interfaces.cli.output import tell
from interfaces.cli.row_files import RowFile
from interfaces.schema.command import CommandSchema

CHUNK = 500
"""How many rows are one command: few enough for a short transaction, many enough for one statement to carry them."""

_STEPS = 10


@contextmanager
def row_file(use_case: UseCase, given: str | None) -> Iterator[RowFile | None]:
    """Open the file that ``--json`` names for an import; None for another use-case, or when it names none.

    Raises:
        UsageError: the file cannot be read.
    """
    if given is None or not issubclass(use_case.command, ImportCommand) or not (given == "-" or given[0] == "@"):
        yield None
        return
    try:
        with _open(given) as file:
            yield RowFile(file, os.fstat(file.fileno()).st_size)
    except OSError as error:
        raise click.UsageError(f"--json: the file cannot be read: {error.strerror}") from None


@contextmanager
def _open(given: str) -> Iterator[BinaryIO]:
    """Open a file, or keep what comes by standard input in one: it is read twice."""
    if given != "-":
        with Path(given[1:]).open("rb") as file:
            yield file
        return
    with tempfile.TemporaryFile() as kept:
        while block := sys.stdin.buffer.read(1 << 16):
            kept.write(block)
        kept.flush()
        yield cast("BinaryIO", kept)


@contextmanager
def import_file(use_case: UseCase, rows: RowFile, fields: Mapping[str, object]) -> Iterator[ImportFile]:
    """Return the import of a file, and show how far it is until the end of the block.

    Raises:
        InvalidCommand: the other fields make no command.
    """
    schema = CommandSchema(use_case.command, use_case.name)
    # A single empty row stands for all of them: it makes the other fields known, and mistakes in them.
    empty = cast("ImportCommand", schema.validate({**fields, "rows": [None]}))
    with _progress(rows) as progress:
        yield ImportFile(
            digest=_digest(rows, fields), on_error=empty.on_error, commands=_commands(schema, rows, fields),
            progress=progress,
        )  # fmt: skip


def key_for(given: str | None, *, dry_run: bool) -> str | None:
    """Return the caller's key, or one to take an interrupted import up again with."""
    if given is not None or dry_run:
        return given
    key = f"import-{uuid4().hex[:20]}"
    tell(f"If this is interrupted, run it again with --idempotency-key {key} to go on where it stopped.")
    return key


def _digest(rows: RowFile, fields: Mapping[str, object]) -> str:
    """Return what tells this import from every other one: its rows, and where they go."""
    others = json.dumps(fields, sort_keys=True, default=str)
    return hashlib.sha256(f"{rows.digest()} {others}".encode()).hexdigest()


def _commands(schema: CommandSchema, rows: RowFile, others: Mapping[str, object]) -> Iterator[ImportCommand]:
    first = 1
    for chunk in batched(rows.rows(), CHUNK, strict=False):
        fields = {**others, "rows": list(chunk), "first_row": first}
        yield cast("ImportCommand", schema.validate(fields))
        first += len(chunk)


@contextmanager
def _progress(rows: RowFile) -> Iterator[Progress]:
    """Show a bar to a person, and a line for each tenth to whoever keeps standard error in a file."""
    if not sys.stderr.isatty():
        yield _lines(rows)
        return
    from rich.console import Console  # noqa: PLC0415 - slow to load, and programs never need it
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("{task.fields[done]:>9,} rows"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("import", total=rows.size, done=0)
        yield lambda done: bar.update(task, completed=rows.position, done=done)


def _lines(rows: RowFile) -> Progress:
    told = 0

    def tell_tenths(done: int) -> None:
        nonlocal told
        tenth = _STEPS * rows.position // max(rows.size, 1)
        if tenth > told:
            told = tenth
            tell(f"{done:,} rows, {tenth * 100 // _STEPS} %")

    return tell_tenths
