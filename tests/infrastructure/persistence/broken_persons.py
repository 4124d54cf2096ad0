"""How the constraints of people's tables are broken."""

from collections.abc import Awaitable, Callable
from uuid import uuid4

from application.kernel.actor import PLATFORM
from domain.identity.auth_identity import AuthIdentity, AuthIdentityTaken, AuthProvider
from domain.identity.user import User, UsernameTaken
from domain.shared.errors import StoaError
from domain.shared.ids import AuthIdentityId, UserId
from infrastructure.persistence.unit_of_work import SqlUnitOfWork
from tests.infrastructure.persistence.samples import Shop


def _somebody(shop: Shop) -> User:
    email, now = f"{uuid4().hex}@example.com", shop.stack.clock.now()
    return User.register(id=UserId(shop.stack.ids.new()), organization_id=PLATFORM, email=email, name="Ana", now=now)


async def _same_username(shop: Shop, uow: SqlUnitOfWork) -> None:
    people, name = [_somebody(shop) for _ in range(2)], uuid4().hex[:12]
    for each in people:
        each.edit(shop.stack.clock.now(), name="Ana", username=name, preferences={})
    await uow.users.add_many(people)


async def _same_subject(shop: Shop, uow: SqlUnitOfWork) -> None:
    user = _somebody(shop)
    uow.users.add(user)
    await uow.become(user.id)
    await uow.auth_identities.add_many(
        [
            AuthIdentity.link(
                id=AuthIdentityId(shop.stack.ids.new()), organization_id=PLATFORM, user_id=user.id,
                provider=AuthProvider.GOOGLE, subject=user.email, now=shop.stack.clock.now(),
            )
            for _ in range(2)
        ]
    )  # fmt: skip


BROKEN_PERSONS: dict[str, tuple[Callable[[Shop, SqlUnitOfWork], Awaitable[None]], type[StoaError]]] = {
    "uq_users_username": (_same_username, UsernameTaken),
    "uq_auth_identities_subject": (_same_subject, AuthIdentityTaken),
}
