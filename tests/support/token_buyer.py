"""A buyer with a wallet of its own, who pays as the official x402 package does."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from eth_account import Account
from eth_account.signers.local import LocalAccount
from x402 import x402ClientSync
from x402.mechanisms.evm.exact import ExactEvmScheme
from x402.mechanisms.evm.signers import EthAccountSigner
from x402.schemas import PaymentPayload, PaymentRequired

from application.settlements.x402 import required
from domain.settlements.demand import PaymentDemanded
from domain.shared.evm_types import Address


def new_account() -> LocalAccount:
    made: LocalAccount = Account.create()
    return made


@dataclass(frozen=True)
class TokenBuyer:
    """Signs whatever is asked of it."""

    account: LocalAccount = field(default_factory=new_account)

    @property
    def address(self) -> Address:
        return Address(self.account.address.lower())

    @property
    def client(self) -> x402ClientSync:
        """Return the official client; it is made for small sums in well-known tokens, unless told otherwise."""
        made = x402ClientSync().register("eip155:*", ExactEvmScheme(EthAccountSigner(self.account)))
        made.set_spend_controls(False)
        return made

    def document(self, demanded: Mapping[str, object]) -> Mapping[str, object]:
        """Return the payment that takes the first offer of a demand."""
        payload = self.client.create_payment_payload(PaymentRequired.model_validate(demanded))
        assert isinstance(payload, PaymentPayload)
        document: Mapping[str, object] = payload.model_dump(by_alias=True, exclude_none=True)
        return document

    def pay(self, demanded: PaymentDemanded | Mapping[str, object]) -> str:
        """Return the payment as headers carry it."""
        demand = required(demanded, "") if isinstance(demanded, PaymentDemanded) else demanded
        return base64.b64encode(json.dumps(self.document(demand)).encode()).decode()
