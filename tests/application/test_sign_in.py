"""Sessions: made, limited, listed, revoked, and used in organizations."""

from dataclasses import replace
from datetime import timedelta
from typing import cast
from uuid import uuid4

import pytest
from sqlalchemy import text

from application.identity.person_mails import RECOVER_PASSWORD
from application.kernel.actor import PERSONAL_SCOPES, PUBLIC_ACTOR, TENANT_SCOPES, operator
from application.kernel.dispatcher import Call, Outcome
from domain.identity.errors import (
    CredentialsInvalid,
    OrganizationNotFound,
    SignInLocked,
    UserSuspended,
)
from domain.identity.session import IDLE, LONGEST, SessionExpired, SessionRevoked
from domain.identity.sign_in_limits import FIRST_PAUSE, FORGIVEN_AFTER, FREE_ATTEMPTS, pause_after
from domain.identity.single_use_token import LIFETIMES, TokenInvalid, TokenPurpose
from domain.shared.errors import InsufficientPermissions, NotFound, Unauthenticated
from domain.shared.ids import OrganizationId, UserId, encode_id
from infrastructure.persistence.connecting import administrator_engine
from infrastructure.persistence.sign_ins import SqlSignIns
from infrastructure.security.passwords import Argon2Passwords
from tests.support.persons import PASSWORD, Person, join, mailed_token, new_address, registered, sign_in, signed_up
from tests.support.races import race
from tests.support.rows import Rows
from tests.support.stack import Body, Stack

CALL = Call(actor=PUBLIC_ACTOR, request_id="r")
ANOTHER = "seven red kites at dawn"


async def test_a_session_is_listed_revoked_and_gone(stack: Stack) -> None:
    """One's sessions are one's own to see and to end, also all others at once."""
    person, other = await signed_up(stack), await signed_up(stack)
    second, third = await sign_in(stack, person.email), await sign_in(stack, person.email)
    listed = await stack.run("sessions.list", person.actor)
    assert len(listed["data"]) == 3  # type: ignore[arg-type]  # reason: a page's data is a list
    gone = await stack.run("sessions.revoke", person.actor, id=encode_id("ses", second.session_id))
    assert gone["revoked_at"] is not None
    with pytest.raises(SessionRevoked):
        await stack.authenticate(second.token)
    with pytest.raises(NotFound):
        await stack.run("sessions.get", person.actor, id=encode_id("ses", other.session_id))
    assert await stack.run("sessions.revoke_others", person.actor) == {"revoked": 1}
    with pytest.raises(SessionRevoked):
        await stack.authenticate(third.token)
    assert (await stack.authenticate(other.token)).person == other.user_id


async def test_no_key_tells_a_password(stack: Stack) -> None:
    """Under the key of a sign-in every other one is a sign-in of its own: counted, locked, and never a replay."""
    person = await signed_up(stack)
    keyed = replace(CALL, idempotency_key="sess-1")

    async def attempt(password: str) -> Outcome:
        command = stack.command("sessions.create", email=person.email, password=password)
        return await stack.dispatcher("sessions.create", command, keyed)

    assert [(await attempt(PASSWORD)).replayed for _ in range(2)] == [False, False]
    for _ in range(FREE_ATTEMPTS):
        with pytest.raises(CredentialsInvalid):
            await attempt(ANOTHER)
    with pytest.raises(SignInLocked):
        await attempt(PASSWORD)


async def test_a_session_ends_by_itself(fresh_stack: Stack) -> None:
    """A session that nobody uses ends after a week, one that is used after a month."""
    stack = fresh_stack
    person = await signed_up(stack)
    stack.clock.shift = IDLE + timedelta(seconds=1)
    with pytest.raises(SessionExpired):
        await stack.authenticate(person.token)
    person = await sign_in(stack, person.email)
    steps = LONGEST // (IDLE - timedelta(days=1))
    for _ in range(steps):
        stack.clock.shift += IDLE - timedelta(days=1)
        if stack.clock.shift < IDLE + timedelta(seconds=1) + LONGEST:
            await stack.authenticate(person.token)
            await stack.authenticate.settle()
    stack.clock.shift = IDLE + LONGEST + timedelta(minutes=1)
    with pytest.raises(SessionExpired):
        await stack.authenticate(person.token)


