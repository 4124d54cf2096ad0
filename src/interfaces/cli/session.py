"""What one invocation of ``stoa`` carries; kept light, because help and shell completion load it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from uuid import uuid4

import click

import application
from application.kernel.use_case import UseCase, load_registry


def registered() -> Mapping[str, UseCase]:
    """Load every use-case there is."""
    return load_registry(application)


@dataclass(frozen=True, slots=True)
class Session:
    """One invocation.

    Attributes:
        operations: makes the ``Operations`` of :mod:`interfaces.cli.runtime` when a command really needs them. It is
            declared as an object, because that module's imports would make ``stoa --help`` wait.
        registry: loads the use-cases.
        request_id: correlates everything this invocation does.
    """

    operations: Callable[[], object]
    registry: Callable[[], Mapping[str, UseCase]] = registered
    request_id: str = field(default_factory=lambda: str(uuid4()))


def session_of(ctx: click.Context) -> Session:
    """Return the session that ``main`` put into the context.

    Raises:
        RuntimeError: the group was invoked without one, which is a mistake of ours.
    """
    session = ctx.find_object(Session)
    if session is None:
        raise RuntimeError("the command line was started without a session")
    return session
