"""The console script ``stoa``: composes the command line with everything behind it, once a command needs it."""

from interfaces.cli.app import stoa
from interfaces.cli.session import Session

# Everything is imported where it is used: help and completion wait for nothing, and no command waits for a server.
# ruff: noqa: PLC0415


def _operations() -> object:
    from infrastructure.collector import for_good

    with for_good():
        return _composed()


def _composed() -> object:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from application.kernel.actor import Actor
    from infrastructure.collector import for_good
    from infrastructure.container import Container
    from infrastructure.operations import Faces, Operations
    from infrastructure.runtime import Stage
    from infrastructure.serving import BuildApp
    from interfaces.cli.demo_stage import Step
    from interfaces.cli.runtime import Operations as Port

    def app() -> BuildApp:
        with for_good():
            from interfaces.http.main import build_app

            return build_app

    def vitals() -> BuildApp:
        with for_good():
            from interfaces.http.main import build_vitals

            return build_vitals

    async def stdio(container: Container, actor_of: Callable[[], Awaitable[Actor]]) -> None:
        from interfaces.mcp.main import stdio as serve

        await serve(container, actor_of)

    def told(stage: Stage) -> AsyncIterator[Step]:
        from interfaces.cli.demo import story
        from interfaces.mcp.main import server_of

        return story(stage, lambda actor_of: server_of(stage.container, actor_of))

    operations: Port = Operations(Faces(app=app, vitals=vitals, stdio=stdio, story=told))
    return operations


def main() -> None:
    """Run one command and exit with its code."""
    stoa.main(prog_name="stoa", obj=Session(_operations))


if __name__ == "__main__":
    main()
