"""Keys are made, kept, used and asked for elsewhere, and nobody ever sees one."""

import asyncio
import base64
import io
import json
import logging
import sys
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from eth_account import Account

from application.wallets.ports import Fees, UnsignedTransaction
from application.wallets.signing_ports import KeptKey, SigningKey
from domain.shared.evm_types import Address, BaseUnits
from domain.shared.ids import OrganizationId, WalletId
from domain.wallets.errors import SignerRefused, SignerUnavailable
from infrastructure.chain.keystore import Keystore
from infrastructure.chain.remote_signer import RemoteSigner
from infrastructure.chain.signer import Signer
from infrastructure.observability.logging import configure_logging
from infrastructure.settings_chain import RemoteSignerSettings
from tests.support.chain import DevAccount, new_account
from tests.support.chain_keys import signed_now
from tests.support.receiver import Receiver, receiver, status

SECRET = b"the secret of these tests, 32 bytes or more"
ORGANIZATION, WALLET = OrganizationId(uuid4()), WalletId(uuid4())
TRANSACTION = UnsignedTransaction(
    chain_id=8453, nonce=7, to=Address(f"0x{5:040x}"), value=BaseUnits(2**256 - 1), data=b"\x01\x02", gas=50_000,
    fees=Fees(max_fee=10**10, priority_fee=10**9),
)  # fmt: skip
TOKEN = "token-of-the-remote-signer"


def signing_key(kept: KeptKey) -> SigningKey:
    return SigningKey(organization_id=ORGANIZATION, wallet_id=WALLET, address=kept.address, sealed=kept.sealed)


async def test_a_kept_key_signs_as_its_address() -> None:
    """The signature is the address's, and another library reads it so; signing again gives the same bytes."""
    keystore = Keystore(SECRET)
    key = signing_key(keystore.create(ORGANIZATION, WALLET))

    signed = await Signer(keystore).sign(key, TRANSACTION)

    assert Account.recover_transaction(signed.raw).lower() == key.address
    assert signed == await Signer(keystore).sign(key, TRANSACTION)
    assert signed == signed_now(DevAccount(address=key.address, key=keystore.open(key)), TRANSACTION)


def test_every_key_is_another_one() -> None:
    """The same wallet gets a new key each time, and the same key would be sealed differently."""
    kept = [Keystore(SECRET).create(ORGANIZATION, WALLET) for _ in range(50)]

    assert len({each.address for each in kept}) == len({each.sealed for each in kept}) == 50


@pytest.mark.parametrize("changed", ["organization", "wallet", "secret", "bytes"])
async def test_a_sealed_key_opens_for_its_wallet_alone(changed: str) -> None:
    """In another organization or wallet, under another secret, or with one bit turned it is nothing."""
    kept = Keystore(SECRET).create(ORGANIZATION, WALLET)
    box = bytearray(base64.b64decode(kept.sealed.removeprefix("v1.")))
    box[-1] ^= 1
    turned = f"v1.{base64.b64encode(bytes(box)).decode()}"
    key = SigningKey(
        organization_id=OrganizationId(uuid4()) if changed == "organization" else ORGANIZATION,
        wallet_id=WalletId(uuid4()) if changed == "wallet" else WALLET,
        address=kept.address,
        sealed=turned if changed == "bytes" else kept.sealed,
    )

    with pytest.raises(SignerUnavailable):
        await Signer(Keystore(b"another" if changed == "secret" else SECRET)).sign(key, TRANSACTION)


async def test_a_key_of_another_address_does_not_sign() -> None:
    """A sealed key that was put beside another address is of no use."""
    kept = Keystore(SECRET).create(ORGANIZATION, WALLET)
    key = SigningKey(organization_id=ORGANIZATION, wallet_id=WALLET, address=new_account().address, sealed=kept.sealed)

    with pytest.raises(SignerRefused):
        await Signer(Keystore(SECRET)).sign(key, TRANSACTION)


def test_without_a_secret_nothing_is_kept() -> None:
    """An installation that was given no secret makes no key that it could not open again."""
    with pytest.raises(SignerUnavailable):
        Keystore(b"").create(ORGANIZATION, WALLET)