async def test_a_mailed_token_is_not_for_long(fresh_stack: Stack) -> None:
    """A minute after its time the token opens nothing."""
    token = await mailed_token(fresh_stack, RECOVER_PASSWORD, await registered(fresh_stack))
    fresh_stack.clock.shift = LIFETIMES[TokenPurpose.RECOVER_PASSWORD] + timedelta(minutes=1)
    with pytest.raises(TokenInvalid):
        await fresh_stack.run("account.recover_password", PUBLIC_ACTOR, token=token, password=ANOTHER)


async def test_the_door_closes_after_a_few_attempts_for_anybody(fresh_stack: Stack) -> None:
    """Address known or not, the sixth attempt waits; when the time is over the right password opens and forgives."""
    stack = fresh_stack
    person, nobody = await signed_up(stack), new_address()
    for email in (person.email, nobody):
        for _ in range(FREE_ATTEMPTS):
            with pytest.raises(CredentialsInvalid):
                await sign_in(stack, email, "not this one")
        with pytest.raises(SignInLocked) as locked:
            await sign_in(stack, email)
        assert 0 < int(str(locked.value.details["retry_after"])) <= FIRST_PAUSE
    stack.clock.shift = timedelta(seconds=FIRST_PAUSE + 1)
    await sign_in(stack, person.email)
    with pytest.raises(CredentialsInvalid):
        await sign_in(stack, person.email, "not this one")


async def test_the_database_keeps_the_domains_rule(fresh_stack: Stack) -> None:
    """After each of a dozen wrong passwords the door stays closed as long as the rule says; an hour forgives."""
    stack, email, slack = fresh_stack, new_address(), timedelta(milliseconds=100)
    for attempts in range(1, 13):
        with pytest.raises(CredentialsInvalid):
            await sign_in(stack, email)
        pause = pause_after(attempts)
        if pause:
            with pytest.raises(SignInLocked) as locked:
                await sign_in(stack, email)
            assert pause - 2 <= int(str(locked.value.details["retry_after"])) <= pause
            stack.clock.shift += timedelta(seconds=pause) + slack
    stack.clock.shift += timedelta(seconds=FORGIVEN_AFTER + 2)
    for _ in range(FREE_ATTEMPTS):
        with pytest.raises(CredentialsInvalid):
            await sign_in(stack, email)


async def test_attempts_at_once_are_all_counted(stack: Stack) -> None:
    """Of twenty attempts at once no more are compared than one after the other would be."""
    person = await signed_up(stack)
    raced = await race(sign_in(stack, person.email, f"not this one {n}") for n in range(20))
    assert raced.lost == {"credentials_invalid": FREE_ATTEMPTS, "sign_in_locked": 20 - FREE_ATTEMPTS}


async def test_a_revoked_session_is_refused_whatever_runs_beside_it(stack: Stack) -> None:
    """While a session is used, it is revoked: once that is answered, no further use gets through."""
    person = await signed_up(stack)
    for _ in range(10):
        session = await sign_in(stack, person.email)

        async def use(token: str = session.token) -> None:
            actor = await stack.authenticate(token)
            await stack.run("account.get", actor)

        revoke = stack.run("sessions.revoke", person.actor, id=encode_id("ses", session.session_id))
        raced = await race([use(), revoke, use(), use()])
        assert set(raced.lost) <= {"session_revoked"}
        with pytest.raises(SessionRevoked):
            await use()


async def test_a_session_made_with_the_old_password_does_not_outlive_the_change(stack: Stack) -> None:
    """Signing in races changing the password: afterwards only the changing session and later ones are good."""
    person = await signed_up(stack)
    change = stack.run("account.change_password", person.actor, current_password=PASSWORD, new_password=ANOTHER)
    raced = await race([change, *(sign_in(stack, person.email) for _ in range(3))])
    for survivor in raced.won:
        if isinstance(survivor, Person):
            with pytest.raises(SessionRevoked):
                await stack.authenticate(survivor.token)


