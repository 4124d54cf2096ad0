"""A wallet's transaction, step by step, on a chain that changes its mind."""

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.shared.errors import InvalidTransition
from domain.shared.evm_types import BaseUnits
from domain.wallets.nonces import lowest_free
from domain.wallets.transaction_errors import TransactionReplacedTooOften
from domain.wallets.transaction_intent import Intent, InvalidTransaction, read_data
from domain.wallets.transaction_signing import MOST_SIGNINGS, Price, SigningKind
from domain.wallets.transaction_status import TRANSITIONS, WalletTransactionStatus
from domain.wallets.transaction_watch import STUCK_AFTER
from domain.wallets.wallet_transaction import Refusal, TransactionStep, WalletTransaction
from tests.domain.wallets.transactions import (
    NOW,
    PRICE,
    RECIPIENT,
    a_transaction,
    hash_of,
    mined,
    prepared,
    sighting,
    sign,
    waiting,
)

S = WalletTransactionStatus


def verbs(transaction: WalletTransaction) -> list[str]:
    return [recorded.event.verb for recorded in transaction.pull_events()]


def test_what_is_asked_for_becomes_final_step_by_step() -> None:
    """Created, prepared, signed, broadcast, mined and confirmed, and then nothing more."""
    transaction, steps = a_transaction(), []
    steps.append(transaction.next_step)
    transaction.prepare(7, PRICE, signing_id=UUID(int=101), now=NOW)
    steps.append(transaction.next_step)
    sign(transaction)
    steps.append(transaction.next_step)
    transaction.note_broadcast(1, NOW)
    steps.append(transaction.next_step)
    transaction.look(sighting(10, mined(block=10)), NOW)
    transaction.look(sighting(11, mined(block=10)), NOW)
    assert transaction.status is S.MINED
    transaction.look(sighting(12, mined(block=10)), NOW)
    steps.append(transaction.next_step)
    assert steps == ["prepare", "sign", "broadcast", "watch", "nothing"]
    assert (transaction.status, transaction.transaction_hash, transaction.fee) == (S.CONFIRMED, hash_of(1), 42)
    assert verbs(transaction) == ["created", "prepared", "signed", "broadcast", "mined", "confirmed"]


def test_a_form_that_did_nothing_is_reverted_when_it_is_deep_enough() -> None:
    """Until then a block that is undone could still take the failure along."""
    transaction = waiting()
    transaction.look(sighting(11, mined(block=10, succeeded=False)), NOW)
    assert (transaction.status, transaction.succeeded) == (S.MINED, False)
    transaction.look(sighting(12, mined(block=10, succeeded=False)), NOW)
    assert (transaction.status, transaction.failure_code) == (S.REVERTED, "reverted")


def test_an_undone_block_takes_its_transaction_along() -> None:
    """It waits again, is sent again when no node has it, and may be mined in another block."""
    transaction = waiting()
    transaction.look(sighting(11, mined(block=10)), NOW)
    transaction.look(sighting(11, known=False), NOW)
    assert (transaction.status, transaction.transaction_hash, transaction.block_number) == (S.DROPPED, None, None)
    assert transaction.next_step is TransactionStep.BROADCAST
    transaction.note_broadcast(1, NOW)
    transaction.look(sighting(12, mined(block=12, fork="b")), NOW)
    transaction.look(sighting(14, mined(block=12, fork="b")), NOW)
    assert (transaction.status, transaction.block_hash) == (S.CONFIRMED, "b12")
    assert verbs(transaction)[4:] == ["mined", "rolled_back", "dropped", "broadcast", "mined", "confirmed"]


def test_depth_counts_from_the_block_it_is_in_now() -> None:
    """A transaction that moved to a later block is not final because the head is far from the earlier one."""
    transaction = waiting()
    transaction.look(sighting(10, mined(block=10)), NOW)
    transaction.look(sighting(13, mined(block=12, fork="b")), NOW)
    assert (transaction.status, transaction.block_number) == (S.MINED, 12)


def test_whichever_form_is_mined_decides() -> None:
    """The original wins over its cancellation; the cancellation wins over the original."""
    for winner, status, code in ((1, S.CONFIRMED, None), (2, S.REPLACED, "cancelled")):
        transaction = waiting()
        transaction.cancel(NOW)
        transaction.replace(PRICE, signing_id=UUID(int=102), now=NOW)
        sign(transaction)
        transaction.note_broadcast(2, NOW)
        transaction.look(sighting(30, mined(winner, block=10)), NOW)
        assert (transaction.status, transaction.failure_code) == (status, code)


