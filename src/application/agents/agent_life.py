"""Agents are activated, paused and retired, and get keys of their own."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from application.agents.agents import AgentView
from application.identity.api_keys import IssuedAPIKeyView, Scopes, kept_of
from application.kernel.actor import AGENT_SCOPES, Scope
from application.kernel.changes import change_use_case
from application.kernel.fields import Version
from application.kernel.ports import IAPIKeys, IClock, IIds
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from domain.agents.agent import Agent
from domain.identity.api_key import APIKey
from domain.identity.specifications import keys_of_agent
from domain.shared.ids import AgentId, APIKeyId
from domain.shared.text import NAME

change_use_case(
    "agents.activate", lambda uow: uow.agents, AgentView, Agent.activate,
    "Let an agent be given work, for the first time or after a pause. Doing it twice changes nothing.",
    scope=Scope.AGENTS_WRITE, statements=4, errors="`transition_invalid` when it is retired",
)  # fmt: skip
change_use_case(
    "agents.pause", lambda uow: uow.agents, AgentView, Agent.pause,
    "Stop an agent until it is activated again: it is given no work, and its keys are refused (`agent_paused`).",
    scope=Scope.AGENTS_WRITE, statements=4, errors="`transition_invalid` when it is retired",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class RetireAgent:
    """Which agent, and optionally the version the caller read."""

    id: AgentId
    expected_version: Version | None = None


# Of up to four keys each is a statement, more are one, on PostgreSQL. SQLite sends each.
@use_case("agents.retire", scope=Scope.AGENTS_WRITE, example={}, destructive=True, statements=9)
async def retire_agent(cmd: RetireAgent, uow: IUnitOfWork, *, clock: IClock) -> AgentView:
    """Stop an agent for good and revoke its keys. Everything it did stays. Doing it twice changes nothing.

    Errors: `not_found`, `version_stale`.
    """
    now = clock.now()
    agent = await uow.agents.get(cmd.id, lock=True)
    agent.expect_version(cmd.expected_version)
    agent.retire(now)
    for key in await uow.api_keys.find(keys_of_agent(agent.id)):
        key.revoke(now)
    return AgentView.of(agent)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateAgentKey:
    """Which agent, what its new key is called and may do, and until when."""

    id: AgentId
    name: Annotated[str, NAME]
    scopes: Scopes
    expires_at: datetime | None = None


@use_case(
    "agents.create_key",
    scope=Scope.AGENTS_KEYS,
    example={"name": "Production", "scopes": ["agents:work", "tasks:work", "payment_orders:write"]},
    statements=7,
)
async def create_agent_key(
    cmd: CreateAgentKey, uow: IUnitOfWork, *, clock: IClock, ids: IIds, keys: IAPIKeys
) -> IssuedAPIKeyView:
    """Issue an API key with which an agent proves who it is. Its secret is in this answer and nowhere else.

    The key has some of the caller's own scopes, and none that lets anybody in or changes what agents are and may
    spend. It is refused while the agent is paused, and revoked when it is retired. Whatever is done with it is
    written down as the agent's doing. It is listed, rotated and revoked like every API key.

    Errors: `not_found`, `scope_missing`, `expiry_exceeds_maker`, `transition_invalid` when the agent is retired,
    `validation_error`, `text_invalid`.
    """
    issued, now = keys.issue(), clock.now()
    agent = await uow.agents.get(cmd.id, lock=True)
    agent.refuse_retired()
    key = APIKey.issue(
        id=APIKeyId(ids.new()), organization_id=agent.organization_id, name=cmd.name, material=kept_of(issued),
        scopes=cmd.scopes, grantable=uow.actor.scopes & AGENT_SCOPES, expires_at=cmd.expires_at,
        no_later_than=uow.actor.expires_at, agent_id=agent.id, now=now,
    )  # fmt: skip
    uow.api_keys.add(key)
    return IssuedAPIKeyView.of(key, issued.secret)
