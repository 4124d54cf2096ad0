"""API keys: credentials of an organization."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

from annotated_types import Interval, Len

from application.kernel.actor import TENANT_SCOPES, ActorKind, Scope
from application.kernel.changes import change_use_case
from application.kernel.dispatcher import SecretOnce
from application.kernel.fields import Version
from application.kernel.page import ListView, PageQuery
from application.kernel.patch import UNSET, Maybe, given
from application.kernel.ports import IAPIKeys, IClock, IIds, IssuedKey
from application.kernel.reads import get_use_case
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.kernel.view import View
from domain.identity.api_key import MAX_OVERLAP, APIKey, KeyMaterial
from domain.identity.specifications import keys_matching
from domain.shared.ids import AgentId, APIKeyId
from domain.shared.text import NAME

type Scopes = Annotated[list[Scope], Len(1, len(TENANT_SCOPES))]
MAX_OVERLAP_MINUTES = MAX_OVERLAP // timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class APIKeyView(View[APIKey]):
    """A key without its secret; `prefix` and `last_four` tell which one it is.

    A rotated key and its successors have one `lineage_id`, the id of the first of them, and each names the next one
    as `replaced_by_id`. `agent_id` is the agent that the key belongs to. `last_used_at` is exact to a minute.
    """

    id: APIKeyId
    version: int
    name: str
    prefix: str
    last_four: str
    scopes: list[str]
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    lineage_id: APIKeyId
    replaced_by_id: APIKeyId | None
    agent_id: AgentId | None
    created_by: str
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
    lineage_id: APIKeyId
    agent_id: AgentId | None
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
            lineage_id=key.lineage_id,
            agent_id=key.agent_id,
            created_at=key.created_at,
            secret=secret,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateAPIKey:
    """What a new key may do, and until when."""

    name: Annotated[str, NAME]
    scopes: Scopes
    expires_at: datetime | None = None


@use_case(
    "api_keys.create",
    scope=Scope.API_KEYS_WRITE,
    example={"name": "Shop backend", "scopes": ["products:read", "payment_orders:write"]},
    statements=6,
)
async def create_api_key(
    cmd: CreateAPIKey, uow: IUnitOfWork, *, clock: IClock, ids: IIds, keys: IAPIKeys
) -> IssuedAPIKeyView:
    """Issue an API key with some of the caller's own scopes. Its secret is in this answer and nowhere else.

    What a person may do about their own account is never given to a key. A key that is made by a key ends with its
    maker, or before.

    Errors: `scope_missing`, `expiry_exceeds_maker`, `validation_error`, `text_invalid`.
    """
    issued = keys.issue()
    key = APIKey.issue(
        id=APIKeyId(ids.new()),
        organization_id=uow.actor.organization_id,
        name=cmd.name,
        material=kept_of(issued),
        scopes=cmd.scopes,
        grantable=uow.actor.scopes & TENANT_SCOPES,
        expires_at=cmd.expires_at,
        no_later_than=uow.actor.expires_at,
        now=clock.now(),
    )
    uow.api_keys.add(key)
    return IssuedAPIKeyView.of(key, issued.secret)


def kept_of(issued: IssuedKey) -> KeyMaterial:
    """Return what is stored of a fresh key: everything but its secret."""
    return KeyMaterial(hash=issued.hash, prefix=issued.prefix, last_four=issued.last_four)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAPIKeys(PageQuery):
    """Which keys.

    `active` keys open something now. `unused_since` finds keys that were made before that moment and not used since.
    """

    active: bool | None = None
    expires_before: datetime | None = None
    unused_since: datetime | None = None
    lineage_id: APIKeyId | None = None
    sort: Literal["created_at", "-created_at", "name", "-name"] = "-created_at"


@use_case("api_keys.list", scope=Scope.API_KEYS_READ, example={"limit": 20}, read_only=True, statements=1)
async def list_api_keys(cmd: ListAPIKeys, uow: IUnitOfWork, *, clock: IClock) -> ListView[APIKeyView]:
    """List the organization's API keys, also the revoked and expired ones unless `active` is asked for."""
    wanted = keys_matching(
        active=cmd.active,
        expires_before=cmd.expires_before,
        unused_since=cmd.unused_since,
        lineage_id=cmd.lineage_id,
        now=clock.now(),
    )
    return ListView.of(await uow.api_keys.page(wanted, cmd.request(cmd.sort)), APIKeyView.of)


