"""Plain changes, declared instead of written: load one aggregate by its id, have it change itself, and show it.

It registers an ordinary use-case. A change that needs more than the moment is a handler like any other.
"""

from collections.abc import Callable
from dataclasses import field, make_dataclass
from datetime import datetime
from typing import get_type_hints

from application.kernel.actor import Scope
from application.kernel.fields import Version
from application.kernel.ports import IClock
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.kernel.view import View
from domain.shared.entity import Entity
from domain.shared.repository import IRepository


def change_use_case[E: Entity](
    name: str, of: Callable[[IUnitOfWork], IRepository[E]], view: type[View[E]], act: Callable[[E, datetime], None],
    doc: str, *, scope: Scope, statements: int, errors: str = "", versioned: bool = True, destructive: bool = False,
    internal: str | None = None,
) -> None:  # fmt: skip
    """Declare ``name`` as one change of one aggregate, whose id's type is the view's.

    ``act`` is the aggregate's method, called with the present moment on the locked aggregate. ``doc`` is the public
    text and ``errors`` the codes beside `not_found`; unless ``versioned`` is off, the caller may name the version that
    they read.
    """
    command = _command(name, view, versioned=versioned)

    async def change(cmd: object, uow: IUnitOfWork, *, clock: IClock) -> View[E]:
        aggregate = await of(uow).get(cmd.id, lock=True)  # type: ignore[attr-defined]  # reason: the command made above
        aggregate.expect_version(getattr(cmd, "expected_version", None))
        act(aggregate, clock.now())
        return view.of(aggregate)

    change.__annotations__ = {"cmd": command, "uow": IUnitOfWork, "clock": IClock, "return": view}
    codes = ["`not_found`", *(["`version_stale`"] if versioned else []), *([errors] if errors else [])]
    change.__doc__ = f"{doc}\n\nErrors: {', '.join(codes)}."
    use_case(
        name, scope=scope, example={}, statements=statements, destructive=destructive, internal=internal
    )(change)  # fmt: skip


def _command(name: str, view: type, *, versioned: bool) -> type:
    fields: list[tuple[str, object] | tuple[str, object, object]] = [("id", get_type_hints(view)["id"])]
    if versioned:
        fields.append(("expected_version", Version | None, field(default=None)))
    resource, _, verb = name.partition(".")
    command = make_dataclass(f"{verb}_{resource}", fields, frozen=True, slots=True, kw_only=True)
    command.__doc__ = "Which one, and optionally the version the caller read." if versioned else "Which one."
    return command
