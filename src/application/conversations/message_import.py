"""Appending many messages at once."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Len

from application.conversations.messages import MessageFields
from application.kernel.actor import Scope
from application.kernel.imports import MAX_ROWS, Checked, ImportCommand, ImportView, import_rows
from application.kernel.ports import IClock, IIds
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from domain.shared.ids import ConversationId, MessageId


@dataclass(frozen=True, slots=True, kw_only=True)
class AppendMessages(ImportCommand):
    """Messages of one conversation as `messages.append` takes them, and what a bad row means for the good ones."""

    conversation_id: ConversationId
    rows: Annotated[list[Checked[MessageFields]], Len(1, MAX_ROWS)]


@use_case(
    "messages.append_many",
    scope=Scope.CONVERSATIONS_WRITE,
    example={"rows": [{"role": "user", "content": "The grinder arrived broken."}], "on_error": "skip"},
    statements=6,
)
async def append_messages(cmd: AppendMessages, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> ImportView:
    """Append many messages in the order of the rows; a bad row means none (`abort`) or all the others (`skip`).

    On the command line `stoa run messages.append_many --conversation-id CONV --json @FILE` takes a JSON array or JSON
    Lines of any length.

    Errors: `not_found` for the conversation; `rows_refused` names each bad row; per row those of `messages.append`.
    """
    now, conversation = clock.now(), await uow.conversations.get(cmd.conversation_id, lock=True)
    return await import_rows(
        cmd, cmd.rows, uow.messages, lambda row: conversation.append(MessageId(ids.new()), row.draft(), now), {}
    )  # fmt: skip
