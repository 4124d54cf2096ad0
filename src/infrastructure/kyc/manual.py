"""A KYC provider that decides nothing: where payments are real and nobody is connected who checks people, people do."""

from application.kernel.ports import IKycProvider, KycCheck, KycResult, KycVerdict

UNDECIDED = 50


class ManualKycProvider(IKycProvider):
    """Leaves every customer to ``customers.review_kyc``."""

    async def check(self, check: KycCheck) -> KycResult:  # noqa: ARG002 - of anybody the same
        """Ask for a person's decision."""
        return KycResult(verdict=KycVerdict.NEEDS_REVIEW, risk_score=UNDECIDED, reason="no_provider")
