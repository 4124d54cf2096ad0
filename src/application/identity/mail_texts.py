"""The words of every mail, in one place: plain text, and the same as simple HTML.

A kind of mail is a function that returns :func:`_written`. Names come from people, who may use them to write to others
through us: they are escaped, cut short, and nothing in them becomes a link.
"""

import re
import unicodedata
from html import escape

from application.kernel.ports import Mail

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{subject}</title></head>
<body style="font-family: sans-serif; line-height: 1.5; max-width: 36em; margin: 2em auto; padding: 0 1em">
{body}
</body></html>
"""
_FAREWELL = "Stoa"
_LONGEST_NAME = 60
# Mail programs make links of these by themselves. The dots are all that browsers take for one in a host's name.
_ADDRESS = re.compile(r"://|www[.\u3002]|mailto:|tel:", re.IGNORECASE)
_JOINT = re.compile(r"(?<=\S)[.\u3002\uff61](?=\S)|(?<=\S)[@/\\](?=\S)")


def verification_mail(*, to: str, link: str, secret: str) -> Mail:
    """Ask whoever reads the address to show that it is theirs. Who registered is unknown, and so is not greeted."""
    return _written(
        to,
        "Verify your e-mail address",
        "Hello,",
        "somebody registered with this e-mail address. If it was you, verify the address within 24 hours, with the "
        "password you chose:",
        link=link,
        code=secret,
        after="If it was not you, do nothing: without this step nobody can sign in with your address.",
    )


def finish_sign_up_mail(*, to: str, link: str, secret: str) -> Mail:
    """Let the owner of an address have the account that somebody, perhaps they, registered with it before."""
    return _written(
        to,
        "Finish your registration",
        "Hello,",
        "somebody registered with this e-mail address, not for the first time, and nobody has verified it yet. "
        "If it was you, finish your registration by choosing a password within one hour:",
        link=link,
        code=secret,
        after="If it was not you, do nothing: without this step nobody can sign in with your address.",
    )


def known_address_mail(*, to: str, name: str | None, link: str) -> Mail:
    """Tell the owner of an address that somebody tried to register with it, which the page did not say."""
    return _written(
        to,
        "You have an account already",
        _greeting(name),
        "somebody tried to register with this e-mail address, which has an account already. "
        "If it was you, sign in with the password you have, or choose another one here:",
        link=link,
        after="If it was not you, do nothing: nothing has changed.",
    )


def recovery_mail(*, to: str, name: str | None, link: str, secret: str) -> Mail:
    """Let a person choose another password."""
    return _written(
        to,
        "Choose a new password",
        _greeting(name),
        "somebody asked for a new password for this account. If it was you, choose one within one hour:",
        link=link,
        code=secret,
        after="If it was not you, do nothing: the password stays as it is.",
    )


def password_changed_mail(*, to: str, name: str | None, link: str) -> Mail:
    """Tell a person that their password is another one."""
    return _written(
        to,
        "Your password was changed",
        _greeting(name),
        "the password of your account was changed, and every other session was signed out. "
        "If it was not you, choose a new password at once:",
        link=link,
    )


def invitation_mail(*, to: str, organization: str, inviter: str | None, role: str, link: str, secret: str) -> Mail:
    """Invite somebody into an organization."""
    shown, by = shown_name(organization), shown_name(inviter or "")
    invited = f"{by} invites you" if by else "You are invited"
    return _written(
        to,
        f"Invitation to {shown}" if shown else "Invitation",
        "Hello,",
        f"{invited} to join {shown or 'an organization'} on Stoa as {role}. Accept the invitation here:",
        link=link,
        code=secret,
        after="If you do not want to join, do nothing.",
    )


def shown_name(name: str) -> str | None:
    """Return a name as a stranger may read it: short, on one line and no link; None when it is written as an address.

    A dot, a slash or an at sign between two characters gets a space behind it: ``evil.example`` is no link any more.
    """
    line = " ".join(unicodedata.normalize("NFKC", name).split())
    visible = "".join(character for character in line if unicodedata.category(character) != "Cf")
    if not visible or _ADDRESS.search(visible) is not None:
        return None
    apart = _JOINT.sub(lambda joint: joint[0] + " ", visible)
    return apart if len(apart) <= _LONGEST_NAME else apart[: _LONGEST_NAME - 1].rstrip() + "…"


def _greeting(name: str | None) -> str:
    shown = None if name is None else shown_name(name)
    return f"Hello {shown}," if shown else "Hello,"


def _written(to: str, subject: str, *paragraphs: str, link: str = "", code: str = "", after: str = "") -> Mail:
    """Put a mail together; ``code`` is for those who use the API and no pages."""
    if code:
        after = f"Or send the API this code: {code}\n\n{after}"
    parts = [*paragraphs, link, *after.split("\n\n"), _FAREWELL]
    shown = [part for part in parts if part]
    body = "\n".join(f"<p>{_html(part, is_link=part == link)}</p>" for part in shown)
    return Mail(
        to=to, subject=subject, text="\n\n".join(shown) + "\n", html=_PAGE.format(subject=escape(subject), body=body)
    )  # fmt: skip


def _html(part: str, *, is_link: bool) -> str:
    text = escape(part)
    return f'<a href="{text}">{text}</a>' if is_link else text
