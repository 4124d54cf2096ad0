"""The words of every mail, in one place: plain text, and the same as simple HTML.

A kind of mail is a function that returns :func:`_written`. Names come from people and are escaped in HTML.
"""

from html import escape

from application.kernel.ports import Mail

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{subject}</title></head>
<body style="font-family: sans-serif; line-height: 1.5; max-width: 36em; margin: 2em auto; padding: 0 1em">
{body}
</body></html>
"""
_FAREWELL = "Stoa"


def verification_mail(*, to: str, name: str, link: str, secret: str) -> Mail:
    """Ask whoever reads the address to show that it is theirs."""
    return _written(
        to,
        "Verify your e-mail address",
        f"Hello {name},",
        "somebody registered with this e-mail address. If it was you, verify the address within 24 hours:",
        link=link,
        code=secret,
        after="If it was not you, do nothing: without this step nobody can sign in with your address.",
    )


def known_address_mail(*, to: str, name: str, link: str) -> Mail:
    """Tell the owner of an address that somebody tried to register with it, which the page did not say."""
    return _written(
        to,
        "You have an account already",
        f"Hello {name},",
        "somebody tried to register with this e-mail address, which has an account already. "
        "If it was you, sign in, or choose another password there if you forgot yours:",
        link=link,
        after="If it was not you, do nothing: nothing has changed.",
    )


def recovery_mail(*, to: str, name: str, link: str, secret: str) -> Mail:
    """Let a person choose another password."""
    return _written(
        to,
        "Choose a new password",
        f"Hello {name},",
        "somebody asked for a new password for this account. If it was you, choose one within one hour:",
        link=link,
        code=secret,
        after="If it was not you, do nothing: the password stays as it is.",
    )


def password_changed_mail(*, to: str, name: str, link: str) -> Mail:
    """Tell a person that their password is another one."""
    return _written(
        to,
        "Your password was changed",
        f"Hello {name},",
        "the password of your account was changed, and every other session was signed out.",
        after="If it was not you, choose a new password at once:",
        last_link=link,
    )


def invitation_mail(*, to: str, organization: str, inviter: str | None, role: str, link: str, secret: str) -> Mail:
    """Invite somebody into an organization."""
    invited = f"{inviter} invites you" if inviter else "You are invited"
    return _written(
        to,
        f"Invitation to {organization}",
        "Hello,",
        f"{invited} to join {organization} on Stoa as {role}. Accept the invitation here:",
        link=link,
        code=secret,
        after="If you do not want to join, do nothing.",
    )


def _written(
    to: str, subject: str, *paragraphs: str, link: str = "", code: str = "", after: str = "", last_link: str = ""
) -> Mail:
    """Put a mail together; ``code`` is for those whose mail program does not open links."""
    if code:
        after = f"Or enter this code: {code}\n\n{after}"
    parts = [*paragraphs, link, *after.split("\n\n"), last_link, _FAREWELL]
    shown = [part for part in parts if part]
    body = "\n".join(f"<p>{_html(part, is_link=part in (link, last_link))}</p>" for part in shown)
    # A subject is one line, whatever an organization is called.
    line = " ".join(subject.split())
    return Mail(to=to, subject=line, text="\n\n".join(shown) + "\n", html=_PAGE.format(subject=escape(line), body=body))


def _html(part: str, *, is_link: bool) -> str:
    text = escape(part)
    return f'<a href="{text}">{text}</a>' if is_link else text
