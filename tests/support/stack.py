"""A wired core on one database: dispatcher, unit of work, provider and clock, without any face."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import cast
from uuid import uuid4

import application
from application.identity.invitation_mails import InvitationMails
from application.identity.invitations import INVITATION_MAIL
from application.identity.mail_jobs import MailJob
from application.identity.person_mails import MAILS, PersonMails
from application.identity.ports import ISessionTokens, ISignIns, ISingleUseTokens
from application.identity.sign_up import SIGN_UP, SignUpJob
from application.kernel.actor import PLATFORM, Actor, operator
from application.kernel.dispatcher import Call, Dispatcher
from application.kernel.ports import IAPIKeys, IClock, IIds, ILinkViews, IMailer, IPasswordHasher, ISlugs, Mail
from application.kernel.use_case import UseCase, load_registry
from application.payments.collection import Collection
from application.payments.payment_order_care import Expiry
from application.payments.repayment import Repayments
from application.wallets.ports import IChains, IHistoryCursors
from application.wallets.signing_ports import IKeystore, ISignatures, ISignInOrigin
from application.wallets.wallet_contracts import IWalletContracts
from application.webhooks.ports import IWebhookSecrets, IWebhookTargets
from domain.shared.ids import OrganizationId, decode_id
from infrastructure.cache.query_cache import QueryCache
from infrastructure.chain.contracts import Artifacts
from infrastructure.chain.cursors import HistoryCursors
from infrastructure.chain.keystore import Keystore
from infrastructure.chain.origin import PublicOrigin
from infrastructure.chain.signatures import Secp256k1Signatures
from infrastructure.mail.links import Links
from infrastructure.observability.metrics import Metrics
from infrastructure.observability.spans import NO_SPANS, Spans
from infrastructure.observability.traced import traced
from infrastructure.observability.watch import Watch
from infrastructure.payments.sandbox import SandboxPaymentProvider
from infrastructure.persistence.authenticator import Authenticator
from infrastructure.persistence.cursor import CursorSecret
from infrastructure.persistence.database import Database
from infrastructure.persistence.errors import register_constraints
from infrastructure.persistence.link_views import LinkViews
from infrastructure.persistence.models.base import Base
from infrastructure.persistence.sign_ins import SqlSignIns
from infrastructure.persistence.unit_of_work import UnitOfWorkFactory
from infrastructure.resilience.breaker import Breaker
from infrastructure.security.opaque_tokens import APIKeys, SessionTokens, SingleUseTokens
from infrastructure.security.passwords import Argon2Passwords
from infrastructure.system import RandomSlugs, UuidV7Ids
from infrastructure.webhooks.secrets import WebhookSecrets
from infrastructure.webhooks.targets import WebhookTargets
from interfaces.schema.command import CommandSchema
from tests.support.databases import DatabaseUrls
from tests.support.still_chain import StillChains

PEPPER = b"pepper-for-tests-only-0123456789"
type Body = dict[str, object]


class FrozenClock(IClock):
    """A clock that moves when a test says so; by default it is the real time."""

    def __init__(self) -> None:
        """Start with no shift."""
        self.shift = timedelta()

    def now(self) -> datetime:
        """Return the shifted time."""
        return datetime.now(UTC) + self.shift


class Letterbox(IMailer):
    """Keeps every mail, the newest last."""

    def __init__(self) -> None:
        """Start empty."""
        self.mails: list[Mail] = []

    async def send(self, mail: Mail) -> None:
        """Take one."""
        self.mails.append(mail)

    def to(self, address: str) -> list[Mail]:
        """Return all mails to one address."""
        return [mail for mail in self.mails if mail.to == address]


@dataclass(kw_only=True)
class Stack:
    """The core, wired as the container wires it."""

    urls: DatabaseUrls
    database: Database
    relay_database: Database
    sealer_database: Database
    registry: Mapping[str, UseCase]
    dispatcher: Dispatcher
    units: UnitOfWorkFactory
    provider: SandboxPaymentProvider
    collection: Collection
    repayments: Repayments
    expiry: Expiry
    authenticate: Authenticator
    mailer: "Letterbox"
    post: Mapping[str, MailJob | SignUpJob]
    views: LinkViews
    cache: QueryCache
    clock: FrozenClock
    ids: IIds
    chains: IChains
    wakes: list[None] = field(default_factory=list)
    spans: Spans = NO_SPANS
    observe: Callable[[str, str, str, float], None] = lambda *_: None

    def command(self, name: str, /, **fields: object) -> object:
        """Parse outside fields into the use-case's command, as every face does."""
        return _schema(self.registry[name].command).validate(fields)

    async def run(self, name: str, actor: Actor, /, **fields: object) -> Body:
        """Run one use-case and return what it answered."""
        key = str(uuid4()) if self.registry[name].money else None
        return await self._run(name, actor, key, fields)

    async def run_once(self, key: str, name: str, actor: Actor, /, **fields: object) -> Body:
        """Run one use-case under an idempotency key, so that the same call again gets the same answer."""
        return await self._run(name, actor, key, fields)

    async def _run(self, name: str, actor: Actor, key: str | None, fields: Mapping[str, object]) -> Body:
        call = Call(actor=actor, request_id=str(uuid4()), idempotency_key=key)
        return cast("Body", (await self.dispatcher(name, self.command(name, **fields), call)).body)

    async def organization(self, slug: str | None = None) -> Actor:
        """Create an organization and return its all-powerful operator."""
        slug = slug or f"org-{uuid4().hex[:20]}"
        created = await self.run(
            "organizations.create", operator(PLATFORM), name="Harbour Coffee", slug=slug, default_currency="EUR",
            owner_email=f"{slug}@harbour.example", owner_name="Inês Duarte",
        )  # fmt: skip
        return operator(OrganizationId(decode_id("org", str(created["id"]))))


