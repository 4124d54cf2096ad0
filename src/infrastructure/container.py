"""The composition root: every adapter is made here, once, and bound to its port."""

import hashlib
import hmac
from pathlib import Path

from dependency_injector import containers, providers

import application
from application.kernel.dispatcher import Dispatcher
from application.kernel.ports import IAPIKeys, IClock, IEventPublisher, IIds, IPasswordHasher, ISlugs
from application.kernel.use_case import UseCase, load_registry
from application.payments.collection import CHARGE, RECONCILE, Collection
from infrastructure.events.kafka import KafkaEventPublisher
from infrastructure.events.publishers import InMemoryEventPublisher, LoggingEventPublisher
from infrastructure.locations import Locations
from infrastructure.observability.calls import Calls
from infrastructure.observability.metrics import Metrics
from infrastructure.payments.sandbox import SandboxPaymentProvider
from infrastructure.persistence.authenticator import Authenticator
from infrastructure.persistence.cursor import CursorSecret
from infrastructure.persistence.database import Database
from infrastructure.persistence.errors import register_constraints
from infrastructure.persistence.models.base import Base
from infrastructure.persistence.unit_of_work import UnitOfWorkFactory
from infrastructure.security.api_keys import APIKeys
from infrastructure.security.passwords import Argon2Passwords
from infrastructure.settings import Settings
from infrastructure.system import RandomSlugs, SystemClock, UuidV7Ids
from infrastructure.workers.jobs import JobWorker
from infrastructure.workers.relay import Relay
from infrastructure.workers.sealer import Sealer
from infrastructure.workers.wakeup import Wakeup


def _publisher(settings: Settings) -> IEventPublisher:
    """Choose the publisher; a wrong broker stops the start, there is no fallback."""
    if settings.events == "kafka":
        return KafkaEventPublisher(settings.kafka_bootstrap)
    return InMemoryEventPublisher() if settings.events == "memory" else LoggingEventPublisher()


def _cursor_secret(settings: Settings) -> CursorSecret:
    """Derive the cursors' key from the pepper: they need no secret of their own."""
    return CursorSecret(hmac.digest(settings.pepper(), b"stoa cursors", "sha256"))


def _registry() -> dict[str, UseCase]:
    register_constraints(Base.metadata)
    return dict(load_registry(application))


def anchors(settings: Settings) -> Path:
    """Return where sealed audit heads are kept outside of the database they are of."""
    if not settings.database_url:
        return settings.data_dir / "audit-heads.jsonl"
    # The address without its credentials, which may change, tells one database from another.
    address = settings.database_url.rpartition("@")[2].partition("?")[0]
    return settings.data_dir / f"audit-heads-{hashlib.sha256(address.encode()).hexdigest()[:12]}.jsonl"


class Container(containers.DeclarativeContainer):
    """Adapters as singletons; nothing connects before it is used."""

    settings = providers.Dependency(instance_of=Settings)
    locations = providers.Dependency(instance_of=Locations)

    clock = providers.Singleton(SystemClock)
    ids = providers.Singleton(UuidV7Ids)
    slugs = providers.Singleton(RandomSlugs)
    api_keys = providers.Singleton(APIKeys, settings.provided.pepper.call())
    passwords = providers.Singleton(Argon2Passwords)
    provider = providers.Singleton(
        SandboxPaymentProvider, journal=providers.Callable(lambda s: s.data_dir / "sandbox-charges.jsonl", settings)
    )
    publisher = providers.Singleton(_publisher, settings)
    metrics = providers.Singleton(Metrics)
    calls = providers.Singleton(Calls, metrics)
    wakeup = providers.Singleton(Wakeup)

    database = providers.Singleton(Database, locations.provided.app, pool_size=settings.provided.pool_size)
    relay_database = providers.Singleton(Database, locations.provided.relay, pool_size=4)
    sealer_database = providers.Singleton(Database, locations.provided.sealer, pool_size=2)

    registry = providers.Singleton(_registry)
    units = providers.Singleton(
        UnitOfWorkFactory, database, clock=clock, ids=ids,
        cursor_secret=providers.Callable(_cursor_secret, settings), committed=wakeup.provided.wake,
    )  # fmt: skip
    # Neither the payment provider nor the publisher: handlers run inside a transaction, and those two talk to others.
    ports = providers.Dict(
        {
            IClock: clock,
            IIds: ids,
            ISlugs: slugs,
            IAPIKeys: api_keys,
            IPasswordHasher: passwords,
        }
    )
    dispatcher = providers.Singleton(Dispatcher, units, ports, registry)
    authenticator = providers.Singleton(Authenticator, database, api_keys, clock)

    collection = providers.Singleton(Collection, units, dispatcher, provider)
    jobs = providers.Singleton(
        JobWorker, relay_database,
        providers.Dict({CHARGE: collection.provided.charge, RECONCILE: collection.provided.reconcile}),
        wakeup=wakeup, metrics=metrics,
    )  # fmt: skip
    relay = providers.Singleton(Relay, relay_database, publisher, wakeup=wakeup, metrics=metrics)
    sealer = providers.Singleton(
        Sealer, sealer_database, settings.provided.seal_key.call(),
        anchors=providers.Callable(anchors, settings), wakeup=wakeup, metrics=metrics,
    )  # fmt: skip
