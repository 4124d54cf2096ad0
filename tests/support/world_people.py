"""What use-cases about people, their accounts and sessions need to be there before them."""

from uuid import uuid4

from application.identity.person_mails import RECOVER_PASSWORD, VERIFY_EMAIL
from application.kernel.actor import PLATFORM, operator
from domain.identity.sign_up import SignUp
from domain.shared.ids import SessionId, UserId, encode_id
from tests.support.ground import Ground, Prepare
from tests.support.persons import PASSWORD, mailed_token, new_address, registered, sign_in, unverified


async def _own_credentials(world: Ground) -> dict[str, object]:
    # A right password forgives the wrong ones that some test has tried.
    await sign_in(world.stack, world.person.email, world.person.password)
    return {"email": world.person.email, "password": world.person.password}


async def _somebodys_address(world: Ground) -> dict[str, object]:
    # Always somebody else's, because nobody gets many mails.
    address = new_address()
    await registered(world.stack, address)
    return {"email": address}


async def _same_password(world: Ground) -> dict[str, object]:
    # The same one again, so that the world's person can go on signing in.
    await world.send("sessions.revoke_others", {})
    return {"current_password": world.person.password, "new_password": world.person.password}


async def _present_account(world: Ground) -> dict[str, object]:
    present = await world.run("account.get")
    return {
        "expected_version": present["version"],
        "name": f"Inês Duarte {uuid4().hex[:8]}",
        "preferences": {"at": f"at-{uuid4().hex[:12]}"},
    }


async def _new_wallet(_: Ground) -> dict[str, object]:
    return {"address": f"0x{uuid4().hex}{uuid4().hex[:8]}"}


async def _new_identity(world: Ground) -> dict[str, object]:
    return {"id": world.person.id, "subject": f"subject-{uuid4().hex[:12]}"}


async def _linked_identity(world: Ground) -> dict[str, object]:
    return {"id": (await world.run("users.link_identity"))["id"]}


async def _unverified_person(world: Ground) -> dict[str, object]:
    user_id = await unverified(world.stack, new_address())
    return {"token": await mailed_token(world.stack, VERIFY_EMAIL, user_id), "password": PASSWORD}


async def _waiting_sign_up(world: Ground) -> dict[str, object]:
    stack, id_ = world.stack, UserId(world.stack.ids.new())
    async with stack.units(operator(), use_case="tests.sign_up", request_id=str(uuid4())) as uow:
        await uow.become(id_)
        uow.sign_ups.add(
            SignUp.request(
                id=id_, organization_id=PLATFORM, email=new_address(), name="Ada Lind", hash="x", now=stack.clock.now()
            )
        )  # fmt: skip
        await uow.commit()
    return {"id": encode_id("usr", id_)}


async def _forgetful_person(world: Ground) -> dict[str, object]:
    user_id = await registered(world.stack)
    return {"token": await mailed_token(world.stack, RECOVER_PASSWORD, user_id)}


async def _other_session(world: Ground) -> dict[str, object]:
    # Always as many, so that the answers of all faces are the same.
    await world.send("sessions.revoke_others", {})
    await world.fresh(SessionId)
    return {}


async def _suspended_user(world: Ground) -> dict[str, object]:
    return {"id": (await world.run("users.suspend"))["id"]}


async def _tokenless_person(world: Ground) -> dict[str, object]:
    return {"user_id": (await world.fresh(UserId))["id"], "hash": uuid4().hex * 2}


PREPARATIONS: dict[str, Prepare] = {
    "account.change_password": _same_password,
    "account.issue_token": _tokenless_person,
    "account.recover_password": _forgetful_person,
    "account.request_recovery": _somebodys_address,
    "account.request_verification": _somebodys_address,
    "account.set_primary_wallet": _new_wallet,
    "account.unlink_identity": _linked_identity,
    "account.update": _present_account,
    "account.verify_email": _unverified_person,
    "sessions.create": _own_credentials,
    "sessions.revoke_others": _other_session,
    "users.finish_sign_up": _waiting_sign_up,
    "users.link_identity": _new_identity,
    "users.reactivate": _suspended_user,
}
