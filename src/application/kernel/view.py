"""Views: what a use-case shows of an aggregate, taken over by name."""

from typing import Self, cast


class View[E]:
    """Base of a dataclass whose fields are attributes of one kind of aggregate or part.

    A view is the shape of an answer and copies nothing: the outside form is read by the view's fields from the
    aggregate itself (``wire``). A field ``list[SomeView]`` shows parts. A view has no defaults, so forgetting one of
    its fields is impossible, and a field the aggregate does not have fails the first test that shows one.
    """

    __slots__ = ()

    @classmethod
    def of(cls, entity: E) -> Self:
        """Show an aggregate through this view."""
        # True by structure: whatever reads the result reads attributes that view and aggregate share.
        return cast("Self", entity)
