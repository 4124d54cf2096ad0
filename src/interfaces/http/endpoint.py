"""The one endpoint: a request becomes a command, an outcome becomes a response."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from time import perf_counter

import msgspec
from starlette.types import Receive, Scope, Send

from application.kernel.actor import PUBLIC_ACTOR, Actor
from application.kernel.dispatcher import Call, Outcome
from application.kernel.idempotency import IdempotencyKeyMissing, parse_key
from application.kernel.limits import Admit, admit_all, importance_of
from application.kernel.use_case import UseCase
from application.settlements.x402 import accepted, encoded
from domain.shared.errors import StaleVersion, StoaError
from domain.shared.ids import OrganizationId
from interfaces.http.errors import PreconditionMissing, StalePrecondition
from interfaces.http.operation import PAYMENT_FIELD, VERSION_FIELD, Operation
from interfaces.http.requests import (
    PAYMENT,
    ClientGone,
    bearer_token,
    expected_version,
    named_organization,
    read_headers,
    read_json,
    read_query,
)
from interfaces.http.responses import Answer
from interfaces.schema.charges import Charge, charge_nothing, charged
from interfaces.schema.command import not_an_object
from interfaces.schema.problems import InternalError, InvalidCommand, unknown_field

type Dispatch = Callable[[str, object, Call], Awaitable[Outcome]]
type Authenticate = Callable[[str, OrganizationId | None], Awaitable[Actor]]
type Observe = Callable[[str, str, str, float], None]


@dataclass(frozen=True, slots=True)
class Services:
    """What every endpoint uses.

    Attributes:
        dispatch: runs a use-case.
        authenticate: turns a token, and the organization named beside it, into a caller; raises ``Unauthenticated``,
            or ``NotFound`` for an organization that is not the caller's.
        observe: is told the use-case, the face, ``ok`` or the error's code, and the seconds it took.
        admit: has room for finding out who calls, or refuses; ``dispatch`` asks by itself.
        charge: counts a request against its caller's limits, or refuses it.
    """

    dispatch: Dispatch
    authenticate: Authenticate
    observe: Observe
    admit: Admit = admit_all
    charge: Charge = charge_nothing


class Endpoint:
    """An ASGI application for one operation. Failures are raised; the envelope around all of them answers."""

    def __init__(self, operation: Operation, services: Services) -> None:
        """Bind an operation to what it needs."""
        self._operation = operation
        self._route = f"/v1{operation.path}"
        self._use_case: UseCase = operation.use_case
        self._importance = importance_of(operation.use_case)
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send, parameters: Mapping[str, str]) -> None:
        """Answer one request; ``parameters`` are the values of the path's names.

        Nothing listens for a disconnect once the command is dispatched, so that it always runs to its end.
        """
        scope["state"]["route"] = self._route
        started = perf_counter()
        code = InternalError.code
        try:
            answer = await self._answer(scope, receive, parameters)
            code = "ok"
        except StoaError as error:
            code = error.code
            raise
        except ClientGone:
            code = "client_gone"
            return
        finally:
            self._services.observe(self._use_case.name, "http", code, perf_counter() - started)
        await answer.send(send, without_body=scope["method"] == "HEAD")

    async def _answer(self, scope: Scope, receive: Receive, parameters: Mapping[str, str]) -> Answer:
        """Refuse in this order: who, how often, may they, headers, then the command itself."""
        operation = self._operation
        headers = read_headers(scope)
        actor = await charged(self._services.charge, scope, self._identified(headers))
        actor.require(self._use_case.scope)
        key = self._idempotency_key(headers)
        reserved: dict[str, object] = dict(parameters)
        version = None
        if operation.versioned:
            version = expected_version(headers)
            if version is None and operation.version_required:
                raise PreconditionMissing
            reserved[VERSION_FIELD] = version
        payment = headers.get(PAYMENT) if operation.payable else None
        if payment is not None:
            reserved[PAYMENT_FIELD] = payment
        command = self._command(await self._data(scope, headers, receive), reserved)
        call = Call(actor=actor, request_id=scope["state"]["request_id"], idempotency_key=key)
        try:
            outcome = await self._services.dispatch(self._use_case.name, command, call)
        except StaleVersion as error:
            if version is None:
                raise
            raise StalePrecondition from error
        return self._success(outcome, scope.get("root_path", ""), payment)

    async def _identified(self, headers: Mapping[bytes, str]) -> Actor:
        # Public use-cases find their tenant by what they look up, so that a credential must not change the answer.
        token = None if self._use_case.public else bearer_token(headers)
        if token is None:
            return PUBLIC_ACTOR
        # No place is held while the body is read, or a few senders who never finish would take them all.
        with self._services.admit(self._importance):
            return await self._services.authenticate(token, named_organization(headers))

    def _idempotency_key(self, headers: Mapping[bytes, str]) -> str | None:
        if not self._operation.idempotent:
            return None
        key = parse_key(headers.get(b"idempotency-key"))
        if key is None and self._use_case.money:
            raise IdempotencyKeyMissing
        return key

    async def _data(self, scope: Scope, headers: Mapping[bytes, str], receive: Receive) -> dict[str, object]:
        query = read_query(scope)
        if not self._operation.has_body:
            return self._operation.schema.from_text(query)
        body = await read_json(headers, receive)
        if query:
            raise InvalidCommand([unknown_field(name) for name in query])
        if not isinstance(body, dict):
            raise not_an_object()
        return body

    def _command(self, data: dict[str, object], reserved: Mapping[str, object]) -> object:
        """Merge what came by path and header, which neither query nor body may name."""
        errors = [unknown_field(name) for name in reserved if name in data]
        try:
            command = self._operation.schema.validate({**data, **reserved})
        except InvalidCommand as error:
            raise InvalidCommand([*errors, *error.errors]) from None
        if errors:
            raise InvalidCommand(errors)
        return command

    def _success(self, outcome: Outcome, mounted_at: str, payment: str | None) -> Answer:
        body = outcome.body
        headers = [(b"content-type", b"application/json")]
        if isinstance(body, dict):
            version = body.get("version")
            if type(version) is int:
                headers.append((b"etag", b'"%d"' % version))
            location = self._operation.location(body.get("id"))
            if location is not None:
                headers.append((b"location", f"{mounted_at}{location}".encode()))
        if outcome.replayed:
            headers.append((b"idempotency-replayed", b"true"))
        if payment is not None:
            headers.append((b"payment-response", encoded(accepted(payment)).encode()))
        return Answer(self._operation.status, msgspec.json.encode(body), headers)
