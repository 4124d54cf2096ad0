"""Views: what a use-case shows of an aggregate, taken over by name."""

from collections.abc import Callable, Hashable
from dataclasses import fields
from functools import cache
from typing import Self, cast, get_args, get_origin, get_type_hints


class View[E]:
    """Base of a frozen, slotted dataclass whose fields are attributes of one kind of aggregate or part.

    A field ``list[SomeView]`` shows parts. A view has no defaults, so forgetting one of its fields is impossible.
    """

    __slots__ = ()

    @classmethod
    def of(cls, entity: E) -> Self:
        """Show an aggregate.

        Raises:
            AttributeError: the view has a field that the aggregate has not.
        """
        return cast("Self", _maker(cast("Hashable", cls))(entity))


@cache
def _maker(view: Hashable) -> Callable[[object], object]:
    """Generate the function that fills a view's slots.

    The constructor of a frozen dataclass goes through ``object.__setattr__`` once per field, and in a list of a hundred
    that is most of the time between the database and the answer.
    """
    if not isinstance(view, type):
        raise TypeError("a view is a class")
    names = [field.name for field in fields(view)]
    hints = get_type_hints(view)
    scope: dict[str, object] = {"cls": view, "new": view.__new__}
    lines = ["def of(e):", " v = new(cls)"]
    for name in names:
        scope[f"set_{name}"] = getattr(view, name).__set__
        part = get_args(hints[name])[0] if get_origin(hints[name]) is list else None
        if isinstance(part, type) and issubclass(part, View):
            scope[f"part_{name}"] = _maker(cast("Hashable", part))
            lines.append(f" set_{name}(v, [part_{name}(p) for p in e.{name}])")
        else:
            lines.append(f" set_{name}(v, e.{name})")
    exec("\n".join([*lines, " return v"]), scope)  # noqa: S102 - the source is made of field names only
    return cast("Callable[[object], object]", scope["of"])
