"""The mail of an invitation, written by the worker: it makes the token, so that nobody else ever knows one."""

from collections.abc import Mapping
from typing import cast
from uuid import UUID

from application.identity.invitations import INVITATION_MAIL, IssueInvitationToken
from application.identity.mail_texts import invitation_mail
from application.identity.own_invitations import written_token
from application.identity.ports import ILinks, ISingleUseTokens
from application.kernel.actor import worker
from application.kernel.dispatcher import Call, IDispatch
from application.kernel.ports import Mail
from domain.identity.invitation import InvitationEnded
from domain.shared.errors import NotFound
from domain.shared.ids import InvitationId, OrganizationId

MAILS: Mapping[str, str] = {INVITATION_MAIL: "invitation"}
"""Kind of job to the method of ``InvitationMails`` that writes its mail."""


class InvitationMails:
    """Writes the mails of invitations; its method is a :class:`~application.identity.mail_jobs.Compose`."""

    def __init__(self, dispatch: IDispatch, tokens: ISingleUseTokens, links: ILinks) -> None:
        """Keep the ports."""
        self._dispatch = dispatch
        self._tokens = tokens
        self._links = links

    async def invitation(self, organization_id: OrganizationId, subject_id: UUID) -> Mail | None:
        """Return the mail with a fresh token, or None when the invitation no longer waits."""
        issued = self._tokens.issue()
        command = IssueInvitationToken(id=InvitationId(subject_id), hash=issued.hash)
        call = Call(actor=worker(organization_id), request_id=str(subject_id))
        try:
            outcome = await self._dispatch("invitations.issue_token", command, call)
        except (NotFound, InvitationEnded):
            return None
        said = cast("Mapping[str, str]", outcome.body)
        token = written_token(command.id, issued.secret)
        return invitation_mail(
            to=said["email"],
            organization=said["organization_name"],
            inviter=None,
            role=said["role"],
            link=self._links.accept_invitation(token),
            secret=token,
        )
