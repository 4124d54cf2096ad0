"""``stoa work``: an agent made of any command, working anywhere that reaches the API."""

import asyncio
import os
import socket

import click


@click.command()
@click.option("--agent", required=True, metavar="ID", help="Work for this agent (agt_…).")
@click.option("--exec", "command", required=True, metavar="COMMAND", help="The shell command that works on one task.")
@click.option("--url", envvar="STOA_URL", show_envvar=True, default="http://127.0.0.1:8000", show_default=True,
              help="Where the API is.")  # fmt: skip
@click.option(
    "--api-key", envvar="STOA_API_KEY", show_envvar=True, required=True, metavar="KEY", help="The agent's key."
)
@click.option("--concurrency", type=click.IntRange(1, 100), default=1, show_default=True, help="Tasks at a time.")
@click.option("--lease", type=click.IntRange(1, 3600), default=30, show_default=True, metavar="SECONDS",
              help="How soon others get a task when this process dies.")  # fmt: skip
@click.option("--grace", type=click.FloatRange(0), default=30, show_default=True, metavar="SECONDS",
              help="How long commands may go on after SIGTERM.")  # fmt: skip
@click.option("--once", is_flag=True, help="Work on what is there now, at most one batch, and exit.")
@click.pass_context
def work(
    ctx: click.Context, *, agent: str, command: str, url: str, api_key: str, concurrency: int, lease: int,
    grace: float, once: bool,
) -> None:  # fmt: skip
    """Have a command work on an agent's tasks.

    The command gets the task's input as JSON on standard input, and STOA_TASK_ID, _TYPE, _TITLE and _ATTEMPT in its
    environment. What it writes to standard output becomes the task's output: a JSON object as it is, other JSON below
    `value`, text below `text`. A non-zero exit status, or more time than the task allows, fails the attempt; the end of
    standard error is kept.

    On SIGTERM no more tasks are claimed; commands finish within the grace period, or their tasks are given back.
    """
    from interfaces.cli.work_client import Refused, TaskClient  # noqa: PLC0415 - help must not wait for the HTTP client
    from interfaces.cli.work_loop import Worker  # noqa: PLC0415 - as above

    async def go() -> None:
        name = f"{socket.gethostname()[:150]}:{os.getpid()}"
        client = TaskClient(url, api_key, agent=agent, worker=name, lease=lease)
        worker = Worker(
            client, command, concurrency=concurrency, lease=lease, grace=grace,
            tell=lambda line: click.echo(line, err=True),
        )  # fmt: skip
        try:
            await worker.run(once=once)
        finally:
            await client.close()

    try:
        asyncio.run(go())
    except Refused as refused:
        click.echo(f"Error: {refused}", err=True)
        ctx.exit({401: 5, 403: 5, 404: 3, 409: 4, 422: 2}.get(refused.status, 6))
