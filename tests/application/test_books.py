"""The books: every movement is in them once, balanced, and for good."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import cast
from uuid import uuid4

import asyncpg
import pytest

from domain.books.journal_entry import Account, Direction, EntryType, JournalEntry, UnbalancedEntry
from domain.shared.errors import ValidationError
from domain.shared.ids import OrganizationId
from domain.shared.money import InvalidAmount, Money
from domain.shared.specification import Everything
from tests.support.rows import Rows
from tests.support.shop import Shop, amounts, order_id
from tests.support.stack import Body, Stack


@pytest.fixture
async def shop(stack: Stack) -> Shop:
    """A shop of the test's own, so that its balances are known."""
    return await Shop.open(stack)


async def entries(shop: Shop, **filters: object) -> list[Body]:
    listed = await shop.run("books.list_entries", sort="created_at", **filters)
    return cast("list[Body]", listed["data"])


def lines(entry: Body) -> list[tuple[str, str, int]]:
    return [
        (str(each["account"]), str(each["direction"]), cast("Mapping[str, int]", each["amount"])["amount"])
        for each in cast("list[Body]", entry["postings"])
    ]


async def test_a_sale_and_its_refund_in_the_books(shop: Shop) -> None:
    """A charge, its fee and a refund are three entries, and the balances are what is left of them."""
    order = await shop.sale()
    await shop.give_back(await shop.refund(order, 60))
    posted = await entries(shop, payment_order_id=order["id"])
    assert [(entry["type"], lines(entry)) for entry in posted] == [
        ("charge", [("provider_clearing", "debit", 100), ("sales", "credit", 100)]),
        ("fee", [("provider_fees", "debit", 26), ("provider_clearing", "credit", 26)]),
        ("refund", [("refunds", "debit", 60), ("provider_clearing", "credit", 60)]),
    ]
    assert await shop.balances() == {"provider_clearing": 14, "provider_fees": 26, "refunds": 60, "sales": -100}
    assert await shop.problems() == []


async def test_what_moved_no_money_is_not_in_the_books(shop: Shop) -> None:
    """A decline, a lost request and a cancelled order leave them empty."""
    await shop.sale("decline")
    await shop.sale("unknown_lost")
    await shop.run("payment_orders.cancel", id=(await shop.order())["id"])
    assert await entries(shop) == []
    assert await shop.balances() == {}


async def test_entries_are_found_by_account_type_and_time(shop: Shop) -> None:
    """An account's entries are those of every type that moves it."""
    order = await shop.sale()
    assert [entry["type"] for entry in await entries(shop, account="provider_clearing")] == ["charge", "fee"]
    assert [entry["type"] for entry in await entries(shop, account="sales")] == ["charge"]
    assert [entry["type"] for entry in await entries(shop, type="fee")] == ["fee"]
    moment = shop.stack.clock.now() + timedelta(seconds=1)
    assert await entries(shop, created_from=moment.isoformat()) == []
    assert len(await entries(shop, created_before=moment.isoformat(), payment_order_id=order["id"])) == 2


async def test_a_fee_that_is_told_later_is_posted_when_it_is_told(shop: Shop) -> None:
    """Once, however often it is told."""
    paying = await shop.pay(await shop.order())
    success = {
        "id": paying["id"],
        "attempt_id": cast("list[Body]", paying["attempts"])[0]["id"],
        "status": "succeeded",
        "provider": "slowpay",
        "reference": "ch_1",
    }
    await shop.run("payment_orders.record_outcome", **success)
    assert (await shop.balances()).get("provider_fees") is None
    success["fee"] = {"amount": 30, "currency": "EUR"}
    first, again = [await shop.run("payment_orders.record_outcome", **success) for _ in range(2)]
    assert first["fee"] == again["fee"] == {"amount": 30, "currency": "EUR"}
    assert (await shop.balances())["provider_fees"] == 30
    assert await shop.problems() == []


async def test_late_money_completes_a_failed_order(shop: Shop) -> None:
    """The request counted as never arrived, and arrived: the money is the order's."""
    order = await shop.sale("unknown_lost")
    await shop.stack.collection.reconcile(shop.organization_id, order_id(order))
    failed = await shop.look(order)
    assert (failed["status"], failed["failure_code"]) == ("failed", "not_submitted")
    late = await arrive(shop, failed)
    assert (late["status"], amounts(late)) == ("completed", (100, 0, 100))
    assert await shop.problems() == []


