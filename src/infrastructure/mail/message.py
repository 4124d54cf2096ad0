"""A mail as the bytes that travel."""

from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTPUTF8
from email.utils import format_datetime, make_msgid

from application.kernel.ports import Mail


def message_of(mail: Mail, sender: Address) -> EmailMessage:
    """Return the message: plain text, and HTML for those who show it."""
    message = EmailMessage(policy=SMTPUTF8)
    message["From"] = sender
    message["To"] = mail.to
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = make_msgid(domain=sender.domain)
    # So that no absence note answers, and no mailing list either (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    # As it is where it can be: folded and quoted, a link could not be copied out of a mail in development's folder.
    message.set_content(mail.text, cte="7bit" if mail.text.isascii() else "quoted-printable")
    message.add_alternative(mail.html, subtype="html")
    return message
