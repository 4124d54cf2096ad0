"""Our contracts do what they promise, on chains of both kinds, by calls that the domain encodes."""

import secrets
import time

import pytest
from eth_account import Account

from application.wallets.ports import BroadcastResult, ChainCall, IChain
from domain.settlements.authorization import Authorization, TokenDomain
from domain.shared.abi import encode, encode_call
from domain.shared.evm_types import Address, BaseUnits
from domain.shared.keccak import keccak_256
from domain.shared.token_calls import transfer_call
from domain.wallets import contracts
from domain.wallets.errors import TransactionWouldRevert
from domain.wallets.multi_sig import MultiSigConfig
from domain.wallets.signed_text import acceptance_call, is_acceptance
from infrastructure.chain.contracts import Artifacts
from scripts.compile_contracts import stale
from tests.support.chain import DevAccount, DevChain, new_account
from tests.support.chain_keys import mined, signed
from tests.support.wallet_contracts import deploy_token, deploy_wallet_contracts, has_code, mint, number

OURS = Artifacts().contracts()
NOTHING, NOBODY = BaseUnits(0), Address(f"0x{0xDEAD:040x}")
DIGEST = keccak_256(b"a digest")
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def test_what_is_committed_is_what_the_sources_compile_to() -> None:
    """A changed source without its artifact, or the other way round, would put something else on a chain."""
    assert stale() == []


@pytest.fixture
async def made(chain: DevChain) -> DevChain:
    """Return a chain with the factory."""
    await deploy_wallet_contracts(chain)
    return chain


async def do(chain: DevChain, there: IChain, by: DevAccount, to: Address, data: bytes) -> None:
    """Simulate, sign and send a call, and see it succeed."""
    await there.estimate(ChainCall(sender=by.address, to=to, data=data))
    transaction = await signed(chain, by, to, data=data, gas=2_000_000)
    assert await there.broadcast(transaction) is BroadcastResult.ACCEPTED
    assert (await mined(there, transaction)).succeeded


async def refusal(there: IChain, by: DevAccount, to: Address, data: bytes) -> str:
    """Return why a call would revert."""
    with pytest.raises(TransactionWouldRevert) as refused:
        await there.call(ChainCall(sender=by.address, to=to, data=data))
    return str(refused.value.details["reason"])


async def smart_wallet(chain: DevChain, there: IChain, owner: DevAccount) -> Address:
    salt = secrets.token_bytes(32)
    predicted = OURS.address_of_smart_wallet(owner.address, salt)
    assert not await has_code(chain, predicted)
    await do(chain, there, owner, OURS.factory, contracts.make_smart_wallet(owner.address, salt))
    assert await has_code(chain, predicted)
    return predicted


async def multi_sig(chain: DevChain, there: IChain, owners: list[DevAccount], threshold: int) -> Address:
    salt = secrets.token_bytes(32)
    config = MultiSigConfig.of([each.address for each in owners], threshold)
    await do(chain, there, owners[0], OURS.factory, contracts.make_multi_sig(config, salt))
    made = OURS.address_of_multi_sig(config, salt)
    assert await has_code(chain, made)
    return made


async def test_wallets_are_where_they_were_predicted(made: DevChain, there: IChain) -> None:
    """Of one owner and of twenty; what is made twice is refused, and another salt makes another one."""
    owner = await made.account()
    wallet = await smart_wallet(made, there, owner)
    assert await number(made, wallet, "owner()") == int(owner.address, 16)
    twenty = [owner, *(new_account() for _ in range(19))]
    shared = await multi_sig(made, there, twenty, 13)

    answer = await made.call(shared, encode_call("all_owners()"))

    assert answer == encode(["address[]"], [each.address for each in twenty])
    assert await number(made, shared, "threshold()") == 13
    assert await smart_wallet(made, there, owner) != wallet


async def test_an_address_is_taken_once(made: DevChain, there: IChain) -> None:
    """The same owner and salt name the same wallet; it exists already."""
    owner, salt = await made.account(), secrets.token_bytes(32)
    call = contracts.make_smart_wallet(owner.address, salt)
    await do(made, there, owner, OURS.factory, call)

    with pytest.raises(TransactionWouldRevert):
        await there.call(ChainCall(sender=owner.address, to=OURS.factory, data=call))


async def test_nobody_takes_over_a_wallet_or_a_template(made: DevChain, there: IChain) -> None:
    """What has an owner is not initialized again, and the templates have one from the beginning: none."""
    owner, thief = await made.account(), await made.account()
    wallet = await smart_wallet(made, there, owner)
    shared = await multi_sig(made, there, [owner], 1)
    one, many = encode_call("initialize(address)", thief.address), ["address[]", "uint256"]
    take = encode_call("initialize(address[],uint256)", [thief.address], 1)
    assert encode(many, [thief.address], 1) == take[4:]

    for target, call in ((wallet, one), (OURS.smart_wallet, one), (shared, take), (OURS.multi_sig, take)):
        assert await refusal(there, thief, target, call) == "already initialized"


