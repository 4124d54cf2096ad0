"""Failures as lines on standard error and exit codes: the only place where a failure becomes an exit code."""

import logging

import click

from application.kernel.idempotency import IdempotencyKeyMalformed, IdempotencyKeyMissing, IdempotencyKeyReused
from application.kernel.imports import RowsRefused
from application.kernel.start_error import StartError
from application.settlements.x402 import encoded, required
from domain.settlements.demand import PaymentDemanded
from domain.shared.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    PaymentRequired,
    RateLimited,
    StoaError,
    Unauthenticated,
    Unavailable,
)
from interfaces.schema.problems import FieldError, InvalidCommand, sentence

BUG = 70
CONFLICT = 4
UNAVAILABLE = 6

# The first kind that fits decides.
EXIT_CODES: tuple[tuple[type[StoaError], int], ...] = (
    (Invalid, 2),
    (NotFound, 3),
    (Conflict, CONFLICT),
    (PaymentRequired, CONFLICT),
    (Forbidden, 5),
    (Unauthenticated, 5),
    (RateLimited, UNAVAILABLE),
    (Unavailable, UNAVAILABLE),
)

_LOG = logging.getLogger(__name__)
_KEY_ERRORS = (IdempotencyKeyMissing, IdempotencyKeyMalformed, IdempotencyKeyReused)


def report(error: Exception, request_id: str) -> int:
    """Tell the person what went wrong and return what to tell the shell."""
    lines, code = _answer(error, request_id)
    for line in lines:
        click.echo(f"Error: {' '.join(line.split())}", err=True)
    return code


def exit_code(error: StoaError) -> int:
    """Return the code of a failure; one without a kind is a mistake of ours."""
    return next((code for kind, code in EXIT_CODES if isinstance(error, kind)), BUG)


def _answer(error: Exception, request_id: str) -> tuple[list[str], int]:
    if isinstance(error, StartError):
        return [str(error)], error.exit_code
    if isinstance(error, StoaError):
        return _lines(error), exit_code(error)
    # Only a person who asks for it sees the cause: it may hold what must not be on a screen.
    _LOG.debug("command failed", exc_info=error, extra={"request_id": request_id})
    return [f"internal error (request id {request_id}); STOA_LOG_LEVEL=debug shows the cause"], BUG


def _lines(error: StoaError) -> list[str]:
    if isinstance(error, InvalidCommand):
        return [_field(problem) for problem in error.errors]
    if isinstance(error, RowsRefused):
        rows = [f"row {each.row}, {each.path or 'as a whole'}: {each.message} ({each.code})" for each in error.errors]
        return [*rows, f"{error.message} ({error.code}, rows={error.details['rows']})"]
    path = "idempotency_key" if isinstance(error, _KEY_ERRORS) else error.details.get("path")
    if path is not None:
        return [_field(FieldError(str(path), error.code, sentence(error)))]
    shown = {key: value for key, value in error.details.items() if key != "reason" and value is not None}
    facts = ", ".join([error.code, *(f"{key}={value}" for key, value in shown.items())])
    demand = [encoded(required(error, ""))] if isinstance(error, PaymentDemanded) else []
    return [f"{sentence(error)} ({facts})", *(f"PAYMENT-REQUIRED: {each}" for each in demand)]


def _field(problem: FieldError) -> str:
    """Name the flag; what no flag can have said was said by ``--json``."""
    if problem.code == "unknown_field":
        return f"--json: {problem.path}: {problem.message}"
    return f"{flag_of(problem.path)}: {problem.message}" if problem.path else f"--json: {problem.message}"


def flag_of(path: str) -> str:
    """Return the flag for a field: ``--unit-amount.currency``, and ``--tags[0]`` for a position in a list."""
    written = ""
    for part in path.split("."):
        written += f"[{part}]" if part.isdigit() else f".{part.replace('_', '-')}"
    return "--" + written.removeprefix(".")
