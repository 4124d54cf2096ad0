"""``stoa use-cases`` and ``stoa describe``: the registry, readable."""

import click
from click.shell_completion import CompletionItem

from application.kernel.use_case import UseCase
from application.kernel.wire import Wire
from interfaces.cli.examples import command_line
from interfaces.cli.output import Format, preferred, write_json, write_rows
from interfaces.cli.session import session_of
from interfaces.http.routes import ROUTES
from interfaces.schema.command import CommandSchema, result_schema

_PREFIX = "/v1"


@click.command("use-cases")
@click.option("--json", "as_json", is_flag=True, help="Write JSON, also on a terminal.")
@click.pass_context
def use_cases(ctx: click.Context, *, as_json: bool) -> None:
    """List every use-case."""
    facts = [_facts(use_case) for _, use_case in sorted(session_of(ctx).registry().items())]
    if as_json or preferred() is not Format.TABLE:
        write_json(facts)
    else:
        shown = ("name", "scope", "route", "summary")
        write_rows([{name: _flat(row[name]) for name in shown} for row in facts], Format.TABLE)


class UseCaseName(click.ParamType[UseCase]):
    """The name of a use-case."""

    name = "use-case"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> UseCase:  # noqa: ARG002 - click's signature
        """Find the use-case, or suggest similar names."""
        if isinstance(value, UseCase):
            return value
        registry = session_of(ctx or click.get_current_context()).registry()
        found = registry.get(str(value))
        if found is None:
            raise click.exceptions.NoSuchCommand(str(value), possibilities=sorted(registry), ctx=ctx)
        return found

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002 - click's signature
        """Complete from the registry."""
        return [
            CompletionItem(name, help=_summary(use_case))
            for name, use_case in sorted(session_of(ctx).registry().items())
            if name.startswith(incomplete)
        ]


@click.command("describe")
@click.argument("use_case", type=UseCaseName(), metavar="USE-CASE")
@click.option("--json", "as_json", is_flag=True, help="Write JSON, also on a terminal.")
def describe(*, use_case: UseCase, as_json: bool) -> None:
    """Describe one use-case with its JSON Schema."""
    schema = CommandSchema(use_case.command, use_case.name)
    command, result = schema.json_schema(), result_schema(use_case.result)
    example = command_line(use_case, schema.record)
    if as_json or preferred() is not Format.TABLE:
        facts: dict[str, object] = {**_facts(use_case), "description": use_case.doc}
        write_json({**facts, "example": example, "command": command, "result": result})
        return
    click.echo(f"{use_case.doc}\n")
    facts_shown = {name: value for name, value in _facts(use_case).items() if name not in {"name", "summary"}}
    for name, value in facts_shown.items():
        click.echo(f"{name.replace('_', ' '):<12}{_flat(value)}")
    click.echo(f"\nExample\n{example}\n\nCommand")
    write_json(command)
    click.echo("\nResult")
    write_json(result)


def _facts(use_case: UseCase) -> dict[str, Wire]:
    route = next((row for row in ROUTES if row.use_case == use_case.name), None)
    return {
        "name": use_case.name,
        "summary": _summary(use_case),
        "scope": None if use_case.scope is None else use_case.scope.value,
        "route": None if route is None else {"method": route.method, "path": _PREFIX + route.path},
        "read_only": use_case.read_only,
        "destructive": use_case.destructive,
        "money": use_case.money,
        "public": use_case.public,
        "internal": use_case.internal,
    }


def _summary(use_case: UseCase) -> str:
    return use_case.doc.partition("\n")[0]


def _flat(value: Wire) -> str:
    match value:
        case {"method": str(method), "path": str(path)}:
            return f"{method} {path}"
        case bool():
            return "yes" if value else "no"
        case None:
            return "-"
    return str(value)