def test_a_nonce_that_somebody_else_used_is_believed_when_it_is_deep_enough() -> None:
    """Until then it is neither lost nor sent again, for the block may be undone."""
    transaction = waiting()
    transaction.look(sighting(10, nonce_used=True, known=False), NOW)
    assert transaction.status is S.BROADCAST
    transaction.look(sighting(12, nonce_used=True, nonce_gone=True, known=False), NOW)
    assert (transaction.status, transaction.failure_code) == (S.REPLACED, "nonce_taken")


def test_with_a_nonce_it_cannot_simply_fail() -> None:
    """A number that was given away has to be used up, or nothing after it is ever mined."""
    transaction = prepared()
    assert transaction.fail("transaction_would_revert", NOW) is False
    assert transaction.status is S.CREATED
    transaction.cancel(NOW)
    assert (transaction.wanted, transaction.next_step) == (SigningKind.CANCEL, TransactionStep.PRICE)
    fresh = a_transaction()
    fresh.cancel(NOW)
    assert (fresh.status, fresh.failure_code, fresh.next_step) == (S.FAILED, "cancelled", TransactionStep.NOTHING)


def test_a_form_that_nobody_ever_takes_gives_way_to_nothing() -> None:
    """What nodes or the signer refuse for good uses up its nonce with a cancellation, under its own code."""
    for why in (Refusal.BROADCAST_REFUSED, Refusal.SIGNER_REFUSED):
        transaction = prepared()
        sign(transaction)
        transaction.be_refused(1, why, NOW)
        transaction.replace(PRICE, signing_id=UUID(int=102), now=NOW)
        assert transaction.current.kind is SigningKind.CANCEL
        sign(transaction)
        transaction.note_broadcast(2, NOW)
        transaction.look(sighting(12, mined(2)), NOW)
        assert (transaction.status, transaction.failure_code) == (S.REPLACED, why.value)


def test_a_form_that_was_taken_once_is_not_given_up() -> None:
    """A node that refuses what another one took may be wrong: a person looks, and the form is sent again."""
    transaction = waiting()
    transaction.look(sighting(9, known=False), NOW)
    transaction.be_refused(1, Refusal.BROADCAST_REFUSED, NOW)
    assert (transaction.wanted, transaction.obstacle) == (None, "broadcast_refused")
    assert (transaction.next_step, transaction.waits) == (TransactionStep.BROADCAST, True)
    assert transaction.attention_at == NOW


def test_too_cheap_forms_are_priced_higher_a_few_times() -> None:
    """Nobody has to ask; but a node that always wants more does not empty the wallet."""
    transaction = prepared()
    for number in range(1, 20):
        sign(transaction)
        transaction.be_refused(number, Refusal.UNDERPRICED, NOW)
        if transaction.wanted is None:
            break
        transaction.replace(PRICE, signing_id=UUID(int=101 + number), now=NOW)
    assert len(transaction.signings) == 4
    assert transaction.obstacle == "underpriced"


def test_a_replacement_without_coins_leaves_the_earlier_form_in_place() -> None:
    """The earlier form is watched on."""
    transaction = waiting()
    transaction.speed_up(NOW)
    transaction.replace(PRICE, signing_id=UUID(int=102), now=NOW)
    sign(transaction)
    transaction.be_refused(2, Refusal.INSUFFICIENT_FUNDS, NOW)
    assert (transaction.current.number, transaction.next_step) == (1, TransactionStep.WATCH)


def test_a_bump_of_a_cancellation_stays_one() -> None:
    """Whoever gave up does not pay more to have it happen after all."""
    transaction = waiting()
    transaction.cancel(NOW)
    transaction.speed_up(NOW)
    assert transaction.wanted is SigningKind.CANCEL
    transaction.replace(PRICE, signing_id=UUID(int=102), now=NOW)
    transaction.speed_up(NOW)
    assert transaction.wanted is SigningKind.CANCEL


def test_replacements_end() -> None:
    """After some forms another one is refused."""
    transaction = waiting()
    for number in range(2, MOST_SIGNINGS + 1):
        transaction.speed_up(NOW)
        transaction.replace(PRICE, signing_id=UUID(int=100 + number), now=NOW)
    with pytest.raises(TransactionReplacedTooOften):
        transaction.speed_up(NOW)
    assert len(transaction.signings) == MOST_SIGNINGS


def test_nothing_is_replaced_that_is_in_a_block() -> None:
    """Nor is what has no form yet paid more for."""
    transaction = waiting()
    transaction.look(sighting(10, mined()), NOW)
    for move in (transaction.speed_up, transaction.cancel):
        with pytest.raises(InvalidTransition):
            move(NOW)
    with pytest.raises(InvalidTransition):
        a_transaction().speed_up(NOW)


def test_the_first_signature_counts() -> None:
    """A second worker's signature, were it another one, is neither kept nor sent."""
    transaction = prepared()
    sign(transaction)
    transaction.keep_signature(1, "02ff", hash_of(99), NOW)
    assert (transaction.current.raw, transaction.current.hash) == ("0201", hash_of(1))


