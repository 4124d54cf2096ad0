"""Agents: finding them, what they remember, and the keys by which they prove who they are."""

import asyncio
from uuid import uuid4

import pytest

from application.kernel.actor import AGENT_SCOPES, TENANT_SCOPES, Actor, NotTheAgent, Scope
from domain.agents.agent import AgentPaused, AgentRetired, AgentType
from domain.identity.api_key import APIKeyRevoked
from domain.shared.errors import EntityNotFoundError, InsufficientPermissions, InvalidTransition, StaleVersion
from domain.shared.ids import AgentId, decode_id
from domain.shared.page import PageRequest
from tests.support.http import HttpFace
from tests.support.stack import Body, Stack


async def hired(stack: Stack, organization: Actor, **given: object) -> Body:
    """Return an agent of the organization that is active."""
    made = await stack.run("agents.create", organization, **{"name": "Buyer", "type": "buyer", **given})
    return await stack.run("agents.activate", organization, id=made["id"])


async def key_of(stack: Stack, organization: Actor, agent: Body, *scopes: Scope) -> str:
    """Return the secret of a key of the agent's own."""
    wanted = sorted(scopes or AGENT_SCOPES)
    issued = await stack.run("agents.create_key", organization, id=agent["id"], name="Production", scopes=wanted)
    return str(issued["secret"])


async def names(stack: Stack, organization: Actor, **given: object) -> list[object]:
    """Return the names that a list finds, sorted."""
    page = await stack.run("agents.list", organization, limit=100, **given)
    return sorted(each["name"] for each in page["data"])  # type: ignore[attr-defined]  # reason: a list


async def test_agents_are_found_by_type_status_role_and_capability(stack: Stack) -> None:
    """In whatever spelling role and capability are asked for, and by all that is given at once."""
    shop = await stack.organization()
    await hired(stack, shop, name="A", role="Office purchasing", capabilities=["web.search", "orders.place"])
    await stack.run("agents.create", shop, name="B", type="worker", capabilities=["web.search"])
    assert await names(stack, shop, capability="WEB.search") == ["A", "B"]
    assert await names(stack, shop, capability="web.search", status="active") == ["A"]
    assert await names(stack, shop, role="office  Purchasing") == ["A"]
    assert await names(stack, shop, type="worker", text="b") == ["B"]
    assert await names(stack, shop, type="worker", status="active") == []


async def test_changed_capabilities_are_what_an_agent_is_found_by(stack: Stack) -> None:
    """The table that lists are made from follows the agent's own list."""
    shop = await stack.organization()
    made = await stack.run("agents.create", shop, name="A", type="worker", capabilities=["one", "two"])
    await stack.run("agents.update", shop, id=made["id"], expected_version=1, capabilities=["two", "three"])
    assert [await names(stack, shop, capability=each) for each in ("one", "two", "three")] == [[], ["A"], ["A"]]


async def test_the_repository_answers_by_type_role_capability_and_activity(stack: Stack) -> None:
    """The finders that were asked for by name."""
    shop = await stack.organization()
    await hired(stack, shop, name="A", role="purchasing", capabilities=["web.search"])
    await stack.run("agents.create", shop, name="B", type="worker")
    request = PageRequest(limit=10)
    async with stack.units(shop, use_case="test", request_id=str(uuid4()), read_only=True) as uow:
        pages = [
            await uow.agents.get_by_type(AgentType.WORKER, request),
            await uow.agents.get_active_agents(request),
            await uow.agents.get_by_role("Purchasing", request),
            await uow.agents.get_by_capability("web.search", request),
        ]
    assert [[agent.name for agent in page.items] for page in pages] == [["B"], ["A"], ["A"], ["A"]]


async def test_of_two_runs_that_remember_at_once_one_is_told_to_read_again(stack: Stack) -> None:
    """What an agent remembers is of one run and never of two halves."""
    shop = await stack.organization()
    agent = await hired(stack, shop)
    fields = {"id": agent["id"], "expected_version": agent["version"]}
    said = await asyncio.gather(
        *(stack.run("agents.update_state", shop, **fields, patch={"run": run}) for run in range(2)),
        return_exceptions=True,
    )
    assert [type(each) for each in said if isinstance(each, Exception)] == [StaleVersion]
    [won] = [each for each in said if not isinstance(each, BaseException)]
    assert (await stack.run("agents.get", shop, id=agent["id"]))["state"] == won["state"]


async def test_an_agents_key_says_which_agent_it_is(stack: Stack) -> None:
    """Whoever reads the audit trail sees the agent, whichever of its keys it used."""
    shop = await stack.organization()
    agent = await hired(stack, shop)
    actor = await stack.authenticate(await key_of(stack, shop, agent))
    assert (actor.id, actor.agent_id) == (agent["id"], decode_id("agt", str(agent["id"])))
    await stack.run("agents.update_state", actor, id=agent["id"], expected_version=2, patch={"a": 1})
    entries = await stack.run("audit_entries.list", shop, action="agents.update_state")
    assert [entry["actor"] for entry in entries["data"]] == [agent["id"]]  # type: ignore[attr-defined]  # reason: a list
    await stack.authenticate.settle()