async def test_no_raw_key_is_ever_shown(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Not in what is stored, represented, logged or raised, also when the library fails with the key in its hands."""
    caplog.set_level(logging.DEBUG)
    log = io.StringIO()
    configure_logging("debug", json=True, stream=log)
    keystore = Keystore(SECRET)
    kept = keystore.create(ORGANIZATION, WALLET)
    key = signing_key(kept)
    canary = keystore.open(key)
    signed = await Signer(keystore).sign(key, TRANSACTION)

    def spill(transaction: object, private: object) -> object:
        raise RuntimeError(private, transaction)

    monkeypatch.setattr(Account, "sign_transaction", spill)
    with pytest.raises(SignerRefused) as refused:
        await Signer(keystore).sign(key, TRANSACTION)

    told = "".join(traceback.format_exception(refused.value))
    shown = f"{kept!r}{key!r}{signed!r}{kept.sealed}{signed.raw.hex()}{told}{refused.value.details}"
    shown += f"{log.getvalue()}{caplog.text}{sys.argv}"
    forms = (canary.hex(), base64.b64encode(canary).decode(), repr(canary)[2:-1], str(int.from_bytes(canary)))
    assert not [form for form in forms if form in shown]
    assert kept.sealed not in f"{kept!r}{key!r}{log.getvalue()}{caplog.text}{told}"


@pytest.fixture
async def there() -> AsyncIterator[Receiver]:
    async with receiver() as opened:
        yield opened


@pytest.fixture
async def remote(there: Receiver) -> AsyncIterator[Signer]:
    signer = Signer(Keystore(SECRET), RemoteSigner(RemoteSignerSettings(url=there.url("/"), token=TOKEN), timeout=0.5))
    yield signer
    await signer.close()


def answering(answer: object) -> Callable[[asyncio.StreamWriter], Awaitable[None]]:
    async def reply(writer: asyncio.StreamWriter) -> None:
        body = json.dumps(answer).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)

    return reply


def elsewhere(account: DevAccount) -> SigningKey:
    return SigningKey(organization_id=ORGANIZATION, wallet_id=WALLET, address=account.address)


@pytest.mark.parametrize("wrapped", [False, True])
async def test_somebody_else_signs(there: Receiver, remote: Signer, wrapped: bool) -> None:
    """The remote signer is told everything it signs and who asks, and its answer is taken once it is checked."""
    account = new_account()
    signed = signed_now(account, TRANSACTION)
    raw = f"0x{signed.raw.hex()}"
    there.replies["/"] = answering({"jsonrpc": "2.0", "id": 1, "result": {"raw": raw} if wrapped else raw})

    assert await remote.sign(elsewhere(account), TRANSACTION) == signed

    asked = there.at("/")[0]
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"
    assert json.loads(asked.body)["method"] == "eth_signTransaction"
    assert json.loads(asked.body)["params"] == [
        {
            "from": account.address, "to": TRANSACTION.to, "type": "0x2", "chainId": "0x2105", "nonce": "0x7",
            "value": f"0x{'f' * 64}", "data": "0x0102", "gas": hex(50_000), "maxFeePerGas": hex(10**10),
            "maxPriorityFeePerGas": hex(10**9),
        }
    ]  # fmt: skip


OTHERS: dict[str, dict[str, object]] = {
    "nonce": {"nonce": 8},
    "value": {"value": BaseUnits(1)},
    "to": {"to": Address(f"0x{6:040x}")},
    "chain": {"chain_id": 1},
    "data": {"data": b"\x01"},
    "gas": {"gas": 50_001},
    "fees": {"fees": Fees(max_fee=10**10 + 1, priority_fee=10**9)},
    "creation": {"to": None},
}


@pytest.mark.parametrize("other", [*OTHERS, "address", "more", "less"])
async def test_a_signature_under_anything_else_is_refused(there: Receiver, remote: Signer, other: str) -> None:
    """Another transaction, another key, or bytes more or less: none of it is broadcast."""
    account = new_account()
    fields: dict[str, Any] = {name: getattr(TRANSACTION, name) for name in TRANSACTION.__slots__} | OTHERS.get(
        other, {}
    )
    signed = signed_now(new_account() if other == "address" else account, UnsignedTransaction(**fields))
    raw = {"more": signed.raw + b"\0", "less": signed.raw[:-1]}.get(other, signed.raw)
    there.replies["/"] = answering({"result": f"0x{raw.hex()}"})

    with pytest.raises(SignerRefused):
        await remote.sign(elsewhere(account), TRANSACTION)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (answering({"error": {"code": -32000, "message": "no such key"}}), SignerRefused),
        (status(403), SignerRefused),
        (status(401), SignerUnavailable),
        (status(429), SignerUnavailable),
        (status(503), SignerUnavailable),
        (status(302), SignerUnavailable),
        (answering({"result": 5}), SignerUnavailable),
        (answering([]), SignerUnavailable),
        (answering({"result": "0xzz"}), SignerUnavailable),
    ],
)  # fmt: skip
async def test_whatever_comes_back_is_a_refusal_or_no_answer(
    there: Receiver, remote: Signer, reply: Callable[[asyncio.StreamWriter], Awaitable[None]], error: type[Exception]
) -> None:
    """A signer that says no is told from one that is out of order."""
    there.replies["/"] = reply

    with pytest.raises(error):
        await remote.sign(elsewhere(new_account()), TRANSACTION)
    assert len(there.at("/")) == 1, "a signature is asked for once"


async def test_a_signer_that_hangs_is_left(there: Receiver, remote: Signer) -> None:
    """Its silence ends after the timeout."""

    async def silence(_writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(1)

    there.replies["/"] = silence

    with pytest.raises(SignerUnavailable):
        async with asyncio.timeout(3):
            await remote.sign(elsewhere(new_account()), TRANSACTION)


async def test_without_a_remote_signer_wallets_from_elsewhere_only_watch() -> None:
    """There is nobody to ask."""
    with pytest.raises(SignerUnavailable):
        await Signer(Keystore(SECRET)).sign(elsewhere(new_account()), TRANSACTION)
