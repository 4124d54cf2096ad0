"""What a transaction of type 2 should offer, from what the last blocks took."""

from statistics import median_low

from application.wallets.ports import Fees
from infrastructure.chain.answers import Head

_ELASTICITY = 2
_DENOMINATOR = 8  # the base fee moves by at most one part in eight
USUAL_TIP = 10**9
"""Wei that are offered where nobody has paid anything yet."""


def next_base_fee(head: Head) -> int:
    """Compute the base fee of the block after ``head`` as EIP-1559 does."""
    target = head.gas_limit // _ELASTICITY
    if not target or head.gas_used == target:
        return head.base_fee
    change = head.base_fee * abs(head.gas_used - target) // target // _DENOMINATOR
    return head.base_fee + max(change, 1) if head.gas_used > target else head.base_fee - change


def offered(base_fee: int, tips: list[int]) -> Fees:
    """Offer what half of the others do, and stay payable while the base fee doubles."""
    paid = [tip for tip in tips if tip > 0]
    tip = median_low(paid) if paid else USUAL_TIP
    return Fees(max_fee=2 * base_fee + tip, priority_fee=tip)
