"""What use-cases about conversations and messages need to be there before them."""

from domain.shared.ids import ConversationId
from tests.support.ground import Ground, Prepare


async def _of_a_member(world: Ground) -> dict[str, object]:
    return {"user_id": world.person.id}


async def _closed_conversation(world: Ground) -> dict[str, object]:
    closed = await world.run("conversations.close")
    return {"id": closed["id"], "expected_version": closed["version"]}


async def _deleted_conversation(world: Ground) -> dict[str, object]:
    deleted = await world.run("conversations.delete")
    return {"id": deleted["id"], "expected_version": deleted["version"]}


async def _new_conversation(world: Ground) -> dict[str, object]:
    return {"conversation_id": (await world.fresh(ConversationId))["id"]}


PREPARATIONS: dict[str, Prepare] = {
    "conversations.create": _of_a_member,
    "conversations.create_with_task": _of_a_member,
    "conversations.find_by_user": _of_a_member,
    "conversations.reopen": _closed_conversation,
    "conversations.restore": _deleted_conversation,
    "conversations.purge": _deleted_conversation,
    "messages.append_many": _new_conversation,
    "messages.append": _new_conversation,
}
