"""``stoa db``: migrations and the embedded database."""

import click

from interfaces.cli.errors import CONFLICT
from interfaces.cli.output import tell
from interfaces.cli.runtime import operations_of


@click.group()
def db() -> None:
    """Migrate and look after the database."""


@db.command()
@click.argument("revision", default="head")
@click.pass_context
def upgrade(ctx: click.Context, revision: str) -> None:
    """Migrate up to REVISION, by default to the latest."""
    operations = operations_of(ctx)
    operations.db_upgrade(revision)
    tell(f"The database is at {operations.db_current() or 'base'}.")


@db.command()
@click.argument("revision", default="-1")
@click.pass_context
def downgrade(ctx: click.Context, revision: str) -> None:
    """Migrate down to REVISION, by default by one step."""
    operations = operations_of(ctx)
    operations.db_downgrade(revision)
    tell(f"The database is at {operations.db_current() or 'base'}.")


@db.command()
@click.pass_context
def current(ctx: click.Context) -> None:
    """Write the database's revision; nothing when it was never migrated."""
    revision = operations_of(ctx).db_current()
    if revision is None:
        tell("The database was never migrated.")
    else:
        click.echo(revision)


@db.command()
@click.pass_context
def check(ctx: click.Context) -> None:
    """Compare the database with the models; exits with 4 when they differ."""
    difference = operations_of(ctx).db_check()
    if difference is not None:
        click.echo(difference)
        ctx.exit(CONFLICT)
    tell("The database is what the models say.")


@db.command()
@click.option("--superuser", is_flag=True, help="The address of the database's owner of everything.")
@click.pass_context
def url(ctx: click.Context, *, superuser: bool) -> None:
    """Write the database's address, for psql."""
    click.echo(operations_of(ctx).db_url(superuser=superuser))


@db.command()
@click.pass_context
def stop(ctx: click.Context) -> None:
    """Stop the embedded database."""
    operations_of(ctx).db_stop()
