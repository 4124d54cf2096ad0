"""Answers on standard output: tables for people, JSON for programs."""

import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum

import click
import msgspec

from application.kernel.wire import Wire


class Format(StrEnum):
    """How an answer is written."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    ID = "id"


def preferred() -> Format:
    """Return what suits whoever reads standard output."""
    return Format.TABLE if sys.stdout.isatty() else Format.JSON


def tell(line: str) -> None:
    """Say something that is not data."""
    click.echo(line, err=True)


def show_progress(entries: int) -> None:
    """Tell a person who is waiting how many entries were read so far."""
    if sys.stderr.isatty():
        click.echo(f"\r{entries} entries", nl=False, err=True)


def write_answer(body: Wire, form: Format) -> None:
    """Write what a use-case answered; of a page, ``jsonl`` and ``id`` write one line per item."""
    if form is Format.JSON:
        write_json(body)
        return
    page = isinstance(body, dict) and {"data", "next_cursor"} <= body.keys()
    items = body["data"] if page and isinstance(body, dict) else [body]
    records = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    if form is Format.JSONL:
        for record in records:
            click.echo(msgspec.json.encode(record))
    elif form is Format.ID:
        for record in records:
            click.echo(str(record["id"]))
    else:
        from interfaces.cli import tables  # noqa: PLC0415 - programs never need it, and it is slow to load

        tables.write_table(records) if page else tables.write_record(records[0])
    if page and isinstance(body, dict):
        _tell_rest(body)


def write_json(value: object) -> None:
    """Write one JSON value, indented."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2))


def write_rows(rows: Sequence[Mapping[str, Wire]], form: Format | None = None) -> None:
    """Write rows of our own making in the format that suits the reader."""
    if (form or preferred()) is not Format.TABLE:
        write_json(rows)
        return
    from interfaces.cli import tables  # noqa: PLC0415 - programs never need it, and it is slow to load

    tables.write_table(rows)


def _tell_rest(body: Mapping[str, Wire]) -> None:
    if body.get("total") is not None:
        tell(f"{body['total']} in total.")
    if body["next_cursor"] is not None:
        tell(f"More: --cursor {body['next_cursor']}")
