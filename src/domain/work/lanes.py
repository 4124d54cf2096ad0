"""Lanes: the queues that tasks wait in, each in the order of urgency.

A task waits in exactly one lane, that of its agent, of the capability it asks for, or of anybody. An agent takes the
most urgent task of its own lane, of those of its capabilities, and of the lane of anybody: finding it costs as much
among a million waiting tasks as among a thousand.
"""

import unicodedata
from collections.abc import Iterable

from domain.shared.ids import AgentId
from domain.shared.text import TextRule

CAPABILITY = TextRule(max_length=80)
ANYBODY = "any"
LOWEST_PRIORITY, HIGHEST_PRIORITY = 0, 9


def check_capability(value: str) -> str:
    """Return the capability in one spelling: NFC, in lower case, with single spaces.

    Raises:
        InvalidText: it is empty, longer than 80 characters, or not acceptable as a name.
    """
    return CAPABILITY.check(unicodedata.normalize("NFC", " ".join(CAPABILITY.check(value).lower().split())))


def lane_of(agent_id: AgentId | None, capability: str | None) -> str:
    """Return where a task waits; one that names its agent asks for nothing else."""
    if agent_id is not None:
        return f"agent:{agent_id.hex}"
    return ANYBODY if capability is None else f"can:{capability}"


def lanes_of(agent_id: AgentId, capabilities: Iterable[str]) -> list[str]:
    """Return every lane that an agent takes tasks from."""
    able = {lane_of(None, check_capability(each)) for each in capabilities}
    return [lane_of(agent_id, None), ANYBODY, *sorted(able)]


def rank_of(priority: int) -> int:
    """Return a task's place by its priority alone: the lowest rank first, as indexes are read."""
    return HIGHEST_PRIORITY - priority
