"""Payments of x402 beside the arguments of a tool, where its clients put them."""

from collections.abc import Mapping

from mcp import types

from application.settlements.x402 import PaymentMalformed, write_payment
from interfaces.mcp.tools import PAYMENT_FIELD, UseCaseTool

PAYMENT = "x402/payment"
"""The key of ``_meta`` under which a payment comes."""


def with_payment(tool: UseCaseTool, params: types.CallToolRequestParams) -> Mapping[str, object]:
    """Return a call's arguments; a payment in ``_meta`` is one of them where the tool takes one.

    Raises:
        PaymentMalformed: it is no payment, or there are two.
    """
    arguments: Mapping[str, object] = params.arguments or {}
    given = None if params.meta is None or not tool.payable else dict(params.meta).get(PAYMENT)
    if given is None:
        return arguments
    if not isinstance(given, dict) or PAYMENT_FIELD in arguments:
        raise PaymentMalformed
    return {**arguments, PAYMENT_FIELD: write_payment(given)}


def payment_in(arguments: Mapping[str, object]) -> str | None:
    """Return the payment among a call's arguments."""
    given = arguments.get(PAYMENT_FIELD)
    return given if isinstance(given, str) else None
