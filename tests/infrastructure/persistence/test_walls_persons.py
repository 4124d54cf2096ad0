"""What belongs to one person shows to that person alone: in PostgreSQL's policies, and in the repositories' clause."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import UUID

import asyncpg
import pytest

from application.kernel.actor import PLATFORM, Actor, operator, worker
from domain.identity.sign_up import SignUp
from domain.shared.errors import Forbidden
from domain.shared.specification import Everything
from tests.infrastructure.persistence.samples import unit
from tests.support.databases import TestDatabases
from tests.support.persons import Person, join, mailed_token, sign_in, signed_up
from tests.support.rows import PERSONAL_TABLES
from tests.support.stack import Stack, open_stack

TABLES = {**PERSONAL_TABLES, "users": "id"}
REPOSITORIES = {
    "credentials": "credentials",
    "sessions": "sessions",
    "auth_identities": "auth_identities",
    "single_use_tokens": "single_use_tokens",
    "sign_ups": "sign_ups",
    "users": "users",
}


async def somebody(stack: Stack) -> Person:
    """Sign somebody up who has a row in every table of people."""
    person = await signed_up(stack)
    await stack.run("users.link_identity", operator(), id=person.id, provider="google", subject=person.email)
    await mailed_token(stack, "mail.recover_password", person.user_id)
    async with unit(stack, person.actor) as uow:
        await uow.become(person.user_id)
        uow.sign_ups.add(
            SignUp.request(
                id=person.user_id, organization_id=PLATFORM, email=person.email, name="Ada Lind", hash="x",
                now=stack.clock.now(),
            )
        )  # fmt: skip
        await uow.commit()
    return person


@pytest.fixture(scope="module")
async def people(pg_stack: Stack) -> tuple[Person, Person]:
    """Return two people who have nothing to do with each other."""
    return await somebody(pg_stack), await somebody(pg_stack)


@asynccontextmanager
async def as_app(
    url: str, organization_id: UUID, person: UUID | None
) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Connect as the application does, under a tenant and a person, and undo everything."""
    connection = await asyncpg.connect(url)
    transaction = connection.transaction()
    try:
        await transaction.start()
        await connection.execute(f"SET LOCAL app.organization_id = '{organization_id}'")
        if person is not None:
            await connection.execute(f"SET LOCAL app.user_id = '{person}'")
        yield connection
    finally:
        await transaction.rollback()
        await connection.close()


async def owners(url: str, table: str, organization_id: UUID, person: UUID | None) -> set[UUID]:
    """Return whose rows of a table show."""
    async with as_app(url, organization_id, person) as connection:
        return {row[0] for row in await connection.fetch(f"SELECT {TABLES[table]} FROM {table}")}


@pytest.mark.parametrize("table", TABLES)
async def test_a_person_sees_only_themselves(table: str, pg_stack: Stack, people: tuple[Person, Person]) -> None:
    """Under their own setting direct SQL finds their rows; nobody's setting finds none but the operator's users."""
    mine, _ = people
    assert await owners(pg_stack.urls.app, table, PLATFORM, mine.user_id) == {mine.user_id}
    if table != "users":
        assert await owners(pg_stack.urls.app, table, PLATFORM, None) == set()
    assert await owners(pg_stack.urls.app, table, UUID(int=0), None) == set()


@pytest.mark.parametrize("table", TABLES)
async def test_nobody_writes_anothers_rows(table: str, pg_stack: Stack, people: tuple[Person, Person]) -> None:
    """Under A's setting B's rows can be neither changed nor deleted, nor can A's be given to B."""
    mine, theirs = people
    column = TABLES[table]
    async with as_app(pg_stack.urls.app, PLATFORM, mine.user_id) as connection:
        for statement in (f"UPDATE {table} SET version = 99", f"DELETE FROM {table}"):
            done = await connection.execute(f"{statement} WHERE {column} = $1", theirs.user_id)
            assert done.split()[-1] == "0"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(f"UPDATE {table} SET {column} = $1", theirs.user_id)


