"""Challenges: their text, and how they end."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.shared.evm_types import Address
from domain.shared.ids import OrganizationId, WalletChallengeId, WalletId
from domain.wallets.errors import ChallengeOver
from domain.wallets.wallet import Wallet
from domain.wallets.wallet_challenge import (
    LIFETIME,
    ChallengeStatus,
    SignInOrigin,
    WalletChallenge,
    WalletChallengeConcludedEvent,
)

NOW = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
ORGANIZATION = OrganizationId(UUID(int=2))
TEXT = """\
pay.harbour.example:8443 wants you to sign in with your Ethereum account:
0x52908400098527886E0F7030069857D2E4169EE7

Show that this wallet is yours. This costs nothing and sends nothing.

URI: https://pay.harbour.example:8443
Version: 1
Chain ID: 8453
Nonce: 7h3q0c5zk1m9t2wb
Issued At: 2026-03-14T09:30:00Z
Expiration Time: 2026-03-14T09:40:00Z"""


def a_challenge() -> WalletChallenge:
    wallet = Wallet.create(
        id=WalletId(UUID(int=1)), organization_id=ORGANIZATION, chain_id=8453,
        address=Address("0x52908400098527886e0f7030069857d2e4169ee7"), now=NOW,
    )  # fmt: skip
    origin = SignInOrigin(domain="pay.harbour.example:8443", uri="https://pay.harbour.example:8443")
    return WalletChallenge.issue(
        wallet, origin, "7h3q0c5zk1m9t2wb", id=WalletChallengeId(UUID(int=3)), organization_id=ORGANIZATION, now=NOW
    )


def test_the_text_is_eip_4361s() -> None:
    """To the letter: wallets read the domain, the chain and the times, and show them."""
    assert a_challenge().message == TEXT


def test_a_challenge_is_open_for_ten_minutes() -> None:
    challenge = a_challenge()
    challenge.ensure_open(NOW + LIFETIME - timedelta(microseconds=1))
    with pytest.raises(ChallengeOver):
        challenge.ensure_open(NOW + LIFETIME)


@pytest.mark.parametrize("verified", [True, False])
def test_a_challenge_ends_once(*, verified: bool) -> None:
    challenge = a_challenge()
    challenge.pull_events()
    challenge.conclude(NOW, verified=verified)
    challenge.conclude(NOW, verified=not verified)
    status = ChallengeStatus.VERIFIED if verified else ChallengeStatus.REFUSED
    assert challenge.status is status
    assert [each.event for each in challenge.pull_events()] == [WalletChallengeConcludedEvent(status=status)]
    with pytest.raises(ChallengeOver):
        challenge.ensure_open(NOW)


def test_a_contracts_signature_is_kept_until_its_chain_was_asked_and_never_printed() -> None:
    challenge = a_challenge()
    challenge.check("0x5a5a", NOW)
    assert (challenge.status, challenge.signature) == (ChallengeStatus.CHECKING, "0x5a5a")
    with pytest.raises(ChallengeOver):
        challenge.check("0xa5", NOW)
    challenge.conclude(NOW, verified=True)
    assert challenge.signature is None
