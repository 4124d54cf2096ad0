"""Accepting an invitation on a page: the person signs in for this one thing, and is signed out again."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import cast

from application.kernel.actor import Actor
from domain.identity.membership import MembershipExists
from domain.shared.errors import StoaError
from interfaces.web.pages import Visit
from interfaces.web.runs import Runs

JOINING = ("sessions.create", "account.redeem_invitation", "sessions.revoke")
_LOG = logging.getLogger(__name__)
_SESSION = "Invitation"


async def join(
    runs: Runs, authenticate: Callable[[str], Awaitable[Actor]], visit: Visit, token: str, who: Mapping[str, str], *,
    key: str,
) -> bool:  # fmt: skip
    """Make whoever ``who`` names by address and password a member; say whether they were none before.

    The session's token is in memory for the length of this call and nowhere else.

    Raises:
        StoaError: the person could not be signed in, or the invitation is not theirs to accept.
    """
    fields = {"email": who["email"], "password": who["password"], "name": _SESSION}
    opened = cast("Mapping[str, str]", await runs("sessions.create", fields, visit))
    actor = await authenticate(opened["secret"])
    try:
        await runs("account.redeem_invitation", {"token": token}, visit, key=key, actor=actor)
    except MembershipExists:
        return False
    finally:
        await _sign_out(runs, opened["id"], visit, actor)
    return True


async def _sign_out(runs: Runs, session_id: str, visit: Visit, actor: Actor) -> None:
    """Take the session back. Where that fails it ends by itself, and nobody has its token."""
    try:
        await runs("sessions.revoke", {"id": session_id}, visit, actor=actor)
    except StoaError as error:
        _LOG.warning("session of a page not revoked: %s", error.code)
