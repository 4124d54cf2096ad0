"""What has to be paid, in which tokens, and why a payment that was presented is none."""

from attrs import frozen

from domain.shared.errors import PaymentRequired
from domain.shared.evm_types import Address, BaseUnits
from domain.shared.ids import AcceptedTokenId


@frozen(kw_only=True)
class Offer:
    """One token in which the whole amount may be paid, until ``seconds`` from now."""

    accepted_token_id: AcceptedTokenId
    chain_id: int
    token: Address
    symbol: str
    amount: BaseUnits
    pay_to: Address
    name: str
    eip712_version: str
    seconds: int


@frozen(kw_only=True)
class Demand:
    """What is sold, and every way to pay for it."""

    description: str
    offers: tuple[Offer, ...]


class PaymentDemanded(PaymentRequired):
    """The payment has to be authorized first. ``demand`` says how, and goes out with the failure."""

    summary = "This has to be paid for: sign an authorization for one of the offered tokens, and send it along."

    def __init__(self, demand: Demand) -> None:
        """Keep what is to be paid."""
        super().__init__()
        self.demand = demand


class PaymentVersionUnsupported(PaymentDemanded):
    """The payment speaks another version of x402."""

    code = "payment_version_unsupported"
    summary = "Only version 2 of x402 is understood."


class PaymentSchemeUnsupported(PaymentDemanded):
    """The payment follows another scheme."""

    code = "payment_scheme_unsupported"
    summary = "Only the scheme exact is accepted."


class PaymentNetworkMismatch(PaymentDemanded):
    """The payment is on a chain where nothing is offered."""

    code = "payment_network_mismatch"
    summary = "The payment is on another chain than those that are offered."


class PaymentAssetMismatch(PaymentDemanded):
    """The payment is in a token that is not offered on that chain."""

    code = "payment_asset_mismatch"
    summary = "The payment is in another token than those that are offered."


class PaymentRecipientMismatch(PaymentDemanded):
    """The authorization pays somebody else."""

    code = "payment_recipient_mismatch"
    summary = "The authorization pays another address than the one that was asked for."


class PaymentAmountMismatch(PaymentDemanded):
    """The authorization is for more or for less."""

    code = "payment_amount_mismatch"
    summary = "The authorization is for another amount than the one that was asked for."


class PaymentNotYetValid(PaymentDemanded):
    """The authorization begins to count later than now."""

    code = "payment_not_yet_valid"
    summary = "The authorization is not valid yet."


class PaymentExpired(PaymentDemanded):
    """The authorization ends before it could be settled."""

    code = "payment_expired"
    summary = "The authorization is over, or ends before it can be settled."


class PaymentValidTooLong(PaymentDemanded):
    """The authorization counts for so long that nobody could say in time what became of it."""

    code = "payment_valid_too_long"
    summary = "The authorization is valid for longer than was asked for."


class PaymentSignatureUnsupported(PaymentDemanded):
    """The signature is none of a key: contract wallets sign otherwise."""

    code = "payment_signature_unsupported"
    summary = "Only signatures of a key are accepted: 65 bytes, with the smaller s; contract wallets cannot pay."


class PaymentSignatureInvalid(PaymentDemanded):
    """Somebody else signed, or something else was signed."""

    code = "payment_signature_invalid"
    summary = "The signature is not the payer's, or is of another authorization."
