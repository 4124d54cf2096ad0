"""The adapters, each made once and bound to its port by its name; nothing connects before it is used."""

from dependency_injector import containers, providers

from application.kernel.ports import (
    IEventPublisher,
    IMailer,
)
from infrastructure import outside
from infrastructure.cache.query_cache import QueryCache
from infrastructure.chain.chains import Chains
from infrastructure.chain.keystore import Keystore
from infrastructure.chain.remote_signer import RemoteSigner
from infrastructure.chain.signatures import Secp256k1Signatures
from infrastructure.chain.signer import Signer
from infrastructure.events.kafka import KafkaEventPublisher
from infrastructure.events.publishers import InMemoryEventPublisher, LoggingEventPublisher, WatchedEventPublisher
from infrastructure.locations import Locations
from infrastructure.mail.links import Links
from infrastructure.mail.outbox_folder import FolderMailer
from infrastructure.mail.smtp import SmtpMailer, WatchedMailer
from infrastructure.observability.calls import Calls
from infrastructure.observability.loggers import Outbound
from infrastructure.observability.metrics import Metrics
from infrastructure.observability.spans import NO_SPANS, Spans
from infrastructure.observability.watch import Watch
from infrastructure.payments.choice import (
    chosen_notices,
    chosen_provider,
    chosen_vault,
    chosen_verifier,
)
from infrastructure.payments.sandbox_tokenizer import SandboxTokenizer
from infrastructure.payments.watched import WatchedMethodVerifier, WatchedPaymentProvider
from infrastructure.persistence.database import Database
from infrastructure.persistence.link_views import LinkViews
from infrastructure.persistence.reach import DatabaseBreakers
from infrastructure.persistence.sign_ins import SqlSignIns
from infrastructure.resilience.admission import Admission, places
from infrastructure.resilience.breakers import Breakers
from infrastructure.resilience.rate_limits import RateLimits
from infrastructure.security.opaque_tokens import APIKeys, SessionTokens, SingleUseTokens
from infrastructure.security.passwords import Argon2Passwords
from infrastructure.settings import Settings
from infrastructure.settings_rules import SettingsError
from infrastructure.settings_tracing import destination
from infrastructure.system import RandomSlugs, SystemClock, UuidV7Ids
from infrastructure.webhooks.network import GuardedNetwork, Resolver
from infrastructure.webhooks.secrets import WebhookSecrets
from infrastructure.webhooks.sender import WebhookSender
from infrastructure.webhooks.targets import WebhookTargets
from infrastructure.workers.deliveries import CONCURRENCY
from infrastructure.workers.wakeup import Wakeup


def _publisher(settings: Settings) -> IEventPublisher:
    """Choose the publisher; a wrong broker stops the start, there is no fallback."""
    if settings.events == "kafka":
        return KafkaEventPublisher(settings.kafka_bootstrap)
    return InMemoryEventPublisher() if settings.events == "memory" else LoggingEventPublisher()


def _mailer(settings: Settings) -> IMailer:
    """Choose who takes mail."""
    server = settings.mail_server()
    if server is None:
        return FolderMailer(settings.data_dir / "mail", settings.sender())
    return SmtpMailer(server, settings.sender())


def _remote_signer(settings: Settings) -> RemoteSigner | None:
    remote = settings.remote_signer()
    return None if remote is None else RemoteSigner(remote)


def _spans(settings: Settings) -> Spans:
    """Choose where spans go; without a place nothing of the tracing library is imported."""
    found = destination(settings)
    if found is None:
        return NO_SPANS
    try:
        from infrastructure.observability.otel import open_spans  # noqa: PLC0415 - costs a fifth of a second
    except ImportError as error:
        raise SettingsError(f"{found.setting}: needs the extra `tracing`, which is not installed") from error
    return open_spans(found.endpoint, found.headers)


