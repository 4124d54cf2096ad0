"""Repositories of the conversations context."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, cast
from uuid import UUID

from sqlalchemy import BigInteger, BindParameter, ColumnElement, Executable, Select, Text, any_, bindparam, func, select
from sqlalchemy import text as sql

from domain.conversations.conversation import Conversation
from domain.conversations.message import Message
from domain.conversations.repositories import IMessageRepository
from domain.conversations.words import Wanted
from domain.shared.ids import ConversationId
from domain.shared.page import Page, PageRequest
from infrastructure.persistence import tenancy
from infrastructure.persistence.cursor import Cursors, Position
from infrastructure.persistence.mapper import Mapper
from infrastructure.persistence.models.conversations import ConversationRow, MessageRow
from infrastructure.persistence.repository import SqlRepository
from infrastructure.persistence.statement import Params
from infrastructure.persistence.tracking import Change
from infrastructure.persistence.types import Guid

_SAID = frozenset({"content", "words", "tool_calls", "attachments"})
"""Columns that the audit leaves out: the message itself never changes, and can be forgotten with its conversation."""

_EVERY = 2**31 - 1

# A word is searched between the spaces around it, the beginning of one behind a space.
_ALL_OCCUR = """
NOT EXISTS (SELECT 1 FROM json_each(:wanted) w WHERE instr(' ' || messages.words || ' ', w.value) = 0)
AND EXISTS (
    SELECT 1 FROM conversations c
    WHERE c.organization_id = messages.organization_id AND c.id = messages.conversation_id AND c.deleted_at IS NULL
)
AND (:within IS NULL OR messages.conversation_id = :within) AND (:before IS NULL OR messages.id < :before)
"""


class SqlConversationRepository(SqlRepository[Conversation]):
    """The organization's conversations."""

    mapper: ClassVar[Mapper[Conversation]] = Mapper(Conversation, ConversationRow)


class SqlMessageRepository(SqlRepository[Message], IMessageRepository):
    """The messages of the organization's conversations."""

    mapper: ClassVar[Mapper[Message]] = Mapper(Message, MessageRow)

    async def write_inserts(self) -> list[Change]:
        """Insert what was added; what was said is not repeated in the audit."""
        return [
            Change(each.entity, each.operation, {k: v for k, v in each.values.items() if k not in _SAID}, each.before)
            for each in await super().write_inserts()
        ]

    async def search(
        self, wanted: Sequence[Wanted], request: PageRequest, *, conversation_id: ConversationId | None = None
    ) -> Page[Message]:
        """Find messages in one statement; ids are made in the order of time, and so is the page."""
        session = self._session
        params = {"wanted": self._wanted(wanted), "within": conversation_id}
        binding = ("messages.search", session.organization_id, sorted(params.items(), key=str))
        cursors = Cursors(session.cursor_secret, binding, UUID)
        after = cursors.read(request.cursor) if request.cursor else None
        given: Params = {**params, "before": after.id if after else None, "most": request.limit + 1}
        found = await self._load(self._prepare("search", self._search), given)
        items, cursor = found[: request.limit], None
        if len(found) > request.limit:
            cursor = cursors.write(Position(items[-1].id, items[-1].id))
        total = await self._count_found(params) if request.include_total else None
        return Page(items=items, next_cursor=cursor, total=total)

    async def _count_found(self, params: Mapping[str, object]) -> int:
        statement = self._prepare("count_found", self._count_of_found)
        rows = await self._session.rows(statement, {**params, "before": None, "most": _EVERY})
        return cast("int", rows[0][0])

    def _wanted(self, wanted: Sequence[Wanted]) -> str:
        if self._session.database.is_postgres:
            # Words are letters, marks and digits, so that quotes cannot occur in them.
            return " & ".join(f"'{each.word}'{':*' if each.prefix else ''}" for each in wanted)
        return json.dumps([f" {each.word}{'' if each.prefix else ' '}" for each in wanted])

    def _search(self) -> Select[*tuple[object, ...]]:
        table = self.mapper.table
        found = select(*self.mapper.columns).where(tenancy.wall(table), self._found_by_words())
        return found.order_by(table.c.id.desc()).limit(bindparam("most", type_=BigInteger()))

    def _count_of_found(self) -> Executable:
        table = self.mapper.table
        return select(func.count()).select_from(table).where(tenancy.wall(table), self._found_by_words())

    def _found_by_words(self) -> ColumnElement[bool]:
        ids = (bindparam(name, type_=Guid()) for name in ("within", "before"))
        places: list[BindParameter[Any]] = [bindparam("wanted", type_=Text()), *ids]  # reason: of two types
        if not self._session.database.is_postgres:
            return cast("ColumnElement[bool]", sql(_ALL_OCCUR).bindparams(*places))
        most = bindparam("most", type_=BigInteger())
        # An array is made first: a semi-join would rather walk through all messages, the newest first.
        found = func.array(select(func.stoa_search_messages(*places, most)).scalar_subquery())
        return self.mapper.table.c.id == any_(found)
