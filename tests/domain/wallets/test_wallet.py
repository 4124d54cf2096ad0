"""What a wallet is, whoever stores it."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from domain.shared.evm_types import MAX_CHAIN_ID, MAX_UNITS, Address, BaseUnits, InvalidBaseUnits
from domain.shared.ids import OrganizationId, UserId, WalletId
from domain.wallets.errors import InvalidWallet, WalletWatchOnly
from domain.wallets.multi_sig import MOST_OWNERS, MultiSigConfig
from domain.wallets.wallet import (
    MOST_TOKENS,
    Limits,
    Wallet,
    WalletCreatedEvent,
    WalletSigner,
    WalletType,
    WalletVerifiedEvent,
)

NOW = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
ADDRESS = Address("0x52908400098527886e0f7030069857d2e4169ee7")


def address(number: int) -> Address:
    return Address(f"0x{number:040x}")


def a_wallet(**given: object) -> Wallet:
    told = {"chain_id": 8453, "address": ADDRESS, "now": NOW, **given}
    return Wallet.create(id=WalletId(UUID(int=1)), organization_id=OrganizationId(UUID(int=2)), **told)  # type: ignore[arg-type]  # reason: tests give what they like


def test_a_wallet_is_watched_unless_somebody_signs_for_it() -> None:
    wallet = a_wallet(label="  Till ")
    [recorded] = wallet.pull_events()
    assert (wallet.label, wallet.chain, wallet.type, wallet.verified_at) == (
        "Till",
        "eip155:8453",
        WalletType.EOA,
        None,
    )
    assert recorded.event == WalletCreatedEvent(
        chain_id=8453, address=ADDRESS, wallet_type=WalletType.EOA, signer=WalletSigner.NONE
    )
    assert wallet.signing_name is None
    with pytest.raises(WalletWatchOnly):
        wallet.ensure_can_sign()


def test_a_key_made_here_needs_no_proof_and_is_never_printed() -> None:
    wallet = a_wallet(signer=WalletSigner.KEYSTORE, sealed_key="v1.sealed")
    wallet.ensure_can_sign()
    assert wallet.verified_at == NOW
    assert wallet.signing_name == f"8453:{ADDRESS}"
    assert "sealed" not in repr(wallet)


def test_a_remote_key_is_not_shown_to_be_ours_by_being_named() -> None:
    wallet = a_wallet(signer=WalletSigner.REMOTE)
    wallet.ensure_can_sign()
    assert wallet.verified_at is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"chain_id": 0},
        {"chain_id": MAX_CHAIN_ID + 1},
        {"signer": WalletSigner.KEYSTORE},
        {"sealed_key": "v1.sealed"},
        {"signer": WalletSigner.REMOTE, "sealed_key": "v1.sealed"},
        {"signer": WalletSigner.REMOTE, "type": WalletType.SMART_WALLET},
        {"type": WalletType.MULTI_SIG},
        {"multi_sig": MultiSigConfig(owners=(address(1),), threshold=1)},
        {"owner": address(1)},
        {"tokens": [address(n) for n in range(MOST_TOKENS + 1)]},
    ],
    ids=str,
)
def test_what_does_not_fit_together_makes_no_wallet(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidWallet):
        a_wallet(**wrong)


def test_a_smart_wallet_may_say_whose_it_is() -> None:
    assert a_wallet(type=WalletType.SMART_WALLET, owner=address(5)).owners == (address(5),)
    assert a_wallet(type=WalletType.SMART_WALLET).multi_sig is None


def test_owners_of_a_multi_sig_agree_by_a_threshold() -> None:
    config = MultiSigConfig.of([address(1), address(2), address(3)], 2)
    assert a_wallet(type=WalletType.MULTI_SIG, multi_sig=config).multi_sig == config


@pytest.mark.parametrize(
    ("owners", "threshold"),
    [
        ([], 1),
        ([address(1)], 0),
        ([address(1)], 2),
        ([address(1), address(1)], 1),
        ([address(0), address(1)], 1),
        ([address(n) for n in range(1, MOST_OWNERS + 2)], 1),
    ],
    ids=["nobody", "zero", "unreachable", "twice", "zero_address", "too_many"],
)
def test_owners_who_could_never_agree_are_refused(owners: list[Address], threshold: int) -> None:
    with pytest.raises(InvalidWallet):
        MultiSigConfig.of(owners, threshold)


def test_tokens_are_each_looked_at_once() -> None:
    assert a_wallet(tokens=[address(2), address(1), address(2)]).tokens == (address(2), address(1))


@pytest.mark.parametrize("units", [-1, MAX_UNITS + 1])
def test_a_limit_that_no_chain_can_hold_is_refused(units: int) -> None:
    for limits in ({"max_per_transaction": BaseUnits(units)}, {"max_per_day": BaseUnits(units)}):
        with pytest.raises(InvalidBaseUnits):
            Limits(**limits)


def test_editing_keeps_what_a_wallet_is_and_changes_what_is_said_of_it() -> None:
    wallet = a_wallet()
    wallet.pull_events()
    limits = Limits(max_per_transaction=BaseUnits(5))
    wallet.edit(NOW, label="Reserve", user_id=UserId(UUID(int=3)), limits=limits, tokens=[address(1)])
    [recorded] = wallet.pull_events()
    assert recorded.event.changed == ["label", "user_id", "max_per_transaction", "tokens"]  # type: ignore[attr-defined]  # reason: an update
    assert (wallet.address, wallet.max_per_transaction, wallet.max_per_day) == (ADDRESS, 5, None)


def test_the_first_proof_counts() -> None:
    wallet = a_wallet()
    wallet.pull_events()
    wallet.verify(NOW)
    wallet.verify(NOW.replace(year=2027))
    assert wallet.verified_at == NOW
    assert [each.event for each in wallet.pull_events()] == [WalletVerifiedEvent()]