async def test_late_money_of_a_cancelled_order_goes_back_by_itself(shop: Shop) -> None:
    """It is a surplus: collected, owed, refunded, and never part of the order."""
    order = await shop.sale("unknown_lost")
    await shop.stack.collection.reconcile(shop.organization_id, order_id(order))
    cancelled = await shop.run("payment_orders.cancel", id=order["id"])
    late = await arrive(shop, cancelled)
    assert (late["status"], amounts(late)) == ("cancelled", (0, 0, 0))
    assert await shop.balances() == {"provider_clearing": 100, "surplus_payments": -100}
    (refund,) = cast("list[Body]", (await shop.run("refunds.list", payment_order_id=order["id"]))["data"])
    assert (refund["surplus"], refund["amount"]) == (True, {"amount": 100, "currency": "EUR"})
    await shop.run("refunds.record_outcome", id=refund["id"], status="succeeded", provider="slowpay")
    assert await shop.balances() == {"provider_clearing": 0, "surplus_payments": 0}
    assert await shop.problems() == []


async def arrive(shop: Shop, order: Body) -> Body:
    """Let the provider tell of a success after all."""
    attempt = cast("list[Body]", order["attempts"])[-1]
    return await shop.run(
        "payment_orders.record_outcome", id=order["id"], attempt_id=attempt["id"], status="succeeded",
        reference="ch_late", provider="slowpay",
    )  # fmt: skip


async def test_the_database_refuses_what_does_not_balance(shop: Shop) -> None:
    """An entry that was spoilt on its way is refused when it is written or when it is committed, on both databases."""
    order = await shop.sale()
    now = shop.stack.clock.now()
    for postings in (1, 2):
        entry = JournalEntry.post(
            EntryType.REFUND, Money(5, "EUR"), organization_id=shop.organization_id, payment_order_id=order_id(order),
            source_id=uuid4(), new_id=uuid4, now=now,
        )  # fmt: skip
        entry.postings = entry.postings[:1] if postings == 1 else entry.postings
        entry.lines = postings
        if postings == 2:
            object.__setattr__(entry.postings[1], "amount", Money(4, "EUR"))
        with pytest.raises(Exception) as refused:  # noqa: PT011 - each database says it in its own words
            await write(shop, entry)
        assert isinstance(refused.value, ValidationError) or "does not balance" in str(refused.value)
    assert await shop.problems() == []


async def write(shop: Shop, entry: JournalEntry) -> None:
    async with shop.stack.units(shop.actor, use_case="sabotage", request_id="sabotage") as uow:
        uow.journal_entries.add(entry)
        await uow.commit()


CHANGES = (
    "UPDATE journal_postings SET amount_minor = amount_minor + 1",
    "UPDATE journal_entries SET lines = 1",
    "DELETE FROM journal_postings",
    "DELETE FROM journal_entries",
)


@pytest.mark.parametrize("change", [*CHANGES, "TRUNCATE journal_postings", "TRUNCATE journal_entries CASCADE"])
async def test_nobody_changes_the_books(shop: Shop, change: str) -> None:
    """Neither the application nor the superuser, who would have to switch the guard off first."""
    await shop.sale()
    if change.startswith("TRUNCATE") and not shop.stack.urls.is_postgres:
        return
    for url in {shop.stack.urls.app, shop.stack.urls.superuser}:
        with pytest.raises(Exception, match=r"append-only|permission denied"):
            await execute(url, change, tenant=shop)


async def execute(url: str, sql: str, *, tenant: Shop) -> None:
    """Run a statement for an organization past every wall of ours."""
    if tenant.stack.urls.is_postgres:
        async with tenant_connection(url, tenant.organization_id) as connection:
            await connection.execute(sql)
    else:
        async with tenant.stack.database.engine.begin() as engine:
            await engine.exec_driver_sql(sql)


