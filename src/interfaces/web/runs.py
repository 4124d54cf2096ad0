"""Runs the use-cases behind the pages: validated and measured as on every other face."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from time import perf_counter

from application.kernel.actor import PUBLIC_ACTOR, Actor
from application.kernel.dispatcher import Call, Outcome
from application.kernel.use_case import UseCase
from domain.shared.errors import StoaError
from interfaces.schema.command import CommandSchema
from interfaces.web.pages import Visit

type Dispatch = Callable[[str, object, Call], Awaitable[Outcome]]
type Observe = Callable[[str, str, str, float], None]


class Runs:
    """The few use-cases that some pages need."""

    def __init__(
        self, dispatch: Dispatch, registry: Mapping[str, UseCase], observe: Observe, names: Iterable[str]
    ) -> None:
        """Build their validators once."""
        self._dispatch = dispatch
        self._observe = observe
        self._schemas = {name: CommandSchema(registry[name].command, name) for name in names}

    async def __call__(
        self, name: str, fields: Mapping[str, object], visit: Visit, *, key: str | None = None,
        actor: Actor = PUBLIC_ACTOR,
    ) -> object:  # fmt: skip
        """Return a use-case's answer; ``key`` makes a form that is sent twice one thing.

        Raises:
            StoaError: whatever the use-case refuses.
        """
        started, code = perf_counter(), "internal_error"
        try:
            command = self._schemas[name].validate(fields)
            outcome = await self._dispatch(
                name, command, Call(actor=actor, request_id=visit.request_id, idempotency_key=key)
            )
            code = "ok"
        except StoaError as error:
            code = error.code
            raise
        finally:
            self._observe(name, "web", code, perf_counter() - started)
        return outcome.body