async def test_the_owner_alone_commands_a_smart_wallet(made: DevChain, there: IChain) -> None:
    """Coins and tokens of the wallet go where its owner says."""
    owner, thief = await made.account(), await made.account()
    wallet, token = await smart_wallet(made, there, owner), await deploy_token(made)
    await mint(made, token, wallet, 100)
    await made.send(wallet, value=50)
    to = new_account().address

    pay = contracts.execute(token, NOTHING, transfer_call(to, BaseUnits(40)))
    assert await refusal(there, thief, wallet, pay) == "only the owner"
    await do(made, there, owner, wallet, pay)
    await do(made, there, owner, wallet, contracts.execute(to, BaseUnits(50), b""))

    held = await there.balances(to, [token])
    assert (held.native, held.tokens) == (50, (40,))
    too_much = contracts.execute(token, NOTHING, transfer_call(to, BaseUnits(61)))
    assert await refusal(there, owner, wallet, too_much) == "balance exceeded"


async def test_a_smart_wallet_can_be_given_away(made: DevChain, there: IChain) -> None:
    """Afterwards the former owner has no say, neither in calls nor in signatures."""
    owner, heir = await made.account(), await made.account()
    wallet = await smart_wallet(made, there, owner)
    call = encode_call("set_owner(address)", heir.address)
    assert await refusal(there, heir, wallet, call) == "only the owner"

    await do(made, there, owner, wallet, call)

    assert await refusal(there, owner, wallet, call) == "only the owner"
    assert await is_signed(there, wallet, signature_of(heir))
    assert not await is_signed(there, wallet, signature_of(owner))


def signature_of(account: DevAccount, digest: bytes = DIGEST) -> bytes:
    return bytes(Account.unsafe_sign_hash(digest, account.key).signature)


async def is_signed(there: IChain, wallet: Address, signature: bytes) -> bool:
    call = ChainCall(sender=NOBODY, to=wallet, data=acceptance_call(DIGEST, signature))
    return is_acceptance(await there.call(call))


async def test_a_smart_wallet_knows_its_owners_signature(made: DevChain, there: IChain) -> None:
    """EIP-1271: the owner's signature of just this digest, and no other form of it."""
    owner = await made.account()
    wallet = await smart_wallet(made, there, owner)
    good = signature_of(owner)
    assert await is_signed(there, wallet, good)
    turned = good[:32] + (ORDER - int.from_bytes(good[32:64])).to_bytes(32) + bytes([55 - good[64]])
    others = (
        signature_of(new_account()), signature_of(owner, keccak_256(b"another")), turned, good[:64],
        good + b"\0", b"", bytes(65), good[:64] + b"\x00",
    )  # fmt: skip

    assert [await is_signed(there, wallet, each) for each in others] == [False] * len(others)


@pytest.mark.parametrize(("owners", "threshold"), [(1, 1), (3, 2), (5, 5)])
async def test_a_proposal_is_executed_with_enough_confirmations(
    made: DevChain, there: IChain, owners: int, threshold: int
) -> None:
    """Not with one less, not by a stranger, and not twice."""
    group = [await made.account() for _ in range(owners)]
    stranger, to = await made.account(), new_account().address
    wallet, token = await multi_sig(made, there, group, threshold), await deploy_token(made)
    await mint(made, token, wallet, 100)
    pay = contracts.propose(token, NOTHING, transfer_call(to, BaseUnits(30)))
    assert await refusal(there, stranger, wallet, pay) == "only an owner"
    await do(made, there, group[0], wallet, pay)

    for owner in group[1:threshold]:
        assert await refusal(there, owner, wallet, contracts.execute_proposal(0)) == "not enough confirmations"
        await do(made, there, owner, wallet, contracts.confirm(0))

    assert await refusal(there, stranger, wallet, contracts.execute_proposal(0)) == "only an owner"
    await do(made, there, group[-1], wallet, contracts.execute_proposal(0))
    assert await number(made, token, "balanceOf(address)", to) == 30
    for again in (contracts.execute_proposal(0), contracts.confirm(0), contracts.revoke(0)):
        assert await refusal(there, group[0], wallet, again) == "already executed"


async def test_a_confirmation_counts_once_and_can_be_taken_back(made: DevChain, there: IChain) -> None:
    """One owner cannot stand for two; who takes it back is missing."""
    first, second = await made.account(), await made.account()
    wallet = await multi_sig(made, there, [first, second], 2)
    await do(made, there, first, wallet, contracts.propose(NOBODY, NOTHING, b""))
    assert await refusal(there, first, wallet, contracts.confirm(0)) == "already confirmed"
    assert await refusal(there, second, wallet, contracts.revoke(0)) == "not confirmed"

    await do(made, there, second, wallet, contracts.confirm(0))
    await do(made, there, first, wallet, contracts.revoke(0))

    assert await refusal(there, second, wallet, contracts.execute_proposal(0)) == "not enough confirmations"
    assert await refusal(there, second, wallet, contracts.execute_proposal(1)) == "no such proposal"


