"""A process that is nothing but an agent: ``python -m tests.faults.workflow_process APP_URL ORGANIZATION AGENT``."""

import asyncio
import random
import sys
from typing import cast
from uuid import UUID

from application.kernel.actor import Actor, operator
from domain.shared.errors import StoaError, Unavailable
from domain.shared.ids import OrganizationId
from tests.support.databases import DatabaseUrls
from tests.support.stack import Body, Stack, open_stack

LEASE_SECONDS = 1


async def main(app: str, organization: str, agent: str) -> None:
    """Do tasks until killed; each takes a moment, and its output tells which step it was."""
    actor = operator(OrganizationId(UUID(organization)))
    async with open_stack(DatabaseUrls(app, app, app, app), pool_size=2) as stack:
        while True:
            claims = await stack.run("tasks.claim", actor, agent_id=agent, limit=2, lease_seconds=LEASE_SECONDS)
            for claim in cast("list[Body]", claims["data"]):
                await asyncio.sleep(random.uniform(0, 0.01))
                await _complete(stack, actor, claim)
            if not claims["data"]:
                await asyncio.sleep(0.05)


async def _complete(stack: Stack, actor: Actor, claim: Body) -> None:
    task = cast("Body", claim["task"])
    output = {"key": task["title"]}
    try:
        await stack.run("tasks.complete", actor, id=task["id"], token=claim["token"], output=output)
    except Unavailable:  # the process ends, and is started anew
        raise
    except StoaError as error:
        # It took too long and somebody else has the task now.
        print(error.code, flush=True)  # noqa: T201 - read by the test


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