class Adapters(containers.DeclarativeContainer):
    """What talks to the world outside: databases, providers, chains, mail, clocks."""

    settings = providers.Dependency(instance_of=Settings)
    locations = providers.Dependency(instance_of=Locations)

    clock = providers.Singleton(SystemClock)
    ids = providers.Singleton(UuidV7Ids)
    slugs = providers.Singleton(RandomSlugs)
    api_keys = providers.Singleton(APIKeys, settings.provided.pepper.call())
    session_tokens = providers.Singleton(SessionTokens, settings.provided.pepper.call())
    single_use_tokens = providers.Singleton(SingleUseTokens, settings.provided.pepper.call())
    passwords = providers.Singleton(Argon2Passwords)
    metrics = providers.Singleton(Metrics)
    spans = providers.Singleton(_spans, settings)
    outbound = providers.Singleton(Outbound, metrics, spans)
    breakers = providers.Singleton(Breakers, metrics.provided.set_breaker)
    provider_breaker = providers.Singleton(outside.provider_breaker, breakers)
    mail_breaker = providers.Singleton(outside.mail_breaker, breakers)

    provider = providers.Singleton(chosen_provider, settings)
    watched_provider = providers.Singleton(WatchedPaymentProvider, provider, provider_breaker, outbound)
    verifier = providers.Singleton(
        WatchedMethodVerifier, providers.Singleton(chosen_verifier, settings, provider), provider_breaker, outbound
    )
    stripe_notices = providers.Singleton(chosen_notices, settings)
    tokenizer = providers.Singleton(SandboxTokenizer, clock)
    vault = providers.Singleton(chosen_vault, settings, tokenizer, clock)
    publisher = providers.Singleton(_publisher, settings)
    calls = providers.Singleton(Calls, metrics, slow_seconds=settings.provided.slow_seconds)
    watch = providers.Factory(Watch, metrics, slow_seconds=settings.provided.slow_seconds, spans=spans)
    watched_publisher = providers.Singleton(
        WatchedEventPublisher, publisher, providers.Singleton(outside.broker_breaker, breakers), outbound
    )
    wakeup = providers.Singleton(Wakeup)
    query_cache = providers.Singleton(QueryCache, observe=metrics.provided.observe_cached_read)

    database_breakers = providers.Singleton(DatabaseBreakers, breakers)
    database = providers.Singleton(
        Database, locations.provided.app, pool_size=settings.provided.pool_size,
        watch=providers.Factory(watch, pool="database"),
        breaker=database_breakers.provided.of.call(locations.provided.app),
    )  # fmt: skip
    relay_database = providers.Singleton(
        Database, locations.provided.relay, pool_size=4, watch=providers.Factory(watch, pool="relay_database"),
        breaker=database_breakers.provided.of.call(locations.provided.relay),
    )  # fmt: skip
    sealer_database = providers.Singleton(
        Database, locations.provided.sealer, pool_size=2, watch=providers.Factory(watch, pool="sealer_database"),
        breaker=database_breakers.provided.of.call(locations.provided.sealer),
    )  # fmt: skip

    admission = providers.Singleton(
        Admission, providers.Callable(places, settings.provided.pool_size), shed=metrics.provided.observe_shed
    )  # fmt: skip
    rate_limits = providers.Singleton(
        RateLimits, credential=settings.provided.rate_limit_key, organization=settings.provided.rate_limit_organization,
        address=settings.provided.rate_limit_address, refused=metrics.provided.observe_rate_limited,
    )  # fmt: skip

    links = providers.Singleton(Links, settings.provided.links_url.call())
    mailer = providers.Singleton(WatchedMailer, providers.Singleton(_mailer, settings), mail_breaker, outbound)
    sign_ins = providers.Singleton(SqlSignIns, database, passwords, clock)
    link_views = providers.Singleton(LinkViews, database, clock)

    chains = providers.Singleton(Chains, settings.provided.chain_settings.call(), breakers=breakers)
    keystore = providers.Singleton(Keystore, settings.provided.wallet_key_bytes.call())
    signer = providers.Singleton(Signer, keystore, providers.Singleton(_remote_signer, settings))
    signatures = providers.Singleton(Secp256k1Signatures)

    webhook_secrets = providers.Singleton(WebhookSecrets, settings.provided.pepper.call())
    webhook_targets = providers.Singleton(WebhookTargets, allow_private=settings.provided.webhooks_allow_private)
    webhook_names = providers.Singleton(Resolver, CONCURRENCY)
    webhook_sender = providers.Singleton(
        WebhookSender, providers.Singleton(GuardedNetwork, webhook_targets, webhook_names)
    )
    delivery_wakeup = providers.Singleton(Wakeup)
