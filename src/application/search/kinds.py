"""What a search over everything looks into: one line for each kind of aggregate."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from application.kernel.actor import Scope
from application.kernel.unit_of_work import IUnitOfWork
from domain.shared import ids
from domain.shared.entity import Entity
from domain.shared.ids import ID_PREFIXES, encode_id
from domain.shared.like import ascii_fold
from domain.shared.repository import IRepository
from domain.shared.specification import Contains, Spec

EXCERPT = 120
"""How many characters of a text are shown around what was found in it."""


@dataclass(frozen=True, slots=True)
class SearchKind:
    """A kind, the scope that reads it, the type of its ids, its repository, and the texts that are looked into.

    The first text is what one of the kind is called.
    """

    name: str
    scope: Scope
    id_type: object
    repository: Callable[[IUnitOfWork], IRepository[Any]]  # reason: kinds of every aggregate in one table
    texts: tuple[str, ...]

    def having(self, text: str) -> Spec[Entity]:
        """Return the question which of the kind have the text in one of theirs."""
        asked: list[Spec[Entity]] = [Contains(name, text) for name in self.texts]
        return reduce(or_, asked)

    def id_of(self, entity: Entity) -> str:
        """Return the id as it is shown outside."""
        return encode_id(ID_PREFIXES[self.id_type], entity.id)

    def title_of(self, entity: Entity) -> str:
        """Return what one is called, or its id when it is not."""
        return str(getattr(entity, self.texts[0]) or self.id_of(entity))

    def excerpt_of(self, entity: Entity, text: str) -> str:
        """Return the first text that has the searched one, cut to what is around it."""
        wanted = ascii_fold(text)
        found = (str(getattr(entity, name) or "") for name in self.texts)
        whole = next(each for each in found if wanted in ascii_fold(each))
        start = max(0, ascii_fold(whole).index(wanted) - (EXCERPT - len(wanted)) // 2)
        return whole[start : start + EXCERPT]


KINDS = (
    SearchKind(
        "customer", Scope.CUSTOMERS_READ, ids.CustomerId, lambda uow: uow.customers, ("name", "email", "external_id")
    ),
    SearchKind(
        "product", Scope.PRODUCTS_READ, ids.ProductId, lambda uow: uow.products, ("name", "sku", "description")
    ),
    SearchKind(
        "payment_link", Scope.PAYMENT_LINKS_READ, ids.PaymentLinkId, lambda uow: uow.payment_links,
        ("title", "slug", "description"),
    ),
    SearchKind(
        "payment_order", Scope.PAYMENT_ORDERS_READ, ids.PaymentOrderId, lambda uow: uow.payment_orders, ("number",)
    ),
    SearchKind("agent", Scope.AGENTS_READ, ids.AgentId, lambda uow: uow.agents, ("name", "role", "description")),
    SearchKind("tool", Scope.TOOLS_READ, ids.ToolId, lambda uow: uow.tools, ("name", "category", "description")),
    SearchKind("task", Scope.TASKS_READ, ids.TaskId, lambda uow: uow.tasks, ("title", "type", "description")),
    SearchKind("workflow", Scope.WORKFLOWS_READ, ids.WorkflowId, lambda uow: uow.workflows, ("name", "description")),
    SearchKind("playbook", Scope.PLAYBOOKS_READ, ids.PlaybookId, lambda uow: uow.playbooks, ("name", "description")),
    SearchKind(
        "conversation", Scope.CONVERSATIONS_READ, ids.ConversationId, lambda uow: uow.conversations, ("title",)
    ),
)  # fmt: skip
"""In the order in which they are answered. A new aggregate is one more line."""
