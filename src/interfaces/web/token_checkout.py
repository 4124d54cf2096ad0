"""What machines get at the address of an offer: what it costs in tokens, and the purchase once they pay (x402)."""

from http import HTTPStatus

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from application.kernel.idempotency import parse_key
from application.settlements.x402 import accepted, encoded
from domain.shared.errors import StoaError
from interfaces.schema.problems import problem_body
from interfaces.schema.statuses import headers_of, status_of
from interfaces.web.forms import number
from interfaces.web.pages import CAREFUL, Visit
from interfaces.web.runs import Runs

USED = ("checkouts.pay_in_token",)
"""The use-cases behind this."""

_PAYMENT = "payment-signature"
_TAKEN = ("quantity", "reference", "email", "name")


def wants_data(request: Request) -> bool:
    """Say whether a program asks: it pays, or it wants JSON and no page."""
    wanted = request.headers.get("accept", "").lower()
    return _PAYMENT in request.headers or ("application/json" in wanted and "text/html" not in wanted)


class TokenCheckout:
    """Answers programs at ``/pay/<slug>``."""

    def __init__(self, runs: Runs) -> None:
        """Keep what runs the use-case."""
        self._run = runs

    async def answer(self, request: Request, visit: Visit, slug: str) -> Response:
        """Say what has to be paid, or take the payment; what is settled later is answered as accepted."""
        given = {name: value for name, value in request.query_params.items() if name in _TAKEN}
        payment = request.headers.get(_PAYMENT)
        fields: dict[str, object] = {**given, "slug": slug, "payment_signature": payment}
        if "quantity" in given:
            fields["quantity"] = number(given["quantity"]) or given["quantity"]
        try:
            key = parse_key(request.headers.get("idempotency-key")) if request.method == "GET" else None
            body = await self._run(USED[0], {**fields, **_only_looking(request)}, visit, key=key)
        except StoaError as error:
            return refused(error, request, visit)
        told = {} if payment is None else {"payment-response": encoded(accepted(payment))}
        return _data(body, 202, visit, told)


def _only_looking(request: Request) -> dict[str, object]:
    """A HEAD buys nothing, whatever comes with it."""
    return {"payment_signature": None} if request.method == "HEAD" else {}


def refused(error: StoaError, request: Request, visit: Visit) -> Response:
    """Tell a program what a page would tell a person."""
    status, here = status_of(error), str(request.url.replace(query=""))
    if status is HTTPStatus.INTERNAL_SERVER_ERROR:
        raise error
    headers = {"content-type": "application/problem+json", **headers_of(error, here)}
    return _data(problem_body(error, visit.request_id, resource=here, status=status), status, visit, headers)


def _data(body: object, status: int, visit: Visit, headers: dict[str, str]) -> Response:
    sent = {"content-type": "application/json", **CAREFUL, "x-request-id": visit.request_id, **headers}
    return Response(msgspec.json.encode(body), status, sent)
