"""Importing many rows: what every ``….import`` takes, does and answers.

A face reads each row on its own, so that a bad one is reported by its number and not as the failure of the whole. With
``abort`` the first bad row means that nothing is kept, with ``skip`` the good rows are.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

from annotated_types import Interval

from domain.shared.entity import Entity
from domain.shared.errors import StoaError, ValidationError
from domain.shared.repository import IRepository
from domain.shared.specification import In, Spec

MAX_ROWS = 1_000
"""How many rows one command may have; a file of any length is many commands (``application.kernel.import_files``)."""


class OnError(StrEnum):
    """What a bad row means for the good ones."""

    ABORT = "abort"
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowProblem:
    """One broken rule of one row; ``path`` joins field names with dots and is empty for the row as a whole."""

    path: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked[T]:
    """A row as a face read it: its value, or what is wrong with it."""

    value: T | None
    problems: list[RowProblem] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportCommand:
    """Base of an import's command, which adds ``rows``. ``first_row`` is the number of the first one, for reports."""

    on_error: OnError = OnError.ABORT
    first_row: Annotated[int, Interval(ge=1, le=2**31 - 1)] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RowErrorView:
    """What is wrong with which row."""

    row: int
    path: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportView:
    """How many rows were imported and skipped, and why; of a file, the first thousand errors are listed."""

    imported: int
    skipped: int
    errors: list[RowErrorView]


class RowsRefused(ValidationError):
    """Some rows are bad and none was imported; ``errors`` says which."""

    code = "rows_refused"
    summary = "Some rows cannot be imported, so none was."

    def __init__(self, errors: Sequence[RowErrorView], first_row: int = 1) -> None:
        """Keep what is wrong."""
        super().__init__(rows=len({error.row for error in errors}))
        self.errors = list(errors)
        self.first_row = first_row


async def import_rows[R, E: Entity](
    cmd: ImportCommand,
    rows: Sequence[Checked[R]],
    repository: IRepository[E],
    make: Callable[[R], E],
    unique: Mapping[str, type[StoaError]],
) -> ImportView:
    """Make and insert what the rows describe, in as many statements for a thousand rows as for one.

    Args:
        cmd: what to do about bad rows.
        rows: as the face read them.
        repository: where the aggregates go.
        make: makes the aggregate of a row; its named errors are the row's.
        unique: attributes whose values only one aggregate of the tenant may have, and the error of a second one.

    Raises:
        RowsRefused: a row is bad, and that means all.
    """
    batch = _Batch[E](unique)
    for number, row in enumerate(rows, cmd.first_row):
        batch.take(number, row, make)
    taken = batch.taken()
    if taken is not None:
        batch.refuse(await repository.find(taken))
    if batch.errors and cmd.on_error is OnError.ABORT:
        raise RowsRefused(batch.errors, cmd.first_row)
    await repository.add_many(batch.good())
    return ImportView(imported=len(batch.made), skipped=len(rows) - len(batch.made), errors=batch.errors)


class _Batch[E: Entity]:
    """The good rows so far, by number, and what is wrong with the others."""

    def __init__(self, unique: Mapping[str, type[StoaError]]) -> None:
        self.made: dict[int, E] = {}
        self.errors: list[RowErrorView] = []
        self._unique = unique
        # The number of the row that has a value, by attribute.
        self._rows: dict[str, dict[object, int]] = {name: {} for name in unique}

    def good(self) -> list[E]:
        """Return what is to be inserted."""
        return list(self.made.values())

    def take[R](self, number: int, row: Checked[R], make: Callable[[R], E]) -> None:
        """Make the aggregate of a row, unless it is bad or one before it has the same unique value."""
        for problem in row.problems:
            self._report(number, problem.path, problem.code, problem.message)
        if row.value is None:
            return
        try:
            entity = make(row.value)
        except StoaError as error:
            self._report(number, str(error.details.get("path") or ""), error.code, _sentence(error))
            return
        twins = [name for name in self._unique if getattr(entity, name) in self._rows[name]]
        for name in twins:
            self._report_taken(number, name)
        if not twins:
            self.made[number] = entity
            for name, of_row in self._rows.items():
                if getattr(entity, name) is not None:
                    of_row[getattr(entity, name)] = number

    def taken(self) -> Spec[E] | None:
        """Return the question who has one of the unique values already; None when there are no values to ask for."""
        spec: Spec[E] | None = None
        for name, of_row in self._rows.items():
            if of_row:
                asked: Spec[E] = In(name, tuple(of_row))  # type: ignore[arg-type]  # reason: unique attributes are text
                spec = asked if spec is None else spec | asked
        return spec

    def refuse(self, present: Sequence[E]) -> None:
        """Take out the rows whose values somebody has."""
        for entity in present:
            for name, of_row in self._rows.items():
                number = of_row.get(getattr(entity, name))
                if number is not None:
                    self._report_taken(number, name)
                    self.made.pop(number, None)
        self.errors.sort(key=lambda error: error.row)

    def _report_taken(self, number: int, name: str) -> None:
        error = self._unique[name]
        self._report(number, name, error.code, error.summary)

    def _report(self, number: int, path: str, code: str, message: str) -> None:
        self.errors.append(RowErrorView(row=number, path=path, code=code, message=message))


def _sentence(error: StoaError) -> str:
    reason = error.details.get("reason")
    return error.message if reason is None else f"{error.message.removesuffix('.')}: {str(reason).replace('_', ' ')}."
