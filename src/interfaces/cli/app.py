"""The command ``stoa``: its groups, and the one place where failures become exit codes."""

import click

from interfaces.cli.lazy import Lazy, LazyGroup
from interfaces.cli.session import session_of

_SERVERS = "interfaces.cli.servers"
_DATABASE = "interfaces.cli.database"
_CHECKS = "interfaces.cli.checks"
_CATALOGUE = "interfaces.cli.catalogue"

COMMANDS = {
    "up": Lazy(_SERVERS, "up", "Serve the API and run the worker, all in one."),
    "serve": Lazy(_SERVERS, "serve", "Serve the API only."),
    "worker": Lazy(_SERVERS, "worker", "Run the relay, the sealer and the scheduled jobs only."),
    "mcp": Lazy(_SERVERS, "mcp", "Serve MCP over standard input and output."),
    "run": Lazy("interfaces.cli.run", "run", "Run one use-case."),
    "work": Lazy("interfaces.cli.work", "work", "Have a command work on an agent's tasks."),
    "use-cases": Lazy(_CATALOGUE, "use_cases", "List every use-case."),
    "describe": Lazy(_CATALOGUE, "describe", "Describe one use-case with its JSON Schema."),
    "db": Lazy(_DATABASE, "db", "Migrate and look after the database."),
    "books": Lazy("interfaces.cli.books", "books", "Look after the books."),
    "audit": Lazy(_CHECKS, "audit", "Look after the audit log."),
    "report": Lazy("interfaces.cli.report", "report", "Report on a running process."),
    "doctor": Lazy(_CHECKS, "doctor", "Check what Stoa stands on."),
    "demo": Lazy(_CHECKS, "demo", "Play a scripted story through the real use-cases."),
}

_HELP = """Stoa: the system of record for businesses whose agents do business.

Data goes to standard output, everything else to standard error.

Exit codes: 0 ok, 2 usage or invalid, 3 not found, 4 conflict, 5 denied, 6 unavailable, 70 bug.
"""


class Root(LazyGroup):
    """The outermost group."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; whatever goes wrong is one line and an exit code, never a traceback."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            # click's own; and a reader such as `head` that has seen enough.
            raise
        except Exception as error:  # noqa: BLE001 - the last place that can answer
            from interfaces.cli.errors import report  # noqa: PLC0415 - help must not wait for the validator

            ctx.exit(report(error, session_of(ctx).request_id))


def _version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's signature
    if value and not ctx.resilient_parsing:
        from importlib.metadata import version  # noqa: PLC0415 - wanted here only, and slow to load

        click.echo(f"stoa {version('stoa')}")
        ctx.exit()


stoa = Root(
    "stoa",
    COMMANDS,
    help=_HELP,
    params=[
        click.Option(
            ["--version"], is_flag=True, is_eager=True, expose_value=False, callback=_version,
            help="Show the version and exit.",
        )
    ],
)  # fmt: skip
