"""All repositories of a unit of work, by their ports."""

from typing import Protocol

from domain.agents.repositories import IAgentRepository
from domain.audit.repositories import IAuditEntryRepository
from domain.books.repositories import IJournalEntryRepository
from domain.catalog.repositories import IPriceRepository, IProductRepository
from domain.customers.repositories import ICustomerRepository, IPaymentMethodRepository
from domain.identity.person_repositories import (
    IAuthIdentityRepository,
    ICredentialRepository,
    ISessionRepository,
    ISignUpRepository,
    ISingleUseTokenRepository,
    IUserRepository,
)
from domain.identity.repositories import (
    IAPIKeyRepository,
    IInvitationRepository,
    IMembershipRepository,
    IOrganizationRepository,
)
from domain.payments.checkout_repository import ICheckoutRepository
from domain.payments.figures import IPaymentFigures
from domain.payments.provider_notice import ProviderNotice
from domain.payments.recent import IOrderEvents
from domain.payments.repositories import IPaymentLinkRepository, IPaymentOrderRepository, IRefundRepository
from domain.shared.published_event import IEventRepository
from domain.shared.repository import IRepository
from domain.webhooks.repositories import IWebhookDeliveryRepository
from domain.webhooks.webhook_endpoint import WebhookEndpoint


class IRepositories(Protocol):
    """What a unit of work reads and writes; all of it under one tenant."""

    @property
    def organizations(self) -> IOrganizationRepository: ...
    @property
    def users(self) -> IUserRepository: ...
    @property
    def credentials(self) -> ICredentialRepository: ...
    @property
    def sessions(self) -> ISessionRepository: ...
    @property
    def auth_identities(self) -> IAuthIdentityRepository: ...
    @property
    def single_use_tokens(self) -> ISingleUseTokenRepository: ...
    @property
    def sign_ups(self) -> ISignUpRepository: ...
    @property
    def memberships(self) -> IMembershipRepository: ...
    @property
    def invitations(self) -> IInvitationRepository: ...
    @property
    def agents(self) -> IAgentRepository: ...
    @property
    def api_keys(self) -> IAPIKeyRepository: ...
    @property
    def products(self) -> IProductRepository: ...
    @property
    def prices(self) -> IPriceRepository: ...
    @property
    def customers(self) -> ICustomerRepository: ...
    @property
    def payment_methods(self) -> IPaymentMethodRepository: ...
    @property
    def payment_links(self) -> IPaymentLinkRepository: ...
    @property
    def payment_orders(self) -> IPaymentOrderRepository: ...
    @property
    def refunds(self) -> IRefundRepository: ...
    @property
    def journal_entries(self) -> IJournalEntryRepository: ...
    @property
    def checkouts(self) -> ICheckoutRepository: ...
    @property
    def provider_notices(self) -> IRepository[ProviderNotice]: ...
    @property
    def payment_figures(self) -> IPaymentFigures: ...
    @property
    def order_events(self) -> IOrderEvents: ...
    @property
    def audit_entries(self) -> IAuditEntryRepository: ...
    @property
    def events(self) -> IEventRepository: ...
    @property
    def webhook_endpoints(self) -> IRepository[WebhookEndpoint]: ...
    @property
    def webhook_deliveries(self) -> IWebhookDeliveryRepository: ...
