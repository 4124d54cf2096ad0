"""Importing many rows: bad ones are named, good ones are there once."""

from collections.abc import Iterator, Sequence
from typing import cast

import pytest

from application.kernel.actor import Actor
from application.kernel.dispatcher import Call, Outcome
from application.kernel.idempotency import IdempotencyKeyReused
from application.kernel.import_files import Importer, ImportFile
from application.kernel.imports import ImportCommand, OnError, RowsRefused
from infrastructure.persistence.unit_of_work import SqlUnitOfWork
from tests.support.races import race
from tests.support.stack import Body, Stack

BAD_ROWS: list[object] = [
    {"email": "ada@example.org", "name": "Ada", "external_id": "x1"},
    {"email": "no address", "name": "Bob"},
    {"email": "ADA@example.org", "name": "Twin"},
    {"name": "No address", "surprise": 1},
    {"email": "eve@example.org", "name": "Eve", "country": "XX"},
    "no object",
    {"email": "dan@example.org", "name": "Dan", "external_id": "x1"},
    {"email": "present@example.org", "name": "Present"},
    {"email": "fay@example.org", "name": "Fay", "metadata": {"cvv": "1"}},
    {"email": "gus@example.org", "name": "Gus"},
]
WRONG = [
    (2, "email", "email_invalid"),
    (3, "email", "customer_email_taken"),
    (4, "email", "required"),
    (4, "surprise", "unknown_field"),
    (5, "country", "country_invalid"),
    (6, "", "type_invalid"),
    (7, "external_id", "external_id_taken"),
    (8, "email", "customer_email_taken"),
    (9, "metadata", "metadata_invalid"),
]


@pytest.fixture
async def actor(stack: Stack) -> Actor:
    """Return the operator of an organization with one customer."""
    actor = await stack.organization()
    await stack.run("customers.create", actor, email="present@example.org", name="Present")
    return actor


async def total(stack: Stack, actor: Actor, kind: str = "customers") -> object:
    return (await stack.run(f"{kind}.list", actor, include_total=True))["total"]


def told(errors: object) -> list[tuple[object, object, object]]:
    return [(each["row"], each["path"], each["code"]) for each in cast("list[Body]", errors)]


def good(count: int, first: int = 0) -> list[object]:
    return [{"email": f"c{n}@example.org", "name": f"Customer {n}"} for n in range(first, first + count)]


def an_importer(stack: Stack) -> Importer:
    return Importer(stack.dispatcher)


async def import_file(
    stack: Stack, actor: Actor, rows: Sequence[object], on_error: str, *, key: str | None = "k", dry_run: bool = False,
    chunk: int = 3, digest: str = "d", stop_before: int | None = None,
) -> Outcome:  # fmt: skip
    """Import rows a few at a time; reading the file breaks off before a row, when one is named."""

    def commands() -> Iterator[ImportCommand]:
        for first in range(0, len(rows), chunk):
            if stop_before is not None and first >= stop_before:
                raise KeyboardInterrupt
            part = {"rows": rows[first : first + chunk], "on_error": on_error, "first_row": first + 1}
            yield cast("ImportCommand", stack.command("customers.import", **part))

    file = ImportFile(digest=digest, on_error=OnError(on_error), commands=commands(), progress=lambda _: None)
    call = Call(actor=actor, request_id="r", idempotency_key=key, dry_run=dry_run)
    return await an_importer(stack)("customers.import", file, call)


async def test_good_rows_are_kept_and_bad_ones_named(stack: Stack, actor: Actor) -> None:
    """By number, path and code; a twin in the rows is as bad as one that is there."""
    report = await stack.run("customers.import", actor, rows=BAD_ROWS, on_error="skip")
    assert (report["imported"], report["skipped"]) == (2, 8)
    assert told(report["errors"]) == WRONG
    assert await total(stack, actor) == 3


async def test_one_bad_row_means_none_unless_said_otherwise(stack: Stack, actor: Actor) -> None:
    """All of the bad ones are named, with what they would have had over HTTP as paths."""
    with pytest.raises(RowsRefused) as refused:
        await stack.run("customers.import", actor, rows=BAD_ROWS)
    assert [(each.row, each.path, each.code) for each in refused.value.errors] == WRONG
    assert await total(stack, actor) == 1
    report = await stack.run("customers.import", actor, rows=good(7))
    assert report == {"imported": 7, "skipped": 0, "errors": []}
    assert await total(stack, actor) == 8


async def test_the_same_key_imports_once(stack: Stack, actor: Actor) -> None:
    """Other rows under the key are refused."""
    first = await stack.run_once("k1", "customers.import", actor, rows=good(5))
    assert await stack.run_once("k1", "customers.import", actor, rows=good(5)) == first
    with pytest.raises(IdempotencyKeyReused):
        await stack.run_once("k1", "customers.import", actor, rows=good(6))
    assert await total(stack, actor) == 6


