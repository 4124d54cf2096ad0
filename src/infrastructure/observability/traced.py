"""A span around every use-case, whichever face, job or worker runs it."""

from application.kernel.dispatcher import Call, Dispatcher, Outcome, Work
from infrastructure.observability.spans import Kind, Spans


class TracedDispatcher:
    """A dispatcher whose runs are spans; made only where spans have somewhere to go."""

    def __init__(self, dispatcher: Dispatcher, spans: Spans) -> None:
        """Run by ``dispatcher``."""
        self._dispatcher = dispatcher
        self._spans = spans

    async def __call__(self, name: str, command: object, call: Call) -> Outcome:
        """Run one use-case."""
        with self._spans.around(name, Kind.INTERNAL, _facts(name, call), correlation_id=call.request_id) as mark:
            outcome = await self._dispatcher(name, command, call)
            mark("stoa.replayed", outcome.replayed)
        return outcome

    async def at_length(self, name: str, whole: object, work: Work, call: Call) -> Outcome:
        """Run one use-case many times in one transaction."""
        with self._spans.around(name, Kind.INTERNAL, _facts(name, call), correlation_id=call.request_id):
            return await self._dispatcher.at_length(name, whole, work, call)


def traced(dispatcher: Dispatcher, spans: Spans) -> Dispatcher | TracedDispatcher:
    """Return the dispatcher, with spans if there are any."""
    return TracedDispatcher(dispatcher, spans) if spans.is_on else dispatcher


def _facts(name: str, call: Call) -> dict[str, str]:
    return {"stoa.use_case": name, "stoa.actor.kind": call.actor.kind.value, "stoa.request_id": call.request_id}
