"""Finding messages by their words."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Len

from application.conversations.conversation_view import MessageView
from application.kernel.actor import Scope
from application.kernel.page import ListView, PageQuery
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from domain.conversations.words import read_search
from domain.shared.ids import ConversationId


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchMessages(PageQuery):
    """Words that all occur in a message, in whichever case and order; `grind*` is every word that begins so."""

    text: Annotated[str, Len(1, 500)]
    conversation_id: ConversationId | None = None


@use_case(
    "messages.search", scope=Scope.CONVERSATIONS_READ, example={"limit": 20, "text": "grinder broken"}, read_only=True,
    statements=3,
)  # fmt: skip
async def search_messages(cmd: SearchMessages, uow: IUnitOfWork) -> ListView[MessageView]:
    """Search what was said, in one conversation or in all that are not deleted; the newest messages come first.

    Words are runs of letters and digits, without regard to case: `STRASSE` finds Straße, `apfel` does not find Äpfel.

    Errors: `search_invalid` when there is no word, or more than 20; `not_found` for the conversation.
    """
    wanted = read_search(cmd.text)
    if cmd.conversation_id is not None:
        await uow.conversations.get(cmd.conversation_id)
    found = await uow.messages.search(wanted, cmd.request(), conversation_id=cmd.conversation_id)
    return ListView.of(found, MessageView.of)
