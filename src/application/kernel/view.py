"""Views: what a use-case shows of an aggregate, taken over by name."""

from collections.abc import Callable
from dataclasses import fields
from functools import cache
from operator import attrgetter
from typing import NamedTuple, Self, get_args, get_origin, get_type_hints


class View[E]:
    """Base of a frozen dataclass whose fields are attributes of one kind of aggregate or part.

    A field ``list[SomeView]`` shows parts. A view has no defaults, so forgetting one of its fields is impossible.
    """

    __slots__ = ()

    @classmethod
    def of(cls, entity: E) -> Self:
        """Show an aggregate.

        Raises:
            AttributeError: the view has a field that the aggregate has not.
        """
        names, read, parts = _shape(cls)  # type: ignore[arg-type]  # reason: a class is hashable
        values = dict(zip(names, read(entity), strict=True))
        for name, view in parts.items():
            values[name] = [view.of(part) for part in values[name]]  # type: ignore[attr-defined]  # reason: a list
        return cls(**values)


class _Shape(NamedTuple):
    names: tuple[str, ...]
    read: Callable[[object], tuple[object, ...]]
    parts: dict[str, type[View[object]]]


@cache
def _shape(view: type) -> _Shape:
    names = tuple(field.name for field in fields(view))
    hints = get_type_hints(view)
    items = {name: get_args(hints[name])[0] for name in names if get_origin(hints[name]) is list}
    parts = {name: item for name, item in items.items() if isinstance(item, type) and issubclass(item, View)}
    return _Shape(names, attrgetter(*names), parts)
