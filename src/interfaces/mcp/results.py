"""Answers and failures as results of tools."""

import msgspec
from mcp import types

from application.kernel.wire import Wire
from application.settlements.x402 import accepted
from domain.shared.errors import StoaError
from interfaces.schema.problems import problem_body

PAYMENT_RESPONSE = "x402/payment-response"
"""The key of ``_meta`` under which x402 answers a payment."""


def success(body: Wire, payment: str | None = None) -> types.CallToolResult:
    """Return the answer as structured content, and as text for clients that read nothing else.

    An accepted ``payment`` is answered where x402 has it.
    """
    structured = msgspec.to_builtins(body)
    return types.CallToolResult(
        _meta=None if payment is None else {PAYMENT_RESPONSE: accepted(payment)},
        content=[types.TextContent(text=msgspec.json.encode(body).decode())],
        structured_content=structured if isinstance(structured, dict) else {"result": structured},
    )


def failure(error: StoaError, request_id: str, tool: str) -> types.CallToolResult:
    """Describe a failure as the HTTP face does, without a status.

    It is text only: some clients hold structured content to the output schema, whether it is an error or not.
    """
    text = msgspec.json.encode(problem_body(error, request_id, resource=f"mcp://tool/{tool}")).decode()
    return types.CallToolResult(content=[types.TextContent(text=text)], is_error=True)
