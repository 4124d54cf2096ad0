"""Looking after mandates and approvals that nobody looks after: those whose time is over."""

from application.approvals.approvals import ExpireApproval
from application.kernel.actor import worker
from application.kernel.dispatcher import Call, IDispatch
from application.kernel.unit_of_work import IUnitOfWorkFactory
from application.mandates.mandates import MANDATE_ENDS, ExpireMandate
from domain.mandates.approval import ApprovalStatus
from domain.mandates.specifications import approvals_matching
from domain.shared.ids import ApprovalId, MandateId, OrganizationId


class MandateCare:
    """The worker's two jobs: the clock's, and what a revoked mandate leaves behind."""

    def __init__(self, units: IUnitOfWorkFactory, dispatch: IDispatch) -> None:
        """Keep the ports."""
        self._units = units
        self._dispatch = dispatch

    async def end(self, organization_id: OrganizationId, mandate_id: MandateId) -> None:
        """End a mandate whose time is over, and give up whatever waits for approval under one that ended."""
        call = Call(actor=worker(organization_id), request_id=str(mandate_id))
        await self._dispatch("mandates.expire", ExpireMandate(id=mandate_id), call)
        for approval_id in await self._waiting(organization_id, mandate_id):
            await self.expire_approval(organization_id, approval_id)

    async def expire_approval(self, organization_id: OrganizationId, approval_id: ApprovalId) -> None:
        """Give up an approval whose time is over, or whose mandate is; come back later if neither is."""
        call = Call(actor=worker(organization_id), request_id=str(approval_id))
        await self._dispatch("approvals.expire", ExpireApproval(id=approval_id), call)

    async def _waiting(self, organization_id: OrganizationId, mandate_id: MandateId) -> list[ApprovalId]:
        pending = approvals_matching(mandate_id=mandate_id, status=ApprovalStatus.PENDING)
        read = self._units(worker(organization_id), use_case=MANDATE_ENDS, request_id=str(mandate_id), read_only=True)
        async with read as uow:
            return [approval.id async for approval in uow.approvals.stream(pending)]
