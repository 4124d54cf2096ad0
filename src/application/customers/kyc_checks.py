"""What the worker does for KYC between two transactions.

The check's name is the provider's idempotency key, so that every step may be repeated after a crash: asking again
gets the first answer, and recording an answer again changes nothing.
"""

from collections.abc import Mapping

from application.customers.kyc import CHECK, EXPIRE, ExpireKyc, RecordKycOutcome
from application.kernel.actor import worker
from application.kernel.dispatcher import Call, Dispatcher
from application.kernel.ports import IKycProvider, KycCheck
from application.kernel.unit_of_work import IUnitOfWorkFactory
from domain.customers.customer import Customer
from domain.customers.kyc import KycStatus
from domain.shared.ids import CustomerId, OrganizationId

JOBS: Mapping[str, str] = {CHECK: "check", EXPIRE: "expire"}
"""Kind of job to the method of ``KycChecks`` that performs it."""


class KycChecks:
    """The worker's two jobs. The provider is asked while no transaction is open.

    ``KYCProviderError`` passes, so that the worker tries the job again later. Who was deleted meanwhile is left alone.
    """

    def __init__(self, units: IUnitOfWorkFactory, dispatch: Dispatcher, provider: IKycProvider) -> None:
        """Keep the ports."""
        self._units = units
        self._dispatch = dispatch
        self._provider = provider

    async def check(self, organization_id: OrganizationId, customer_id: CustomerId) -> None:
        """Ask the provider about a customer whose check is pending.

        Raises:
            KYCProviderError: the provider is not answering.
        """
        customer = await self._read(organization_id, customer_id, CHECK)
        if customer.is_deleted or customer.kyc_status is not KycStatus.PENDING or customer.kyc_check is None:
            return
        check = KycCheck(
            idempotency_key=customer.kyc_check, name=customer.name, email=customer.email, country=customer.country
        )
        result = await self._provider.check(check)
        command = RecordKycOutcome(
            id=customer_id, check=check.idempotency_key, verdict=result.verdict, risk_score=result.risk_score,
            reason=result.reason,
        )  # fmt: skip
        call = Call(actor=worker(organization_id), request_id=check.idempotency_key)
        await self._dispatch("customers.record_kyc_outcome", command, call)

    async def expire(self, organization_id: OrganizationId, customer_id: CustomerId) -> None:
        """End an approval whose time is over."""
        if (await self._read(organization_id, customer_id, EXPIRE)).is_deleted:
            return
        call = Call(actor=worker(organization_id), request_id=str(customer_id))
        await self._dispatch("customers.expire_kyc", ExpireKyc(id=customer_id), call)

    async def _read(self, organization_id: OrganizationId, customer_id: CustomerId, job: str) -> Customer:
        opened = self._units(worker(organization_id), use_case=job, request_id=str(customer_id), read_only=True)
        async with opened as uow:
            return await uow.customers.get(customer_id, with_deleted=True)