async def test_products_are_imported_alike(stack: Stack, actor: Actor) -> None:
    """Their SKU is what only one can have."""
    rows = [{"name": "Beans", "sku": "ESP-1"}, {"name": "More", "sku": "esp-1"}, {"name": "No SKU"}, {"name": "<b>"}]
    report = await stack.run("products.import", actor, rows=rows, on_error="skip")
    assert (report["imported"], told(report["errors"])) == (2, [(2, "sku", "sku_taken"), (4, "name", "text_invalid")])
    assert await total(stack, actor, "products") == 2


@pytest.mark.parametrize("on_error", ["skip", "abort"])
async def test_an_interrupted_file_is_taken_up_again(stack: Stack, actor: Actor, on_error: str) -> None:
    """What ``skip`` committed is replayed, of ``abort`` nothing is there; in the end each row is there once."""
    with pytest.raises(KeyboardInterrupt):
        await import_file(stack, actor, good(10), on_error, stop_before=6)
    assert await total(stack, actor) == (7 if on_error == "skip" else 1)
    done = await import_file(stack, actor, good(10), on_error)
    assert (done.body, done.replayed) == ({"imported": 10, "skipped": 0, "errors": []}, False)
    again = await import_file(stack, actor, good(10), on_error)
    assert (again.body, again.replayed) == (done.body, True)
    assert await total(stack, actor) == 11
    entries = await stack.run("audit_entries.list", actor, subject_type="customer", include_total=True)
    assert entries["total"] == 11


async def test_a_file_with_a_bad_row_is_refused_as_a_whole_with_all_bad_rows(stack: Stack, actor: Actor) -> None:
    """Also those far behind the first; the key stays free for the corrected file."""
    with pytest.raises(RowsRefused) as refused:
        await import_file(stack, actor, BAD_ROWS, "abort")
    assert [(each.row, each.path, each.code) for each in refused.value.errors] == WRONG
    assert await total(stack, actor) == 1
    assert (await import_file(stack, actor, good(4), "abort", digest="corrected")).body == {
        "imported": 4, "skipped": 0, "errors": []
    }  # fmt: skip


async def test_a_file_with_bad_rows_keeps_the_good_ones(stack: Stack, actor: Actor) -> None:
    """Twins are found across the commands that a file is cut into."""
    done = cast("Body", (await import_file(stack, actor, BAD_ROWS, "skip")).body)
    assert (done["imported"], told(done["errors"])) == (2, WRONG)
    assert await total(stack, actor) == 3


@pytest.mark.parametrize("on_error", ["skip", "abort"])
async def test_another_file_under_the_key_is_refused(stack: Stack, actor: Actor, on_error: str) -> None:
    """A key stands for one file."""
    await import_file(stack, actor, good(4), on_error)
    with pytest.raises(IdempotencyKeyReused):
        await import_file(stack, actor, good(4, first=50), on_error, digest="another")
    assert await total(stack, actor) == 5


@pytest.mark.parametrize("on_error", ["skip", "abort"])
async def test_a_rehearsal_keeps_nothing(stack: Stack, actor: Actor, on_error: str) -> None:
    """It says what would have happened, with twins across commands."""
    rows = [*good(4), *good(1)]
    if on_error == "skip":
        done = cast("Body", (await import_file(stack, actor, rows, on_error, dry_run=True)).body)
        assert (done["imported"], told(done["errors"])) == (4, [(5, "email", "customer_email_taken")])
    else:
        with pytest.raises(RowsRefused):
            await import_file(stack, actor, rows, on_error, dry_run=True)
    assert await total(stack, actor) == 1


async def test_two_files_with_the_same_rows_at_once_import_each_row_once(stack: Stack, actor: Actor) -> None:
    """Whoever comes second finds the rows taken, also when both looked before either wrote."""
    raced = await race(import_file(stack, actor, good(30), "skip", key=f"k{n}", chunk=10) for n in range(3))
    assert not raced.lost
    bodies = [cast("dict[str, int]", each.body) for each in raced.won]
    assert sum(body["imported"] for body in bodies) == 30
    assert sum(body["skipped"] for body in bodies) == 60
    assert await total(stack, actor) == 31


async def test_a_whole_file_may_take_longer_than_other_transactions(pg_stack: Stack) -> None:
    """The timer that already runs is stopped; without that the sleep would end the transaction."""
    actor = await pg_stack.organization()
    async with pg_stack.units(actor, use_case="tests.sleep", request_id="r") as uow:
        driver = cast("SqlUnitOfWork", uow).session.transaction._driver  # type: ignore[attr-defined]  # reason: PostgreSQL's
        await driver.execute("SET LOCAL transaction_timeout = 0; SET LOCAL transaction_timeout = '300ms'")
        await uow.take_time()
        await driver.execute("SELECT pg_sleep(0.6)")
        assert await driver.fetchval("SHOW transaction_timeout") == "15min"


async def test_long_keys_that_begin_alike_are_two_keys(stack: Stack, actor: Actor) -> None:
    """However long a key is, all of it counts."""
    alike = "k" * 220
    await import_file(stack, actor, good(2), "skip", key=f"{alike}1", digest="one")
    await import_file(stack, actor, good(2, first=2), "skip", key=f"{alike}2", digest="two")
    assert await total(stack, actor) == 5
