"""Appending messages by the thousand."""

import tracemalloc
from collections.abc import Iterator
from typing import cast

import pytest

from application.kernel.actor import Actor
from application.kernel.dispatcher import Call, Outcome
from application.kernel.import_files import Importer, ImportFile
from application.kernel.imports import ImportCommand, OnError, RowsRefused
from tests.application.work.test_conversations import begun, positions, said
from tests.support.rows import open_rows
from tests.support.stack import Body, Stack

MANY = 10_000
CHUNK = 500


async def import_many(stack: Stack, actor: Actor, conversation: str, count: int, key: str = "k") -> Outcome:
    """Append messages a few hundred at a time, as the command line does with a file of any length."""

    def commands() -> Iterator[ImportCommand]:
        for first in range(0, count, CHUNK):
            rows = [
                {"role": "user" if n % 2 else "assistant", "content": f"Sentence {n} of a long talk about grinders."}
                for n in range(first, min(first + CHUNK, count))
            ]
            given = {"conversation_id": conversation, "rows": rows, "on_error": "abort", "first_row": first + 1}
            yield cast("ImportCommand", stack.command("messages.append_many", **given))

    file = ImportFile(digest="d", on_error=OnError.ABORT, commands=commands(), progress=lambda _: None)
    call = Call(actor=actor, request_id="r", idempotency_key=key)
    return await Importer(stack.dispatcher)("messages.append_many", file, call)


async def test_ten_thousand_messages_are_appended_once_and_without_a_gap(stack: Stack) -> None:
    """All of them or none, and under the same key never a second time."""
    actor = await stack.organization()
    conversation = await begun(stack, actor)
    for _ in range(2):
        report = cast("Body", (await import_many(stack, actor, conversation, MANY)).body)
        assert (report["imported"], report["skipped"]) == (MANY, 0)
    async with open_rows(stack.urls) as rows:
        stored = await rows.of("messages", actor.organization_id)
    assert sorted(cast("int", row["position"]) for row in stored) == list(range(1, MANY + 1))
    shown = await stack.run("conversations.get", actor, id=conversation)
    assert shown["message_count"] == MANY
    context = await stack.run("conversations.get_context", actor, id=conversation, max_messages=3)
    assert positions(cast("list[Body]", context["messages"])) == [MANY - 2, MANY - 1, MANY]


async def test_memory_does_not_grow_with_the_number_of_messages(pg_stack: Stack) -> None:
    """Six thousand messages take hardly more than one thousand: rows, events and entries go as they are written."""
    actor = await pg_stack.organization()
    peaks = []
    for count in (1_000, 6_000):
        conversation = await begun(pg_stack, actor)
        tracemalloc.start()
        await import_many(pg_stack, actor, conversation, count, key=f"k{count}")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0], peaks


async def test_bad_rows_leave_no_gaps(stack: Stack) -> None:
    """With `skip` the good ones follow each other, with `abort` there are none; each bad one is named."""
    actor = await stack.organization()
    conversation = await begun(stack, actor)
    rows = [
        {"role": "user", "content": "First"},
        {"role": "user", "content": ""},
        {"role": "nobody", "content": "Who?"},
        {"role": "tool", "content": "42"},
        {"role": "assistant", "content": "Second", "in_reply_to": 1},
        {"role": "assistant", "content": "Third", "in_reply_to": 3},
    ]
    with pytest.raises(RowsRefused) as refused:
        await stack.run("messages.append_many", actor, conversation_id=conversation, rows=rows)
    assert [each.row for each in refused.value.errors] == [2, 3, 4, 6]
    assert await said(stack, actor, conversation) == []
    given = {"conversation_id": conversation, "rows": rows, "on_error": "skip"}
    report = await stack.run("messages.append_many", actor, **given)
    assert (report["imported"], report["skipped"]) == (2, 4)
    assert [(m["position"], m["content"]) for m in await said(stack, actor, conversation)] == [
        (1, "First"),
        (2, "Second"),
    ]
