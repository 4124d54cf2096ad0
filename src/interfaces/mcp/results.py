"""Answers and failures as results of tools."""

import msgspec
from mcp import types

from application.kernel.wire import Wire
from domain.shared.errors import StoaError
from interfaces.schema.problems import FieldError, InvalidCommand, sentence


class InternalError(StoaError):
    """A mistake of ours. What it was is in the log, under the request id, and nowhere else."""

    code = "internal_error"
    summary = "Something went wrong on our side."


def success(body: Wire) -> types.CallToolResult:
    """Return the answer as structured content, and as text for clients that read nothing else."""
    structured = msgspec.to_builtins(body)
    return types.CallToolResult(
        content=[types.TextContent(text=msgspec.json.encode(body).decode())],
        structured_content=structured if isinstance(structured, dict) else {"result": structured},
    )


def failure(error: StoaError, request_id: str) -> types.CallToolResult:
    """Describe a failure as the HTTP face does, without a status.

    It is text only: some clients hold structured content to the output schema, whether it is an error or not.
    """
    body = {
        "type": f"urn:stoa:error:{error.code}",
        "title": type(error).summary,
        "detail": sentence(error),
        "code": error.code,
        "request_id": request_id,
        "errors": _errors(error),
    }
    text = msgspec.json.encode(body).decode()
    return types.CallToolResult(content=[types.TextContent(text=text)], is_error=True)


def _errors(error: StoaError) -> list[FieldError]:
    if isinstance(error, InvalidCommand):
        return error.errors
    path = error.details.get("path")
    return [] if path is None else [FieldError(str(path), error.code, sentence(error))]
