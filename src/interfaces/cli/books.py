"""``stoa books``: looking after the double-entry books."""

import click

from application.kernel.wire import Wire
from interfaces.cli.errors import CONFLICT
from interfaces.cli.output import Format, preferred, show_progress, tell, write_json, write_rows
from interfaces.cli.runtime import operations_of


@click.group()
def books() -> None:
    """Look after the books."""


@books.command()
@click.option("--organization", help="Only this one, by id or slug; by default every organization's books.")
@click.pass_context
def verify(ctx: click.Context, organization: str | None) -> None:
    """Verify that debits equal credits, and that every order agrees with its entries.

    Writes the first wrong entries and orders of each organization, and exits with 4 when there are any.
    """
    report = operations_of(ctx).books_verify(organization, show_progress)
    problems: list[dict[str, Wire]] = [
        {
            "organization_id": p.organization_id,
            "reason": p.reason,
            "journal_entry_id": p.journal_entry_id,
            "payment_order_id": p.payment_order_id,
        }
        for p in report.problems
    ]
    if preferred() is not Format.TABLE:
        counts = {"organizations": report.organizations, "entries": report.entries, "orders": report.orders}
        write_json({"ok": report.ok, **counts, "problems": problems})
    elif problems:
        write_rows(problems)
    tell(f"{report.entries} entries and {report.orders} orders of {report.organizations} organizations read.")
    if not report.ok:
        ctx.exit(CONFLICT)
    tell("The books balance and agree with every order.")
