"""A row of the table of routes."""

from typing import NamedTuple


class RouteRow(NamedTuple):
    """A method and a path below ``/v1`` for a use-case. ``{names}`` in the path are fields of the command."""

    method: str
    path: str
    use_case: str
