"""Whatever worker, chain, people and strangers do in whatever order: a transaction ends as its chain has it, once."""

from datetime import timedelta
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from domain.shared.errors import StoaError
from domain.shared.evm_types import TransactionHash
from domain.wallets.transaction_sighting import Mined, Sighting
from domain.wallets.transaction_signing import SigningKind
from domain.wallets.transaction_status import TIMESTAMPS, TRANSITIONS, WalletTransactionStatus
from domain.wallets.wallet_transaction import Refusal, TransactionStep
from tests.domain.wallets.transactions import NOW, PRICE, a_transaction, mined, sign

CONFIRMATIONS = 3
S = WalletTransactionStatus


class TransactionMachine(RuleBasedStateMachine):
    """The chain is a list of blocks: in each, one of our forms, a stranger's transaction of our nonce, or neither."""

    def __init__(self) -> None:
        super().__init__()
        self.transaction = a_transaction()
        self.moment = NOW
        self.statuses = [self.transaction.status]
        self.version = 0
        self.blocks: list[TransactionHash | str | None] = [None] * 5
        self.fork = 0
        self.pool: set[TransactionHash] = set()

    def tick(self) -> None:
        self.moment += timedelta(seconds=1)

    @property
    def used_by(self) -> TransactionHash | str | None:
        return next((block for block in self.blocks if block is not None), None)

    @rule()
    def work(self) -> None:
        """Do what a worker would do next, on a node that takes it."""
        self.tick()
        transaction = self.transaction
        match transaction.next_step:
            case TransactionStep.PREPARE:
                transaction.prepare(7, PRICE, signing_id=UUID(int=100), now=self.moment)
            case TransactionStep.PRICE:
                id = UUID(int=100 + len(transaction.signings))
                transaction.replace(PRICE, signing_id=id, now=self.moment)
            case TransactionStep.SIGN:
                sign(transaction, self.moment)
            case TransactionStep.BROADCAST:
                self.send(transaction.current.number)
                transaction.note_broadcast(transaction.current.number, self.moment)
            case TransactionStep.WATCH:
                self.look()
            case TransactionStep.NOTHING:
                pass

    @precondition(lambda self: any(each.hash for each in self.transaction.signings))
    @rule(n=st.integers(0, 20), tells=st.booleans())
    def a_zombie_sends(self, n: int, tells: bool) -> None:
        """Send any form that was ever kept, and perhaps die before telling."""
        self.tick()
        signed = [each.number for each in self.transaction.signings if each.hash]
        number = signed[n % len(signed)]
        self.send(number)
        if tells:
            self.transaction.note_broadcast(number, self.moment)

    def send(self, number: int) -> None:
        form = self.transaction.signings[number - 1].hash
        assert form is not None
        if self.used_by is None:
            self.pool.add(form)

    @precondition(lambda self: self.transaction.next_step in (TransactionStep.SIGN, TransactionStep.BROADCAST))
    @rule(why=st.sampled_from(Refusal))
    def be_refused(self, why: Refusal) -> None:
        self.tick()
        self.transaction.be_refused(self.transaction.current.number, why, self.moment)

    @rule(empty=st.booleans(), n=st.integers(0, 20))
    def mine(self, empty: bool, n: int) -> None:
        """Add a block, perhaps with one of the forms in the pool."""
        takes = self.used_by is None and self.pool and not empty
        self.blocks.append(sorted(self.pool)[n % len(self.pool)] if takes else None)
        if takes:
            self.pool.clear()

    @precondition(lambda self: self.transaction.nonce is not None)
    @rule()
    def a_stranger_uses_the_nonce(self) -> None:
        if self.used_by is None:
            self.blocks.append("stranger")
            self.pool.clear()

    @rule()
    def forget(self) -> None:
        """Empty the pool."""
        self.pool.clear()

    @precondition(lambda self: len(self.blocks) > CONFIRMATIONS)
    @rule(depth=st.integers(1, CONFIRMATIONS - 1), back=st.booleans())
    def reorganize(self, depth: int, back: bool) -> None:
        """Undo less blocks than make a transaction final, and add as many; what was undone may wait again."""
        undone, self.blocks[-depth:] = self.blocks[-depth:], [None] * depth
        self.fork += 1
        self.pool |= {TransactionHash(each) for each in undone if back and each not in (None, "stranger")}

    @rule()
    def look(self) -> None:
        self.tick()
        head, used_by = len(self.blocks) - 1, self.used_by
        found: Mined | None = None
        if used_by is not None and used_by != "stranger":
            number = next(each.number for each in self.transaction.signings if each.hash == used_by)
            found = mined(number, self.blocks.index(used_by), fork=str(self.fork))
        seen = Sighting(
            head=head, confirmations=CONFIRMATIONS, mined=found, nonce_used=used_by is not None,
            nonce_gone=any(self.blocks[: head - CONFIRMATIONS + 2]), known=found is not None or bool(self.pool),
        )  # fmt: skip
        self.transaction.look(seen, self.moment)

    @rule(which=st.sampled_from(["speed_up", "cancel"]))
    def change_ones_mind(self, which: str) -> None:
        self.tick()
        try:
            getattr(self.transaction, which)(self.moment)
        except StoaError:
            assert self.transaction.status is self.statuses[-1]

    @rule()
    def fail(self) -> None:
        self.tick()
        if self.transaction.fail("insufficient_funds", self.moment):
            assert not self.transaction.signings

    @invariant()
    def every_change_is_a_move_of_the_table_with_its_event_and_its_time(self) -> None:
        version, recorded = self.transaction.version, self.transaction.pull_events()
        assert version == self.version + bool(recorded)
        self.version = version
        status = self.transaction.status
        if status is not self.statuses[-1]:
            before = self.statuses[-1]
            # A block that is undone and a look that finds the form in none of the pools are one look.
            through = status in TRANSITIONS[before] or any(status in TRANSITIONS[each] for each in TRANSITIONS[before])
            assert through
            assert recorded
            assert getattr(self.transaction, TIMESTAMPS[status]) == self.moment
            self.statuses.append(status)

    @invariant()
    def the_end_is_what_the_chain_has(self) -> None:
        transaction, used_by = self.transaction, self.used_by
        kinds: dict[str | None, SigningKind] = {each.hash: each.kind for each in transaction.signings if each.hash}
        match transaction.status:
            case S.CONFIRMED:
                assert used_by == transaction.transaction_hash
                assert kinds.get(transaction.transaction_hash) is not SigningKind.CANCEL
            case S.REPLACED:
                assert used_by == "stranger" or kinds[used_by] is SigningKind.CANCEL
            case S.FAILED:
                assert not transaction.signings
                assert used_by is None

    @invariant()
    def forms_share_a_nonce_and_grow_dearer(self) -> None:
        transaction = self.transaction
        assert (transaction.nonce is not None) is bool(transaction.signings)
        assert [each.number for each in transaction.signings] == list(range(1, len(transaction.signings) + 1))
        fees = [each.max_fee for each in transaction.signings]
        assert fees == sorted(set(fees))
        assert all(each.broadcast_at is None or each.raw is not None for each in transaction.signings)

    @invariant()
    def what_has_a_nonce_never_fails(self) -> None:
        assert not (self.transaction.status is S.FAILED and self.transaction.nonce is not None)


TestTransaction = TransactionMachine.TestCase
TestTransaction.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
