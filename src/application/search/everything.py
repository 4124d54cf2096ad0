"""Searching over everything an organization has, as far as the caller may read it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

from annotated_types import Interval, Len

from application.kernel.actor import Actor, Scope
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.search.kinds import KINDS, SearchKind
from domain.shared.entity import Entity
from domain.shared.errors import ValidationError


class UnknownSearchKind(ValidationError):
    """There is no such kind to look into; ``known`` in the details are those that there are."""

    code = "search_kind_unknown"
    summary = "There is no such kind to search."


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchHitView:
    """One find. `id` is of its `kind`, `title` is what it is called, `snippet` is around what was found."""

    kind: str
    id: str
    title: str
    snippet: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchView:
    """What was found, kind by kind, the newest of each first.

    `searched` are the kinds that were looked into, and `truncated` those that have more than was asked for.
    """

    data: list[SearchHitView]
    searched: list[str]
    truncated: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchEverything:
    """A text that is contained in a name, an address or a number; in which kinds, and how many of each at most."""

    text: Annotated[str, Len(2, 200)]
    kinds: Annotated[list[Annotated[str, Len(1, 40)]], Len(0, 20)] = field(default_factory=list)
    per_kind: Annotated[int, Interval(ge=1, le=20)] = 5

    def chosen(self, actor: Actor) -> list[SearchKind]:
        """Return the kinds that were asked for, all when none was, without those that the caller may not read.

        Raises:
            UnknownSearchKind: one was asked for that there is not.
        """
        known = {kind.name for kind in KINDS}
        if not known.issuperset(self.kinds):
            raise UnknownSearchKind(path="kinds", known=", ".join(sorted(known)))
        return [kind for kind in KINDS if kind.scope in actor.scopes and kind.name in (self.kinds or known)]


@use_case(
    "search.everything",
    scope=Scope.SEARCH_READ,
    example={"text": "grinder", "kinds": ["product", "conversation"], "per_kind": 5},
    read_only=True,
    # One for each kind, and one for the attempts of payment orders.
    statements=len(KINDS) + 1,
)
async def search_everything(cmd: SearchEverything, uow: IUnitOfWork) -> SearchView:
    """Search everything that the caller may read by what it is called.

    Customers, products, payment links, payment orders, agents, tools, tasks, workflows, playbooks and conversations, in
    whose texts this one is contained, whatever the case of A to Z. A kind that the credential may not read is left out,
    and `searched` does not name it. What was said in conversations is found by `messages.search`.

    Errors: `search_kind_unknown`.
    """
    answer = SearchView(data=[], searched=[], truncated=[])
    for kind in cmd.chosen(uow.actor):
        # Newest first: the index on the moment of creation ends a search as soon as it has enough.
        found = await kind.repository(uow).find(kind.having(cmd.text), sort="-created_at", limit=cmd.per_kind + 1)
        answer.searched.append(kind.name)
        answer.truncated.extend([kind.name] if len(found) > cmd.per_kind else [])
        answer.data.extend(_hit(kind, entity, cmd.text) for entity in found[: cmd.per_kind])
    return answer


def _hit(kind: SearchKind, entity: Entity, text: str) -> SearchHitView:
    return SearchHitView(
        kind=kind.name, id=kind.id_of(entity), title=kind.title_of(entity), snippet=kind.excerpt_of(entity, text),
        created_at=entity.created_at, updated_at=entity.updated_at,
    )  # fmt: skip
