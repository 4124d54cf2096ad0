"""Where payment providers send their notices: a body that is checked as it came, byte for byte."""

from collections.abc import Callable, Mapping
from time import perf_counter

import msgspec
from starlette.types import Receive, Scope, Send

from application.kernel.actor import PLATFORM, Actor, ActorKind
from application.kernel.actor import Scope as Permission
from application.kernel.dispatcher import Call
from application.kernel.idempotency import IdempotencyKeyReused
from domain.payments.provider_notice import NoticeTaken
from domain.shared.errors import StoaError
from interfaces.http.endpoint import Dispatch, Observe
from interfaces.http.responses import Answer
from interfaces.schema.problems import InternalError

USE_CASE = "provider_notices.receive"
_SIGNATURE = b"stripe-signature"

type Read = Callable[[bytes, str | None], object]
"""Checks a body against its signature and returns the command it makes, or refuses it."""


class ProviderNotices:
    """The endpoint of one provider. A notice that came before is answered like the first one, and does nothing."""

    def __init__(self, provider: str, read: Read, dispatch: Dispatch, observe: Observe) -> None:
        """Act as the provider itself, which may do nothing but tell us things."""
        self._provider = provider
        self._read = read
        self._dispatch = dispatch
        self._observe = observe
        # An operator by kind, since a notice says itself whose it is, and by scope nothing else than that.
        self._actor = Actor(
            kind=ActorKind.OPERATOR, id=provider, organization_id=PLATFORM,
            scopes=frozenset({Permission.PLATFORM_OPERATE}),
        )  # fmt: skip

    async def __call__(self, scope: Scope, receive: Receive, send: Send, parameters: Mapping[str, str]) -> None:  # noqa: ARG002 - every endpoint is told
        """Answer 200 to whatever is signed, whether it concerns us or not; anything else is refused."""
        started, code = perf_counter(), InternalError.code
        try:
            body = await _body(receive)
            if body is None:
                code = "client_gone"
                return
            status = await self._take(body, _signature(scope), scope["state"]["request_id"])
            code = "ok"
        except StoaError as error:
            code = error.code
            raise
        finally:
            self._observe(USE_CASE, "http", code, perf_counter() - started)
        answer = Answer(200, msgspec.json.encode({"status": status}), [(b"content-type", b"application/json")])
        await answer.send(send)

    async def _take(self, body: bytes, signature: str | None, request_id: str) -> str:
        command = self._read(body, signature)
        key = f"{self._provider}:{getattr(command, 'event', '')}"
        call = Call(actor=self._actor, request_id=request_id, idempotency_key=key)
        try:
            outcome = await self._dispatch(USE_CASE, command, call)
        except (NoticeTaken, IdempotencyKeyReused):
            return "duplicate"
        told = outcome.body
        return "duplicate" if outcome.replayed else str(told["status"]) if isinstance(told, dict) else ""


def _signature(scope: Scope) -> str | None:
    found = [value.decode("latin-1") for name, value in scope["headers"] if name == _SIGNATURE]
    return found[0] if len(found) == 1 else None


async def _body(receive: Receive) -> bytes | None:
    """Return the whole body, whose size the envelope limits; None when the sender left."""
    chunks = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)
