"""Asking the audit log: by whom, what, how, which resource, which request and when."""

from datetime import timedelta
from typing import cast
from uuid import UUID, uuid4

import asyncpg
import pytest

from application.kernel.actor import Actor
from application.kernel.dispatcher import Call
from domain.audit.specifications import entries_matching
from domain.shared.errors import EntityNotFoundError
from domain.shared.page import PageRequest
from infrastructure.persistence.statement import Params, Statement
from infrastructure.persistence.transaction import PostgresTransaction, Rows
from tests.support.people import member, owner_of
from tests.support.stack import Body, Stack

ENTRIES = 100_000
QUESTIONS: dict[str, dict[str, str]] = {
    "nothing": {},
    "actor": {"actor": "key_7"},
    "action": {"action": "products.archive"},
    "subject_id": {"subject_id": "prod_77"},
    "subject": {"subject_type": "product", "subject_id": "prod_77"},
    "request_id": {"request_id": "request-77"},
    "operation": {"operation": "deleted"},
    "actor and action": {"actor": "key_7", "action": "products.archive"},
}


async def found(stack: Stack, caller: Actor, /, **fields: object) -> list[Body]:
    """Return what the log answers, oldest first."""
    page = await stack.run("audit_entries.list", caller, limit=100, sort="occurred_at", **fields)
    return cast("list[Body]", page["data"])


async def test_every_question_has_its_entries(stack: Stack) -> None:
    """Each filter alone, and together, finds exactly the entries with that value."""
    organization = await stack.organization()
    owner, of_owner = await owner_of(stack, organization)
    _, viewer = await member(stack, organization)
    request = str(uuid4())
    command = stack.command("products.create", name="Espresso")
    created = await stack.dispatcher("products.create", command, Call(actor=owner, request_id=request))
    product = cast("Body", created.body)
    await stack.run("products.archive", organization, id=product["id"])
    await stack.run("members.remove", owner, id=viewer["id"])
    everything = await found(stack, organization)
    filters: list[tuple[str, object]] = [
        ("actor", owner.id), ("actor", "operator"), ("action", "products.archive"), ("operation", "deleted"),
        ("operation", "created"), ("subject_type", "membership"), ("subject_id", product["id"]),
        ("request_id", request), ("subject_id", of_owner["id"]),
    ]  # fmt: skip
    for name, value in filters:
        wanted = [each["id"] for each in everything if each[name] == value]
        assert [each["id"] for each in await found(stack, organization, **{name: value})] == wanted
        assert 0 < len(wanted) < len(everything)
    both = await found(stack, organization, subject_id=product["id"], operation="created")
    assert [(each["actor"], each["request_id"]) for each in both] == [(owner.id, request)]


async def test_a_range_of_time_has_its_first_and_not_its_last_moment(stack: Stack) -> None:
    """Two ranges that meet share no entry and miss none."""
    organization = await stack.organization()
    for name in ("Espresso", "Filter"):
        await stack.run("products.create", organization, name=name)
    everything = await found(stack, organization)
    middle = everything[-1]["occurred_at"]
    before = await found(stack, organization, occurred_before=middle.isoformat())  # type: ignore[attr-defined]  # reason: a moment
    after = await found(stack, organization, occurred_from=middle.isoformat())  # type: ignore[attr-defined]  # reason: a moment
    assert before + after == everything
    assert [each["id"] for each in after] == [everything[-1]["id"]]


async def test_pages_follow_each_other_without_gaps(stack: Stack) -> None:
    """Walking two by two, forwards and backwards, finds every entry once."""
    organization = await stack.organization()
    for n in range(5):
        await stack.run("products.create", organization, name=f"Blend {n}")
    everything = [each["id"] for each in await found(stack, organization)]
    for sort in ("occurred_at", "-occurred_at"):
        walked: list[object] = []
        cursor: object = None
        while True:
            page = await stack.run("audit_entries.list", organization, limit=2, sort=sort, cursor=cursor)
            walked += [each["id"] for each in cast("list[Body]", page["data"])]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert walked == (everything if sort == "occurred_at" else everything[::-1])


