"""Whose a wallet is: shown by a signature, once, within ten minutes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import override
from uuid import UUID

import pytest

from application.kernel.actor import Actor
from application.wallets.ports import ChainCall, IChain
from application.wallets.wallet_ownership import OwnershipChecks
from domain.shared.errors import EntityNotFoundError
from domain.shared.ids import WalletChallengeId, decode_id
from domain.shared.signatures import text_digest
from domain.wallets.errors import (
    BlockchainError,
    ChainNotSupported,
    ChallengeOver,
    SignatureInvalid,
    TransactionWouldRevert,
)
from domain.wallets.signed_text import acceptance_call
from domain.wallets.wallet_challenge import LIFETIME
from tests.support.chain import DevAccount, new_account
from tests.support.chain_keys import signed_text
from tests.support.rows import Rows
from tests.support.stack import Body, Stack
from tests.support.still_chain import StillChain, StillChains
from tests.support.world_wallets import an_address

ACCEPTED = bytes.fromhex("1626ba7e").ljust(32, b"\0")


async def challenged(stack: Stack, actor: Actor, address: str, **wallet: object) -> tuple[Body, Body]:
    """Return a fresh wallet with an address, and a challenge to whoever holds it."""
    made = await stack.run("wallets.create", actor, chain_id=1, address=address, **wallet)
    return made, await stack.run("wallets.request_challenge", actor, id=made["id"])


def answer(wallet: Body, challenge: Body, account: DevAccount) -> dict[str, object]:
    """Sign a challenge."""
    signature = signed_text(account, str(challenge["message"]))
    return {"id": wallet["id"], "challenge_id": challenge["id"], "signature": signature}


async def test_who_holds_the_key_shows_it_once(stack: Stack) -> None:
    actor, account = await stack.organization(), new_account()
    wallet, challenge = await challenged(stack, actor, account.address)
    said = await stack.run("wallets.verify_ownership", actor, **answer(wallet, challenge, account))
    assert said["status"] == "verified"
    assert (await stack.run("wallets.get", actor, id=wallet["id"]))["verified_at"] == said["concluded_at"]
    with pytest.raises(ChallengeOver):
        await stack.run("wallets.verify_ownership", actor, **answer(wallet, challenge, account))


async def test_another_key_shows_nothing_and_uses_nothing_up(stack: Stack) -> None:
    actor, account = await stack.organization(), new_account()
    wallet, challenge = await challenged(stack, actor, account.address)
    for wrong in (answer(wallet, challenge, new_account()), {**answer(wallet, challenge, account), "signature": "0x"}):
        with pytest.raises(SignatureInvalid):
            await stack.run("wallets.verify_ownership", actor, **wrong)
    assert (await stack.run("wallets.get", actor, id=wallet["id"]))["verified_at"] is None
    await stack.run("wallets.verify_ownership", actor, **answer(wallet, challenge, account))


async def test_a_signature_of_one_challenge_is_no_answer_to_another(stack: Stack) -> None:
    """Each text has a nonce of its own, and belongs to one wallet of one organization."""
    actor, account = await stack.organization(), new_account()
    wallet, first = await challenged(stack, actor, account.address)
    second = await stack.run("wallets.request_challenge", actor, id=wallet["id"])
    assert first["message"] != second["message"]
    with pytest.raises(SignatureInvalid):
        await stack.run(
            "wallets.verify_ownership", actor, **{**answer(wallet, first, account), "challenge_id": second["id"]}
        )
    other, _ = await challenged(stack, actor, an_address())
    for known in (actor, await stack.organization()):
        with pytest.raises(EntityNotFoundError):
            await stack.run("wallets.verify_ownership", known, **answer(other, first, account))


async def test_after_ten_minutes_it_is_too_late(stack: Stack) -> None:
    actor, account = await stack.organization(), new_account()
    wallet, challenge = await challenged(stack, actor, account.address)
    stack.clock.shift += LIFETIME
    try:
        with pytest.raises(ChallengeOver):
            await stack.run("wallets.verify_ownership", actor, **answer(wallet, challenge, account))
    finally:
        stack.clock.shift -= LIFETIME


@dataclass(frozen=True, slots=True)
class Contract(StillChain):
    """A chain whose every contract answers one question alike; an exception is raised instead."""

    says: Mapping[bytes, bytes | Exception]

    @override
    async def call(self, call: ChainCall, block: int | None = None) -> bytes:
        found = self.says[call.data]
        if isinstance(found, Exception):
            raise found
        return found


class Contracts(StillChains):
    """Chains whose contracts were told what to answer."""

    def __init__(self, data: bytes, says: bytes | Exception) -> None:
        """Answer this to that."""
        self._says = {data: says}

    @override
    def of(self, chain_id: int) -> IChain:
        return Contract(chain_id=chain_id, says=self._says)


async def contract_asked(stack: Stack, actor: Actor, says: bytes | Exception) -> tuple[Body, Body]:
    """Have a contract judge a signature; return its wallet and the challenge as they are then."""
    wallet, challenge = await challenged(stack, actor, an_address(), type="smart_wallet")
    said = await stack.run(
        "wallets.verify_ownership", actor, id=wallet["id"], challenge_id=challenge["id"], signature="0x5a5a"
    )
    assert said["status"] == "checking"
    asked = acceptance_call(text_digest(str(challenge["message"])), b"\x5a\x5a")
    checks = OwnershipChecks(stack.units, stack.dispatcher, Contracts(asked, says))
    for _ in range(2):
        await checks.check(actor.organization_id, challenge_id(challenge))
    return (
        await stack.run("wallets.get", actor, id=wallet["id"]),
        await stack.run("wallet_challenges.get", actor, id=challenge["id"]),
    )


def challenge_id(challenge: Body) -> WalletChallengeId:
    return WalletChallengeId(UUID(int=decode_id("wch", str(challenge["id"])).int))


async def test_a_contract_says_itself_whether_it_accepts_a_signature(stack: Stack, rows: Rows) -> None:
    actor = await stack.organization()
    wallet, challenge = await contract_asked(stack, actor, ACCEPTED)
    assert challenge["status"] == "verified"
    assert wallet["verified_at"] == challenge["concluded_at"]
    assert await rows.of("jobs", actor.organization_id) == []
    kept = await rows.of("wallet_challenges", actor.organization_id)
    assert [row["signature"] for row in kept] == [None]


@pytest.mark.parametrize(
    "says", [b"", bytes(32), b"\xff" * 32, TransactionWouldRevert(reason="no"), ChainNotSupported()]
)
async def test_whatever_else_it_says_shows_nothing(stack: Stack, says: bytes | Exception) -> None:
    wallet, challenge = await contract_asked(stack, await stack.organization(), says)
    assert (challenge["status"], wallet["verified_at"]) == ("refused", None)


async def test_a_chain_that_is_silent_is_asked_again_later(stack: Stack) -> None:
    """Nothing is decided meanwhile, and the job passes the silence on."""
    actor = await stack.organization()
    wallet, challenge = await challenged(stack, actor, an_address(), type="smart_wallet")
    given = {"id": wallet["id"], "challenge_id": challenge["id"], "signature": "0x"}
    await stack.run("wallets.verify_ownership", actor, **given)
    asked = acceptance_call(text_digest(str(challenge["message"])), b"")
    checks = OwnershipChecks(stack.units, stack.dispatcher, Contracts(asked, BlockchainError()))
    with pytest.raises(BlockchainError):
        await checks.check(actor.organization_id, challenge_id(challenge))
    assert (await stack.run("wallet_challenges.get", actor, id=challenge["id"]))["status"] == "checking"
