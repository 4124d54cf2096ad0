"""Finding the endpoint by method and path in as many steps as the path has segments.

Starlette's router tries one pattern after the other, which for the last of 150 routes costs more than the rest of
the request; and it names only one route's methods in ``Allow``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from starlette.types import Receive, Scope, Send

from interfaces.http.errors import MethodNotAllowed, UnknownPath


class IEndpoint(Protocol):
    """An ASGI application that is also told the values in its path."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send, parameters: Mapping[str, str]) -> None:
        """Answer one request."""
        ...


@dataclass(slots=True)
class _Node:
    children: dict[str, "_Node"] = field(default_factory=dict)
    wildcard: "_Node | None" = None
    endpoints: dict[str, tuple[IEndpoint, tuple[str, ...]]] = field(default_factory=dict)


class Router:
    """A tree of path segments. A literal segment wins over a ``{parameter}`` in the same place."""

    def __init__(self) -> None:
        """Begin without routes."""
        self._root = _Node()

    def add(self, method: str, path: str, endpoint: IEndpoint) -> None:
        """Add a route; a ``GET`` answers ``HEAD`` as well."""
        node = self._root
        names = []
        for segment in path.split("/"):
            if segment.startswith("{"):
                names.append(segment[1:-1])
                if node.wildcard is None:
                    node.wildcard = _Node()
                node = node.wildcard
            else:
                node = node.children.setdefault(segment, _Node())
        for served in ("GET", "HEAD") if method == "GET" else (method,):
            if served in node.endpoints:
                raise ValueError(f"two routes for {method} {path}")
            node.endpoints[served] = (endpoint, tuple(names))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request to its endpoint.

        Raises:
            UnknownPath: no route has this path.
            MethodNotAllowed: none of those that have it has this method.
        """
        path: str = scope["path"].removeprefix(scope.get("root_path", ""))
        node, values = self._find(path.split("/"))
        if scope["method"] not in node.endpoints:
            raise MethodNotAllowed(allow=", ".join(sorted(node.endpoints)))
        endpoint, names = node.endpoints[scope["method"]]
        await endpoint(scope, receive, send, dict(zip(names, values, strict=True)))

    def _find(self, segments: list[str]) -> tuple[_Node, list[str]]:
        node: _Node | None = self._root
        values = []
        for segment in segments:
            literal = node.children.get(segment) if node else None
            if literal is None and node is not None and segment:
                values.append(segment)
                literal = node.wildcard
            node = literal
        if node is None or not node.endpoints:
            raise UnknownPath
        return node, values
