"""Named questions about users: each one holds for the person it is about and not for their neighbour."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from application.kernel.actor import PLATFORM
from domain.identity import user_specifications as s
from domain.identity.user import User, UserStatus
from domain.shared.ids import UserId
from domain.shared.specification import Spec

NOW = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
BEFORE, AFTER = NOW - timedelta(days=1), NOW + timedelta(days=1)


def a_user(**values: object) -> User:
    user = User.register(
        id=UserId(UUID(int=1)), organization_id=PLATFORM, email="ines@harbour.example", name="Inês Duarte", now=NOW
    )
    for name, value in values.items():
        setattr(user, name, value)
    return user


def _but(**values: object) -> Callable[[], User]:
    return lambda: a_user(**values)


NAMED: list[tuple[Spec[User], Callable[[], User], Callable[[], User]]] = [
    (s.ActiveUsersSpec(), a_user, _but(status=UserStatus.SUSPENDED)),
    (s.SuspendedUsersSpec(), _but(status=UserStatus.SUSPENDED), a_user),
    (s.UserSearchSpec("DUARTE"), a_user, _but(name="Ana")),
    (s.UserSearchSpec("harbour"), a_user, _but(email="ines@other.example")),
    (s.UserSearchSpec("sailor_"), _but(username="sailor_1"), _but(username="sailors")),
    (s.VerifiedUsersSpec(), _but(email_verified_at=NOW), a_user),
    (s.UnverifiedUsersSpec(), a_user, _but(email_verified_at=NOW)),
    (s.UnverifiedUsersSpec(AFTER), a_user, _but(created_at=AFTER)),
    (s.UsersOfDomainSpec("HARBOUR.example"), a_user, _but(email="ines@sub.harbour.example")),
    (s.UsersOfDomainSpec("harbour%"), _but(email="ines@harbour%"), a_user),
    (s.UsersWithUsernamePrefixSpec("Sail"), _but(username="sailor"), a_user),
    (s.UsersWithWalletSpec(), _but(wallet_address="0x" + "0" * 40), a_user),
    (s.UsersRegisteredBetweenSpec(NOW, AFTER), a_user, _but(created_at=AFTER)),
    (s.UsersRegisteredBetweenSpec(None, NOW), _but(created_at=BEFORE), a_user),
    (s.NeverSignedInUsersSpec(), a_user, _but(last_login_at=NOW)),
    (s.SeenSinceUsersSpec(NOW), _but(last_login_at=NOW), _but(last_login_at=BEFORE)),
    (s.InactiveUsersSpec(NOW), _but(last_login_at=BEFORE), _but(last_login_at=NOW)),
    (s.InactiveUsersSpec(NOW), a_user, _but(last_login_at=AFTER)),
    (
        s.UsersWithPreferencesSpec({"dark": True}),
        _but(preferences={"dark": True, "n": 1}),
        _but(preferences={"dark": 1}),
    ),
    (s.UsersAmongSpec(["ines@harbour.example"]), a_user, _but(email="ana@harbour.example")),
]


@pytest.mark.parametrize(("spec", "inside", "outside"), NAMED)
def test_a_named_question_tells_one_person_from_another(
    spec: Spec[User], inside: Callable[[], User], outside: Callable[[], User]
) -> None:
    """It holds for the one, not for the other, and its complement the other way round."""
    assert spec.is_satisfied_by(inside())
    assert not spec.is_satisfied_by(outside())
    assert not (~spec).is_satisfied_by(inside())
    assert (~spec).is_satisfied_by(outside())


def test_there_are_twelve_and_all_are_tried() -> None:
    """Every function named as a specification is in the table above."""
    named = {name for name in vars(s) if name.endswith("Spec") and name != "Spec"}
    table = Path(__file__).read_text(encoding="utf-8").partition("NAMED")[2]
    assert len(named) >= 12
    assert {name for name in named if f"s.{name}(" not in table} == set()


def test_a_forgotten_account_is_a_combination() -> None:
    """Active, never verified, not seen for long, and not one of our own."""
    forgotten = (
        s.ActiveUsersSpec() & s.UnverifiedUsersSpec() & s.InactiveUsersSpec(NOW) & ~s.UsersOfDomainSpec("stoa.example")
    )
    assert forgotten.is_satisfied_by(a_user())
    assert not forgotten.is_satisfied_by(a_user(email="ines@stoa.example"))
