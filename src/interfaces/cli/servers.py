"""Commands that run until they are told to stop."""

import click

from interfaces.cli.runtime import operations_of


@click.command()
@click.pass_context
def up(ctx: click.Context) -> None:
    """Serve the API and run the worker, all in one.

    Starts the embedded PostgreSQL when no database is configured. Ctrl-C finishes what is under way and stops.
    """
    operations_of(ctx).up()


@click.command()
@click.pass_context
def serve(ctx: click.Context) -> None:
    """Serve the API only."""
    operations_of(ctx).serve()


@click.command()
@click.pass_context
def worker(ctx: click.Context) -> None:
    """Run the relay, the sealer and the scheduled jobs only."""
    operations_of(ctx).worker()


@click.command()
@click.option("--api-key", envvar="STOA_API_KEY", show_envvar=True, metavar="KEY", help="Act as this key's caller.")
@click.option("--organization", metavar="ID", help="Without a key: act as the operator for this organization.")
@click.pass_context
def mcp(ctx: click.Context, api_key: str | None, organization: str | None) -> None:
    """Serve MCP over standard input and output.

    Without an API key the caller is the operator of this machine.
    """
    operations_of(ctx).mcp_stdio(api_key or None, organization)
