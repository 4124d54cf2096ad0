"""Who may decide, and until when."""

from datetime import timedelta
from uuid import UUID

import pytest

from domain.mandates.approval import Approval, ApprovalStatus
from domain.mandates.errors import AgentsDecideNothing, ApprovalExpired
from domain.shared.errors import InvalidTransition
from domain.shared.ids import ApprovalId, PaymentMethodId, PaymentOrderId
from tests.domain.mandates.builders import AGENT, NOTHING, NOW, a_mandate, a_purchase, hold_id

LATER = NOW + timedelta(hours=1)


def an_approval() -> Approval:
    hold = a_mandate(total=100, approval_threshold=0).reserve(a_purchase(60), NOTHING, id=hold_id(), now=NOW)
    return Approval.request(
        hold, id=ApprovalId(UUID(int=3)), payment_order_id=PaymentOrderId(UUID(int=4)),
        payment_method_id=PaymentMethodId(UUID(int=5)), expires_at=LATER, now=NOW,
    )  # fmt: skip


@pytest.mark.parametrize("decide", ["approve", "refuse"])
def test_no_agent_decides(decide: str) -> None:
    """Neither the one that asks nor any other."""
    approval = an_approval()
    with pytest.raises(AgentsDecideNothing):
        getattr(approval, decide)("key_x", AGENT, NOW)
    assert approval.is_pending


def test_a_decision_is_made_once() -> None:
    """The same again is no news, and the opposite is refused."""
    yes, no = an_approval(), an_approval()
    assert [yes.approve("usr_a", None, NOW), yes.approve("usr_b", None, NOW)] == [True, False]
    assert [no.refuse("usr_a", None, NOW, "Too dear."), no.refuse("usr_b", None, NOW)] == [True, False]
    assert (yes.decided_by, no.reason) == ("usr_a", "Too dear.")
    with pytest.raises(InvalidTransition):
        yes.refuse("usr_a", None, NOW)
    with pytest.raises(InvalidTransition):
        no.approve("usr_a", None, NOW)
    assert not yes.expire(LATER)


def test_a_late_yes_is_none() -> None:
    """From the expiry on nothing is approved, whether or not the clock's job came by."""
    unnoted, noted = an_approval(), an_approval()
    assert noted.expire(LATER)
    for approval in (unnoted, noted):
        with pytest.raises(ApprovalExpired):
            approval.approve("usr_a", None, LATER)
    assert (unnoted.status, noted.status) == (ApprovalStatus.PENDING, ApprovalStatus.EXPIRED)
    with pytest.raises(ApprovalExpired):
        noted.refuse("usr_a", None, LATER)
