"""The composition root: every adapter is made here, once, and bound to its port."""

import hashlib
import hmac
from datetime import timedelta
from pathlib import Path

from dependency_injector import containers, providers

import application
from application.approvals.mandate_care import MandateCare
from application.customers.kyc import CHECK as KYC_CHECK
from application.customers.kyc import EXPIRE as KYC_EXPIRE
from application.customers.kyc_checks import KycChecks
from application.customers.method_checks import MethodChecks
from application.customers.verification import VERIFY
from application.identity.invitation_mails import InvitationMails
from application.identity.invitations import INVITATION_MAIL
from application.identity.mail_jobs import MailJob
from application.identity.person_mails import (
    FINISH_SIGN_UP,
    KNOWN_ADDRESS,
    PASSWORD_CHANGED,
    RECOVER_PASSWORD,
    VERIFY_EMAIL,
    PersonMails,
)
from application.identity.ports import ISessionTokens, ISignIns, ISingleUseTokens
from application.identity.sign_up import SIGN_UP, SignUpJob
from application.kernel.dispatcher import Dispatcher
from application.kernel.import_files import Importer
from application.kernel.ports import (
    IAPIKeys,
    IClock,
    IEventPublisher,
    IIds,
    ILinkViews,
    IMailer,
    IPasswordHasher,
    ISlugs,
)
from application.kernel.use_case import UseCase, load_registry
from application.mandates.mandates import MANDATE_ENDS
from application.mandates.waiting import APPROVAL_EXPIRES
from application.payments.collection import CHARGE, RECONCILE, Collection
from application.payments.payment_order_care import EXPIRE, Expiry
from application.payments.refunds import REFUND
from application.payments.repayment import Repayments
from application.payments.settling import Settling
from application.payments.token_paying import SETTLE
from application.wallets.deployments import CHECK_DEPLOYMENT, Deployments
from application.wallets.origins import REPORT, Reports
from application.wallets.ports import IChains, IHistoryCursors
from application.wallets.sending import Sending
from application.wallets.signing_ports import IKeystore, ISignatures, ISignInOrigin
from application.wallets.transaction_jobs import SEND
from application.wallets.wallet_contracts import IWalletContracts
from application.wallets.wallet_ownership import CHECK_OWNERSHIP, OwnershipChecks
from application.wallets.watches import COMPARE, WATCH
from application.wallets.watching import Watching
from application.webhooks.ports import IWebhookSecrets, IWebhookTargets
from application.work.advancing import ATTEND
from application.work.workflow_attendance import Attendance
from infrastructure.chain.chains import Chains
from infrastructure.chain.contracts import Artifacts
from infrastructure.chain.cursors import HistoryCursors
from infrastructure.chain.keystore import Keystore
from infrastructure.chain.origin import PublicOrigin
from infrastructure.chain.remote_signer import RemoteSigner
from infrastructure.chain.signatures import Secp256k1Signatures
from infrastructure.chain.signer import Signer
from infrastructure.events.kafka import KafkaEventPublisher
from infrastructure.events.publishers import InMemoryEventPublisher, LoggingEventPublisher
from infrastructure.locations import Locations
from infrastructure.mail.links import Links
from infrastructure.mail.outbox_folder import FolderMailer
from infrastructure.mail.smtp import SmtpMailer
from infrastructure.observability.calls import Calls
from infrastructure.observability.metrics import Metrics
from infrastructure.payments.choice import (
    chosen_kyc,
    chosen_notices,
    chosen_provider,
    chosen_vault,
    chosen_verifier,
)
from infrastructure.payments.sandbox_tokenizer import SandboxTokenizer
from infrastructure.persistence.authenticator import Authenticator
from infrastructure.persistence.cursor import CursorSecret
from infrastructure.persistence.database import Database
from infrastructure.persistence.errors import register_constraints
from infrastructure.persistence.link_views import LinkViews
from infrastructure.persistence.models.base import Base
from infrastructure.persistence.sign_ins import SqlSignIns
from infrastructure.persistence.unit_of_work import UnitOfWorkFactory
from infrastructure.security.opaque_tokens import APIKeys, SessionTokens, SingleUseTokens
from infrastructure.security.passwords import Argon2Passwords
from infrastructure.settings import Settings
from infrastructure.system import RandomSlugs, SystemClock, UuidV7Ids
from infrastructure.webhooks.network import GuardedNetwork, Resolver
from infrastructure.webhooks.secrets import WebhookSecrets
from infrastructure.webhooks.sender import WebhookSender
from infrastructure.webhooks.targets import WebhookTargets
from infrastructure.workers.deliveries import CONCURRENCY, DeliveryWorker
from infrastructure.workers.jobs import JobWorker
from infrastructure.workers.lease_sweeper import LeaseSweeper
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


