"""Running one use-case: read, validate, dispatch, write."""

import asyncio
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import click

from application.kernel.actor import PUBLIC_ACTOR, Actor, Scope, operator
from application.kernel.dispatcher import Call, Outcome
from application.kernel.idempotency import parse_key
from application.kernel.import_files import ImportFile
from application.kernel.use_case import UseCase
from domain.shared.errors import MalformedInput
from interfaces.cli import bulk
from interfaces.cli.flags import FieldOption, merged, read_flags
from interfaces.cli.output import Format, preferred, tell, write_answer
from interfaces.cli.runtime import Operations, Runtime, operations_of
from interfaces.cli.session import session_of
from interfaces.schema.command import CommandSchema
from interfaces.schema.json_text import decode_json
from interfaces.schema.reader import read_shape
from interfaces.schema.shapes import Items, Record


@dataclass(frozen=True, slots=True)
class Caller:
    """Who the command line says is calling: who holds a key or a session, or the operator for an organization."""

    api_key: str | None
    organization: str | None


def execute(ctx: click.Context, use_case: UseCase, record: Record, options: Iterable[FieldOption]) -> None:
    """Run the use-case as the context's parameters say, and write its answer.

    Raises:
        UsageError: the parameters make no sense before any field is looked at.
        StoaError: the fields make no command, or the use-case refused.
    """
    given = ctx.params
    form = Format(given["output"]) if given["output"] else preferred()
    if form is Format.ID and not _has_id(use_case):
        raise click.UsageError(f"What {use_case.name} answers has no id.", ctx)
    call = Call(
        actor=PUBLIC_ACTOR,
        request_id=session_of(ctx).request_id,
        idempotency_key=parse_key(given["idempotency_key"]),
        dry_run=given["dry_run"],
    )
    caller = Caller(given["api_key"] or None, given["organization"])
    with bulk.row_file(use_case, given["json"]) as rows:
        if rows is None or not rows.holds_rows():
            body = rows.whole() if rows is not None else None
            data = merged(_read_json(given["json"], body), read_flags(record, options, given))
            # Before anything is opened: a mistake in a flag needs no database to be found.
            command = CommandSchema(use_case.command, use_case.name).validate(data)
            outcome = asyncio.run(_run(operations_of(ctx), use_case, command, call, caller))
        else:
            call = replace(call, idempotency_key=bulk.key_for(call.idempotency_key, dry_run=call.dry_run))
            with bulk.import_file(use_case, rows, read_flags(record, options, given)) as file:
                outcome = asyncio.run(_import(operations_of(ctx), use_case, file, call, caller))
    if outcome.replayed:
        tell("Replayed: this is the answer to the first run with the idempotency key.")
    if call.dry_run:
        tell("Dry run: nothing was kept.")
    write_answer(outcome.body, form)


def _read_json(given: str | None, body: bytes | None) -> Mapping[str, object]:
    if given is None:
        return {}
    try:
        if body is not None:
            pass  # It was read already, to see whether it is rows.
        elif given == "-":
            body = sys.stdin.buffer.read()
        else:
            body = Path(given[1:]).read_bytes() if given.startswith("@") else given.encode()
        data = decode_json(body)
    except OSError as error:
        raise click.UsageError(f"--json: the file cannot be read: {error.strerror}") from None
    except (MalformedInput, UnicodeEncodeError):
        raise click.UsageError("--json: this is not valid JSON.") from None
    if not isinstance(data, dict):
        raise click.UsageError("--json: this is not a JSON object.")
    return data


async def _run(operations: Operations, use_case: UseCase, command: object, call: Call, caller: Caller) -> Outcome:
    async with operations.runtime() as runtime:
        actor = await _actor(runtime, use_case, caller)
        return await runtime.dispatch(use_case.name, command, replace(call, actor=actor))


async def _import(operations: Operations, use_case: UseCase, file: ImportFile, call: Call, caller: Caller) -> Outcome:
    async with operations.runtime() as runtime:
        actor = await _actor(runtime, use_case, caller)
        return await runtime.import_file(use_case.name, file, replace(call, actor=actor))


async def _actor(runtime: Runtime, use_case: UseCase, caller: Caller) -> Actor:
    if use_case.public:
        return PUBLIC_ACTOR
    if caller.api_key is not None:
        named = caller.organization
        return await runtime.authenticate(
            caller.api_key, None if named is None else await runtime.organization(named)
        )  # fmt: skip
    if caller.organization is None and use_case.scope is Scope.PLATFORM_OPERATE:
        return operator()
    return operator(await runtime.organization(caller.organization))


def _has_id(use_case: UseCase) -> bool:
    """Say whether the answer, or each item of its page, carries an id."""
    shape = read_shape(use_case.result)
    fields = {field.name: field.shape for field in shape.fields} if isinstance(shape, Record) else {}
    items = fields.get("data")
    if isinstance(items, Items) and isinstance(items.item, Record):
        return any(field.name == "id" for field in items.item.fields)
    return "id" in fields
