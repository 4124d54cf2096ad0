"""A KYC provider in this process: what it says follows from the customer's data alone.

| customer | verdict | risk score | reason |
|---|---|---|---|
| address with `+kyc_outage` before the @ | none: the provider is down, always | | |
| address with `+kyc_rejected` | rejected | 92 | `document_forged` |
| address with `+kyc_review` | needs review | 55 | `name_unclear` |
| country KP, IR or MM | needs review | 80 | `country_high_risk` |
| no country | needs review | 45 | `country_missing` |
| anybody else | approved | 0 to 29, by the address | |

The first row that fits decides. The same customer gets the same answer, whenever and however often it is asked.
"""

import hashlib

from application.kernel.ports import IKycProvider, KycCheck, KycResult, KycVerdict
from domain.customers.kyc import KYCProviderError

_HIGH_RISK = frozenset({"IR", "KP", "MM"})
_LOW_SCORES = 30


class LocalKycProvider(IKycProvider):
    """Judges without asking anybody."""

    async def check(self, check: KycCheck) -> KycResult:
        """Judge a customer by the table above."""
        mark = check.email.partition("@")[0].rpartition("+")[2]
        if mark == "kyc_outage":
            raise KYCProviderError
        if mark == "kyc_rejected":
            return KycResult(verdict=KycVerdict.REJECTED, risk_score=92, reason="document_forged")
        if mark == "kyc_review":
            return KycResult(verdict=KycVerdict.NEEDS_REVIEW, risk_score=55, reason="name_unclear")
        if check.country in _HIGH_RISK:
            return KycResult(verdict=KycVerdict.NEEDS_REVIEW, risk_score=80, reason="country_high_risk")
        if check.country is None:
            return KycResult(verdict=KycVerdict.NEEDS_REVIEW, risk_score=45, reason="country_missing")
        score = hashlib.sha256(check.email.encode()).digest()[0] % _LOW_SCORES
        return KycResult(verdict=KycVerdict.APPROVED, risk_score=score)
