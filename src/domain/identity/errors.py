"""Failures of signing in and of what surrounds it, which belong to no single aggregate."""

from domain.shared.errors import Forbidden, NotFound, RateLimited, Unauthenticated, Unavailable


class MailerUnavailable(Unavailable):
    """The mail was not taken over, and may be later."""

    code = "mailer_unavailable"
    summary = "Mail cannot be sent at present."


class CredentialsInvalid(Unauthenticated):
    """The address and the password are not those of one person; which of them is wrong is said nowhere."""

    code = "credentials_invalid"
    summary = "The e-mail address or the password is wrong."


class EmailUnverified(Forbidden):
    """The password was right, and nobody has shown yet that the address is theirs."""

    code = "email_unverified"
    summary = "The e-mail address has to be verified first; ask for another verification mail if needed."


class UserSuspended(Forbidden):
    """The password was right, and the operator keeps the person out."""

    code = "user_suspended"
    summary = "The account is suspended."


class SignInLocked(RateLimited):
    """Too many passwords were tried for one address, whether anybody has it or not."""

    code = "sign_in_locked"
    summary = "Too many attempts to sign in; wait before trying again."


class OrganizationNotFound(NotFound):
    """The organization is absent, or the caller is no member of it: the two are told apart nowhere."""

    code = "organization_not_found"
    summary = "There is no such organization, or you are no member of it."