async def test_a_member_acts_with_the_scopes_of_their_role(stack: Stack) -> None:
    """The owner may do everything in the organization, the viewer reads; both keep their own account."""
    organization = await stack.organization()
    owner = await join(stack, await signed_up(stack), organization)
    viewer = await join(stack, await signed_up(stack), organization, "viewer")
    assert owner.scopes == TENANT_SCOPES | PERSONAL_SCOPES
    await stack.run("products.create", owner, name="Espresso blend")
    assert len((await stack.run("products.list", viewer))["data"]) == 1  # type: ignore[arg-type]  # reason: a page's data is a list
    with pytest.raises(InsufficientPermissions):
        await stack.run("products.create", viewer, name="Espresso blend")
    assert (await stack.run("account.get", viewer))["id"] == viewer.id


async def test_a_foreign_organization_is_an_absent_one(stack: Stack) -> None:
    """Who is no member hears of an organization what they hear of none, in the same words."""
    person, foreign = await signed_up(stack), await stack.organization()
    said = []
    for organization_id in (foreign.organization_id, OrganizationId(stack.ids.new())):
        with pytest.raises(OrganizationNotFound) as refused:
            await stack.authenticate(person.token, organization_id)
        said.append((refused.value.code, refused.value.message, refused.value.details))
    assert said[0] == said[1]


async def test_a_suspended_person_is_out_at_once(stack: Stack) -> None:
    """The operator's word counts from the next request on, and a right password says why."""
    person = await signed_up(stack)
    await stack.run("users.suspend", operator(), id=person.id)
    with pytest.raises(Unauthenticated):
        await stack.authenticate(person.token)
    with pytest.raises(UserSuspended):
        await sign_in(stack, person.email)
    await stack.run("users.reactivate", operator(), id=person.id)
    assert (await stack.authenticate(person.token)).person == person.user_id


async def test_what_people_do_to_themselves_stays_out_of_their_organizations(stack: Stack, rows: Rows) -> None:
    """A change of the account made in an organization's name leaves nothing in its audit log or events."""
    organization = await stack.organization()
    member = await join(stack, await signed_up(stack), organization)
    before = await rows.counts(organization.organization_id)
    account = await stack.run("account.get", member)
    await stack.run_once("k", "account.update", member, expected_version=account["version"], name="Ada Lovelace")
    await stack.run("account.set_primary_wallet", member, address="0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")
    assert await rows.counts(organization.organization_id) == before


async def test_two_people_may_use_the_same_idempotency_key(stack: Stack) -> None:
    """The key of one is not the key of another: each gets an answer of their own."""
    people = [await signed_up(stack) for _ in range(2)]
    for _ in range(2):
        for person in people:
            wallet = f"0x{person.user_id.hex}00000000"
            await stack.run_once("1", "account.set_primary_wallet", person.actor, address=wallet)
    wallets = [(await stack.run("account.get", person.actor))["wallet_address"] for person in people]
    assert wallets == [f"0x{person.user_id.hex}00000000" for person in people]


async def test_one_person_may_use_a_key_in_each_organization(stack: Stack) -> None:
    """A person of two organizations who sends the same command with the same key to both gets an effect in both."""
    person = await signed_up(stack)
    seats = [await join(stack, person, await stack.organization()) for _ in range(2)]
    made = [await stack.run_once("k-1", "products.create", seat, name="Espresso") for seat in (*seats, *seats)]
    assert [each["id"] for each in made[:2]] == [each["id"] for each in made[2:]]
    assert made[0]["id"] != made[1]["id"]
    for seat, product in zip(seats, made, strict=False):
        listed = cast("list[Body]", (await stack.run("products.list", seat))["data"])
        assert [each["id"] for each in listed] == [product["id"]]


