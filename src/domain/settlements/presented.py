"""A payment as a buyer presents it, and whether it is what was asked for."""

from datetime import datetime, timedelta

from attrs import frozen

from domain.settlements import demand as errors
from domain.settlements.authorization import Authorization, TokenDomain
from domain.settlements.demand import Demand, Offer
from domain.shared.evm_types import Address, caip_2
from domain.shared.signatures import is_well_formed

VERSION = 2
SCHEME = "exact"

TIME_TO_SETTLE = timedelta(seconds=30)
"""What has less time left than this is not begun: a block has to be made meanwhile."""
CLOCKS_DIFFER = timedelta(seconds=60)
"""By so much a buyer's clock may be ahead of ours."""


@frozen(kw_only=True)
class PresentedPayment:
    """What a buyer claims to pay, and the authorization that is to prove it."""

    version: int
    scheme: str
    network: str
    token: Address
    authorization: Authorization
    signature: bytes

    def matching(self, demand: Demand, now: datetime) -> Offer:
        """Return the offer that this takes; who signed is another question, see :func:`refuse_other_signer`.

        Raises:
            PaymentDemanded: it takes none of them; each reason has a code of its own.
        """
        offer = self._offer(demand)
        given = self.authorization
        if given.recipient != offer.pay_to:
            raise errors.PaymentRecipientMismatch(demand)
        if given.amount != offer.amount:
            raise errors.PaymentAmountMismatch(demand)
        if given.valid_after >= _seconds(now):
            raise errors.PaymentNotYetValid(demand)
        if given.valid_before <= _seconds(now + TIME_TO_SETTLE):
            raise errors.PaymentExpired(demand)
        if given.valid_before > _seconds(now + CLOCKS_DIFFER) + offer.seconds:
            raise errors.PaymentValidTooLong(demand)
        if not is_well_formed(self.signature):
            raise errors.PaymentSignatureUnsupported(demand)
        return offer

    def digest(self, offer: Offer) -> bytes:
        """Return what the payer has to have signed."""
        return self.authorization.digest(domain_of(offer))

    def _offer(self, demand: Demand) -> Offer:
        if self.version != VERSION:
            raise errors.PaymentVersionUnsupported(demand)
        if self.scheme != SCHEME:
            raise errors.PaymentSchemeUnsupported(demand)
        there = [offer for offer in demand.offers if caip_2(offer.chain_id) == self.network]
        if not there:
            raise errors.PaymentNetworkMismatch(demand)
        found = next((offer for offer in there if offer.token == self.token), None)
        if found is None:
            raise errors.PaymentAssetMismatch(demand)
        return found


def domain_of(offer: Offer) -> TokenDomain:
    """Return which contract an offer's authorizations are for."""
    return TokenDomain(name=offer.name, version=offer.eip712_version, chain_id=offer.chain_id, token=offer.token)


def refuse_other_signer(presented: PresentedPayment, signer: Address | None, demand: Demand) -> None:
    """Let the payer's own signature pass.

    Raises:
        PaymentSignatureInvalid: somebody else signed, or nobody can have.
    """
    if signer != presented.authorization.payer:
        raise errors.PaymentSignatureInvalid(demand)


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
