"""A nursery of an agent's processes: ``python -m tests.faults.task_process APP_URL ORGANIZATION AGENT LEASE STALL``.

For each file named on standard input it forks a process, so that nobody waits for imports, and answers with its id.
Such a process claims tasks, works on each for a moment and completes it, and says so in its file, one line of JSON for
each thing that it knows: what it claimed, what it completed, what was refused. Some tasks it stalls on until its lease
is over, and then completes all the same. It is killed by others.
"""

import asyncio
import json
import os
import random
import signal
import sys
from typing import cast
from uuid import UUID, uuid4

from application.kernel.actor import operator
from application.kernel.dispatcher import Call
from domain.shared.errors import Conflict, StoaError
from domain.shared.ids import OrganizationId
from tests.support.databases import DatabaseUrls
from tests.support.stack import Body, Stack, open_stack

_BATCH = 2


def tell(what: str, task: object, token: object) -> None:
    """Say it now, so that being killed a moment later does not unsay it."""
    print(json.dumps({"what": what, "task": task, "token": token}), flush=True)  # noqa: T201 - how it is heard


class Agent:
    """One process of one agent."""

    def __init__(self, stack: Stack, organization: str, agent: str, lease: int, stall: float) -> None:
        self._stack, self._agent, self._lease, self._stall = stack, agent, lease, stall
        self._actor = operator(OrganizationId(UUID(organization)))

    async def run(self) -> None:
        """Work for ever."""
        while True:
            claims = await self._claim()
            for claim in claims:
                await self._work(cast("str", cast("Body", claim["task"])["id"]), claim["token"])
            if not claims:
                await asyncio.sleep(0.05)

    async def _claim(self) -> list[Body]:
        fields: Body = {"agent_id": self._agent, "limit": _BATCH, "lease_seconds": self._lease, "worker": "fault"}
        answer = await self._insist("tasks.claim", fields)
        return cast("list[Body]", answer["data"]) if answer else []

    async def _work(self, task: str, token: object) -> None:
        tell("claimed", task, token)
        stalled = random.random() < self._stall
        await asyncio.sleep(self._lease + 1.5 if stalled else random.uniform(0, 0.004))
        done = await self._insist("tasks.complete", {"id": task, "token": token, "output": {"by": token}})
        tell("completed" if done else "refused", task, token)

    async def _insist(self, name: str, fields: Body) -> Body | None:
        """Run a use-case under one key until there is an answer; None when it is a refusal."""
        key = str(uuid4())
        while True:
            call = Call(actor=self._actor, request_id=key, idempotency_key=key)
            try:
                return cast(
                    "Body", (await self._stack.dispatcher(name, self._stack.command(name, **fields), call)).body
                )
            except Conflict:
                return None
            except StoaError:
                await asyncio.sleep(0.05)


async def main(app: str, organization: str, agent: str, lease: str, stall: str) -> None:
    """Work until killed."""
    async with open_stack(DatabaseUrls(app, app, app, app), pool_size=2) as stack:
        await Agent(stack, organization, agent, int(lease), float(stall)).run()


def nursery(arguments: list[str]) -> None:
    """Fork a process for each line."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            out = os.open(line.strip(), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(out, 1)
            asyncio.run(main(*arguments))
        print(pid, flush=True)  # noqa: T201 - how it is heard


if __name__ == "__main__":
    nursery(sys.argv[1:])