async def test_an_identity_at_a_provider_is_one_persons(stack: Stack) -> None:
    """Linked to one it is taken for all others, until it is unlinked; it finds its person."""
    first, second = await signed_up(stack), await signed_up(stack)
    given = {"provider": "google", "subject": new_address()}
    linked = await stack.run("users.link_identity", operator(), id=first.id, **given)
    listed = cast("list[Body]", (await stack.run("account.list_identities", first.actor))["data"])
    assert [each["subject"] for each in listed] == [given["subject"]]
    raced = await race([stack.run("users.link_identity", operator(), id=second.id, **given)])
    assert raced.lost == {"auth_identity_taken": 1}
    opened = stack.units(operator(), use_case="tests.look", request_id="r", read_only=True)
    async with opened as uow:
        found = await uow.users.get_by_auth_provider("google", given["subject"])
        assert found is not None
        assert found.id == first.user_id
        assert await uow.users.get_by_auth_provider("github", given["subject"]) is None
    await stack.run("account.unlink_identity", first.actor, id=linked["id"])
    await stack.run("users.link_identity", operator(), id=second.id, **given)


async def test_nobody_links_an_identity_to_themselves(stack: Stack) -> None:
    """Who one is at a provider only the provider can show: persons are refused, and no face has it."""
    person, organization = await signed_up(stack), await stack.organization()
    owner = await join(stack, person, organization)
    for actor in (person.actor, owner):
        with pytest.raises(InsufficientPermissions):
            await stack.run("users.link_identity", actor, id=person.id, provider="google", subject="123")
    assert "account.link_identity" not in stack.registry
    assert stack.registry["users.link_identity"].internal


async def test_a_wallet_is_a_claim_that_stands_in_nobodys_way(stack: Stack) -> None:
    """Whoever names somebody else's wallet does not keep its owner from naming it."""
    first, second = await signed_up(stack), await signed_up(stack)
    wallet = f"0x{first.user_id.hex}00000001"
    for person in (first, second):
        named = await stack.run("account.set_primary_wallet", person.actor, address=wallet)
        assert named["wallet_address"] == wallet
    async with stack.units(operator(), use_case="tests.look", request_id="r", read_only=True) as uow:
        found = await uow.users.get_by_wallet_address(wallet)
        assert found is not None
        assert found.id == first.user_id


async def test_sessions_that_ended_by_themselves_are_not_revoked_any_more(fresh_stack: Stack) -> None:
    """Revoking all others is about those that still let somebody in."""
    person = await signed_up(fresh_stack)
    fresh_stack.clock.shift = LONGEST + timedelta(days=1)
    here, _ = await sign_in(fresh_stack, person.email), await sign_in(fresh_stack, person.email)
    assert await fresh_stack.run("sessions.revoke_others", here.actor) == {"revoked": 1}


async def test_people_without_a_password_are_counted_apart(stack: Stack) -> None:
    """Guessing at one of them locks out nobody else."""
    sign_ins = SqlSignIns(stack.database, Argon2Passwords(time_cost=1, memory_kib=8, workers=1), stack.clock)
    one, other = UserId(uuid4()), UserId(uuid4())
    for _ in range(FREE_ATTEMPTS):
        with pytest.raises(CredentialsInvalid):
            await sign_ins.verify_person(one, PASSWORD)
    with pytest.raises(SignInLocked):
        await sign_ins.verify_person(one, PASSWORD)
    with pytest.raises(CredentialsInvalid):
        await sign_ins.verify_person(other, PASSWORD)


async def test_old_attempts_go_with_one_that_is_forgiven(fresh_stack: Stack) -> None:
    """On either database: addresses that were tried long ago leave nothing behind."""
    person = await signed_up(fresh_stack)
    for _ in range(2):
        with pytest.raises(CredentialsInvalid):
            await sign_in(fresh_stack, new_address())
    fresh_stack.clock.shift = timedelta(seconds=FORGIVEN_AFTER + 60)
    await sign_in(fresh_stack, person.email)
    engine = administrator_engine(fresh_stack.urls.superuser)
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM sign_in_attempts"))).scalar_one() == 0
    await engine.dispose()