async def test_an_agent_acts_for_itself_only(stack: Stack) -> None:
    """Another agent's state, measurements and calls are not its own; absent agents answer in the same words."""
    shop = await stack.organization()
    agent, other = await hired(stack, shop), await hired(stack, shop)
    actor = await stack.authenticate(await key_of(stack, shop, agent))
    measured = {"metric": "quality", "value": 1, "unit": "points"}
    for id_ in (other["id"], "agt_01m7xqdwdxecebcwzk30ktqpss"):
        with pytest.raises(NotTheAgent):
            await stack.run("agents.update_state", actor, id=id_, expected_version=2, patch={"a": 1})
        with pytest.raises(NotTheAgent):
            await stack.run("agents.record_performance", actor, agent_id=id_, **measured)
    assert (await stack.run("agents.record_performance", actor, agent_id=agent["id"], **measured))["value"] == 1
    await stack.authenticate.settle()


async def test_a_paused_agents_keys_are_refused_until_it_is_activated_again(stack: Stack, http: HttpFace) -> None:
    """From the next request on, by name."""
    shop = await stack.organization()
    agent = await hired(stack, shop)
    secret = await key_of(stack, shop, agent)
    assert (await http.send("agents.get", {"id": agent["id"]}, key=secret)).status_code == 200
    await stack.run("agents.pause", shop, id=agent["id"])
    refused = await http.send("agents.get", {"id": agent["id"]}, key=secret)
    assert (refused.status_code, refused.json()["code"]) == (403, AgentPaused.code)
    await stack.run("agents.activate", shop, id=agent["id"])
    assert (await http.send("agents.get", {"id": agent["id"]}, key=secret)).status_code == 200
    await stack.authenticate.settle()


async def test_a_retired_agents_keys_are_revoked_however_many_there_are(stack: Stack) -> None:
    """Also the successors of rotated ones; the organization's other keys stay."""
    shop = await stack.organization()
    agent, other = await hired(stack, shop), await hired(stack, shop)
    secrets = [await key_of(stack, shop, agent) for _ in range(6)]
    stays = await key_of(stack, shop, other)
    listed = await stack.run("api_keys.list", shop, limit=100)
    first = next(each for each in listed["data"] if each["agent_id"] == agent["id"])  # type: ignore[attr-defined]  # reason: a list
    rotated = await stack.run("api_keys.rotate", shop, id=first["id"])
    assert rotated["agent_id"] == agent["id"]
    await stack.run("agents.retire", shop, id=agent["id"])
    for secret in (*secrets, str(rotated["secret"])):
        with pytest.raises(APIKeyRevoked):
            await stack.authenticate(secret)
    assert (await stack.authenticate(stays)).id == other["id"]
    with pytest.raises(InvalidTransition):
        await key_of(stack, shop, agent)
    await stack.authenticate.settle()


async def test_a_key_that_outlived_its_agent_opens_nothing(stack: Stack) -> None:
    """Should a key slip through, made by a rotation in the same moment, the agent's own state refuses it."""
    shop = await stack.organization()
    agent = await hired(stack, shop)
    secret = await key_of(stack, shop, agent)
    async with stack.units(shop, use_case="test", request_id=str(uuid4())) as uow:
        (await uow.agents.get(AgentId(decode_id("agt", str(agent["id"]))))).retire(stack.clock.now())
        await uow.commit()
    with pytest.raises(AgentRetired):
        await stack.authenticate(secret)


async def test_an_agents_key_never_lets_anybody_in_nor_changes_what_agents_may(stack: Stack) -> None:
    """Whoever makes it, even an owner, and whatever they ask for."""
    shop = await stack.organization()
    agent = await hired(stack, shop)
    forbidden = [
        *(Scope.API_KEYS_WRITE, Scope.MEMBERS_WRITE, Scope.INVITATIONS_WRITE, Scope.AGENTS_WRITE, Scope.AGENTS_KEYS),
        *(Scope.TOOLS_WRITE, Scope.MANDATES_WRITE, Scope.APPROVALS_WRITE, Scope.REFUNDS_WRITE, Scope.EVENTS_WRITE),
    ]
    assert AGENT_SCOPES < TENANT_SCOPES
    for scope in forbidden:
        with pytest.raises(InsufficientPermissions):
            await key_of(stack, shop, agent, Scope.TASKS_WORK, scope)


async def test_an_agents_key_has_no_more_than_its_maker(stack: Stack) -> None:
    """A key that may make agents' keys gives only its own scopes away."""
    shop = await stack.organization()
    agent = await hired(stack, shop)
    issued = await stack.run("api_keys.create", shop, name="Ops", scopes=["agents:keys", "tasks:work"])
    maker = await stack.authenticate(str(issued["secret"]))
    assert await key_of(stack, maker, agent, Scope.TASKS_WORK)
    with pytest.raises(InsufficientPermissions):
        await key_of(stack, maker, agent, Scope.PAYMENT_ORDERS_WRITE)
    await stack.authenticate.settle()


async def test_a_foreign_agent_has_no_keys_here(stack: Stack) -> None:
    """Nor does its organization's wall let anyone see it."""
    shop, stranger = await stack.organization(), await stack.organization()
    agent = await hired(stack, shop)
    with pytest.raises(EntityNotFoundError):
        await key_of(stack, stranger, agent)