def test_what_waits_too_long_needs_a_person() -> None:
    """Once, until it is over."""
    transaction = waiting()
    transaction.look(sighting(10), NOW + STUCK_AFTER)
    assert transaction.attention_at is None
    late = NOW + STUCK_AFTER + timedelta(seconds=1)
    transaction.look(sighting(10), late)
    transaction.look(sighting(11), late + timedelta(seconds=1))
    assert transaction.attention_at == late
    assert verbs(transaction).count("needs_attention") == 1


@given(
    fees=st.lists(st.integers(0, 2**200), min_size=1, max_size=5), now=st.integers(0, 2**200), tip=st.integers(0, 2**64)
)
def test_every_form_costs_an_eighth_more_than_all_before(fees: list[int], now: int, tip: int) -> None:
    """Both fees do, and the tip never exceeds the whole."""
    transaction = a_transaction()
    transaction.prepare(
        0, Price(gas=1, max_fee=BaseUnits(fees[0]), priority_fee=BaseUnits(0)), signing_id=UUID(int=9), now=NOW
    )
    for number, fee in enumerate(fees[1:], start=2):
        transaction.speed_up(NOW)
        price = Price(gas=1, max_fee=BaseUnits(max(fee, now)), priority_fee=BaseUnits(tip))
        transaction.replace(price, signing_id=UUID(int=10 + number), now=NOW)
    for before, after in zip(transaction.signings, transaction.signings[1:], strict=False):
        for name in ("max_fee", "priority_fee"):
            old, new = getattr(before, name), getattr(after, name)
            assert new > old
            assert new * 8 >= old * 9
        assert after.priority_fee <= after.max_fee


@given(st.sets(st.integers(5, 30)), st.integers(5, 12))
def test_a_nonce_is_the_lowest_that_is_free(taken: set[int], first: int) -> None:
    """Gaps are filled before anything is added at the end."""
    free = lowest_free(sorted(n for n in taken if n >= first), first)
    assert free >= first
    assert free not in taken
    assert all(n in taken for n in range(first, free))


def test_a_nonce_that_was_used_elsewhere_before_the_signature_ends_it() -> None:
    """It was numbered and nothing of it was ever signed; the key's other user was faster."""
    transaction = prepared()
    transaction.look(sighting(12, nonce_used=True, nonce_gone=True, known=False), NOW)
    assert (transaction.status, transaction.failure_code) == (S.REPLACED, "nonce_taken")
    assert transaction.next_step is TransactionStep.NOTHING


def test_ends_have_no_way_out() -> None:
    """Everything else has one, and nothing leads back to the beginning."""
    ends = {status for status, moves in TRANSITIONS.items() if not moves}
    assert ends == {S.CONFIRMED, S.REVERTED, S.REPLACED, S.FAILED}
    assert not any(S.CREATED in moves for moves in TRANSITIONS.values())


def test_a_token_is_sent_by_calling_its_contract() -> None:
    """With the selector and two words of 32 bytes, as ERC-20 has it."""
    token = RECIPIENT.replace("2", "9")
    intent = Intent.requested(RECIPIENT, BaseUnits(0), token=token, token_amount=BaseUnits(10**6))  # type: ignore[arg-type]  # reason: the same text with another digit
    assert (intent.to, intent.counterparty, intent.value) == (token, RECIPIENT, 0)
    assert intent.data == f"0xa9059cbb{RECIPIENT[2:]:0>64}{10**6:064x}"
    assert intent.data == f"0xa9059cbb{2:064x}{10**6:064x}"


@pytest.mark.parametrize(
    ("reason", "fields"),
    [
        ("nothing_to_send", {}),
        ("nothing_to_send", {"token": RECIPIENT, "token_amount": 0}),
        ("token_without_amount", {"token": RECIPIENT}),
        ("token_without_amount", {"token_amount": 5}),
        ("token_and_coins", {"token": RECIPIENT, "token_amount": 5, "value": 1}),
        ("token_and_coins", {"token": RECIPIENT, "token_amount": 5, "data": "0x01"}),
        ("data_malformed", {"data": "0x1"}),
        ("data_malformed", {"data": "01"}),
        ("data_malformed", {"data": "0xzz"}),
    ],
)
def test_what_makes_no_transaction_is_refused(reason: str, fields: dict[str, object]) -> None:
    """With a reason."""
    with pytest.raises(InvalidTransaction) as refused:
        Intent.requested(**{"to": RECIPIENT, "value": BaseUnits(0), **fields})  # type: ignore[arg-type]  # reason: as the table has it
    assert refused.value.details["reason"] == reason
    assert read_data("0xAB") == "0xab"
