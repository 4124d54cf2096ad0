"""One task as one process: its input on standard input, its output from standard output."""

import asyncio
import json
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

_TAIL = 2_000
_MOST = 200_000
_DYING_SECONDS = 5.0

type Body = dict[str, object]


@dataclass(frozen=True, slots=True)
class Finished:
    """How a process ended; ``status`` is negative for a signal."""

    status: int
    stdout: bytes
    stderr: bytes

    def output(self) -> Body:
        """Return what it wrote as a document: a JSON object as it is, other JSON below `value`, text below `text`."""
        text = self.stdout.decode(errors="replace").replace("\0", "").strip()
        try:
            value = json.loads(text)
        except ValueError:
            return {"text": text[:_MOST]} if text else {}
        return value if isinstance(value, dict) else {"value": value}

    def error(self) -> Body:
        """Return why it failed, with the end of what it complained about."""
        tail = self.stderr.decode(errors="replace").replace("\0", "")[-_TAIL:]
        return {"code": "exit_status", "message": f"The command ended with {self.status}.", "stderr": tail}


class Command:
    """A shell command that works on one task, with everything it starts."""

    def __init__(self, command: str, task: Mapping[str, object]) -> None:
        """Prepare; nothing starts yet."""
        self._command, self._task = command, task
        self._process: asyncio.subprocess.Process | None = None

    async def run(self) -> Finished:
        """Run to the end; whoever cancels this ends the process and its children."""
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_shell(
            self._command, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True, env=self._environment()
        )
        try:
            given = json.dumps(self._task["input"], ensure_ascii=False).encode()
            stdout, stderr = await self._process.communicate(given)
        except BaseException:
            await self._kill()
            raise
        return Finished(self._process.returncode or 0, stdout, stderr)

    def _environment(self) -> dict[str, str]:
        told = {
            "STOA_TASK_ID": "id",
            "STOA_TASK_TYPE": "type",
            "STOA_TASK_TITLE": "title",
            "STOA_TASK_ATTEMPT": "attempt",
        }
        return {**os.environ, **{name: str(self._task[field]) for name, field in told.items()}}

    async def _kill(self) -> None:
        """Ask the whole group to end, and end it."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        for ending in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, ending)
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), _DYING_SECONDS)
                return
