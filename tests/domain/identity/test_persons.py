"""People, their sessions, tokens and passwords."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest

from application.identity.roles import scopes_of
from application.kernel.actor import PERSONAL_SCOPES, PLATFORM, TENANT_SCOPES, Scope
from domain.identity.credential import Credential
from domain.identity.errors import CredentialsInvalid
from domain.identity.membership import Role
from domain.identity.passwords import InvalidPassword, check_password
from domain.identity.session import IDLE, LONGEST, Session, SessionExpired, SessionRevoked
from domain.identity.sign_in_limits import FREE_ATTEMPTS, LONGEST_PAUSE, pause_after
from domain.identity.single_use_token import LIFETIMES, SingleUseToken, TokenInvalid, TokenPurpose
from domain.identity.user import InvalidUsername, User, UserStatus, check_username
from domain.shared.evm import InvalidAddress
from domain.shared.ids import SessionId, SingleUseTokenId, UserId
from domain.shared.metadata import InvalidMetadata

NOW = datetime(2030, 1, 1, tzinfo=UTC)
ADA = UserId(UUID(int=7))
WALLET = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


def a_user() -> User:
    """Register somebody and forget that it happened."""
    user = User.register(id=ADA, organization_id=PLATFORM, email="Ada@Harbour.example", name="Ada Lind", now=NOW)
    user.pull_events()
    return user


def verbs(user: User) -> list[str]:
    """Return what was recorded."""
    return [recorded.event.verb for recorded in user.pull_events()]


def test_a_person_is_active_and_unverified_at_first() -> None:
    """The address is canonical; nothing else is known of them."""
    user = a_user()
    assert (user.email, user.status, user.is_verified) == ("ada@harbour.example", UserStatus.ACTIVE, False)
    assert (user.username, user.wallet_address, user.preferences, user.last_login_at) == (None, None, {}, None)


def test_doing_it_twice_changes_nothing() -> None:
    """Verifying, suspending, reactivating and naming the same wallet are recorded once."""
    user = a_user()
    for _ in range(2):
        user.verify_email(NOW)
        user.set_primary_wallet(WALLET, NOW)
        user.suspend(NOW)
    for _ in range(2):
        user.reactivate(NOW)
    assert verbs(user) == ["verified", "wallet_linked", "suspended", "reactivated"]


def test_a_wallet_is_kept_in_lower_case() -> None:
    """A mistyped one is refused."""
    user = a_user()
    user.set_primary_wallet(WALLET, NOW)
    assert user.wallet_address == WALLET.lower()
    with pytest.raises(InvalidAddress):
        user.set_primary_wallet(WALLET.swapcase().replace("0X", "0x"), NOW)
    assert verbs(user) == ["wallet_linked"]


def test_a_wallet_can_be_taken_back() -> None:
    """The event says that the person changed, for no wallet is linked."""
    user = a_user()
    user.set_primary_wallet(WALLET, NOW)
    user.set_primary_wallet(None, NOW)
    assert user.wallet_address is None
    assert verbs(user) == ["wallet_linked", "updated"]


@pytest.mark.parametrize("name", ["ada", "ada.lind", "a1-b2_c3", "ADA", " ada "])
def test_a_username_is_lower_case(name: str) -> None:
    """Surrounding spaces and capitals are no part of it."""
    assert check_username(name) == name.strip().lower()


@pytest.mark.parametrize(
    "name", ["", "ab", "a" * 33, "-ada", "ada.", "a..da", "ada lind", "adä", "ada@x", "\u212aelvin"]
)
def test_other_texts_are_no_usernames(name: str) -> None:
    """Neither separators at the ends nor two in a row, nor letters that only look the part."""
    with pytest.raises(InvalidUsername):
        check_username(name)


def test_preferences_follow_the_rules_of_metadata() -> None:
    """No secret is kept there."""
    user = a_user()
    user.edit(NOW, name="Ada", username=None, preferences={"theme": "dark", "rows": 50, "sound": False})
    assert user.preferences == {"theme": "dark", "rows": 50, "sound": False}
    with pytest.raises(InvalidMetadata):
        user.edit(NOW, name="Ada", username=None, preferences={"password": "x"})


@pytest.mark.parametrize(
    "password", ["four green boats", "x1y2z3w4v5u6", "åäöåäöåäöåäb", "\U0001f600\U0001f601\U0001f602\U0001f603" * 32]
)
def test_a_long_enough_password_may_be_anything(password: str) -> None:
    """No rule of composition stands in the way of a sentence."""
    assert check_password(password, "ada@harbour.example") == password


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("eleven char", "length"),
        ("four green boats at noon " * 6, "length"),
        ("Password2024!", "common"),
        (" qwertyuiop 12 ", "common"),
        ("passwordPASSWORD", "common"),
        ("123456789012", "common"),
        ("bcdefghijklm", "common"),
        ("121212121212", "common"),
        ("zzzzzzzzzzzz", "common"),
        ("ADA@harbour.example", "address"),
        ("\ud800" * 12, "unreadable"),
    ],
)
def test_a_refused_password_says_why(password: str, reason: str) -> None:
    """And never repeats it."""
    with pytest.raises(InvalidPassword) as refused:
        check_password(password, "ada@harbour.example")
    assert refused.value.details["reason"] == reason
    assert password.strip() not in f"{refused.value.message}{refused.value.details}"


def test_the_part_before_the_at_sign_is_no_password() -> None:
    """Everybody tries it."""
    with pytest.raises(InvalidPassword):
        check_password("ada.lovelace", "ada.lovelace@harbour.example")


def test_a_password_changed_meanwhile_is_not_the_one_that_was_compared() -> None:
    """The version tells."""
    credential = Credential.create(id=ADA, organization_id=PLATFORM, hash="one", now=NOW)
    credential.pull_events()
    credential.expect(1)
    credential.replace("two", NOW)
    with pytest.raises(CredentialsInvalid):
        credential.expect(1)
    assert "two" not in repr(credential)


def a_session() -> Session:
    """Sign somebody in."""
    return Session.open(
        id=SessionId(UUID(int=1)), organization_id=PLATFORM, user_id=ADA, name=None, hash="0f" * 32,
        prefix="stoa_ses_abcd", last_four="wxyz", now=NOW,
    )  # fmt: skip


def test_a_session_ends_at_its_end_when_idle_and_when_revoked() -> None:
    """Each bound is exact."""
    session, instant = a_session(), timedelta(microseconds=1)
    session.authenticate(NOW + IDLE - instant)
    with pytest.raises(SessionExpired):
        session.authenticate(NOW + IDLE)
    session.last_used_at = NOW + LONGEST - timedelta(days=1)
    session.authenticate(NOW + LONGEST - instant)
    with pytest.raises(SessionExpired):
        session.authenticate(NOW + LONGEST)
    session.revoke(NOW)
    session.revoke(NOW + instant)
    assert session.revoked_at == NOW
    with pytest.raises(SessionRevoked):
        session.authenticate(NOW)
    assert "0f0f" not in repr(session)


@pytest.mark.parametrize("purpose", TokenPurpose)
def test_a_token_opens_one_thing_once_and_not_for_long(purpose: TokenPurpose) -> None:
    """Its time, its purpose and its one use are checked alike."""

    def a_token() -> SingleUseToken:
        return SingleUseToken.issue(
            id=SingleUseTokenId(UUID(int=1)), organization_id=PLATFORM, user_id=ADA, purpose=purpose, hash="x", now=NOW
        )

    other = next(each for each in TokenPurpose if each is not purpose)
    with pytest.raises(TokenInvalid):
        a_token().use(other, NOW)
    with pytest.raises(TokenInvalid):
        a_token().use(purpose, NOW + LIFETIMES[purpose])
    token = a_token()
    token.use(purpose, NOW + LIFETIMES[purpose] - timedelta(microseconds=1))
    with pytest.raises(TokenInvalid):
        token.use(purpose, NOW)


def test_the_pause_doubles_up_to_the_longest() -> None:
    """A few attempts are free; then each costs twice the one before."""
    pauses = [pause_after(attempts) for attempts in range(40)]
    assert pauses[:FREE_ATTEMPTS] == [0] * FREE_ATTEMPTS
    assert all(after in (2 * before, LONGEST_PAUSE) for before, after in pairwise(pauses[FREE_ATTEMPTS:]))
    assert max(pauses) == pauses[-1] == LONGEST_PAUSE


def test_every_role_has_what_the_next_one_has() -> None:
    """Owner, admin, member, viewer: each can do less, and none has a say in a person's account."""
    scopes = [scopes_of(role) for role in Role]
    assert all(more > less for more, less in pairwise(scopes))
    assert scopes[0] == TENANT_SCOPES
    assert not scopes[0] & PERSONAL_SCOPES
    assert all(scope.value.endswith(":read") for scope in scopes[-1])
    for kept in (Scope.API_KEYS_WRITE, Scope.MEMBERS_WRITE, Scope.REFUNDS_WRITE, Scope.WEBHOOK_ENDPOINTS_WRITE):
        assert kept in scopes_of(Role.ADMIN)
        assert kept not in scopes_of(Role.MEMBER)
    assert Scope.PRODUCTS_WRITE in scopes_of(Role.MEMBER)
