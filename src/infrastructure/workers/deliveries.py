"""The delivery worker: sends due webhooks of all tenants under leases, each endpoint in a lane of its own.

A claim takes a fencing token, as a job does. An endpoint has a few requests under way at most, and endpoints that fail
share half of the room, so that neither a dead one nor many of them hold up those that answer. Whoever fails again and
again is left alone for a while: what is due for it waits unclaimed, and costs neither a try nor its place. A killed
worker's deliveries are sent again when their leases end: at least once, always with the same ``webhook-id``.
"""

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple, cast
from uuid import UUID

import msgspec
import structlog

from application.kernel.actor import NOWHERE, worker
from application.kernel.causality import Cause
from application.kernel.dispatcher import Call, IDispatch
from application.webhooks.webhook_endpoint_states import SuspendWebhookEndpoint
from domain.shared.errors import NotFound, StoaError
from domain.shared.ids import EventId, OrganizationId, WebhookEndpointId, encode_id
from domain.webhooks.retries import GIVE_UP_AFTER, has_given_up, pause_after
from domain.webhooks.webhook_delivery import DeliveryStatus
from domain.webhooks.webhook_endpoint import DisableReason
from infrastructure.observability.metrics import Metrics
from infrastructure.observability.spans import NO_SPANS, Kind, Spans, Value
from infrastructure.persistence.database import Database
from infrastructure.persistence.settled import settled
from infrastructure.persistence.statement import Build, Params, Statement
from infrastructure.persistence.transaction import Rows, Transaction
from infrastructure.resilience.breaker import BreakerOpen
from infrastructure.system import SystemClock, UuidV7Ids
from infrastructure.webhooks.receivers import Receivers
from infrastructure.webhooks.secrets import SecretUnreadable, WebhookSecrets
from infrastructure.webhooks.sender import Answer, WebhookSender
from infrastructure.webhooks.signing import signed_headers
from infrastructure.workers import delivery_statements as statements
from infrastructure.workers.leader import POLL_SECONDS
from infrastructure.workers.rounds import farewell, round_after_round
from infrastructure.workers.wakeup import Wakeup

LEASE = timedelta(seconds=60)
CONCURRENCY = 64
PER_ENDPOINT = 4


class Claim(NamedTuple):
    """A delivery that is ours until its lease ends."""

    organization_id: OrganizationId
    id: UUID
    endpoint_id: WebhookEndpointId
    event_id: EventId
    token: int
    tries: int
    failing: bool

    def params(self) -> dict[str, object]:
        """Name the delivery and its endpoint, and the token that has to be still the same."""
        return {
            "organization": self.organization_id, "delivery": self.id, "endpoint": self.endpoint_id,
            "mine": self.token,
        }  # fmt: skip


class Message(NamedTuple):
    """What is to be sent, and the sealed secrets that sign it."""

    url: str
    secret: str
    previous_secret: str | None
    previous_secret_ends_at: datetime | None
    payload: str


class Published(msgspec.Struct, frozen=True, gc=False):
    """The one fact of a payload that is of use here; everything else in it is skipped."""

    correlation_id: str | None = None


_read = msgspec.json.Decoder(Published).decode