@cache
def _schema(command: type) -> CommandSchema:
    return CommandSchema(command)


@asynccontextmanager
async def open_stack(
    urls: DatabaseUrls, *, pool_size: int = 10, pool_timeout: float = 5, deadline: timedelta = timedelta(minutes=1),
    breaker: Breaker | None = None, chains: IChains | None = None, spans: Spans = NO_SPANS,
) -> AsyncIterator[Stack]:  # fmt: skip
    """Wire a core on a database and dispose of its pools afterwards; without ``chains`` they stand still.

    Its limits in seconds are those of a machine that many share.
    """
    register_constraints(Base.metadata)
    registry = load_registry(application)
    watch = Watch(Metrics(), spans=spans)
    database = Database(urls.app, pool_size=pool_size, pool_timeout=pool_timeout, breaker=breaker, watch=watch)
    relay, sealer = Database(urls.relay, pool_size=3), Database(urls.sealer, pool_size=3)
    clock, ids, keys, provider = FrozenClock(), UuidV7Ids(), APIKeys(PEPPER), SandboxPaymentProvider()
    tokens = SessionTokens(PEPPER)
    wakes: list[None] = []
    secret = CursorSecret(b"cursor")
    cache = QueryCache()
    units = UnitOfWorkFactory(
        database,
        clock=clock,
        ids=ids,
        cursor_secret=secret,
        committed=lambda: wakes.append(None),
        changes=cache,
    )
    # Written when a test says so, and not in the middle of another test's comparison.
    views = LinkViews(database, clock, every=3600)
    ports: dict[type, object] = {IClock: clock, IIds: ids, IAPIKeys: keys, ISlugs: RandomSlugs(), ILinkViews: views}
    # The cheapest parameters there are: how long hashing takes is no question of most tests.
    hasher, mailed = Argon2Passwords(time_cost=1, memory_kib=8, workers=2), SingleUseTokens(PEPPER)
    ports |= {
        ISingleUseTokens: mailed, ISessionTokens: tokens, IPasswordHasher: hasher,
        ISignIns: SqlSignIns(database, hasher, clock),
    }  # fmt: skip
    ports |= {IWebhookSecrets: WebhookSecrets(PEPPER), IWebhookTargets: WebhookTargets()}
    ports |= {ISignInOrigin: PublicOrigin("https://stoa.example"), ISignatures: Secp256k1Signatures()}
    ports |= {IKeystore: Keystore(PEPPER), IWalletContracts: Artifacts()}
    chains = chains or StillChains()
    outside: dict[type, object] = {
        IChains: chains, IHistoryCursors: HistoryCursors(secret), IClock: clock, ILinkViews: views
    }  # fmt: skip
    # reason: with spans it is one more that does all that a dispatcher does
    dispatcher = cast(
        "Dispatcher", traced(Dispatcher(units, ports, registry, outside, cache, deadline=deadline), spans)
    )
    mailer, links = Letterbox(), Links("https://stoa.example")
    mails, invitations = PersonMails(units, dispatcher, mailed, links), InvitationMails(dispatcher, mailed, links)
    authenticate = Authenticator(database, keys, tokens, clock)
    stack = Stack(
        urls=urls, database=database, relay_database=relay, sealer_database=sealer, registry=registry,
        dispatcher=dispatcher, units=units, provider=provider, collection=Collection(units, dispatcher, provider),
        repayments=Repayments(units, dispatcher, provider), expiry=Expiry(dispatcher),
        authenticate=authenticate, mailer=mailer,
        post={kind: MailJob(getattr(mails, method), mailer) for kind, method in MAILS.items()} | {
            INVITATION_MAIL: MailJob(invitations.invitation, mailer), SIGN_UP: SignUpJob(dispatcher),
        }, views=views, cache=cache, clock=clock, ids=ids, chains=chains, wakes=wakes, spans=spans,
    )  # fmt: skip
    try:
        yield stack
    finally:
        await authenticate.settle()
        await views.settle()
        hasher.close()
        for each in (database, relay, sealer):
            await each.dispose()
