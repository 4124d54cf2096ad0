"""Ports to conversations and messages."""

from collections.abc import Sequence
from typing import Protocol

from domain.conversations.message import Message
from domain.conversations.words import Wanted
from domain.shared.ids import ConversationId
from domain.shared.page import Page, PageRequest
from domain.shared.repository import IRepository


class IMessageRepository(IRepository[Message], Protocol):
    """The messages of the organization's conversations. They are only ever added."""

    async def search(
        self, wanted: Sequence[Wanted], request: PageRequest, *, conversation_id: ConversationId | None = None
    ) -> Page[Message]:
        """Return messages with all of the words, newest first, of conversations that are not deleted.

        Raises:
            InvalidCursor: the cursor was not issued for this tenant and search.
        """
        ...
