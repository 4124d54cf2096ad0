"""The composition root: every adapter and every worker is made here or in its base, once."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from dependency_injector import providers

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
    IIds,
    ILinkViews,
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
from infrastructure.adapters import Adapters
from infrastructure.cache.cache_news import CacheNews
from infrastructure.chain.contracts import Artifacts
from infrastructure.chain.cursors import HistoryCursors
from infrastructure.chain.origin import PublicOrigin
from infrastructure.observability.traced import traced
from infrastructure.outside import lanes
from infrastructure.payments.choice import chosen_kyc
from infrastructure.persistence.authenticator import Authenticator
from infrastructure.persistence.cursor import CursorSecret
from infrastructure.persistence.database import Database
from infrastructure.persistence.errors import register_constraints
from infrastructure.persistence.models.base import Base
from infrastructure.persistence.unit_of_work import UnitOfWorkFactory
from infrastructure.resilience.admission import AdmittedDispatcher
from infrastructure.settings import Settings
from infrastructure.workers.deliveries import DeliveryWorker
from infrastructure.workers.jobs import JobWorker
from infrastructure.workers.lease_sweeper import LeaseSweeper
from infrastructure.workers.relay import Relay
from infrastructure.workers.sealer import Sealer


def _cursor_secret(settings: Settings) -> CursorSecret:
    """Derive the cursors' key from the pepper: they need no secret of their own."""
    return CursorSecret(hmac.digest(settings.pepper(), b"stoa cursors", "sha256"))


def _retention(settings: Settings) -> timedelta:
    return timedelta(days=settings.event_retention_days)


def _registry() -> dict[str, UseCase]:
    register_constraints(Base.metadata)
    return dict(load_registry(application))


def _direct(database: Database, past_poolers: Database) -> Database:
    """Return one whose connections hear notifications: none pass a pooler, which the workers' roles go past."""
    return past_poolers if database.is_pooled else database


def _ending(registry: Mapping[str, UseCase]) -> frozenset[str]:
    """Return the kinds of aggregates whose changes end something that is kept."""
    return frozenset(kind for each in registry.values() if each.cached is not None for kind in each.cached.changed_by)


def anchors(settings: Settings) -> Path:
    """Return where sealed audit heads are kept outside of the database they are of."""
    if not settings.database_url:
        return settings.data_dir / "audit-heads.jsonl"
    # The address without its credentials, which may change, tells one database from another.
    address = settings.database_url.rpartition("@")[2].partition("?")[0]
    return settings.data_dir / f"audit-heads-{hashlib.sha256(address.encode()).hexdigest()[:12]}.jsonl"


