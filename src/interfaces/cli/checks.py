"""Commands that look whether everything is as it should be."""

from pathlib import Path

import click

from application.kernel.wire import Wire
from interfaces.cli.errors import BUG, CONFLICT, UNAVAILABLE
from interfaces.cli.output import Format, preferred, show_progress, tell, write_json, write_rows
from interfaces.cli.runtime import Check, operations_of
from interfaces.cli.tables import write_table


@click.group()
def audit() -> None:
    """Look after the audit log."""


@audit.command()
@click.option(
    "--anchors", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Compare with these anchors, such as those of the server a backup was taken from.",
)  # fmt: skip
@click.pass_context
def verify(ctx: click.Context, anchors: Path | None) -> None:
    """Verify the audit chain of every organization.

    Writes the first entry of each organization that does not verify, and exits with 4 when there is any.
    """
    report = operations_of(ctx).audit_verify(show_progress, anchors)
    problems: list[dict[str, Wire]] = [
        {"organization_id": p.organization_id, "seq": p.seq, "entry_id": p.entry_id, "reason": p.reason}
        for p in report.problems
    ]
    if preferred() is not Format.TABLE:
        counts = {"organizations": report.organizations, "entries": report.entries, "unsealed": report.unsealed}
        write_json({"ok": report.ok, **counts, "problems": problems})
    elif problems:
        write_rows(problems)
    tell(f"{report.entries} entries of {report.organizations} organizations read, {report.unsealed} not sealed yet.")
    if not report.ok:
        ctx.exit(CONFLICT)
    tell("Every chain holds.")


@click.command()
@click.pass_context
def doctor(ctx: click.Context) -> None:
    """Check what Stoa stands on; exits with 6 when something is wrong."""
    findings = list(operations_of(ctx).doctor())
    write_rows([_row(finding) for finding in findings])
    for finding in findings:
        if not finding.ok and finding.remedy:
            tell(f"{finding.name}: {finding.remedy}")
    # Nothing checked is nothing proved.
    if not findings or not all(finding.ok for finding in findings):
        ctx.exit(UNAVAILABLE)


@click.command()
@click.pass_context
def demo(ctx: click.Context) -> None:
    """Play a scripted story through the real use-cases, step by step; exits with 70 when a step did not hold."""
    steps: list[Check] = []

    def show(step: Check) -> None:
        steps.append(step)
        tell(f"{'✓' if step.ok else '✗'} {step.name}")

    operations_of(ctx).demo(show)
    write_table([{"step": s.name, "held": s.ok, "detail": s.detail} for s in steps])
    # No step at all is no story.
    if not steps or not all(step.ok for step in steps):
        ctx.exit(BUG)


def _row(check: Check) -> dict[str, Wire]:
    return {"check": check.name, "ok": check.ok, "detail": check.detail, "remedy": check.remedy or None}