def _retention(settings: Settings) -> timedelta:
    return timedelta(days=settings.event_retention_days)


def _registry() -> dict[str, UseCase]:
    register_constraints(Base.metadata)
    return dict(load_registry(application))


def _mailer(settings: Settings) -> IMailer:
    """Choose who takes mail."""
    server = settings.mail_server()
    if server is None:
        return FolderMailer(settings.data_dir / "mail", settings.sender())
    return SmtpMailer(server, settings.sender())


def _remote_signer(settings: Settings) -> RemoteSigner | None:
    remote = settings.remote_signer()
    return None if remote is None else RemoteSigner(remote)


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
    session_tokens = providers.Singleton(SessionTokens, settings.provided.pepper.call())
    single_use_tokens = providers.Singleton(SingleUseTokens, settings.provided.pepper.call())
    passwords = providers.Singleton(Argon2Passwords)
    provider = providers.Singleton(chosen_provider, settings)
    stripe_notices = providers.Singleton(chosen_notices, settings)
    tokenizer = providers.Singleton(SandboxTokenizer, clock)
    vault = providers.Singleton(chosen_vault, settings, tokenizer, clock)
    publisher = providers.Singleton(_publisher, settings)
    metrics = providers.Singleton(Metrics)
    calls = providers.Singleton(Calls, metrics)
    wakeup = providers.Singleton(Wakeup)

    database = providers.Singleton(Database, locations.provided.app, pool_size=settings.provided.pool_size)
    relay_database = providers.Singleton(Database, locations.provided.relay, pool_size=4)
    sealer_database = providers.Singleton(Database, locations.provided.sealer, pool_size=2)

    links = providers.Singleton(Links, settings.provided.links_url.call())
    mailer = providers.Singleton(_mailer, settings)
    sign_ins = providers.Singleton(SqlSignIns, database, passwords, clock)
    link_views = providers.Singleton(LinkViews, database, clock)

    chains = providers.Singleton(Chains, settings.provided.chain_settings.call())
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
            IWebhookSecrets: webhook_secrets,
            IWebhookTargets: webhook_targets,
            ILinkViews: link_views,
            IAPIKeys: api_keys,
            IPasswordHasher: passwords,
            ISessionTokens: session_tokens,
            ISingleUseTokens: single_use_tokens,
            ISignIns: sign_ins,
            IKeystore: keystore,
            ISignatures: signatures,
            IWalletContracts: providers.Singleton(Artifacts),
            ISignInOrigin: providers.Singleton(PublicOrigin, settings.provided.links_url.call()),
        }
    )
    # What answers are made of, for which no transaction is open.
    outside = providers.Dict(
        {
            IChains: chains,
            IHistoryCursors: providers.Singleton(HistoryCursors, providers.Callable(_cursor_secret, settings)),
        }
    )
    dispatcher = providers.Singleton(Dispatcher, units, ports, registry, outside)
    importer = providers.Singleton(Importer, dispatcher)
    authenticator = providers.Singleton(Authenticator, database, api_keys, session_tokens, clock)

    collection = providers.Singleton(Collection, units, dispatcher, provider)
    repayments = providers.Singleton(Repayments, units, dispatcher, provider)
    expiry = providers.Singleton(Expiry, dispatcher)
    settling = providers.Singleton(Settling, units, dispatcher, chains)
    mandate_care = providers.Singleton(MandateCare, units, dispatcher)
    kyc_checks = providers.Singleton(KycChecks, units, dispatcher, providers.Singleton(chosen_kyc, settings))
    verifier = providers.Singleton(chosen_verifier, settings, provider)
    method_checks = providers.Singleton(MethodChecks, units, dispatcher, verifier)
    person_mails = providers.Singleton(PersonMails, units, dispatcher, single_use_tokens, links)
    invitation_mails = providers.Singleton(InvitationMails, dispatcher, single_use_tokens, links)
    ownership = providers.Singleton(OwnershipChecks, units, dispatcher, chains)
    sending = providers.Singleton(Sending, units, dispatcher, chains, signer)
    deployments = providers.Singleton(Deployments, units, dispatcher, chains)
    watching = providers.Singleton(
        Watching, units, dispatcher, chains, drifted=metrics.provided.observe_wallet_drifts
    )  # fmt: skip
    reports = providers.Singleton(Reports, units, dispatcher)
    attendance = providers.Singleton(Attendance, units, dispatcher, clock)
    jobs = providers.Singleton(
        JobWorker, relay_database,
        providers.Dict({
            VERIFY_EMAIL: providers.Singleton(MailJob, person_mails.provided.verify_email, mailer),
            RECOVER_PASSWORD: providers.Singleton(MailJob, person_mails.provided.recover_password, mailer),
            SIGN_UP: providers.Singleton(SignUpJob, dispatcher),
            FINISH_SIGN_UP: providers.Singleton(MailJob, person_mails.provided.finish_sign_up, mailer),
            KNOWN_ADDRESS: providers.Singleton(MailJob, person_mails.provided.known_address, mailer),
            PASSWORD_CHANGED: providers.Singleton(MailJob, person_mails.provided.password_changed, mailer),
            INVITATION_MAIL: providers.Singleton(MailJob, invitation_mails.provided.invitation, mailer),
            CHARGE: collection.provided.charge, RECONCILE: collection.provided.reconcile,
            REFUND: repayments.provided.refund, EXPIRE: expiry.provided.expire,
            KYC_CHECK: kyc_checks.provided.check, KYC_EXPIRE: kyc_checks.provided.expire,
            VERIFY: method_checks.provided.verify, ATTEND: attendance.provided.attend,
            CHECK_OWNERSHIP: ownership.provided.check, SEND: sending.provided.send, REPORT: reports.provided.report,
            CHECK_DEPLOYMENT: deployments.provided.check,
            WATCH: watching.provided.look, COMPARE: watching.provided.compare,
            SETTLE: settling.provided.settle,
            MANDATE_ENDS: mandate_care.provided.end, APPROVAL_EXPIRES: mandate_care.provided.expire_approval,
        }),
        wakeup=wakeup, metrics=metrics, clock=clock,
    )  # fmt: skip
    relay = providers.Singleton(
        Relay, relay_database, publisher, retention=providers.Callable(_retention, settings),
        deliveries=delivery_wakeup, wakeup=wakeup, metrics=metrics,
    )  # fmt: skip
    deliveries = providers.Singleton(
        DeliveryWorker, relay_database, webhook_sender, webhook_secrets, dispatcher, wakeup=delivery_wakeup,
        metrics=metrics,
    )  # fmt: skip
    lease_sweeper = providers.Singleton(LeaseSweeper, relay_database, dispatcher)
    sealer = providers.Singleton(
        Sealer, sealer_database, settings.provided.seal_key.call(),
        anchors=providers.Callable(anchors, settings), wakeup=wakeup, metrics=metrics, clock=clock, ids=ids,
    )  # fmt: skip
