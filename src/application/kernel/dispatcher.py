"""The only middleware: authorize, open one unit of work, replay or run, commit."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import ClassVar, Protocol

from application.kernel.actor import Actor, ActorKind
from application.kernel.deadline import DEADLINE, Deadline
from application.kernel.idempotency import IdempotencyKeyMissing, fingerprint, strangers_key
from application.kernel.query_cache import Cached, Found, IQueryCache, Query
from application.kernel.unit_of_work import ITransaction, IUnitOfWork, IUnitOfWorkFactory
from application.kernel.use_case import UseCase
from application.kernel.wire import Wire, encoder
from domain.shared.errors import NotFound, Unavailable

MAX_RERUNS = 3

type Handle = Callable[[object, IUnitOfWork], Awaitable[object]]
"""A use-case's handler, with its ports bound."""

type Work = Callable[[ITransaction, Handle], Awaitable[object]]
"""Runs the handler as often as it likes in one transaction, and returns the use-case's answer for all of it."""


class TransactionAborted(Unavailable):
    """The database gave up on this transaction for the sake of another; running it again is right."""

    code = "transaction_aborted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """The circumstances of one command. ``request_id`` becomes the correlation id of every event."""

    actor: Actor
    request_id: str
    idempotency_key: str | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a use-case answered, in the outside form shared by all interfaces."""

    body: Wire
    replayed: bool = False


class IDispatch(Protocol):
    """Runs a use-case by name in a transaction of its own; the dispatcher is one."""

    async def __call__(self, name: str, command: object, call: Call) -> Outcome:
        """Run one use-case; the answer is committed, or nothing happened."""
        ...


class SecretOnce:
    """Base of views that carry a secret: :meth:`without_secret` is what a replay may show.

    ``once_only`` is the name of the field.
    """

    __slots__ = ()
    once_only: ClassVar[str] = "secret"

    def without_secret(self) -> "SecretOnce":
        """Return the same view with the secret set to None."""
        return replace(self, **{self.once_only: None})  # type: ignore[type-var]  # reason: subclasses are dataclasses with that field