get_use_case(
    "api_keys.get", lambda uow: uow.api_keys, APIKeyView, "Return one API key, without its secret.",
    scope=Scope.API_KEYS_READ,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateAPIKey:
    """New values for what is mentioned; the rest stays."""

    id: APIKeyId
    expected_version: Version
    name: Maybe[Annotated[str, NAME]] = UNSET
    scopes: Maybe[Scopes] = UNSET


@use_case(
    "api_keys.update",
    scope=Scope.API_KEYS_WRITE,
    example={"expected_version": 1, "name": "Shop backend, read only", "scopes": ["products:read"]},
    statements=6,
)
async def update_api_key(cmd: UpdateAPIKey, uow: IUnitOfWork, *, clock: IClock) -> APIKeyView:
    """Rename an API key or take scopes away from it, from the next request on; it never gains one.

    Errors: `not_found`, `version_stale`, `scopes_widened`, `api_key_ended`, `text_invalid`.
    """
    key = await uow.api_keys.get(cmd.id, lock=True)
    key.expect_version(cmd.expected_version)
    key.edit(clock.now(), name=given(cmd.name, key.name), scopes=given(cmd.scopes, key.scopes))
    return APIKeyView.of(key)


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateAPIKey:
    """Which key, and how long it works beside its successor."""

    id: APIKeyId
    overlap_minutes: Annotated[int, Interval(ge=0, le=MAX_OVERLAP_MINUTES)] = 60 * 24
    expires_at: datetime | None = None


@use_case("api_keys.rotate", scope=Scope.API_KEYS_WRITE, example={"overlap_minutes": 60}, statements=8)
async def rotate_api_key(
    cmd: RotateAPIKey, uow: IUnitOfWork, *, clock: IClock, ids: IIds, keys: IAPIKeys
) -> IssuedAPIKeyView:
    """Issue a successor with the same name and scopes; the old key works until the overlap ends, at most 7 days.

    The successor's secret is in this answer and nowhere else. Only who holds all scopes of the key can rotate it.
    When a key rotates one, the successor ends with the earlier of the two, or before; people may give it more time.

    Errors: `not_found`, `scope_missing`, `expiry_exceeds_maker`, `api_key_ended`, `api_key_rotated`,
    `validation_error`.
    """
    issued = keys.issue()
    key = await uow.api_keys.get(cmd.id, lock=True)
    ends = [each for each in (uow.actor.expires_at, key.expires_at) if each is not None]
    successor = key.rotate(
        id=APIKeyId(ids.new()),
        material=kept_of(issued),
        grantable=uow.actor.scopes & TENANT_SCOPES,
        overlap=timedelta(minutes=cmd.overlap_minutes),
        expires_at=cmd.expires_at,
        no_later_than=min(ends, default=None) if uow.actor.kind is ActorKind.API_KEY else None,
        now=clock.now(),
    )
    uow.api_keys.add(successor)
    return IssuedAPIKeyView.of(successor, issued.secret)


change_use_case(
    "api_keys.revoke", lambda uow: uow.api_keys, APIKeyView, APIKey.revoke,
    "Revoke an API key for good; it opens nothing from the next request on. Doing it twice changes nothing.\n\n"
    "Its successors, if it was rotated, stay as they are.",
    scope=Scope.API_KEYS_WRITE, statements=6, destructive=True,
)  # fmt: skip
