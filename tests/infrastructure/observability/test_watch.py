"""What is known of statements, transactions and repository methods: numbers and names, and never a value."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import String, bindparam, text
from structlog.testing import capture_logs

from domain.shared.errors import NotFound
from domain.shared.ids import CustomerId, OrganizationId, encode_id
from domain.shared.specification import Everything
from infrastructure.observability.metrics import Metrics
from infrastructure.observability.tallies import MOST_STATEMENTS, OTHERS, fingerprint_of, name_of
from infrastructure.observability.watch import Watch
from infrastructure.persistence.database import Database
from infrastructure.persistence.statement import Statement
from tests.infrastructure.persistence.samples import unit
from tests.support.stack import Stack

CANARY = "canary-of-a-parameter"
NOBODY = OrganizationId(uuid4())


def series(metrics: Metrics, name: str) -> dict[tuple[str, ...], float]:
    """Return the values of a series by the values of its labels, which are in the order of their names."""
    return {
        tuple(sample.labels.values()): sample.value
        for family in text_string_to_metric_families(metrics.render().decode())
        for sample in family.samples
        if sample.name == name
    }


@pytest.fixture
async def database(stack: Stack) -> AsyncIterator[Database]:
    """Return a database of which nothing is known yet, on which every statement is slow."""
    opened = Database(stack.urls.app, watch=Watch(Metrics(), slow_seconds=1e-9))
    yield opened
    await opened.dispose()


def echo(database: Database) -> Statement:
    """Return a statement that answers with what it is given."""
    said = text("SELECT CAST(:said AS TEXT) AS said").bindparams(bindparam("said", type_=String()))
    return Statement(said, database.dialect)


async def test_a_statement_is_counted_under_its_fingerprint_and_without_its_values(database: Database) -> None:
    """Three runs with three values are one series, a failure is counted in it, and no value is anywhere."""
    metrics, statement = database.watch.metrics, echo(database)
    broken = Statement(text("SELECT nothing FROM nowhere"), database.dialect)
    with capture_logs() as lines:
        for n in range(3):
            async with database.transaction(NOBODY) as transaction:
                assert (await transaction.rows(statement, {"said": f"{CANARY} {n}"}))[0][0] == f"{CANARY} {n}"
        with pytest.raises(Exception, match=r"nothing|nowhere"):
            await database.rows(broken, {}, organization_id=NOBODY)
    of_echo, of_broken = (fingerprint_of(statement.sql), "select"), (fingerprint_of(broken.sql), "select nowhere")
    assert series(metrics, "stoa_statement_seconds_count") == {of_echo: 3, of_broken: 1}
    assert series(metrics, "stoa_statement_failures_total") == {of_echo: 0, of_broken: 1}
    assert series(metrics, "stoa_statement_slow_total") == {of_echo: 3, of_broken: 1}
    assert 0 < series(metrics, "stoa_statement_seconds_sum")[of_echo] < 60
    assert CANARY not in metrics.render().decode() + repr(lines)


async def test_a_slow_statement_is_one_line(stack: Stack, database: Database) -> None:
    """It names the statement, how long it took, how many rows came and for whom: all that finds it, and no value."""
    with capture_logs() as lines:
        await database.rows(echo(database), {"said": CANARY}, organization_id=NOBODY)
    [line] = lines
    assert line.pop("ms") > 0
    assert line == {
        "event": "statement_slow", "log_level": "warning", "statement": "select",
        "fingerprint": fingerprint_of(echo(database).sql), "rows": 1, "pool": "database",
        "organization_id": encode_id("org", NOBODY) if stack.urls.is_postgres else None,
    }  # fmt: skip


async def test_what_is_fast_is_no_line(stack: Stack) -> None:
    """Below the limit nothing is logged."""
    opened = Database(stack.urls.app, watch=Watch(Metrics(), slow_seconds=3600))
    with capture_logs() as lines:
        await opened.rows(echo(opened), {"said": CANARY}, organization_id=NOBODY)
    await opened.dispose()
    assert lines == []


async def test_a_transaction_is_timed_by_how_it_ended(database: Database) -> None:
    """Commits and rollbacks are told apart; both last from taking the connection to giving it back."""
    with pytest.raises(NotFound):
        async with database.transaction(NOBODY):
            raise NotFound
    for _ in range(2):
        async with database.transaction(NOBODY):
            pass
    counts = series(database.watch.metrics, "stoa_transaction_duration_seconds_count")
    assert counts == {("rollback", "database"): 1, ("commit", "database"): 2}


async def test_methods_of_repositories_are_counted_by_what_came_of_them(fresh_stack: Stack) -> None:
    """Own finders and those of the base, under the name of the repository; each call once, failures by code."""
    actor = await fresh_stack.organization()
    metrics = fresh_stack.database.watch.metrics
    before = series(metrics, "stoa_repository_seconds_count")
    async with unit(fresh_stack, actor) as uow:
        assert await uow.customers.count(Everything()) == 0
        assert await uow.customers.count(Everything()) == 0
        with pytest.raises(NotFound):
            await uow.customers.get(CustomerId(uuid4()))
        await uow.products.get_categories(limit=5)
    after = series(metrics, "stoa_repository_seconds_count")
    gained = {labels: after[labels] - before.get(labels, 0) for labels in after if after[labels] != before.get(labels)}
    assert gained == {
        ("ok", "count", "SqlCustomerRepository"): 2,
        ("not_found", "get", "SqlCustomerRepository"): 1,
        ("ok", "get_categories", "SqlProductRepository"): 1,
    }


def test_ever_more_statements_are_no_ever_more_series() -> None:
    """Beyond a thousand texts, all further ones are one series."""
    metrics = Metrics()
    for n in range(MOST_STATEMENTS + 5):
        metrics.statements.of(f"SELECT {n} FROM t").count += 1
    counts = series(metrics, "stoa_statement_seconds_count")
    assert len(counts) == MOST_STATEMENTS + 1
    assert counts[OTHERS, OTHERS] == 5


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("SELECT a.id FROM accounts AS a WHERE a.id = $1", "select accounts"),
        ("INSERT INTO outbox (id) VALUES ($1)", "insert outbox"),
        ("\nUPDATE payment_orders SET version=$1", "update payment_orders"),
        ("WITH held0 AS (UPDATE products SET x=$1) INSERT INTO audit_entries SELECT 1", "with products"),
        ("SELECT 1", "select"),
    ],
)
def test_a_statement_has_a_name_that_is_recognised(sql: str, name: str) -> None:
    """What it does first, and to which table."""
    assert name_of(sql) == name
