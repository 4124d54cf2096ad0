"""What machines get at the address of an offer: what it costs in tokens, and the purchase once they pay (x402)."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from application.kernel.idempotency import parse_key
from application.settlements.x402 import accepted, encoded, required
from domain.settlements.demand import PaymentDemanded
from domain.shared.errors import (
    Conflict,
    Forbidden,
    Invalid,
    MalformedInput,
    NotFound,
    PaymentRequired,
    RateLimited,
    StoaError,
    Unavailable,
)
from interfaces.schema.problems import problem_body
from interfaces.web.forms import number
from interfaces.web.pages import CAREFUL, Visit
from interfaces.web.runs import Runs

USED = ("checkouts.pay_in_token",)
"""The use-cases behind this."""

_PAYMENT = "payment-signature"
_TAKEN = ("quantity", "reference", "email", "name")
# The first kind that fits decides; the rest is a mistake of ours, and a page tells of those.
_STATUSES: tuple[tuple[type[StoaError], int], ...] = (
    (PaymentRequired, 402), (MalformedInput, 400), (Invalid, 422), (NotFound, 404), (Conflict, 409), (Forbidden, 403),
    (RateLimited, 429), (Unavailable, 503),
)  # fmt: skip


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
            return _refused(error, request, visit)
        told = {} if payment is None else {"payment-response": encoded(accepted(payment))}
        return _data(body, 202, visit, told)


def _only_looking(request: Request) -> dict[str, object]:
    """A HEAD buys nothing, whatever comes with it."""
    return {"payment_signature": None} if request.method == "HEAD" else {}


def _refused(error: StoaError, request: Request, visit: Visit) -> Response:
    status = next((status for kind, status in _STATUSES if isinstance(error, kind)), None)
    if status is None:
        raise error
    here = str(request.url.replace(query=""))
    headers = {"content-type": "application/problem+json"}
    if isinstance(error, PaymentDemanded):
        headers["payment-required"] = encoded(required(error, here))
    if isinstance(error, RateLimited | Unavailable):
        headers["retry-after"] = str(error.details.get("retry_after", 1))
    return _data(problem_body(error, visit.request_id, resource=here, status=status), status, visit, headers)


def _data(body: object, status: int, visit: Visit, headers: dict[str, str]) -> Response:
    sent = {"content-type": "application/json", **CAREFUL, "x-request-id": visit.request_id, **headers}
    return Response(msgspec.json.encode(body), status, sent)
