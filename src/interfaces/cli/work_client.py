"""What a worker says to Stoa over HTTP, again and again until it is heard."""

import asyncio
import random
from collections.abc import Mapping
from uuid import uuid4

import httpx2

type Body = dict[str, object]

_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_IN_PROGRESS = "idempotency_in_progress"


class Refused(Exception):
    """Stoa understood and said no; ``code`` says why."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        """Keep what was said."""
        super().__init__(f"{code}: {detail}")
        self.status = status
        self.code = code


class TaskClient:
    """The use-cases of whoever works on tasks, under an agent's key."""

    def __init__(self, url: str, key: str, *, agent: str, worker: str, lease: int) -> None:
        """Connect at first use."""
        self._agent, self._worker, self._lease = agent, worker, lease
        self._http = httpx2.AsyncClient(
            base_url=url.rstrip("/"), headers={"Authorization": f"Bearer {key}"}, timeout=15, trust_env=False
        )

    async def close(self) -> None:
        """Let go of every connection."""
        await self._http.aclose()

    async def claim(self, limit: int) -> list[Body]:
        """Take tasks; under one key, so that a lost answer loses no task.

        Raises:
            Refused: the key opens nothing, or not this agent's work.
        """
        fields = {"agent_id": self._agent, "limit": limit, "lease_seconds": self._lease, "worker": self._worker}
        answer = await self._say("/v1/tasks/claim", fields)
        claims = answer["data"]
        return claims if isinstance(claims, list) else []

    async def say(self, claim: Mapping[str, object], verb: str, **fields: object) -> Body:
        """Heartbeat, complete, fail or release a claimed task.

        Raises:
            Refused: the task is not ours any more.
        """
        task = claim["task"]
        id_ = task["id"] if isinstance(task, dict) else ""
        return await self._say(f"/v1/tasks/{id_}/{verb}", {"token": claim["token"], **fields})

    async def _say(self, path: str, fields: Mapping[str, object]) -> Body:
        """Ask until there is an answer: what was done already is answered again, and not done again."""
        key, pause = {"Idempotency-Key": str(uuid4())}, _FIRST_PAUSE
        while True:
            try:
                response = await self._http.post(path, json=dict(fields), headers=key)
            except httpx2.TransportError:
                response = None
            if response is not None:
                body = _body(response)
                if response.is_success:
                    return body
                if response.status_code not in _AGAIN and body.get("code") != _IN_PROGRESS:
                    raise Refused(response.status_code, str(body.get("code")), str(body.get("detail")))
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - jitter is no secret
            pause = min(_LONGEST_PAUSE, pause * 2)


def _body(response: httpx2.Response) -> Body:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
