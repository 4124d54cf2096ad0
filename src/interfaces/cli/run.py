"""``stoa run``: every use-case of the registry as a command, with flags from its fields."""

from collections.abc import Set as AbstractSet

import click

from application.kernel.use_case import UseCase
from interfaces.cli.examples import command_line
from interfaces.cli.flags import field_options
from interfaces.cli.lazy import SuggestingGroup
from interfaces.cli.session import session_of
from interfaces.schema.reader import read_record

_FORMATS = ("table", "json", "jsonl", "id")
_HELP = """Run one use-case in this process.

Without an API key the caller is the operator of this machine, acting for the organization named by --organization or
for the default one. The operator may run every use-case, also those that no other interface offers.
"""


class UseCaseCommand(click.Command):
    """One use-case; ``stoa run NAME --help`` explains it."""

    def __init__(self, use_case: UseCase) -> None:
        """Read the command's fields."""
        self._use_case = use_case
        self._record = read_record(use_case.command)
        self._fields = field_options(self._record)
        self._common = _common_options({name for option in self._fields for name in option.opts})
        scope = "public" if use_case.scope is None else use_case.scope.value
        super().__init__(
            use_case.name,
            params=[*self._fields, *self._common],
            help=use_case.doc,
            epilog=f"\b\nScope: {scope}\nExample: {command_line(use_case, self._record)}",
        )

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the fields apart from what every use-case takes."""
        sections = (("Fields", self._fields), ("Options", [p for p in self.get_params(ctx) if p not in self._fields]))
        for title, options in sections:
            rows = [row for option in options if (row := option.get_help_record(ctx)) is not None]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> None:
        """Validate, run and write the answer.

        Raises:
            StoaError: the use-case refused, or it never came to that.
        """
        from interfaces.cli.execute import execute  # noqa: PLC0415 - help must not wait for the validator

        execute(ctx, self._use_case, self._record, self._fields)


class UseCaseGroup(SuggestingGroup):
    """All use-cases by name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, sorted."""
        return sorted(session_of(ctx).registry())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Make the command of one use-case."""
        use_case = session_of(ctx).registry().get(cmd_name)
        return None if use_case is None else UseCaseCommand(use_case)


@click.group(cls=UseCaseGroup, help=_HELP, invoke_without_command=True, subcommand_metavar="USE-CASE [OPTIONS]")
@click.pass_context
def run(ctx: click.Context) -> None:
    """Run one use-case; without a name, list them."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def _common_options(taken: AbstractSet[str]) -> list[click.Parameter]:
    """Return what every use-case takes; where a field has the long name of one, its short name remains."""
    output = ["-o", "output", *({"--output"} - taken)]
    return [
        click.Option(["--json"], metavar="JSON|@FILE|-", help="Fields as a JSON object; flags win over it."),
        click.Option(
            output, type=click.Choice(_FORMATS),
            help="How to write the answer.  [default: table on a terminal, else json]",
        ),
        click.Option(["--organization"], metavar="ID", help="Act for this organization."),
        click.Option(
            ["--api-key"], metavar="KEY", envvar="STOA_API_KEY", show_envvar=True,
            help="Act as whoever has this key or session token; better given by the environment, which no list shows.",
        ),
        click.Option(["--idempotency-key"], metavar="KEY", help="The same key and fields give the same answer once."),
        click.Option(["--dry-run"], is_flag=True, help="Do everything and keep nothing."),
    ]  # fmt: skip