@pytest.mark.parametrize("table", TABLES)
async def test_the_same_look_sees_everybody_when_the_policy_is_gone(table: str, test_databases: TestDatabases) -> None:
    """The tests above have teeth: without the policy the other person's rows show."""
    async with open_stack(test_databases.postgres()) as stack:
        mine, theirs = await somebody(stack), await somebody(stack)
        superuser = await asyncpg.connect(stack.urls.superuser)
        await superuser.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        await superuser.close()
        assert await owners(stack.urls.app, table, PLATFORM, mine.user_id) >= {mine.user_id, theirs.user_id}


async def test_a_key_cannot_rewrite_the_members_it_sees(pg_stack: Stack) -> None:
    """A member shows to the organization; only they themselves, or the operator, may write them."""
    organization, person = await pg_stack.organization(), await signed_up(pg_stack)
    await join(pg_stack, person, organization)
    async with as_app(pg_stack.urls.app, organization.organization_id, None) as connection:
        assert await connection.fetchval("SELECT count(*) FROM users WHERE id = $1", person.user_id) == 1
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("UPDATE users SET name = 'Eve' WHERE id = $1", person.user_id)


@pytest.mark.parametrize("table", ["sign_in_attempts", "mail_limits"])
async def test_what_is_counted_has_one_door_only(table: str, pg_stack: Stack) -> None:
    """The application counts and forgives by functions, and can look at no row."""
    for statement in (f"SELECT * FROM {table}", f"DELETE FROM {table}"):
        async with as_app(pg_stack.urls.app, PLATFORM, None) as connection:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)


@pytest.mark.parametrize("table", REPOSITORIES)
async def test_the_repositories_clause_stands_alone(table: str, stack: Stack) -> None:
    """On either engine a person's unit of work holds their own rows, and a stranger's id is an absent id."""
    mine, theirs = await somebody(stack), await somebody(stack)
    async with unit(stack, mine.actor, read_only=True) as uow:
        found = await getattr(uow, REPOSITORIES[table]).find(Everything())
        assert {getattr(each, TABLES[table]) for each in found} == {mine.user_id}
    async with unit(stack, theirs.actor, read_only=True) as uow:
        repository = getattr(uow, REPOSITORIES[table])
        assert await repository.get_many([each.id for each in found]) == {}


async def test_only_the_operator_sees_everybody(stack: Stack) -> None:
    """The platform without a person sees all users and nothing else of them; a worker sees whom it acts for."""
    people = [await somebody(stack) for _ in range(2)]
    ids = {person.user_id for person in people}
    async with unit(stack, operator(), read_only=True) as uow:
        assert set(await uow.users.get_many(ids)) == ids
        assert await uow.sessions.find(Everything()) == []
        assert await uow.credentials.find(Everything()) == []
    async with unit(stack, replace(worker(PLATFORM), user_id=people[0].user_id), read_only=True) as uow:
        assert set(await uow.users.get_many(ids)) == {people[0].user_id}


async def test_nobody_becomes_somebody_else(stack: Stack) -> None:
    """A person goes on as themselves only, and a key as nobody."""
    mine, theirs = await signed_up(stack), await signed_up(stack)
    organization = await stack.organization()
    key = await stack.run("api_keys.create", organization, name="Shop", scopes=["products:read"])
    actors: list[Actor] = [mine.actor, await stack.authenticate(str(key["secret"]))]
    for actor in actors:
        async with unit(stack, actor) as uow:
            with pytest.raises(Forbidden):
                await uow.become(theirs.user_id)
    async with unit(stack, mine.actor) as uow:
        await uow.become(mine.user_id)
    await stack.authenticate.settle()


async def test_slow_work_is_done_before_anything_else(stack: Stack) -> None:
    """No connection is held meanwhile; once something was read, it is too late for slow work."""
    person = await signed_up(stack)

    async def in_use() -> int:
        return stack.database.pool_state().get("in_use", 0)

    async with unit(stack, person.actor) as uow:
        assert await uow.aside(in_use()) == 0
        await uow.users.get(person.user_id)
        late = in_use()
        with pytest.raises(RuntimeError, match="before anything"):
            await uow.aside(late)
        late.close()


async def test_a_second_session_is_the_same_person(stack: Stack) -> None:
    """Both sessions show in the same list."""
    person = await signed_up(stack)
    await sign_in(stack, person.email)
    async with unit(stack, person.actor, read_only=True) as uow:
        assert len(await uow.sessions.find(Everything())) == 2