@asynccontextmanager
async def tenant_connection(url: str, organization_id: OrganizationId) -> AsyncIterator[asyncpg.Connection]:
    """Open a transaction of an organization on a connection of its own."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute(f"SET LOCAL app.organization_id = '{organization_id}'")
            yield connection
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("sabotage", "named"),
    [
        ("UPDATE journal_postings SET amount_minor = 99 WHERE {mine} AND account = 'sales'", "debits and credits"),
        ("DELETE FROM journal_postings WHERE {mine} AND account = 'sales'", "lines are missing"),
        ("UPDATE journal_postings SET amount_minor = 99 WHERE {mine} AND amount_minor = 100", "captured 100"),
        ("UPDATE payment_orders SET refunded_minor = 1 WHERE {mine}", "refunded 1, in the books 0"),
        ("UPDATE payment_orders SET fee_minor = 0 WHERE {mine}", "fee 0, in the books 26"),
    ],
)
async def test_verify_names_what_was_edited_behind_the_guard(fresh_stack: Stack, sabotage: str, named: str) -> None:
    """With the guard off a superuser can edit a posting; the verification names the entry and the order."""
    shop = await Shop.open(fresh_stack)
    order = await shop.sale()
    assert await shop.problems() == []
    await without_guard(shop, sabotage)
    problems = await shop.problems()
    assert any(named in problem for problem in problems), problems
    if "orders" in sabotage or "99" in sabotage:
        assert any(str(order["number"]) in problem for problem in problems)


async def without_guard(shop: Shop, sql: str) -> None:
    """Switch the triggers off, edit, and switch them on again."""
    stack = shop.stack
    owner = str(shop.organization_id) if stack.urls.is_postgres else shop.organization_id.hex
    edit = sql.format(mine=f"organization_id = '{owner}'")
    if stack.urls.is_postgres:
        table = edit.split()[1 if edit.startswith("UPDATE") else 2]
        off, on = (f"ALTER TABLE {table} {what} TRIGGER USER" for what in ("DISABLE", "ENABLE"))
        await execute(stack.urls.superuser, f"{off}; {edit}; {on}", tenant=shop)
        return
    async with stack.database.engine.begin() as connection:
        for name in ("journal_postings_update", "journal_postings_delete"):
            await connection.exec_driver_sql(f"DROP TRIGGER {name}")
        await connection.exec_driver_sql(edit)


async def test_the_books_of_another_organization_are_not_ours(shop: Shop, rows: Rows) -> None:
    """Balances and verification see one organization only."""
    other = await Shop.open(shop.stack)
    await other.sale()
    assert await shop.balances() == {}
    assert (await shop.run("books.verify"))["entries"] == 0
    assert await rows.count("journal_postings", other.organization_id) == 4


async def test_a_movement_is_posted_once(shop: Shop) -> None:
    """A second entry for the same attempt is refused by name, whoever forgot that it was posted."""
    order = await shop.sale()
    async with shop.stack.units(shop.actor, use_case="sabotage", request_id="sabotage") as uow:
        known = (await uow.journal_entries.find(Everything()))[0]
        again = JournalEntry.post(
            known.type, Money(100, "EUR"), organization_id=shop.organization_id, payment_order_id=order_id(order),
            source_id=known.source_id, new_id=uuid4, now=shop.stack.clock.now(),
        )  # fmt: skip
        uow.journal_entries.add(again)
        with pytest.raises(Exception) as refused:  # noqa: PT011 - its code is checked
            await uow.flush()
    assert getattr(refused.value, "code", "") == "journal_entry_already_posted"


def test_an_entry_balances_or_is_none() -> None:
    """In every currency by itself; amounts are above zero."""

    def compose(*amounts: tuple[Direction, int, str]) -> JournalEntry:
        made = tuple((Account.SALES, direction, Money(minor, currency)) for direction, minor, currency in amounts)
        return JournalEntry.compose(
            EntryType.CHARGE, made, organization_id=cast("object", uuid4()), payment_order_id=uuid4(),  # type: ignore[arg-type]  # reason: any ids do
            source_id=uuid4(), new_id=uuid4, now=cast("object", None),  # type: ignore[arg-type]  # reason: nobody looks at the clock
        )  # fmt: skip

    debit, credit = Direction.DEBIT, Direction.CREDIT
    assert compose((debit, 3, "EUR"), (credit, 1, "EUR"), (credit, 2, "EUR")).lines == 3
    for wrong in ([], [(credit, 3, "SEK")], [(credit, 2, "EUR")]):
        with pytest.raises(UnbalancedEntry):
            compose((debit, 3, "EUR"), *wrong)
    with pytest.raises(UnbalancedEntry):
        compose()
    with pytest.raises(InvalidAmount):
        compose((debit, 0, "EUR"), (credit, 0, "EUR"))
