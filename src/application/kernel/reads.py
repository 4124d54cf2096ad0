"""Plain reads, declared instead of written: one aggregate by its id, and one page of a list.

Both register an ordinary use-case. A read that does more than load and show is a handler like any other.
"""

from collections.abc import Callable, Mapping
from dataclasses import make_dataclass
from types import GenericAlias
from typing import get_type_hints

from application.kernel.actor import Scope
from application.kernel.page import ListView, PageQuery
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.kernel.view import View
from domain.shared.entity import Entity
from domain.shared.page import Page
from domain.shared.repository import IRepository
from domain.shared.specification import Spec


def get_use_case[E: Entity](
    name: str, of: Callable[[IUnitOfWork], IRepository[E]], view: type[View[E]], doc: str, *, scope: Scope,
    with_deleted: bool = False, statements: int = 1,
) -> None:  # fmt: skip
    """Declare ``name`` as returning one aggregate by its id, whose type is the view's; ``doc`` is the public text."""
    resource = name.partition(".")[0]
    command = make_dataclass(
        f"Get_{resource}", [("id", get_type_hints(view)["id"])], frozen=True, slots=True, kw_only=True
    )
    command.__doc__ = "Which one."

    async def get(cmd: object, uow: IUnitOfWork) -> View[E]:
        return view.of(await of(uow).get(cmd.id, with_deleted=with_deleted))  # type: ignore[attr-defined]  # reason: the command made above

    get.__annotations__ = {"cmd": command, "uow": IUnitOfWork, "return": view}
    get.__doc__ = f"{doc}\n\nErrors: `not_found`."
    use_case(name, scope=scope, example={}, read_only=True, statements=statements)(get)


def list_use_case[E: Entity, Q: PageQuery](
    name: str, command: type[Q], of: Callable[[IUnitOfWork], IRepository[E]], view: type[View[E]], doc: str, *,
    where: Callable[[Q], Spec[E]], scope: Scope, example: Mapping[str, object], statements: int = 1,
) -> None:  # fmt: skip
    """Declare ``name`` as listing the aggregates for which ``where(command)`` holds, in the command's ``sort``."""

    async def list_(cmd: Q, uow: IUnitOfWork) -> ListView[View[E]]:
        page: Page[E] = await of(uow).page(where(cmd), cmd.request(cmd.sort))  # type: ignore[attr-defined]  # reason: every list command has it
        return ListView.of(page, view.of)

    list_.__annotations__ = {"cmd": command, "uow": IUnitOfWork, "return": GenericAlias(ListView, (view,))}
    list_.__doc__ = doc
    use_case(name, scope=scope, example=example, read_only=True, statements=statements)(list_)