async def test_one_entry_is_found_by_its_organization_alone(stack: Stack) -> None:
    """To another organization it is absent."""
    organization, other = await stack.organization(), await stack.organization()
    entry = (await found(stack, organization))[0]
    assert await stack.run("audit_entries.get", organization, id=entry["id"]) == entry
    with pytest.raises(EntityNotFoundError):
        await stack.run("audit_entries.get", other, id=entry["id"])


@pytest.fixture(scope="module")
async def crowd(pg_stack: Stack) -> Actor:
    """Return an organization with 100,000 entries of 40 actors, on 5,000 products, among as many of others."""
    organization, other = await pg_stack.organization(), await pg_stack.organization()
    superuser = await asyncpg.connect(pg_stack.urls.superuser)
    try:
        for owner in (organization, other):
            await superuser.execute(_MANY, owner.organization_id, ENTRIES)
        await superuser.execute("ANALYZE audit_entries")
    finally:
        await superuser.close()
    return organization


_MANY = """
INSERT INTO audit_entries (organization_id, id, occurred_at, actor, action, operation, subject_type, subject_id,
    subject_version, changes, request_id)
SELECT $1, gen_random_uuid(), now() - n * interval '7 seconds', 'key_' || n % 40,
    (ARRAY['products.create', 'products.update', 'products.update', 'products.archive'])[1 + n % 4],
    (ARRAY['created', 'updated', 'updated', 'deleted'])[1 + n % 4], 'product', 'prod_' || n % 5000, 1, '{}',
    'request-' || n
FROM generate_series(1, $2::int) n
"""


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("within", [None, timedelta(days=2)])
async def test_no_question_reads_the_whole_log(
    question: str, within: timedelta | None, crowd: Actor, pg_stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At 100,000 entries every question is an index scan that needs no sort and reads a few hundred pages at most."""
    sent: list[tuple[Statement, Params]] = []
    rows = PostgresTransaction.rows

    async def noted(self: PostgresTransaction, statement: Statement, params: Params) -> Rows:
        sent.append((statement, params))
        return await rows(self, statement, params)

    monkeypatch.setattr(PostgresTransaction, "rows", noted)
    now = pg_stack.clock.now()
    times = {} if within is None else {"since": now - 2 * within, "until": now - within}
    wanted = entries_matching(**QUESTIONS[question], **times)  # type: ignore[arg-type]  # reason: of two kinds
    async with pg_stack.units(crowd, use_case="audit", request_id="r", read_only=True) as uow:
        await uow.audit_entries.page(wanted, PageRequest(sort="-occurred_at"))
    statement, params = sent[-1]
    plan = await explained(pg_stack, crowd.organization_id, statement, params)
    assert "Index Scan" in plan or "Bitmap Index Scan" in plan
    assert "Seq Scan" not in plan
    buffers = int(plan.partition("shared hit=")[2].split()[0])
    assert buffers < 400, plan
    print(f"\n{question} {within}: {plan.splitlines()[-1].strip()}, {buffers} pages")  # noqa: T201 - the figures of the run, seen with -rP


async def explained(stack: Stack, owner: UUID, statement: Statement, params: Params) -> str:
    """Run a statement as the application's role and return its plan with what it read."""
    connection = await asyncpg.connect(stack.urls.app)
    try:
        async with connection.transaction():
            await connection.execute(f"SET LOCAL app.organization_id = '{owner}'")
            walls = {"tenant": owner, "person": UUID(int=0)}
            arguments = statement.arguments({**walls, **params})
            explain = f"EXPLAIN (ANALYZE, BUFFERS) {statement.sql}"
            # The first run warms the caches up.
            _, plan = [await connection.fetch(explain, *arguments) for _ in range(2)]
            return "\n".join(str(row[0]) for row in plan)
    finally:
        await connection.close()
