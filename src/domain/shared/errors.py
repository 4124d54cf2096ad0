"""Every failure Stoa reports on purpose: eight kinds, and named errors below them.

A kind says how a caller should react, a ``code`` says what happened in words a program can rely on.
Nothing here knows an HTTP status or an exit code; each interface maps the kinds once.
"""

from typing import ClassVar

type Detail = str | int | bool | None


class StoaError(Exception):
    """Root of the tree. ``details`` are safe to show: never the rejected input, never a secret."""

    code: ClassVar[str] = "error"
    summary: ClassVar[str] = "The request could not be completed."

    def __init__(self, message: str = "", **details: Detail) -> None:
        """Keep a sentence for people and details for programs; without a message the summary is used."""
        self.message = message or self.summary
        self.details = details
        super().__init__(self.message)


class NotFound(StoaError):
    """The thing is absent, or belongs to another tenant: the two are told apart nowhere."""

    code = "not_found"
    summary = "No such resource."


class Conflict(StoaError):
    """The request is fine, the present state of things is not."""

    code = "conflict"
    summary = "The request conflicts with the current state."


class Invalid(StoaError):
    """The request can be read but breaks a rule."""

    code = "invalid"
    summary = "The request is invalid."


class Forbidden(StoaError):
    """The caller is known and may not do this."""

    code = "forbidden"
    summary = "This is not allowed."


class Unauthenticated(StoaError):
    """The caller is not known."""

    code = "unauthenticated"
    summary = "Missing or invalid credentials."


class PaymentRequired(StoaError):
    """The request is fine and is carried out once it is paid for; the failure says how."""

    code = "payment_required"
    summary = "This has to be paid for first."


class RateLimited(StoaError):
    """Too many requests; ``retry_after`` in the details is in seconds."""

    code = "rate_limited"
    summary = "Too many requests."


class Unavailable(StoaError):
    """Something Stoa depends on is not answering; ``retry_after`` in the details is in seconds."""

    code = "unavailable"
    summary = "The service is temporarily unavailable."


class EntityNotFoundError(NotFound):
    """A repository holds no such aggregate for this tenant."""


class DuplicateError(Conflict):
    """A value that must be unique within the tenant is taken."""

    code = "duplicate"
    summary = "The value is already taken."


class EntityAlreadyExistsError(DuplicateError):
    """An aggregate with this identity exists."""

    code = "already_exists"


class StaleVersion(Conflict):
    """The aggregate moved on since the caller read it."""

    code = "version_stale"
    summary = "The resource changed since it was read; read it again and retry."


class BusinessRuleViolation(Conflict):
    """A rule of the business refuses the change in the present state."""

    code = "rule_violated"


class InvalidTransition(BusinessRuleViolation):
    """A state machine has no such move."""

    code = "transition_invalid"
    summary = "The resource is not in a state that allows this."


class ValidationError(Invalid):
    """A value breaks a rule; ``path`` in the details names the field when it is known."""

    code = "validation_error"


class MalformedInput(Invalid):
    """The input cannot even be read: broken JSON, a forged cursor, an impossible key."""

    code = "malformed"
    summary = "The request could not be read."


class InvalidReference(Invalid):
    """The command names a resource that this tenant does not have."""

    code = "reference_invalid"
    summary = "A referenced resource does not exist."


class InsufficientPermissions(Forbidden):
    """The caller's credential lacks a scope."""

    code = "scope_missing"
    summary = "The credential lacks the required scope."


class RateLimitExceeded(RateLimited):
    """A budget of requests is used up."""
