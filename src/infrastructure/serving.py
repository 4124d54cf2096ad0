"""Running the API server, with or without the workers beside it, until a signal says stop."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator

import structlog
import uvicorn
from starlette.types import ASGIApp

from application.kernel.start_error import StartError
from infrastructure import lifecycle
from infrastructure.bounded_http import BoundedProtocol
from infrastructure.collector import for_good
from infrastructure.container import Container
from infrastructure.drain import Departing, LastResort
from infrastructure.health import Health
from infrastructure.locations import locate
from infrastructure.settings import Settings

type BuildApp = Callable[[Container, Health], ASGIApp]
type LoadApp = Callable[[], BuildApp]
GRACE_SECONDS = 10
_log = structlog.get_logger("stoa")


class AddressInUse(StartError):
    """Something else listens there."""

    exit_code = 6


class Server(uvicorn.Server):
    """A server that leaves signals to us, so that it ends with exit code 0 and not by the signal."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture nothing."""
        yield


async def serve(settings: Settings, load_app: LoadApp, *, work: bool, prepare: bool) -> None:
    """Serve until told to stop; ``work`` runs the workers too, ``prepare`` migrates and makes the first key.

    Raises:
        StartError: the address is taken, a role is privileged, the schema is another, a broker is not there.
    """
    last_resort = LastResort()
    with listening(settings.host, settings.port) as listener:
        # A database may have to be started, which leaves this thread the time to import.
        locating = asyncio.get_running_loop().run_in_executor(None, locate, settings)
        build_app, locations = load_app(), await locating
        if prepare:
            await lifecycle.migrate(settings, locations)
        async with (
            lifecycle.opened(settings, work=work, locations=locations) as container,
            lifecycle.working(container, work=work) as supervisor,
        ):
            # Only now, when nothing can refuse the start any more: the key it makes is shown once.
            secret = await lifecycle.first_run(container) if prepare and not settings.is_production else None
            health = Health(container, supervisor)
            with for_good():
                server = Server(server_config(Departing(build_app(container, health), health)))
            serving = await _until_told_to_stop(server, listener, lambda: _welcome(settings, secret))
            health.draining = True
            if not serving.done():
                await asyncio.sleep(settings.drain_grace_seconds)
            last_resort.arm()
            server.should_exit = True
            await asyncio.gather(serving, supervisor.stop(names=lifecycle.LEASEHOLDERS))
    last_resort.finished = True


def server_config(app: ASGIApp) -> uvicorn.Config:
    """Return how applications are served: nothing says which server it is, and it is logged by ourselves."""
    return uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=GRACE_SECONDS,
        lifespan="on", backlog=2048, http=BoundedProtocol,
        # What proxies say is read where the number of those that are trusted is known.
        proxy_headers=False,
    )  # fmt: skip


async def _until_told_to_stop(
    server: Server, listener: socket.socket, welcome: Callable[[], None]
) -> asyncio.Task[None]:
    """Serve, and return the task that still does when a signal came, or that has failed."""
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    stopping = asyncio.create_task(lifecycle.told_to_stop())
    await _begun(server, serving)
    welcome()
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    return serving


async def work(settings: Settings, load_vitals: LoadApp) -> None:
    """Run relay, sealer and jobs only, until told to stop; with a port, health and metrics are shown there.

    Raises:
        StartError: the address is taken, a role is privileged, the schema is another, a broker is not there.
    """
    last_resort = LastResort()
    with contextlib.ExitStack() as open_sockets:
        listener = None
        if settings.worker_port:
            taken = listening(settings.host, settings.worker_port, setting="STOA_WORKER_PORT")
            listener = open_sockets.enter_context(taken)
            load_vitals()  # imported before anything runs that would wait meanwhile
        async with (
            lifecycle.opened(settings, work=True) as container,
            lifecycle.working(container, work=True) as supervisor,
        ):
            health = Health(container, supervisor)
            async with _shown(listener, lambda: load_vitals()(container, health)):
                lifecycle.announce("Stoa's worker is running. Ctrl-C drains.")
                await lifecycle.told_to_stop()
                health.draining = True
                last_resort.arm()
                await supervisor.stop(names=lifecycle.LEASEHOLDERS)
    last_resort.finished = True


@contextlib.asynccontextmanager
async def _shown(listener: socket.socket | None, vitals: Callable[[], ASGIApp]) -> AsyncIterator[None]:
    """Serve what machines ask about a worker for the length of the block, if they may."""
    if listener is None:
        yield
        return
    server = Server(server_config(vitals()))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    await _begun(server, serving)
    try:
        yield
    finally:
        server.should_exit = True
        await serving


async def _begun(server: Server, serving: asyncio.Task[None]) -> None:
    """Wait until the server listens, or has failed."""
    while not server.started and not serving.done():  # noqa: ASYNC110 - the server has no event for it
        await asyncio.sleep(0.01)


def _welcome(settings: Settings, secret: str | None) -> None:
    """Say where we are; the first key goes to standard output, being the one datum this command produces."""
    if secret is not None:
        lifecycle.announce("Organization “Demo” is ready. Its API key, shown this once:")
        print(secret, flush=True)  # noqa: T201 - see above
    lifecycle.announce(f"Stoa is listening on http://{settings.host}:{settings.port} (docs at /docs). Ctrl-C drains.")


@contextlib.contextmanager
def listening(host: str, port: int, *, setting: str = "STOA_PORT") -> Iterator[socket.socket]:
    """Open the socket of a server; ``setting`` is where the port comes from.

    Raises:
        AddressInUse: something else listens there.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named, because asyncio only turns Nagle's delay off on sockets that say they are TCP.
    with socket.socket(family, proto=socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise AddressInUse(f"STOA_HOST, {setting}: cannot listen on {host}:{port} ({error.strerror}).") from error
        listener.setblocking(False)
        yield listener