class Dispatcher:
    """Runs use-cases by name. Ports are bound by their annotated type when it is built."""

    def __init__(
        self,
        units: IUnitOfWorkFactory,
        ports: Mapping[type, object],
        registry: Mapping[str, UseCase],
        outside: Mapping[type, object] | None = None,
        cache: IQueryCache | None = None,
        *,
        deadline: timedelta = DEADLINE,
    ) -> None:
        """Bind every use-case's ports: ``ports`` to handlers, ``outside`` to answers, which no transaction is open for.

        Without a ``cache`` nothing is kept, whatever use-cases declare. A use-case that is not committing when the
        ``deadline`` is over is given up.

        Raises:
            KeyError: a handler or answer asks for a port nobody provides it; the boot fails, not a request.
            TypeError: a result type has no outside form.
        """
        self._units = units
        self._registry = registry
        self._cache = cache
        self._deadline = deadline
        self._ports = {n: {p: ports[t] for p, t in u.ports.items()} for n, u in registry.items()}
        asked = {n: u for n, u in registry.items() if u.answer is not None}
        self._outside = {n: {p: (outside or {})[t] for p, t in u.answer_ports.items()} for n, u in asked.items()}
        self._encoders = {n: encoder(u.result) or _as_is for n, u in registry.items()}

    async def __call__(self, name: str, command: object, call: Call) -> Outcome:
        """Run one use-case for the caller; the answer is committed, or nothing happened.

        Raises:
            StoaError: any named failure of the use-case or of the machinery around it.
        """
        use_case = self._allowed(name, call)
        async with Deadline(self._deadline):
            if self._cache is not None and use_case.cached is not None:
                return await self._kept(self._cache, use_case, use_case.cached, command, call)
            return await self._again_and_again(use_case, command, call)

    async def _again_and_again(self, use_case: UseCase, command: object, call: Call) -> Outcome:
        async def once(uow: ITransaction, handle: Handle) -> object:
            return await handle(command, uow)

        for attempt in range(MAX_RERUNS):
            try:
                return await self._run(use_case, command, once, call)
            except TransactionAborted:
                # Full jitter, so that two transactions that collided do not meet again.
                await asyncio.sleep(random.uniform(0.02, 0.2) * (attempt + 1))  # noqa: S311 - jitter is no secret
        return await self._run(use_case, command, once, call)

    async def at_length(self, name: str, whole: object, work: Work, call: Call) -> Outcome:
        """Run one use-case many times in one transaction, which may last for minutes and is not tried again.

        Args:
            name: of the use-case.
            whole: dataclass of everything that the idempotency key stands for.
            work: what to do.
            call: the circumstances of all of it.

        Raises:
            StoaError: any named failure of the work or of the machinery around it; nothing happened.
        """

        async def at_length(uow: ITransaction, handle: Handle) -> object:
            await uow.take_time()
            return await work(uow, handle)

        return await self._run(self._allowed(name, call), whole, at_length, call)

    def _allowed(self, name: str, call: Call) -> UseCase:
        use_case = self._registry.get(name)
        if use_case is None:
            raise NotFound(f"No use-case {name!r}.")
        call.actor.require(use_case.scope)
        if use_case.money and call.idempotency_key is None and not call.dry_run:
            raise IdempotencyKeyMissing
        return use_case

    async def _run(self, use_case: UseCase, command: object, work: Work, call: Call) -> Outcome:
        opened = self._units(
            call.actor, use_case=use_case.name, request_id=call.request_id, read_only=use_case.read_only
        )
        async with opened as uow:
            key = _kept_under(use_case, command, call)
            if key is not None:
                answer = await uow.idempotency.claim(key, fingerprint(use_case.name, command))
                if answer is not None:
                    return Outcome(answer, replayed=True)
            view = await work(uow, partial(use_case.handler, **self._ports[use_case.name]))
            if use_case.answer is None:
                return await self._concluded(use_case, uow, view, key, call)
        # The transaction is over, and its connection is somebody else's.
        return await self._answered(use_case, view)

    async def _answered(self, use_case: UseCase, view: object) -> Outcome:
        shown = view if use_case.answer is None else await use_case.answer(view, **self._outside[use_case.name])
        return Outcome(self._encoders[use_case.name](shown))

    async def _kept(self, cache: IQueryCache, use_case: UseCase, rule: Cached, command: object, call: Call) -> Outcome:
        """Answer from what the handler returned a moment ago; the caller may do this, which was asked before."""

        async def load() -> Found:
            opened = self._units(call.actor, use_case=use_case.name, request_id=call.request_id, read_only=True)
            async with opened as uow:
                value = await use_case.handler(command, uow, **self._ports[use_case.name])
                return Found(value=value, organization_id=uow.organization_id)

        actor, digest = call.actor, fingerprint(use_case.name, command)
        query = Query(
            organization_id=actor.organization_id, person=actor.user_id, use_case=use_case.name, command=digest
        )  # fmt: skip
        return await self._answered(use_case, await cache.read(query, rule, load))

    async def _concluded(
        self, use_case: UseCase, uow: ITransaction, view: object, key: str | None, call: Call
    ) -> Outcome:
        """Keep the answer and commit, unless nothing is to stay."""
        encode = self._encoders[use_case.name]
        body = encode(view)
        if key is not None:
            uow.idempotency.store(key, encode(view.without_secret()) if isinstance(view, SecretOnce) else body)
        if call.dry_run:
            await uow.flush()
        elif not use_case.read_only:
            await uow.commit()
        return Outcome(body)


def _kept_under(use_case: UseCase, command: object, call: Call) -> str | None:
    """Return the key that the answer is kept under, None when it is not kept."""
    key = call.idempotency_key
    if key is None or use_case.read_only or use_case.keyless or call.dry_run:
        return None
    if call.actor.kind is not ActorKind.PUBLIC:
        return key
    return strangers_key(key, use_case.name, [getattr(command, name) for name in use_case.keyed_by])


def _as_is(value: object) -> Wire:
    return value  # type: ignore[return-value]  # reason: encoder() said the declared type is plain
