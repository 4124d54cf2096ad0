"""An agent in sixty lines: it claims tasks over MCP, counts the words of a text, and says what it found.

    STOA_API_KEY=… STOA_AGENT=agt_… python examples/mcp_agent.py [--once]

The key is the agent's own (`stoa run agents.create_key`); STOA_URL is where Stoa is, http://127.0.0.1:8000 unless set.
"""

import asyncio
import json
import os
import sys

from httpx2 import AsyncClient
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

URL = os.environ.get("STOA_URL", "http://127.0.0.1:8000")
AGENT = os.environ["STOA_AGENT"]
KEY = {"Authorization": f"Bearer {os.environ['STOA_API_KEY']}"}


class Refused(Exception):
    """Stoa said no; the text is JSON with a stable `code`."""


async def call(stoa: Client, tool: str, **arguments: object) -> dict[str, object]:
    """Call a tool and return what it answers."""
    answer = await stoa.call_tool(tool, arguments)
    if answer.is_error:
        raise Refused(json.loads(answer.content[0].text)["code"])
    return dict(answer.structured_content or {})


def work(given: dict[str, object]) -> dict[str, object]:
    """Do what the agent is for; a model would be asked here."""
    words = str(given["text"]).split()
    return {"words": len(words), "longest": max(words, key=len, default="")}


async def attempt(stoa: Client, claim: dict[str, dict[str, object]]) -> None:
    """Work on one task, and complete or fail it; the token says that it is ours."""
    held = {"id": claim["task"]["id"], "token": claim["token"]}
    try:
        output = work(claim["task"]["input"])
        await call(stoa, "tasks_complete", **held, output=output)
        print("completed", held["id"], output)
    except KeyError as missing:
        await call(stoa, "tasks_fail", **held, error={"code": "input", "message": f"no {missing}"}, retry=False)


async def main() -> None:
    """Claim, work, and wait a second when there is nothing to do."""
    connection = AsyncClient(headers=KEY)
    async with connection, Client(streamable_http_client(f"{URL}/mcp/", http_client=connection)) as stoa:
        while True:
            claims = (await call(stoa, "tasks_claim", agent_id=AGENT, limit=10))["data"]
            for claim in claims:
                await attempt(stoa, claim)
            if "--once" in sys.argv:
                return
            await asyncio.sleep(0 if claims else 1)


asyncio.run(main())