class DeliveryWorker:
    """Delivers webhooks, many at a time; any number of workers may run."""

    def __init__(
        self, database: Database, sender: WebhookSender, secrets: WebhookSecrets, dispatch: IDispatch, *,
        wakeup: Wakeup | None = None, metrics: Metrics | None = None, receivers: Receivers | None = None,
        lease: timedelta = LEASE, concurrency: int = CONCURRENCY, per_endpoint: int = PER_ENDPOINT,
        give_up_after: timedelta = GIVE_UP_AFTER, spans: Spans = NO_SPANS,
    ) -> None:  # fmt: skip
        """Send at most ``concurrency`` at once, and at most ``per_endpoint`` of them to one endpoint."""
        self._database = database
        self._sender = sender
        self._secrets = secrets
        self._dispatch = dispatch
        self._ear = (wakeup or Wakeup()).listen()
        self._metrics = metrics or Metrics()
        self._receivers = receivers or Receivers(self._metrics.set_webhook_breakers_open)
        self._lease = lease
        self._concurrency = concurrency
        self._per_endpoint = per_endpoint
        self._give_up_after = give_up_after
        self._spans = spans
        self._clock = SystemClock()
        self._ids = UuidV7Ids()
        self._running: dict[asyncio.Task[None], Claim] = {}
        self._log = structlog.get_logger("stoa.workers").bind(worker="webhooks")

    async def run(self) -> None:
        """Deliver until cancelled; what is under way then may still finish, or is given back."""
        try:
            await round_after_round(self._round, self._log)
        finally:
            await farewell(self._running)

    async def deliver_due_once(self) -> int:
        """Deliver what is due until nothing is, and return how many requests that were."""
        count = 0
        while await self._start():
            count += len(self._running)
            await asyncio.gather(*self._running)
        return count

    async def _round(self) -> None:
        """Start what is due, as far as there is room, and wait for something to change."""
        if not await settled(self._start()):
            await self._ear.wait(POLL_SECONDS)

    async def _start(self) -> int:
        """Claim for endpoints that answer first; those that fail get what is left of half the room."""
        claims = await self._claim(self._concurrency - len(self._running), failing=False)
        room = self._concurrency - len(self._running) - len(claims)
        failing = sum(claim.failing for claim in self._running.values())
        claims += await self._claim(min(room, self._concurrency // 2 - failing), failing=True)
        if not claims:
            return 0
        messages = await self._load(claims)
        for claim in claims:
            task = asyncio.create_task(self._deliver(claim, messages.get(claim.id)))
            self._running[task] = claim
            task.add_done_callback(self._finished)
        return len(claims)

    def _finished(self, task: asyncio.Task[None]) -> None:
        """Make room. The ear remembers it: an end that comes during a claim would be missed by waiting for tasks."""
        del self._running[task]
        self._ear.ring()

    async def _claim(self, most: int, *, failing: bool) -> list[Claim]:
        if most <= 0:
            return []
        busy = sorted({claim.endpoint_id for claim in self._running.values()}.union(self._receivers.resting()))
        # One request at a time is enough to find out whether an endpoint is back.
        each = 1 if failing else self._per_endpoint
        params = {"most": most, "each": each, "busy": busy, "failing": failing}
        rows = await self._execute("webhooks-claim", statements.claim, params, lease=self._lease)
        return [Claim(*cast("tuple[OrganizationId, UUID, WebhookEndpointId, EventId, int, int]", tuple(row)), failing)
                for row in rows]  # fmt: skip

    async def _load(self, claims: Sequence[Claim]) -> dict[UUID, Message]:
        statement = self._database.prepare("webhooks-load", statements.load)
        params = {"organizations": list({c.organization_id for c in claims}), "ids": [c.id for c in claims]}
        rows = await self._database.rows(statement, params, organization_id=NOWHERE)
        return {cast("UUID", row[0]): Message(*cast("Message", tuple(row[1:]))) for row in rows}

    async def _deliver(self, claim: Claim, message: Message | None) -> None:
        """Send one webhook and record what came of it."""
        started = self._clock.now()
        try:
            if message is None:
                # In this very moment its endpoint was closed, or it was pruned.
                await self._execute("webhooks-release", statements.release, claim.params())
                return
            cause = Cause(correlation_id=_read(message.payload).correlation_id, causation_id=claim.event_id)
            facts: dict[str, Value] = {"messaging.message.id": str(claim.event_id), "stoa.tries": claim.tries}
            with self._spans.around("deliver webhook", Kind.CLIENT, facts, cause=cause) as mark:
                answer = await self._receivers.ask(claim.endpoint_id, partial(self._send, claim, message))
                mark("stoa.result", answer.error or "ok")
                await self._record(claim, started, answer)
        except BreakerOpen:
            # It was claimed beside the one that opened the breaker, or that tries now whether to close it.
            await settled(self._release(claim))
        except asyncio.CancelledError:
            await self._release(claim)
            raise
        except StoaError as error:
            self._log.warning("delivery_left_to_its_lease", delivery=str(claim.id), code=error.code)
        except Exception:  # noqa: BLE001 - one delivery must not take the others with it
            self._log.exception("delivery_left_to_its_lease", delivery=str(claim.id))

    async def _release(self, claim: Claim) -> None:
        try:
            await self._execute("webhooks-release", statements.release, claim.params())
        except StoaError as error:
            self._log.warning("delivery_left_to_its_lease", delivery=str(claim.id), code=error.code)

    async def _send(self, claim: Claim, message: Message) -> Answer:
        try:
            keys = [self._secrets.open(claim.endpoint_id, sealed) for sealed in self._signing(message)]
        except SecretUnreadable:
            self._log.error("webhook_secret_unreadable", endpoint=str(claim.endpoint_id))
            return Answer(status_code=None, error="secret_unreadable", duration=0.0)
        body = message.payload.encode()
        headers = signed_headers(encode_id("evt", claim.event_id), int(time.time()), body, keys)
        return await self._sender.send(message.url, headers, body)

    def _signing(self, message: Message) -> list[str]:
        ends_at = message.previous_secret_ends_at
        if message.previous_secret is None or ends_at is None or ends_at <= self._clock.now():
            return [message.secret]
        return [message.secret, message.previous_secret]

    async def _record(self, claim: Claim, started: datetime, answer: Answer) -> None:
        """Write the attempt and where the delivery stands now, unless the claim is no longer ours."""
        attempt = {
            "a_id": self._ids.new(), "a_started_at": started, "a_duration_ms": round(answer.duration * 1000),
            "a_status_code": answer.status_code, "a_error": answer.error, "a_response": answer.response,
        }  # fmt: skip
        self._metrics.observe_job("webhooks.deliver", answer.error or "ok", answer.duration)
        async with self._database.transaction(NOWHERE) as transaction:
            if not await self._settle(transaction, claim, answer):
                return
            note = self._prepare("webhooks-note", statements.note)
            await transaction.rows(note, {**claim.params(), **attempt})
        # The endpoint's row is taken by itself, so that nobody who locks it first can be waiting for ours.
        if answer.error is None:
            if claim.failing:
                await self._execute("webhooks-recovered", statements.recovered, claim.params())
        else:
            await self._count_failure(claim, answer)

    async def _settle(self, transaction: Transaction, claim: Claim, answer: Answer) -> bool:
        wish = None if answer.retry_after is None else timedelta(seconds=answer.retry_after)
        pause = None if answer.is_gone else pause_after(claim.tries, random.random(), wish)  # noqa: S311 - jitter
        params = {**claim.params(), **self._times(pause=pause or timedelta())}
        if answer.error is None or pause is None:
            status = DeliveryStatus.DELIVERED if answer.error is None else DeliveryStatus.FAILED
            statement = self._prepare("webhooks-conclude", statements.conclude)
            return bool(await transaction.rows(statement, {**params, "new_status": status.value}))
        return bool(await transaction.rows(self._prepare("webhooks-postpone", statements.postpone), params))

    async def _count_failure(self, claim: Claim, answer: Answer) -> None:
        rows = await self._execute("webhooks-failed", statements.failed, claim.params())
        if not rows:
            return
        since, failures = cast("datetime", rows[0][0]), cast("int", rows[0][1])
        if answer.is_gone:
            await self._suspend(claim, DisableReason.GONE)
        elif has_given_up(self._clock.now() - since, failures, after=self._give_up_after):
            await self._suspend(claim, DisableReason.FAILING)

    async def _suspend(self, claim: Claim, reason: DisableReason) -> None:
        command = SuspendWebhookEndpoint(
            id=claim.endpoint_id, reason="gone" if reason is DisableReason.GONE else "failing"
        )
        call = Call(actor=worker(claim.organization_id), request_id=str(claim.id))
        with suppress(NotFound):
            await self._dispatch("webhook_endpoints.suspend", command, call)

    def _prepare(self, name: str, build: Build) -> Statement:
        return self._database.prepare(name, lambda: build(postgres=self._database.is_postgres))

    def _times(self, **after: timedelta) -> dict[str, object]:
        now = self._clock.now()
        times: dict[str, object] = {"now": now}
        for name, span in after.items():
            times.update({f"{name}_after": span, f"{name}_at": now + span})
        return times

    async def _execute(self, name: str, build: Build, params: Params, **after: timedelta) -> Rows:
        statement = self._prepare(name, build)
        return await self._database.rows(statement, {**params, **self._times(**after)}, organization_id=NOWHERE)
