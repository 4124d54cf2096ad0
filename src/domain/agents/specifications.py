"""Questions about agents."""

from domain.agents.agent import Agent, AgentStatus, AgentType
from domain.agents.labels import check_capability, check_role
from domain.shared.specification import Contains, Equal, Everything, Spec
from domain.shared.specification_fields import JsonHas


def capable_of(capability: str) -> Spec[object]:
    """Agents or tools that have a capability, in whatever spelling.

    Raises:
        InvalidCapability: it is none.
    """
    return JsonHas("capabilities", check_capability(capability))


def agents_in(status: AgentStatus) -> Spec[Agent]:
    """Agents in one state of their life."""
    return Equal("status", status)


def agents_of_type(type: AgentType) -> Spec[Agent]:
    """Agents that mainly do one thing."""
    return Equal("type", type)


def agents_matching(
    *, type: AgentType | None = None, status: AgentStatus | None = None, role: str | None = None,
    capability: str | None = None, text: str | None = None,
) -> Spec[Agent]:  # fmt: skip
    """Agents for which everything that is given holds; ``text`` is part of the name.

    Raises:
        InvalidText: the role is none.
        InvalidCapability: the capability is none.
    """
    found: Spec[Agent] = Everything() if type is None else agents_of_type(type)
    if status is not None:
        found &= agents_in(status)
    if role is not None:
        found &= Equal("role", check_role(role))
    if capability is not None:
        found &= capable_of(capability)
    return found if text is None else found & Contains("name", text)
