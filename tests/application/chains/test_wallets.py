"""Wallets, on both databases: what goes in comes out, and what signs signs once."""

import json
from uuid import UUID

import pytest

from domain.shared.errors import EntityNotFoundError, InvalidTransition
from domain.shared.evm import InvalidAddress, checksummed
from domain.shared.evm_types import MAX_UNITS
from domain.shared.ids import WalletId, decode_id
from domain.wallets.errors import InvalidWallet, SignerUnavailable, WalletAddressTaken, WalletSignerTaken
from infrastructure.chain.keystore import Keystore
from interfaces.schema.problems import InvalidCommand
from tests.support.http import HttpFace
from tests.support.rows import Rows
from tests.support.stack import Body, Stack
from tests.support.world import World
from tests.support.world_wallets import an_address

LARGEST = str(MAX_UNITS)


async def test_the_largest_amount_comes_through_whole(world: World, http: HttpFace, rows: Rows) -> None:
    """2^256-1 is the same number in JSON going in, in the row, in the trail and in JSON coming out."""
    asked: dict[str, object] = {"chain_id": 1, "address": an_address(), "max_per_transaction": LARGEST, "label": ""}
    made = await http.send("wallets.create", {**asked, "max_per_day": str(MAX_UNITS - 1)}, key=world.key)
    assert made.status_code == 201
    read = await http.send("wallets.get", {"id": made.json()["id"]}, key=world.key)
    assert f'"max_per_transaction":"{LARGEST}"' in read.text.replace(" ", "")
    assert (read.json()["max_per_transaction"], read.json()["max_per_day"]) == (LARGEST, str(MAX_UNITS - 1))

    id_ = decode_id("wal", made.json()["id"])
    [row] = [r for r in await rows.of("wallets", world.actor.organization_id) if UUID(str(r["id"])) == id_]
    assert int(str(row["max_per_transaction"])) == MAX_UNITS
    entries = await rows.of("audit_entries", world.actor.organization_id)
    [entry] = [each for each in entries if each["subject_id"] == made.json()["id"]]
    assert json.loads(str(entry["changes"]))["max_per_transaction"] == LARGEST


async def test_a_smaller_amount_takes_the_place_of_the_largest(stack: Stack) -> None:
    """What is loaded equals what was stored: an edit that changes nothing makes no version."""
    actor = await stack.organization()
    made = await stack.run("wallets.create", actor, chain_id=1, address=an_address(), max_per_day=LARGEST)
    same = await stack.run("wallets.update", actor, id=made["id"], expected_version=1, max_per_day=LARGEST)
    less = await stack.run("wallets.update", actor, id=made["id"], expected_version=1, max_per_day="0")
    none = await stack.run("wallets.update", actor, id=made["id"], expected_version=2, max_per_day=None)
    assert [(each["version"], each["max_per_day"]) for each in (same, less, none)] == [
        (1, LARGEST), (2, "0"), (3, None),
    ]  # fmt: skip


async def test_an_address_is_kept_in_lower_case_and_shown_with_its_checksum(world: World, rows: Rows) -> None:
    made = await world.run("wallets.create")
    shown = str(made["address"])
    assert shown == checksummed(shown.lower())
    stored = {row["address"] for row in await rows.of("wallets", world.actor.organization_id)}
    assert shown.lower() in stored
    for spelt in (shown, shown.lower(), f"0x{shown[2:].upper()}"):
        found = await world.send("wallets.get_by_address", {"chain_id": made["chain_id"], "address": spelt})
        assert found["id"] == made["id"]
    for wrong in (f"0x{shown[2:].swapcase()}", shown[:-1], shown[2:]):
        with pytest.raises(InvalidCommand) as refused:
            await world.send("wallets.get_by_address", {"chain_id": made["chain_id"], "address": wrong})
        assert [each.code for each in refused.value.errors] == [InvalidAddress.code]


async def test_an_address_is_one_wallet_of_a_chain(stack: Stack) -> None:
    """Another chain is another wallet, and another organization may watch the same one."""
    actor, address = await stack.organization(), an_address()
    await stack.run("wallets.create", actor, chain_id=1, address=address)
    await stack.run("wallets.create", actor, chain_id=8453, address=address)
    await stack.run("wallets.create", await stack.organization(), chain_id=1, address=address)
    with pytest.raises(WalletAddressTaken):
        await stack.run("wallets.create", actor, chain_id=1, address=address.lower())


async def test_a_deleted_wallet_comes_back_unless_its_address_was_taken(stack: Stack) -> None:
    actor, address = await stack.organization(), an_address()
    made = await stack.run("wallets.create", actor, chain_id=1, address=address)
    await stack.run("wallets.delete", actor, id=made["id"])
    with pytest.raises(EntityNotFoundError):
        await stack.run("wallets.get_by_address", actor, chain_id=1, address=address)
    other = await stack.run("wallets.create", actor, chain_id=1, address=address)
    with pytest.raises(WalletAddressTaken):
        await stack.run("wallets.restore", actor, id=made["id"])
    await stack.run("wallets.delete", actor, id=other["id"])
    assert (await stack.run("wallets.restore", actor, id=made["id"]))["deleted_at"] is None
    with pytest.raises(InvalidTransition):
        await stack.run("wallets.restore", actor, id=made["id"])