async def test_owners_that_cannot_be_are_refused(made: DevChain, there: IChain) -> None:
    """The contract checks what the domain checks, for anybody can call the factory."""
    owner, salt = await made.account(), bytes(32)
    nobody = Address(f"0x{0:040x}")
    signature = "make_multi_sig(address[],uint256,bytes32)"
    reasons = {
        "owner named twice": encode_call(signature, [owner.address] * 2, 1, salt),
        "no owner": encode_call(signature, [nobody], 1, salt),
        "threshold out of range": encode_call(signature, [owner.address], 2, salt),
    }

    assert {reason: await refusal(there, owner, OURS.factory, call) for reason, call in reasons.items()} == {
        reason: reason for reason in reasons
    }
    for call in (
        encode_call(signature, [new_account().address for _ in range(21)], 1, salt),
        encode_call(signature, [owner.address], 0, salt),
        encode_call("make_smart_wallet(address,bytes32)", nobody, salt),
    ):
        with pytest.raises(TransactionWouldRevert):
            await there.call(ChainCall(sender=owner.address, to=OURS.factory, data=call))


async def test_an_authorization_moves_tokens_once(made: DevChain, there: IChain) -> None:
    """EIP-3009: anybody may send what the holder signed, within its time, and never again."""
    holder, sender, to = new_account(), await made.account(), new_account().address
    token = await deploy_token(made)
    await mint(made, token, holder.address, 1_000_000)
    domain = TokenDomain(name="Stoa Test Dollar", version="2", chain_id=made.chain_id, token=token)
    assert await made.call(token, encode_call("DOMAIN_SEPARATOR()")) == domain.separator()
    now = int(time.time())

    def authorized(amount: int, after: int = 0, before: int = now + 10**6) -> bytes:
        made_up = Authorization(
            payer=holder.address, recipient=to, amount=BaseUnits(amount), valid_after=after, valid_before=before,
            nonce=f"0x{secrets.token_hex(32)}",
        )  # fmt: skip
        return made_up.transfer_call(signature_of(holder, made_up.digest(domain)))

    pay = authorized(600_000)
    await do(made, there, sender, token, pay)

    assert (await there.balances(to, [token])).tokens == (600_000,)
    assert await refusal(there, sender, token, pay) == "authorization is used or canceled"
    assert await refusal(there, sender, token, authorized(400_001)) == "balance exceeded"
    assert await refusal(there, sender, token, authorized(1, after=now + 10**5)) == "authorization not yet valid"
    assert await refusal(there, sender, token, authorized(1, before=now - 10**5)) == "authorization expired"
    assert await refusal(there, sender, token, pay[:-1] + bytes([pay[-1] ^ 1])) in (
        "authorization is used or canceled",
        "invalid signature",
    )


async def test_a_cancelled_authorization_moves_nothing(made: DevChain, there: IChain) -> None:
    """Its nonce is used up by the holder's word."""
    holder, sender = new_account(), await made.account()
    token = await deploy_token(made)
    await mint(made, token, holder.address, 10)
    domain = TokenDomain(name="Stoa Test Dollar", version="2", chain_id=made.chain_id, token=token)
    pay = Authorization(
        payer=holder.address, recipient=sender.address, amount=BaseUnits(10), valid_after=0, valid_before=2**63,
        nonce=f"0x{secrets.token_hex(32)}",
    )  # fmt: skip
    kind = keccak_256(b"CancelAuthorization(address authorizer,bytes32 nonce)")
    said = keccak_256(kind + encode(["address", "bytes32"], holder.address, bytes.fromhex(pay.nonce[2:])))
    word = signature_of(holder, keccak_256(b"\x19\x01" + domain.separator() + said))
    cancel = encode_call(
        "cancelAuthorization(address,bytes32,uint8,bytes32,bytes32)", holder.address, bytes.fromhex(pay.nonce[2:]),
        word[64], word[:32], word[32:64],
    )  # fmt: skip

    await do(made, there, sender, token, cancel)

    assert int.from_bytes(await made.call(token, pay.state_call())) == 1
    call = pay.transfer_call(signature_of(holder, pay.digest(domain)))
    assert await refusal(there, sender, token, call) == "authorization is used or canceled"


async def test_tokens_that_moved_are_in_the_history(made: DevChain, there: IChain) -> None:
    """In and out of one address, beside coins, in the chain's order; the largest number unchanged."""
    account, token, other = await made.account(), await deploy_token(made), await deploy_token(made)
    first = (await there.head()).number + 1
    await mint(made, token, account.address, 2**256 - 1)
    await mint(made, other, account.address, 7)
    await do(made, there, account, token, transfer_call(NOBODY, BaseUnits(2**255)))
    await made.send(account.address, value=9)

    moved = await there.transfers(account.address, [token], first=first, last=(await there.head()).number)

    zero = Address(f"0x{0:040x}")
    assert [(each.token, each.sender, each.recipient, each.amount) for each in moved] == [
        (token, zero, account.address, 2**256 - 1),
        (token, account.address, NOBODY, 2**255),
        (None, made.bank, account.address, 9),
    ]
    assert (await there.balances(account.address, [token, other])).tokens == (2**255 - 1, 7)
