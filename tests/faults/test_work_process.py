"""`stoa work` and the example agent as real processes against a real server."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import httpx2
import pytest

from infrastructure.persistence.embedded import EmbeddedPostgres
from tests.faults.processes import ChildProcess, free_port
from tests.faults.served import ready
from tests.support.stack import Body

_ROOT = Path(__file__).resolve().parents[2]


class Office:
    """A running server, an agent in it, and that agent's key."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        self.http = httpx2.AsyncClient(
            base_url=url, headers={"Authorization": f"Bearer {key}"}, trust_env=False, timeout=20
        )
        self.agent = self.key = ""

    async def say(self, method: str, path: str, **fields: object) -> Body:
        """Ask the API and expect success."""
        answer = await self.http.request(method, path, **({"params": fields} if method == "GET" else {"json": fields}))  # type: ignore[arg-type]  # reason: text and JSON
        assert answer.is_success, answer.text
        return cast("Body", answer.json())

    async def hire(self) -> None:
        """Make an active agent with a key of its own."""
        agent = await self.say("POST", "/v1/agents", name="Counter", type="worker", capabilities=["count"])
        await self.say("POST", f"/v1/agents/{agent['id']}/activate")
        scopes = ["tasks:read", "tasks:work"]
        issued = await self.say("POST", f"/v1/agents/{agent['id']}/keys", name="worker", scopes=scopes)
        self.agent, self.key = str(agent["id"]), str(issued["secret"])

    async def task(self, given: Body, **fields: object) -> str:
        """Give the agent something to do."""
        made = await self.say("POST", "/v1/tasks", title="Count", agent_id=self.agent, input=given, **fields)
        return str(made["id"])

    async def read(self, task: str) -> Body:
        return await self.say("GET", f"/v1/tasks/{task}")

    async def until(self, task: str, *statuses: str) -> Body:
        """Wait until a task has one of the statuses."""
        async with asyncio.timeout(20):
            while (found := await self.read(task))["status"] not in statuses:  # noqa: ASYNC110 - the server has no bell
                await asyncio.sleep(0.05)
        return found

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start a program with the agent's key."""
        told = {"STOA_URL": self.url, "STOA_API_KEY": self.key, "STOA_AGENT": self.agent}
        return subprocess.Popen(
            [sys.executable, *arguments], env={**os.environ, **told, "PYTHONPATH": str(_ROOT / "src")}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def work(self, command: str, *options: str) -> "subprocess.Popen[str]":
        """Start `stoa work`."""
        return self.start("-m", "interfaces.cli.main", "work", "--agent", self.agent, "--exec", command, *options)


async def ended(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    """Wait for a program and return its exit status and what it wrote."""
    out, err = await asyncio.to_thread(process.communicate, timeout=30)
    return process.returncode, out, err


@pytest.fixture(scope="module")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    """Run ``stoa up`` in an empty data folder."""
    folder = tmp_path_factory.mktemp("office")
    port, cluster = free_port(), EmbeddedPostgres(folder / "data")
    settings = {"data_dir": folder / "data", "port": port, "log_level": "warning"}
    server = ChildProcess(folder / "server", "interfaces.cli.main", "up", **settings)
    server.start(anew=True)
    url = f"http://127.0.0.1:{port}"
    try:
        await ready(server, url)
        opened = Office(url, server.output.split()[-1])
        await opened.hire()
        yield opened
        await opened.http.aclose()
    finally:
        server.kill()
        await asyncio.to_thread(cluster.stop)


async def test_a_command_gets_the_input_and_its_output_is_kept(office: Office) -> None:
    """JSON in, JSON out; text and other JSON have names of their own; a failure keeps the end of its complaint."""
    doubles = "import json,sys; n=json.load(sys.stdin)['n']; n<0 and sys.exit('minus!'); print(json.dumps({'n': 2*n}))"
    good, bad = await office.task({"n": 21}), await office.task({"n": -1}, max_attempts=1)
    status, out, err = await ended(office.work(f'{sys.executable} -c "{doubles}"', "--once", "--concurrency", "2"))
    assert (status, out) == (0, ""), err
    assert (await office.read(good))["output"] == {"n": 42}
    failed = await office.read(bad)
    assert failed["status"] == "dead"
    assert failed["error"] == {"code": "exit_status", "message": "The command ended with 1.", "stderr": "minus!\n"}
    for written, kept in (("echo hello", {"text": "hello"}), ("echo '[1, 2]'", {"value": [1, 2]}), ("true", {})):
        task = await office.task({})
        assert (await ended(office.work(written, "--once")))[0] == 0
        assert (await office.read(task))["output"] == kept


async def test_a_command_that_takes_too_long_is_ended(office: Office, tmp_path: Path) -> None:
    """The attempt fails with the code of a timeout, and nothing of the command is left."""
    task = await office.task({}, timeout_seconds=1, max_attempts=1)
    status, _, err = await ended(office.work(f"sleep 2; touch {tmp_path}/late", "--once", "--lease", "2"))
    assert status == 0, err
    found = await office.until(task, "dead")
    assert cast("Body", found["error"])["code"] == "agent_timeout"
    await asyncio.sleep(1.5)
    assert not (tmp_path / "late").exists()


async def test_a_lease_is_extended_while_the_command_runs(office: Office) -> None:
    """A command of three seconds under a lease of one is completed in its first attempt."""
    task = await office.task({})
    status, _, err = await ended(office.work("sleep 2.5; echo done", "--once", "--lease", "1"))
    assert status == 0, err
    found = await office.read(task)
    assert (found["status"], found["attempt"]) == ("completed", 1)


@pytest.mark.parametrize(("grace", "left"), [("10", "completed"), ("0.2", "pending")])
async def test_sigterm_finishes_or_gives_back(office: Office, grace: str, left: str) -> None:
    """What is done within the grace period is completed, the rest is released and loses no attempt; it exits with 0."""
    task = await office.task({})
    worker = office.work("sleep 1.5; echo done", "--grace", grace)
    await office.until(task, "claimed")
    worker.send_signal(signal.SIGTERM)
    status, _, err = await ended(worker)
    assert status == 0, err
    found = await office.read(task)
    assert (found["status"], found["attempt"]) == (left, 1 if left == "completed" else 0)
    if left == "pending":
        await office.say("POST", f"/v1/tasks/{task}/cancel")


async def test_a_key_of_another_agent_opens_nothing(office: Office) -> None:
    """The command ends with the exit code of a denial."""
    stranger = await office.say("POST", "/v1/agents", name="Stranger", type="worker")
    program = office.start(
        "-m", "interfaces.cli.main", "work", "--agent", str(stranger["id"]), "--exec", "true", "--once"
    )  # fmt: skip
    status, _, err = await ended(program)
    assert (status, "not_the_agent" in err) == (5, True)


async def test_the_example_agent_works_over_mcp(office: Office) -> None:
    """It completes what it can read and fails what it cannot; it has no more than sixty-four lines."""
    example = _ROOT / "examples" / "mcp_agent.py"
    good, bad = await office.task({"text": "so much depends upon"}), await office.task({"page": 1})
    status, out, err = await ended(office.start(str(example), "--once"))
    assert status == 0, err
    assert (await office.read(good))["output"] == {"words": 4, "longest": "depends"}
    assert (await office.read(bad))["status"] == "failed"
    assert "completed" in out
    assert len(example.read_text().splitlines()) <= 64
