"""An agent's own rules."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from domain.agents.agent import Agent, AgentPaused, AgentRetired, AgentStatus, AgentType, refuse_stopped
from domain.agents.labels import MAX_CAPABILITIES, InvalidCapability, TooManyCapabilities
from domain.shared.documents import InvalidDocument
from domain.shared.errors import InvalidTransition
from domain.shared.ids import AgentId, OrganizationId

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def agent(**given: object) -> Agent:
    wanted = {"name": "Purchasing", "type": AgentType.BUYER, **given}
    return Agent.create(id=AgentId(uuid4()), organization_id=OrganizationId(uuid4()), now=NOW, **wanted)  # type: ignore[arg-type]  # reason: what a test gives


def verbs(made: Agent) -> list[str]:
    return [recorded.event.verb for recorded in made.pull_events()]


def test_a_new_agent_is_a_draft_that_is_found_by_role_and_capabilities() -> None:
    """Spellings that differ in letter case or white space only are one."""
    made = agent(role="  Office   Purchasing ", capabilities=["Web.Search", "orders.place", "web.search"])
    assert made.status is AgentStatus.DRAFT
    assert made.role == "office purchasing"
    assert made.capabilities == ("orders.place", "web.search")
    assert verbs(made) == ["created"]


@pytest.mark.parametrize("capability", ["", "web search", ".web", "web..search", "wéb", "w" * 65, "web/search"])
def test_a_capability_is_a_plain_name(capability: str) -> None:
    """So that a program can ask for it."""
    with pytest.raises(InvalidCapability):
        agent(capabilities=[capability])


def test_there_are_fifty_capabilities_at_most() -> None:
    """Each is a row of the table that agents are found by."""
    names = [f"skill.{n}" for n in range(MAX_CAPABILITIES)]
    assert len(agent(capabilities=names).capabilities) == MAX_CAPABILITIES
    with pytest.raises(TooManyCapabilities):
        agent(capabilities=[*names, "one.more"])


def test_an_agent_is_activated_paused_and_activated_again() -> None:
    """Each move is an event, and a move to where it is already is none."""
    made = agent()
    for move in (made.activate, made.activate, made.pause, made.pause, made.activate):
        move(NOW)
    assert made.status is AgentStatus.ACTIVE
    assert verbs(made) == ["created", "activated", "paused", "activated"]


def test_a_retired_agent_never_comes_back() -> None:
    """It can be retired twice, and nothing else can be done to it."""
    made = agent()
    made.retire(NOW)
    made.retire(NOW)
    acts: list[Callable[[], None]] = [
        lambda: made.activate(NOW),
        lambda: made.pause(NOW),
        lambda: made.update_state({"a": 1}, NOW),
        lambda: made.edit(
            NOW, name="x", type=made.type, role=None, description="", capabilities=(), configuration={}, metadata={}
        ),
        made.refuse_retired,
    ]
    for act in acts:
        with pytest.raises(InvalidTransition):
            act()
    assert verbs(made) == ["created", "retired"]


def test_state_is_patched_as_json_merge_patch_says() -> None:
    """Null removes, objects merge, anything else replaces."""
    made = agent()
    made.update_state({"cursor": 1, "seen": {"a": True, "b": [1, 2]}}, NOW)
    made.pull_events()
    made.update_state({"cursor": None, "seen": {"b": [3], "c": {"d": None, "e": 1}}}, NOW)
    assert made.state == {"seen": {"a": True, "b": [3], "c": {"e": 1}}}
    assert verbs(made) == ["state_updated"]


def test_a_patch_that_changes_nothing_is_no_change() -> None:
    """The version stays; but true is not 1, though Python holds them to be equal."""
    made = agent()
    made.update_state({"done": 1}, NOW)
    made.pull_events()
    made.update_state({"done": 1, "gone": None}, NOW)
    assert verbs(made) == []
    made.update_state({"done": True}, NOW)
    assert verbs(made) == ["state_updated"]


def test_what_an_agent_remembers_is_bounded_over_all_patches() -> None:
    """Patches that are small each do not add up to a document that no one would take."""
    made = agent()
    made.update_state({"a": "x" * 200_000}, NOW)
    with pytest.raises(InvalidDocument):
        made.update_state({"b": "x" * 100_000}, NOW)
    assert "b" not in made.state


def test_a_stopped_agent_is_refused_by_name() -> None:
    """Drafts and active agents pass."""
    refuse_stopped(AgentStatus.DRAFT)
    refuse_stopped(AgentStatus.ACTIVE)
    with pytest.raises(AgentPaused):
        refuse_stopped(AgentStatus.PAUSED)
    with pytest.raises(AgentRetired):
        refuse_stopped(AgentStatus.RETIRED)
