"""API keys: credentials of an organization."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from annotated_types import Len

from application.kernel.actor import TENANT_SCOPES, Scope
from application.kernel.dispatcher import SecretOnce
from application.kernel.fields import Version
from application.kernel.page import ListView, PageQuery
from application.kernel.ports import IAPIKeys, IClock, IIds
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.kernel.view import View
from domain.identity.api_key import APIKey
from domain.shared.ids import APIKeyId
from domain.shared.specification import Everything
from domain.shared.text import NAME


@dataclass(frozen=True, slots=True, kw_only=True)
class APIKeyView(View[APIKey]):
    """A key without its secret; `prefix` and `last_four` tell which one it is."""

    id: APIKeyId
    version: int
    name: str
    prefix: str
    last_four: str
    scopes: list[str]
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedAPIKeyView(SecretOnce):
    """A fresh key with its secret, which is shown this once; a replayed answer has null in its place."""

    id: APIKeyId
    version: int
    name: str
    prefix: str
    last_four: str
    scopes: list[str]
    expires_at: datetime | None
    created_at: datetime
    secret: str | None

    @classmethod
    def of(cls, key: APIKey, secret: str) -> "IssuedAPIKeyView":
        """Show a fresh key."""
        return cls(
            id=key.id,
            version=key.version,
            name=key.name,
            prefix=key.prefix,
            last_four=key.last_four,
            scopes=key.scopes,
            expires_at=key.expires_at,
            created_at=key.created_at,
            secret=secret,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateAPIKey:
    """What a new key may do, and until when."""

    name: Annotated[str, NAME]
    scopes: Annotated[list[Scope], Len(1, len(TENANT_SCOPES))]
    expires_at: datetime | None = None


@use_case(
    "api_keys.create",
    scope=Scope.API_KEYS_WRITE,
    example={"name": "Shop backend", "scopes": ["products:read", "payment_orders:write"]},
)
async def create_api_key(
    cmd: CreateAPIKey, uow: IUnitOfWork, *, clock: IClock, ids: IIds, keys: IAPIKeys
) -> IssuedAPIKeyView:
    """Issue an API key with some of the caller's own scopes. Its secret is in this answer and nowhere else.

    Errors: `scope_missing`, `validation_error`, `text_invalid`.
    """
    issued = keys.issue()
    key = APIKey.issue(
        id=APIKeyId(ids.new()),
        organization_id=uow.actor.organization_id,
        name=cmd.name,
        hash=issued.hash,
        prefix=issued.prefix,
        last_four=issued.last_four,
        scopes=cmd.scopes,
        grantable=uow.actor.scopes & TENANT_SCOPES,
        expires_at=cmd.expires_at,
        now=clock.now(),
    )
    uow.api_keys.add(key)
    return IssuedAPIKeyView.of(key, issued.secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAPIKeys(PageQuery):
    """Which keys."""

    sort: Literal["created_at", "-created_at", "name", "-name"] = "-created_at"


@use_case("api_keys.list", scope=Scope.API_KEYS_READ, example={"limit": 20}, read_only=True)
async def list_api_keys(cmd: ListAPIKeys, uow: IUnitOfWork) -> ListView[APIKeyView]:
    """List the organization's API keys, also the revoked and expired ones."""
    return ListView.of(await uow.api_keys.page(Everything(), cmd.request(cmd.sort)), APIKeyView.of)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetAPIKey:
    """Which key."""

    id: APIKeyId


@use_case("api_keys.get", scope=Scope.API_KEYS_READ, example={}, read_only=True)
async def get_api_key(cmd: GetAPIKey, uow: IUnitOfWork) -> APIKeyView:
    """Return one API key, without its secret.

    Errors: `not_found`.
    """
    return APIKeyView.of(await uow.api_keys.get(cmd.id))


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeAPIKey:
    """Which key, and optionally the version the caller read."""

    id: APIKeyId
    expected_version: Version | None = None


@use_case("api_keys.revoke", scope=Scope.API_KEYS_WRITE, example={}, destructive=True)
async def revoke_api_key(cmd: RevokeAPIKey, uow: IUnitOfWork, *, clock: IClock) -> APIKeyView:
    """Revoke an API key for good; it opens nothing from the next request on. Doing it twice changes nothing.

    Errors: `not_found`, `version_stale`.
    """
    key = await uow.api_keys.get(cmd.id, lock=True)
    key.expect_version(cmd.expected_version)
    key.revoke(clock.now())
    return APIKeyView.of(key)
