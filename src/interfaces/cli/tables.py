"""Tables for people."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import click
import msgspec
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from application.kernel.wire import Wire
from domain.shared.currencies import EXPONENTS

_GAP = 3  # what a table puts between two columns
_PIPE_WIDTH = 1_000  # a table that nobody looks at is not cut


def write_table(rows: Sequence[Mapping[str, Wire]]) -> None:
    """Write one line per row; columns that do not fit the terminal are left out, and that is said."""
    if not rows:
        click.echo("Nothing found.", err=True)
        return
    console = _console()
    cells = {name: [_cell(row.get(name)) for row in rows] for name in rows[0] if _is_flat(rows, name)}
    columns: list[str] = []
    width = 0
    for name, texts in cells.items():
        width += max(map(len, [name, *texts])) + _GAP
        if columns and width > console.width:
            break
        columns.append(name)
    table = Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for line in zip(*(cells[name] for name in columns), strict=True):
        table.add_row(*map(Text, line))
    console.print(table)
    hidden = [name for name in rows[0] if name not in columns]
    if hidden:
        click.echo(f"Not shown: {', '.join(hidden)}. All of it with -o json.", err=True)


def write_record(record: Mapping[str, Wire]) -> None:
    """Write one line per field."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, value in record.items():
        table.add_row(Text(name, style="dim"), Text(_cell(value), overflow="fold"))
    _console().print(table)


def _console() -> Console:
    return Console(file=sys.stdout, width=None if sys.stdout.isatty() else _PIPE_WIDTH)


def _is_flat(rows: Iterable[Mapping[str, Wire]], name: str) -> bool:
    return not any(isinstance(row.get(name), dict | list) and not _is_money(row.get(name)) for row in rows)


def _is_money(value: Wire) -> bool:
    return isinstance(value, dict) and value.keys() == {"amount", "currency"}


def _cell(value: Wire) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.isoformat(sep=" ", timespec="seconds").replace("+00:00", "Z")
        case {"amount": int(amount), "currency": str(currency)}:
            return f"{Decimal(amount).scaleb(-EXPONENTS.get(currency, 0)):f} {currency}"
        case dict() | list():
            return _printable(msgspec.json.encode(value).decode())
    return _printable(str(value))


def _printable(text: str) -> str:
    """Show nothing that could move the cursor or change the colours of a terminal."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in text)
