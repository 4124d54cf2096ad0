"""A nursery of workers that send: ``python -m tests.faults.sending_process APP RELAY CHAIN CHAIN_ID LEASE``.

The first three are addresses, of a database as two roles see it and of a chain; the last one is in seconds. For each
line ``POINT FILE`` on standard input it forks a process, so that nobody waits for imports, and answers with its id.
Such a process performs jobs one at a time until it comes to the point: the name of a call of the outside world, after
``before-`` or ``after-``. There it says so in its file and waits to be killed by others.
"""

import asyncio
import importlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import cast
from uuid import UUID

from application.kernel.dispatcher import Call, IDispatch
from application.wallets.ports import IChain, IChains
from application.wallets.sending import Sending
from application.wallets.signing_ports import ISigner
from application.wallets.transaction_jobs import SEND
from domain.shared.ids import OrganizationId
from infrastructure.chain.chains import Chains
from infrastructure.settings_chain import ChainSettings
from infrastructure.workers.jobs import JobWorker
from tests.support.databases import DatabaseUrls
from tests.support.dev_till import a_signer
from tests.support.stack import open_stack

_SLOW = ("infrastructure.chain.transactions", "infrastructure.chain.provider", "web3")


class Trap:
    """The point at which this process waits for its end."""

    def __init__(self, point: str, file: Path) -> None:
        self._point, self._file = point, file

    async def pass_by(self, name: str, call: Callable[[], Awaitable[object]]) -> object:
        """Make a call, unless this is where it ends."""
        await self._stop_at(f"before-{name}")
        answer = await call()
        await self._stop_at(f"after-{name}")
        return answer

    async def _stop_at(self, point: str) -> None:
        if point == self._point:
            self._file.write_text("here")
            await asyncio.sleep(3600)


class Trapped:
    """Whoever is called; every call may be the last."""

    def __init__(self, called: object, trap: Trap) -> None:
        self._called, self._trap = called, trap

    def __getattr__(self, name: str) -> object:
        found = getattr(self._called, name)
        if not callable(found):
            return found
        return lambda *args, **kwargs: self._trap.pass_by(name, lambda: found(*args, **kwargs))

    def of(self, chain_id: int) -> IChain:
        """Return a chain that is as dangerous, of those that are."""
        return cast("IChain", Trapped(cast("IChains", self._called).of(chain_id), self._trap))

    async def __call__(self, name: str, command: object, call: Call) -> object:
        """Run a use-case, of which the second half of the name says where one is."""
        dispatch = cast("IDispatch", self._called)
        return await self._trap.pass_by(name.partition(".")[2], lambda: dispatch(name, command, call))


async def work(trap: Trap, arguments: list[str]) -> None:
    """Perform jobs until killed."""
    app, relay, chain, chain_id, lease = arguments
    chains = Chains([ChainSettings(chain_id=int(chain_id), endpoints=(chain,), confirmations=2)])
    async with open_stack(DatabaseUrls(app, relay, relay, relay), pool_size=3) as stack:
        sending = Sending(
            stack.units, cast("IDispatch", Trapped(stack.dispatcher, trap)), cast("IChains", Trapped(chains, trap)),
            cast("ISigner", Trapped(a_signer(), trap)),
        )  # fmt: skip
        handler = cast("Callable[[OrganizationId, UUID], Awaitable[None]]", sending.send)
        await JobWorker(stack.relay_database, {SEND: handler}, lease_seconds=float(lease), concurrency=1).run()


def nursery(arguments: list[str]) -> None:
    """Fork a process for each line, with everything imported that takes long."""
    for name in _SLOW:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        point, file = line.split()
        pid = os.fork()
        if pid == 0:
            # The parent reads nothing but ids.
            os.dup2(2, 1)
            asyncio.run(work(Trap(point, Path(file)), arguments))
        print(pid, flush=True)  # noqa: T201 - how it is heard


if __name__ == "__main__":
    nursery(sys.argv[1:])
