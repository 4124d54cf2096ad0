"""Why a mandate refuses something."""

from domain.shared.errors import BusinessRuleViolation, Conflict, Forbidden, Invalid, ValidationError


class InvalidMandate(ValidationError):
    """The terms make no mandate."""

    code = "mandate_invalid"
    summary = "A mandate needs at least one limit, above zero and in its own currency."


class MandateMissing(Forbidden):
    """The agent may not spend: nobody granted it a mandate in this currency."""

    code = "mandate_missing"
    summary = "The agent has no active mandate in this currency."


class MandateAmbiguous(Conflict):
    """The agent has several mandates in this currency and has to name one."""

    code = "mandate_ambiguous"
    summary = "The agent has several active mandates in this currency; name one with mandate_id."


class MandateExceeded(Forbidden):
    """The amount is more than the mandate leaves; ``limit`` in the details says which limit, ``left`` how much."""

    code = "mandate_exceeded"
    summary = "The amount exceeds what is left of the mandate."


class MandateRevoked(Forbidden):
    """The mandate was taken back."""

    code = "mandate_revoked"
    summary = "The mandate was revoked."


class MandateExpired(Forbidden):
    """The mandate's time is over."""

    code = "mandate_expired"
    summary = "The mandate has expired."


class MandateCurrencyMismatch(Forbidden):
    """The mandate is for another currency."""

    code = "mandate_currency_mismatch"
    summary = "The mandate does not cover this currency."


class MandateProductNotAllowed(Forbidden):
    """The mandate names products, and this is none of them."""

    code = "mandate_product_not_allowed"
    summary = "The mandate does not cover this product."


class MandateLinkNotAllowed(Forbidden):
    """The mandate names payment links, and this is none of them."""

    code = "mandate_payment_link_not_allowed"
    summary = "The mandate does not cover this payment link."


class MandateNotNeeded(Invalid):
    """People and the organization's own keys pay without a mandate, so they cannot name one."""

    code = "mandate_not_needed"
    summary = "Only an agent pays under a mandate."


class LimitBelowSpent(BusinessRuleViolation):
    """The new limit is below what was spent or is reserved already; ``least`` in the details is the lowest possible."""

    code = "mandate_limit_below_spent"
    summary = "The limit is below what the agent has spent already."


class AgentsDecideNothing(Forbidden):
    """Mandates are granted and payments approved by people and the organization's keys, never by an agent."""

    code = "agents_decide_nothing"
    summary = "An agent can neither grant mandates nor approve payments."


class ApprovalExpired(BusinessRuleViolation):
    """Nobody decided in time."""

    code = "approval_expired"
    summary = "The approval was not given in time."


class ApprovalOutlastsAuthorization(BusinessRuleViolation):
    """A person has to approve the payment, and until they do no authorization of a token stays valid."""

    code = "approval_outlasts_authorization"
    summary = "A payment that needs a person's approval is made with a payment method, not with a token."