class Container(Adapters):
    """Use-cases, jobs and workers on the adapters, as singletons."""

    registry = providers.Singleton(_registry)
    cache_news = providers.Singleton(
        CacheNews, providers.Callable(_direct, Adapters.database, Adapters.relay_database), Adapters.query_cache,
        providers.Callable(_ending, registry),
        counted=Adapters.metrics.provided.observe_cache_changes,
    )  # fmt: skip
    units = providers.Singleton(
        UnitOfWorkFactory, Adapters.database, clock=Adapters.clock, ids=Adapters.ids,
        cursor_secret=providers.Callable(_cursor_secret, Adapters.settings), committed=Adapters.wakeup.provided.wake,
        changes=cache_news,
    )  # fmt: skip
    # Neither the payment provider nor the publisher: handlers run inside a transaction, and those two talk to others.
    ports = providers.Dict(
        {
            IClock: Adapters.clock,
            IIds: Adapters.ids,
            ISlugs: Adapters.slugs,
            IWebhookSecrets: Adapters.webhook_secrets,
            IWebhookTargets: Adapters.webhook_targets,
            ILinkViews: Adapters.link_views,
            IAPIKeys: Adapters.api_keys,
            IPasswordHasher: Adapters.passwords,
            ISessionTokens: Adapters.session_tokens,
            ISingleUseTokens: Adapters.single_use_tokens,
            ISignIns: Adapters.sign_ins,
            IKeystore: Adapters.keystore,
            ISignatures: Adapters.signatures,
            IWalletContracts: providers.Singleton(Artifacts),
            ISignInOrigin: providers.Singleton(PublicOrigin, Adapters.settings.provided.links_url.call()),
        }
    )
    # What answers are made of, for which no transaction is open.
    outside = providers.Dict(
        {
            IClock: Adapters.clock,
            ILinkViews: Adapters.link_views,
            IChains: Adapters.chains,
            IHistoryCursors: providers.Singleton(HistoryCursors, providers.Callable(_cursor_secret, Adapters.settings)),
        }
    )
    dispatcher = providers.Singleton(
        traced, providers.Singleton(Dispatcher, units, ports, registry, outside, Adapters.query_cache), Adapters.spans
    )
    # What faces that serve many at once use; workers and the command line are few enough by themselves.
    admitted_dispatcher = providers.Singleton(AdmittedDispatcher, dispatcher, Adapters.admission, registry)
    importer = providers.Singleton(Importer, dispatcher)
    authenticator = providers.Singleton(
        Authenticator, Adapters.database, Adapters.api_keys, Adapters.session_tokens, Adapters.clock
    )

    collection = providers.Singleton(Collection, units, dispatcher, Adapters.watched_provider)
    repayments = providers.Singleton(Repayments, units, dispatcher, Adapters.watched_provider)
    expiry = providers.Singleton(Expiry, dispatcher)
    settling = providers.Singleton(Settling, units, dispatcher, Adapters.chains)
    mandate_care = providers.Singleton(MandateCare, units, dispatcher)
    kyc_checks = providers.Singleton(KycChecks, units, dispatcher, providers.Singleton(chosen_kyc, Adapters.settings))
    method_checks = providers.Singleton(MethodChecks, units, dispatcher, Adapters.verifier)
    person_mails = providers.Singleton(PersonMails, units, dispatcher, Adapters.single_use_tokens, Adapters.links)
    invitation_mails = providers.Singleton(InvitationMails, dispatcher, Adapters.single_use_tokens, Adapters.links)
    ownership = providers.Singleton(OwnershipChecks, units, dispatcher, Adapters.chains)
    sending = providers.Singleton(Sending, units, dispatcher, Adapters.chains, Adapters.signer)
    deployments = providers.Singleton(Deployments, units, dispatcher, Adapters.chains)
    watching = providers.Singleton(
        Watching, units, dispatcher, Adapters.chains, drifted=Adapters.metrics.provided.observe_wallet_drifts
    )  # fmt: skip
    reports = providers.Singleton(Reports, units, dispatcher)
    attendance = providers.Singleton(Attendance, units, dispatcher, Adapters.clock)
    jobs = providers.Singleton(
        JobWorker, Adapters.relay_database,
        providers.Dict({
            VERIFY_EMAIL: providers.Singleton(MailJob, person_mails.provided.verify_email, Adapters.mailer),
            RECOVER_PASSWORD: providers.Singleton(MailJob, person_mails.provided.recover_password, Adapters.mailer),
            SIGN_UP: providers.Singleton(SignUpJob, dispatcher),
            FINISH_SIGN_UP: providers.Singleton(MailJob, person_mails.provided.finish_sign_up, Adapters.mailer),
            KNOWN_ADDRESS: providers.Singleton(MailJob, person_mails.provided.known_address, Adapters.mailer),
            PASSWORD_CHANGED: providers.Singleton(MailJob, person_mails.provided.password_changed, Adapters.mailer),
            INVITATION_MAIL: providers.Singleton(MailJob, invitation_mails.provided.invitation, Adapters.mailer),
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
        lanes=providers.Callable(lanes, Adapters.provider_breaker, Adapters.mail_breaker),
        wakeup=Adapters.wakeup, metrics=Adapters.metrics, clock=Adapters.clock, spans=Adapters.spans,
    )  # fmt: skip
    relay = providers.Singleton(
        Relay, Adapters.relay_database, Adapters.watched_publisher,
        retention=providers.Callable(_retention, Adapters.settings), deliveries=Adapters.delivery_wakeup,
        wakeup=Adapters.wakeup, metrics=Adapters.metrics, spans=Adapters.spans,
    )  # fmt: skip
    deliveries = providers.Singleton(
        DeliveryWorker, Adapters.relay_database, Adapters.webhook_sender, Adapters.webhook_secrets, dispatcher,
        wakeup=Adapters.delivery_wakeup, metrics=Adapters.metrics, spans=Adapters.spans,
    )  # fmt: skip
    lease_sweeper = providers.Singleton(LeaseSweeper, Adapters.relay_database, dispatcher)
    sealer = providers.Singleton(
        Sealer, Adapters.sealer_database, Adapters.settings.provided.seal_key.call(),
        anchors=providers.Callable(anchors, Adapters.settings), wakeup=Adapters.wakeup, metrics=Adapters.metrics,
        clock=Adapters.clock, ids=Adapters.ids,
    )  # fmt: skip
