"""All repositories of a unit of work."""

from collections.abc import Callable
from typing import ClassVar, cast

from infrastructure.persistence.measured import measure
from infrastructure.persistence.reporting.figures import SqlPaymentFigures
from infrastructure.persistence.reporting.order_events import SqlOrderEvents
from infrastructure.persistence.repositories.agents import (
    SqlAgentRepository,
    SqlPerformanceRecordRepository,
    SqlToolGrantRepository,
    SqlToolRepository,
    SqlToolUsageRepository,
)
from infrastructure.persistence.repositories.audit import SqlAuditEntryRepository
from infrastructure.persistence.repositories.books import SqlJournalEntryRepository
from infrastructure.persistence.repositories.catalog import SqlPriceRepository, SqlProductRepository
from infrastructure.persistence.repositories.checkout import SqlCheckoutRepository, SqlProviderNoticeRepository
from infrastructure.persistence.repositories.conversations import SqlConversationRepository, SqlMessageRepository
from infrastructure.persistence.repositories.customers import SqlCustomerRepository, SqlPaymentMethodRepository
from infrastructure.persistence.repositories.identity import (
    SqlAPIKeyRepository,
    SqlInvitationRepository,
    SqlMembershipRepository,
    SqlOrganizationRepository,
)
from infrastructure.persistence.repositories.mandates import (
    SqlApprovalRepository,
    SqlMandateHoldRepository,
    SqlMandateRepository,
)
from infrastructure.persistence.repositories.payments import (
    SqlPaymentLinkRepository,
    SqlPaymentOrderRepository,
    SqlRefundRepository,
)
from infrastructure.persistence.repositories.persons import (
    SqlAuthIdentityRepository,
    SqlCredentialRepository,
    SqlSessionRepository,
    SqlSignUpRepository,
    SqlSingleUseTokenRepository,
    SqlUserRepository,
)
from infrastructure.persistence.repositories.playbooks import (
    SqlPlaybookRepository,
    SqlPlaybookRunRepository,
    SqlPlaybookVersionRepository,
)
from infrastructure.persistence.repositories.settlements import (
    SqlAcceptedTokenRepository,
    SqlTokenSettlementRepository,
)
from infrastructure.persistence.repositories.task_runs import SqlTaskRunRepository
from infrastructure.persistence.repositories.tasks import SqlTaskRepository
from infrastructure.persistence.repositories.wallet_transactions import SqlWalletTransactionRepository
from infrastructure.persistence.repositories.wallet_watches import SqlWalletWatchRepository
from infrastructure.persistence.repositories.wallets import (
    SqlAddressListingRepository,
    SqlWalletChallengeRepository,
    SqlWalletRepository,
)
from infrastructure.persistence.repositories.webhooks import (
    SqlEventRepository,
    SqlWebhookDeliveryRepository,
    SqlWebhookEndpointRepository,
)
from infrastructure.persistence.repositories.workflow_steps import SqlWorkflowStepRepository
from infrastructure.persistence.repositories.workflows import (
    SqlWorkflowExecutionRepository,
    SqlWorkflowRepository,
    SqlWorkflowVersionRepository,
)
from infrastructure.persistence.session import Session


class repository[R]:  # noqa: N801 - used like a decorator
    """An attribute that makes its repository at first use and keeps it for the unit of work."""

    def __init__(self, kind: Callable[[Session], R]) -> None:
        """Remember which repository to make, and have its methods counted."""
        self._kind = kind
        if isinstance(kind, type):
            measure(kind)

    def __set_name__(self, owner: type, name: str) -> None:
        """Take the attribute's name."""
        self._name = name

    def __get__(self, uow: "RepositorySet", owner: type) -> R:
        """Return this unit of work's repository."""
        made = uow.made.get(self._name)
        if made is None:
            made = uow.made[self._name] = self._kind(uow.session)
        return cast("R", made)


class RepositorySet:
    """The repositories that one transaction has in common."""

    session: Session

    # In the order of their foreign keys: inserts follow it, deletes go backwards.
    organizations = repository(SqlOrganizationRepository)
    users = repository(SqlUserRepository)
    credentials = repository(SqlCredentialRepository)
    sessions = repository(SqlSessionRepository)
    auth_identities = repository(SqlAuthIdentityRepository)
    single_use_tokens = repository(SqlSingleUseTokenRepository)
    sign_ups = repository(SqlSignUpRepository)
    memberships = repository(SqlMembershipRepository)
    invitations = repository(SqlInvitationRepository)
    agents = repository(SqlAgentRepository)
    tools = repository(SqlToolRepository)
    tool_grants = repository(SqlToolGrantRepository)
    tool_usages = repository(SqlToolUsageRepository)
    performance_records = repository(SqlPerformanceRecordRepository)
    api_keys = repository(SqlAPIKeyRepository)
    products = repository(SqlProductRepository)
    prices = repository(SqlPriceRepository)
    customers = repository(SqlCustomerRepository)
    payment_methods = repository(SqlPaymentMethodRepository)
    payment_links = repository(SqlPaymentLinkRepository)
    payment_orders = repository(SqlPaymentOrderRepository)
    mandates = repository(SqlMandateRepository)
    mandate_holds = repository(SqlMandateHoldRepository)
    approvals = repository(SqlApprovalRepository)
    refunds = repository(SqlRefundRepository)
    journal_entries = repository(SqlJournalEntryRepository)
    checkouts = repository(SqlCheckoutRepository)
    provider_notices = repository(SqlProviderNoticeRepository)
    workflows = repository(SqlWorkflowRepository)
    workflow_versions = repository(SqlWorkflowVersionRepository)
    playbooks = repository(SqlPlaybookRepository)
    playbook_versions = repository(SqlPlaybookVersionRepository)
    workflow_executions = repository(SqlWorkflowExecutionRepository)
    workflow_steps = repository(SqlWorkflowStepRepository)
    playbook_runs = repository(SqlPlaybookRunRepository)
    webhook_endpoints = repository(SqlWebhookEndpointRepository)
    conversations = repository(SqlConversationRepository)
    messages = repository(SqlMessageRepository)
    tasks = repository(SqlTaskRepository)
    task_runs = repository(SqlTaskRunRepository)
    wallets = repository(SqlWalletRepository)
    wallet_challenges = repository(SqlWalletChallengeRepository)
    wallet_transactions = repository(SqlWalletTransactionRepository)
    wallet_watches = repository(SqlWalletWatchRepository)
    accepted_tokens = repository(SqlAcceptedTokenRepository)
    token_settlements = repository(SqlTokenSettlementRepository)
    address_listings = repository(SqlAddressListingRepository)
    audit_entries = repository(SqlAuditEntryRepository)
    events = repository(SqlEventRepository)
    webhook_deliveries = repository(SqlWebhookDeliveryRepository)
    payment_figures = repository(SqlPaymentFigures)
    order_events = repository(SqlOrderEvents)

    ORDER: ClassVar[list[str]]
    """Their names, parents first."""

    def __init__(self) -> None:
        """Start with none made."""
        self.made: dict[str, object] = {}


RepositorySet.ORDER = [name for name, value in vars(RepositorySet).items() if isinstance(value, repository)]
