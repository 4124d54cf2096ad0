"""Mail as jobs: a job of its own for every message, so that a crash between storing a secret and sending it heals.

To add a kind of mail: write its words in ``mail_texts.py``; write a :class:`Compose` that makes the secret, stores its
hash in a short transaction (an internal use-case) and returns the :class:`~application.kernel.ports.Mail`; let the
use-case ``await uow.jobs.schedule(KIND, subject_id)``; and bind ``KIND: MailJob(compose, mailer)`` in the container.
A job that is run again composes again: its mail carries another secret, since nobody knows whether the one before was
ever sent.
"""

from collections.abc import Awaitable
from typing import Protocol
from uuid import UUID

from application.kernel.ports import IMailer, Mail
from domain.shared.ids import OrganizationId


class Compose(Protocol):
    """Writes one message, in transactions of its own that are over when it returns."""

    def __call__(self, organization_id: OrganizationId, subject_id: UUID, /) -> Awaitable[Mail | None]:
        """Return the message, or None when there is nothing to say any more."""
        ...


class MailJob:
    """The handler of one kind of mail job. While the mail is on its way no transaction is open."""

    def __init__(self, compose: Compose, mailer: IMailer) -> None:
        """Keep who writes and who carries."""
        self._compose = compose
        self._mailer = mailer

    async def __call__(self, organization_id: OrganizationId, subject_id: UUID) -> None:
        """Write and send one message.

        Raises:
            MailerUnavailable: it could not be handed over; the job comes back later.
        """
        mail = await self._compose(organization_id, subject_id)
        if mail is not None:
            await self._mailer.send(mail)