async def test_one_wallet_in_all_organizations_signs_for_an_address(stack: Stack) -> None:
    """Two would both give out the address's next nonce. Deleting is no way around it; watching is nobody's business."""
    mine, theirs, address = await stack.organization(), await stack.organization(), an_address()
    remote = {"chain_id": 1, "signer": "remote", "address": address}
    made = await stack.run("wallets.create_key", mine, **remote)
    await stack.run("wallets.create", theirs, chain_id=1, address=address)
    for actor in (theirs, await stack.organization()):
        with pytest.raises((WalletSignerTaken, WalletAddressTaken)):
            await stack.run("wallets.create_key", actor, **remote)
    await stack.run("wallets.delete", mine, id=made["id"])
    for actor in (mine, await stack.organization()):
        with pytest.raises(WalletSignerTaken):
            await stack.run("wallets.create_key", actor, **remote)
    await stack.run("wallets.create_key", await stack.organization(), **{**remote, "chain_id": 2})
    assert (await stack.run("wallets.restore", mine, id=made["id"]))["signer"] == "remote"


@pytest.mark.parametrize(
    "wrong", [{"signer": "remote"}, {"signer": "keystore", "address": an_address()}, {"address": an_address()}]
)
async def test_a_fresh_key_has_its_own_address_and_a_remote_one_is_named(stack: Stack, wrong: Body) -> None:
    with pytest.raises(InvalidWallet):
        await stack.run("wallets.create_key", await stack.organization(), chain_id=1, **wrong)


async def test_keys_are_not_kept_without_a_secret_to_encrypt_them(stack: Stack) -> None:
    with pytest.raises(SignerUnavailable):
        Keystore(b"").create((await stack.organization()).organization_id, WalletId(stack.ids.new()))


async def test_a_key_is_in_its_row_only_and_there_it_is_encrypted(world: World, rows: Rows) -> None:
    """Neither the answer, nor the trail, the events and the kept answers hold the key, nor what it is encrypted to."""
    made = await world.run("wallets.create_key")
    [row] = [r for r in await rows.of("wallets", world.actor.organization_id) if r["sealed_key"] and _is(r, made)]
    sealed = str(row["sealed_key"])
    assert sealed.startswith("v1.")
    assert made["verified_at"] is not None
    for table in ("audit_entries", "outbox", "events", "idempotency_records"):
        assert sealed not in str(await rows.of(table, world.actor.organization_id))
    entries = [e for e in await rows.of("audit_entries", world.actor.organization_id) if e["subject_id"] == made["id"]]
    assert [json.loads(str(entry["changes"]))["sealed_key"] for entry in entries] == ["[redacted]"]
    assert "sealed" not in str(made)


async def test_wallets_are_found_by_whose_they_are(world: World) -> None:
    """A member's are not the organization's own, and the other way around."""
    theirs = await world.run("wallets.create", user_id=world.person.id)
    own = await world.run("wallets.create", user_id=None)
    everybodys = {"limit": 100, "chain_id": own["chain_id"]}
    of_person = await world.send("wallets.get_by_user", {**everybodys, "user_id": world.person.id})
    of_organization = await world.send("wallets.get_by_organization", everybodys)
    assert theirs["id"] in _ids(of_person)
    assert own["id"] not in _ids(of_person)
    assert own["id"] in _ids(of_organization)
    assert theirs["id"] not in _ids(of_organization)


async def test_a_wallet_of_somebody_who_is_no_member_is_refused(stack: Stack, world: World) -> None:
    """People of other organizations are not known here."""
    actor = await stack.organization()
    with pytest.raises(EntityNotFoundError):
        await stack.run("wallets.create", actor, chain_id=1, address=an_address(), user_id=world.person.id)
    with pytest.raises(EntityNotFoundError):
        await stack.run("wallets.create_key", actor, chain_id=1, user_id=world.person.id)


async def test_owners_of_a_multi_sig_are_shown(stack: Stack) -> None:
    actor, owners = await stack.organization(), [an_address(), an_address()]
    config = {"owners": owners, "threshold": 2}
    made = await stack.run(
        "wallets.create", actor, chain_id=1, address=an_address(), type="multi_sig", multi_sig=config
    )
    assert (await stack.run("wallets.get", actor, id=made["id"]))["multi_sig"] == config


def _is(row: object, body: Body) -> bool:
    return UUID(str(row["id"])) == decode_id("wal", str(body["id"]))  # type: ignore[index]  # reason: a row


def _ids(listed: Body) -> set[object]:
    return {each["id"] for each in listed["data"]}  # type: ignore[attr-defined]  # reason: a list's body
