"""The unit of work: one transaction, one tenant, all repositories."""

from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from application.kernel.actor import Actor
from application.kernel.idempotency import IIdempotencyStore
from domain.audit.repositories import IAuditEntryRepository
from domain.catalog.repositories import IPriceRepository, IProductRepository
from domain.customers.repositories import ICustomerRepository, IPaymentMethodRepository
from domain.identity.repositories import (
    IAPIKeyRepository,
    IMembershipRepository,
    IOrganizationRepository,
    IUserRepository,
)
from domain.payments.repositories import IPaymentLinkRepository, IPaymentOrderRepository
from domain.shared.ids import OrganizationId


class IJobs(Protocol):
    """Work to be done outside of any transaction, remembered in this one."""

    async def schedule(self, kind: str, subject_id: UUID, *, delay: timedelta = timedelta()) -> None:
        """Have a worker perform ``kind`` on the subject once this transaction commits, or later."""
        ...

    async def finish(self, kind: str, subject_id: UUID) -> None:
        """Forget the job: its outcome is recorded in this transaction."""
        ...


class INumbers(Protocol):
    """Gapless counters, one per organization, name and day."""

    async def next(self, name: str, day: datetime) -> int:
        """Take the next number, from 1; concurrent takers wait, and a rollback gives it back."""
        ...


class IUnitOfWork(Protocol):
    """What a handler may touch. It never commits: the dispatcher does."""

    @property
    def actor(self) -> Actor:
        """Return who is calling."""
        ...

    @property
    def organizations(self) -> IOrganizationRepository: ...
    @property
    def users(self) -> IUserRepository: ...
    @property
    def memberships(self) -> IMembershipRepository: ...
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
    def audit_entries(self) -> IAuditEntryRepository: ...
    @property
    def jobs(self) -> IJobs: ...
    @property
    def numbers(self) -> INumbers: ...

    async def flush(self) -> None:
        """Write what changed so far, so that constraints speak now and later statements see it."""
        ...

    async def enter(self, organization_id: OrganizationId) -> None:
        """Go on in another organization; for operators creating one.

        Raises:
            Forbidden: the caller is not an operator.
        """
        ...

    async def enter_by(self, lookup: str, value: str) -> UUID:
        """Go on in the organization that owns a public value (a payment link's slug); returns the subject's id.

        Raises:
            NotFound: nobody owns the value.
        """
        ...


class ITransaction(IUnitOfWork, Protocol):
    """The dispatcher's view: the same unit of work, which it ends."""

    @property
    def idempotency(self) -> IIdempotencyStore:
        """Return the records of requests already answered."""
        ...

    async def commit(self) -> None:
        """Flush, write outbox and audit, and commit.

        Raises:
            OutcomeUnknown: the connection broke while committing; retry with the same key.
        """
        ...


class IUnitOfWorkFactory(Protocol):
    """Opens units of work."""

    def __call__(
        self, actor: Actor, *, use_case: str, request_id: str, read_only: bool = False
    ) -> AbstractAsyncContextManager[ITransaction]:
        """Open one transaction for the actor's organization; leaving without commit rolls back."""
        ...
