"""One organization with one of everything, and valid fields for any use-case, all made from the registry.

A new use-case is covered the day it is declared: its command's annotations say which ids it takes, its ``example``
fills the rest, and creators (``….create``, ``….add``) are found by the id of what they answer. Only state that no
annotation tells is named below, in ``PREPARATIONS`` and ``SHARED``.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import timedelta
from types import NoneType
from typing import Annotated, Literal, TypeAliasType, cast, get_args, get_origin, get_type_hints
from uuid import uuid4

import application
from application.identity.person_mails import RECOVER_PASSWORD, VERIFY_EMAIL
from application.kernel.actor import PERSONAL_SCOPES, PLATFORM, PUBLIC_ACTOR, TENANT_SCOPES, Actor, operator
from application.kernel.dispatcher import Call, Outcome
from application.kernel.use_case import UseCase, load_registry
from domain.shared.ids import (
    ID_PREFIXES,
    AuditEntryId,
    AuthIdentityId,
    CustomerId,
    EventId,
    JournalEntryId,
    MembershipId,
    OrganizationId,
    PaymentAttemptId,
    PaymentLinkId,
    PaymentOrderId,
    SessionId,
    UserId,
    WebhookDeliveryId,
    decode_id,
    encode_id,
)
from infrastructure.security.opaque_tokens import SingleUseTokens
from tests.support.persons import Person, join, mailed_token, registered, sign_in, signed_up, user_id_of
from tests.support.post import deliver_to_nobody, publish
from tests.support.stack import PEPPER, Body, Stack

REGISTRY = load_registry(application)
EVERY = sorted(REGISTRY)
READS = [name for name in EVERY if REGISTRY[name].read_only]
WRITES = [name for name in EVERY if not REGISTRY[name].read_only]
ROUTED = [name for name in EVERY if REGISTRY[name].internal is None]

ABOVE_TENANTS = frozenset(
    {
        *("account.issue_token", "members.add", "organizations.create", "organizations.get_by_slug"),
        *("organizations.suspend", "organizations.reactivate", "provider_notices.receive"),
        *("users.create", "users.reactivate", "users.suspend"),
    }
)
"""Use-cases of the platform's operator, who belongs to no organization."""

SILENT = frozenset({"account.request_recovery", "account.request_verification"})
"""Writes that only have a mail sent: by what they leave nobody could tell whether anybody has the address."""


def is_personal(name: str) -> bool:
    """Say whether a use-case is about a person and not about an organization: it leaves its traces above those."""
    use_case = REGISTRY[name]
    of_people = use_case.resource in ("account", "sessions", "users") and use_case.public
    return use_case.scope in PERSONAL_SCOPES or of_people


UNIQUE = frozenset({"email", "external_id", "owner_email", "sku", "slug"})
"""Fields that no two rows may share."""

SHARED: Mapping[object, Mapping[str, object]] = {PaymentLinkId: {"max_uses": None, "expires_at": None}}
"""What the world's own specimen needs so that it lasts."""

type Prepare = Callable[["World"], Awaitable[dict[str, object]]]


class WorldIncomplete(Exception):
    """A use-case is new and the world cannot fill its command by itself; the message says what to add."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in a command that takes an id: the path of names (and 0 for a list's item), and the id's type."""

    path: tuple[str | int, ...]
    id_type: object

    def __str__(self) -> str:
        """Read well in a test's name."""
        return ".".join(map(str, self.path))

    def put(self, data: Mapping[str, object], value: object) -> dict[str, object]:
        """Return a copy of a command's fields with another value here."""
        return cast("dict[str, object]", _put(dict(data), self.path, value))


def _put(data: object, path: tuple[str | int, ...], value: object) -> object:
    if not path:
        return value
    head, *rest = path
    if isinstance(head, int):
        items = list(cast("list[object]", data or [None]))
        items[head] = _put(items[head], tuple(rest), value)
        return items
    record = dict(cast("dict[str, object]", data or {}))
    record[head] = _put(record.get(head), tuple(rest), value)
    return record


def slots(command: type) -> list[Slot]:
    """Return every place of a command, also nested ones, that takes an id."""
    hints = get_type_hints(command, include_extras=True)
    return [slot for field in fields(command) for slot in _slots(hints[field.name], (field.name,))]


def _slots(annotation: object, path: tuple[str | int, ...]) -> Iterator[Slot]:
    if isinstance(annotation, TypeAliasType):
        yield from _slots(annotation.__value__, path)
    elif annotation in ID_PREFIXES:
        yield Slot(path, annotation)
    elif isinstance(annotation, type) and is_dataclass(annotation):
        hints = get_type_hints(annotation, include_extras=True)
        for field in fields(annotation):
            yield from _slots(hints[field.name], (*path, field.name))
    else:
        origin, args = get_origin(annotation), get_args(annotation)
        if origin is Literal:
            return
        step: tuple[int, ...] = (0,) if origin in (list, tuple, set, frozenset) else ()
        for arg in args[:1] if origin is Annotated else args:
            if arg is not NoneType:
                yield from _slots(arg, (*path, *step))


def absent_id(id_type: object) -> str:
    """Return an id of the right kind that nobody has."""
    return encode_id(ID_PREFIXES[id_type], uuid4())


def creators() -> dict[object, str]:
    """Return for each id type the use-case that makes one."""
    found: dict[object, str] = {}
    for name in EVERY:
        result = REGISTRY[name].result
        if name.endswith((".create", ".add")) and is_dataclass(result):
            found[get_type_hints(result)["id"]] = name
    return found


CREATORS = creators()


class World:
    """One organization filled with one of everything.

    Attributes:
        actor: the organization's operator, who may do everything in it.
        key: the secret of an API key with every scope a tenant can have; ``key_actor`` is who it makes of its bearer.
        person: an owner of the organization, signed in, who acts for themselves.
        ids: id type to the TypeID text of this organization's specimen.
        made: id type to the specimen as its creator answered.
        homes: use-case of the person to the organization in which its latest fields make it act.
    """

    def __init__(self, stack: Stack) -> None:
        """Start empty; use :meth:`create`."""
        self.stack = stack
        self.actor: Actor = operator()
        self.key_actor: Actor = operator()
        self.key = ""
        self.person: Person  # made by `create`
        self.homes: dict[str, OrganizationId] = {}
        self.ids: dict[object, str] = {}
        self.made: dict[object, Body] = {}

    @classmethod
    async def create(cls, stack: Stack) -> "World":
        """Make an organization and fill it."""
        world = cls(stack)
        world.actor = await stack.organization()
        world.ids[OrganizationId] = encode_id("org", world.actor.organization_id)
        world.person = await signed_up(stack)
        await join(stack, world.person, world.actor)
        for id_type, name in CREATORS.items():
            if REGISTRY[name].internal is None:
                await world.id_of(id_type)
        await world._add_specimens_without_creator()
        issued = await world.run("api_keys.create", scopes=sorted(TENANT_SCOPES))
        world.key = str(issued["secret"])
        world.key_actor = await stack.authenticate(world.key)
        await stack.authenticate.settle()
        return world

    async def _add_specimens_without_creator(self) -> None:
        """Find the ids of what comes into being on the side; a new kind of it is added here."""
        member = _first(await self.run("members.list", role=None))
        self.ids[AuthIdentityId] = str((await self.run("account.link_identity"))["id"])
        self.ids[MembershipId], self.ids[UserId] = str(member["id"]), str(member["user_id"])
        paying = await self.run("payment_orders.pay", id=(await self.fresh(PaymentOrderId))["id"])
        self.ids[PaymentAttemptId] = str(cast("list[Body]", paying["attempts"])[0]["id"])
        posted = await self.run("books.list_entries", account=None, payment_order_id=None)
        self.ids[JournalEntryId] = str(_first(posted)["id"])
        await self.run("checkouts.submit")
        await self.run("provider_notices.receive")
        await publish(self.stack)
        await deliver_to_nobody(self.stack)
        self.ids[EventId] = str(_first(await self.run("events.list", type=None))["id"])
        delivery = _first(await self.run("webhook_deliveries.list", endpoint_id=None, event_id=None, status=None))
        self.ids[WebhookDeliveryId], self.ids[EventId] = str(delivery["id"]), str(delivery["event_id"])
        entries = await self.run("audit_entries.list", action=None, subject_type=None)
        self.ids[AuditEntryId] = str(_first(entries)["id"])

    async def id_of(self, id_type: object) -> str:
        """Return the id of the world's own specimen, making it at first use."""
        if id_type not in self.ids:
            self.made[id_type] = await self.fresh(id_type, **SHARED.get(id_type, {}))
            self.ids[id_type] = str(self.made[id_type]["id"])
        return self.ids[id_type]

    async def fresh(self, id_type: object, **overrides: object) -> Body:
        """Make one more of a kind and return it."""
        if id_type not in CREATORS:
            raise WorldIncomplete(
                f"nothing makes {ID_PREFIXES[id_type]}_ ids: no use-case '….create' or '….add' answers with one; "
                "add it to World._add_specimens_without_creator"
            )
        return await self.run(CREATORS[id_type], **overrides)

    async def fields(self, name: str) -> dict[str, object]:
        """Return outside fields with which the use-case succeeds now.

        Raises:
            WorldIncomplete: it cannot be told from annotations and example what they are.
        """
        use_case = REGISTRY[name]
        given: dict[str, object] = dict(use_case.example)
        if not use_case.read_only:
            given.update({field: _unique(field, str(given[field])) for field in UNIQUE & given.keys()})
        prepare = PREPARATIONS.get(name)
        if prepare is not None:
            given.update(await prepare(self))
        elif not use_case.read_only:
            given.update(await self._own_subject(use_case))
        for slot in slots(use_case.command):
            if slot.path[0] not in given:
                given = slot.put(given, await self.id_of(slot.id_type))
        self._check(use_case, given)
        return given

    async def _own_subject(self, use_case: UseCase) -> dict[str, object]:
        """Give a change a subject of its own, so that the specimens last."""
        subject = next((s for s in slots(use_case.command) if s.path == ("id",)), None)
        if subject is None:
            return {}
        made = await self.fresh(subject.id_type)
        versioned = any(f.name == "expected_version" for f in fields(use_case.command))
        return {"id": made["id"], **({"expected_version": made["version"]} if versioned else {})}

    def _check(self, use_case: UseCase, given: Mapping[str, object]) -> None:
        try:
            self.stack.command(use_case.name, **given)
        except Exception as error:
            problems = getattr(error, "errors", error)
            raise WorldIncomplete(
                f"{use_case.name}: {problems}; add the fields to the use-case's example, or its state to PREPARATIONS"
            ) from error

    def actor_for(self, name: str) -> Actor:
        """Return who runs a use-case in this world."""
        if name in ABOVE_TENANTS:
            return operator()
        if REGISTRY[name].public:
            return PUBLIC_ACTOR
        return self.person.actor if is_personal(name) else self.actor

    def key_for(self, name: str) -> str:
        """Return the secret that opens a use-case: the API key's, or the session's where an organization has no say."""
        return self.person.token if is_personal(name) else self.key

    def home_of(self, name: str) -> OrganizationId:
        """Return where a use-case leaves its audit entries and events, once its fields are made."""
        if name in self.homes:
            return self.homes[name]
        return PLATFORM if is_personal(name) else self.actor.organization_id

    async def run(self, name: str, actor: Actor | None = None, /, **overrides: object) -> Body:
        """Run a use-case with valid fields, some of them replaced."""
        return await self.send(name, {**await self.fields(name), **overrides}, actor)

    async def check_of(self, subject: str) -> str:
        """Return the name of a customer's latest identity check, or a payment method's verification; no face does."""
        opened = self.stack.units(self.actor, use_case="tests.look", request_id=str(uuid4()), read_only=True)
        async with opened as uow:
            if subject.startswith("cus_"):
                return str((await uow.customers.get(decode_id("cus", subject))).kyc_check)
            return str((await uow.payment_methods.get(decode_id("pm", subject))).verification_check)

    async def send(
        self, name: str, given: Mapping[str, object], actor: Actor | None = None, *,
        key: str | None = None, dry_run: bool = False,
    ) -> Body:  # fmt: skip
        """Run a use-case with exactly these outside fields; the idempotency key is random unless given."""
        return cast("Body", (await self.outcome(name, given, actor, key=key, dry_run=dry_run)).body)

    async def outcome(
        self, name: str, given: Mapping[str, object], actor: Actor | None = None, *,
        key: str | None = None, dry_run: bool = False,
    ) -> Outcome:  # fmt: skip
        """Run a use-case as :meth:`send` does, and also tell whether the answer is a replay."""
        call = Call(
            actor=actor or self.actor_for(name), request_id=str(uuid4()), idempotency_key=key or str(uuid4()),
            dry_run=dry_run,
        )  # fmt: skip
        return await self.stack.dispatcher(name, self.stack.command(name, **given), call)


def _first(listed: Body) -> Body:
    return cast("list[Body]", listed["data"])[0]


def _unique(field: str, example: str) -> str:
    suffix = uuid4().hex[:12]
    local, at, domain = example.partition("@")
    return f"{local}-{suffix}{at}{domain}" if field.endswith("email") else f"{example}-{suffix}"


# -- state that annotations do not tell -----------------------------------------------------------


async def _archived_product(world: World) -> dict[str, object]:
    archived = await world.run("products.archive")
    return {"id": archived["id"], "expected_version": archived["version"]}


async def _present_organization(world: World) -> dict[str, object]:
    # A new name each time, for writing what is there already changes nothing.
    present = await world.send("organizations.get", {})
    settings = {**REGISTRY["organizations.update"].example, "expected_version": present["version"]}
    present = await world.send("organizations.update", settings)
    return {"expected_version": present["version"], "name": f"Harbour Coffee {uuid4().hex[:8]}"}


async def _open_link(world: World) -> dict[str, object]:
    await world.id_of(PaymentLinkId)
    return {"slug": world.made[PaymentLinkId]["slug"]}


async def _order_being_paid(world: World) -> dict[str, object]:
    paying = await world.run("payment_orders.pay")
    return {"id": paying["id"], "attempt_id": cast("list[Body]", paying["attempts"])[0]["id"]}


async def _charge_that_succeeds(world: World) -> dict[str, object]:
    # A success with a fee, since it writes most: the order, its attempt and two entries of the books.
    success = {"status": "succeeded", "decline_code": None, "fee": {"amount": 60, "currency": "EUR"}}
    return {**await _order_being_paid(world), **success}


async def _order_in_flight(world: World) -> dict[str, object]:
    return {"id": (await world.run("payment_orders.pay"))["id"]}


async def _failed_order(world: World) -> dict[str, object]:
    failed = await world.run("payment_orders.record_outcome", status="declined", decline_code="card_declined", fee=None)
    return {"id": failed["id"], "expected_version": failed["version"]}


async def _paid_order(world: World) -> dict[str, object]:
    return {"payment_order_id": (await world.run("payment_orders.record_outcome"))["id"]}


async def _notice(world: World) -> dict[str, object]:
    paying = await _order_being_paid(world)
    about = {"organization_id": world.ids[OrganizationId], "order_id": paying["id"], "attempt_id": paying["attempt_id"]}
    return {**about, "refund_id": None, "event": f"evt_{uuid4().hex}"}


async def _checkout_form(world: World) -> dict[str, object]:
    return {**await _open_link(world), "reference": uuid4().hex}


async def _checkout(world: World) -> dict[str, object]:
    reference = uuid4().hex
    await world.run("checkouts.submit", reference=reference)
    return {"reference": reference}


async def _declined_checkout(world: World) -> dict[str, object]:
    reference = uuid4().hex
    submitted = await world.run("checkouts.submit", reference=reference)
    order = _first(await world.send("payment_orders.list", {"number": submitted["number"]}))
    attempt = cast("list[Body]", order["attempts"])[0]["id"]
    await world.run("payment_orders.record_outcome", id=order["id"], attempt_id=attempt, status="declined")
    return {"reference": reference, "after": submitted["attempts"]}


async def _deleted_customer(world: World) -> dict[str, object]:
    deleted = await world.run("customers.delete")
    return {"id": deleted["id"], "expected_version": deleted["version"]}


async def _known_customer(world: World) -> dict[str, object]:
    customer = await world.fresh(CustomerId)
    return {"email": customer["email"]}


async def _known_external_id(world: World) -> dict[str, object]:
    customer = await world.fresh(CustomerId)
    return {"external_id": customer["external_id"]}


async def _checked_customer(world: World) -> dict[str, object]:
    checked = await world.run("customers.start_kyc")
    return {"id": checked["id"], "check": await world.check_of(str(checked["id"]))}


async def _approved_customer(world: World) -> dict[str, object]:
    checked = await _checked_customer(world)
    said = await world.send(
        "customers.record_kyc_outcome", {**checked, "verdict": "approved", "risk_score": 7, "reason": None}
    )
    return {"id": said["id"]}


async def _customer_in_question(world: World) -> dict[str, object]:
    asked = await world.run("customers.record_kyc_outcome")
    return {"id": asked["id"], "expected_version": asked["version"]}


async def _expired_approval(world: World) -> dict[str, object]:
    # A year before, so that the approval is over now.
    world.stack.clock.shift -= timedelta(days=366)
    approved = await _approved_customer(world)
    world.stack.clock.shift += timedelta(days=366)
    return approved


async def _customer_with_room(world: World) -> dict[str, object]:
    # The first methods are the world's own customer's, like the world's specimen; a customer can have few.
    own = await world.id_of(CustomerId)
    there = await world.send("payment_methods.list", {"customer_id": own, "include_total": True})
    return {"customer_id": own if cast("int", there["total"]) < 5 else (await world.fresh(CustomerId))["id"]}


async def _new_customers(world: World) -> dict[str, object]:
    return {"rows": [{"email": _unique("email", "ines.duarte@example.org"), "name": "Inês Duarte"}]}


async def _bank_account(world: World, **given: object) -> Body:
    return await world.send("payment_methods.add", {
        **await _customer_with_room(world), "type": "bank", "provider_token": "tok_sandbox_success",
        "bank_name": "Harbour Bank", "country": "SE", "last_four": "0042", **given,
    })  # fmt: skip


async def _method_being_verified(world: World) -> dict[str, object]:
    asked = await world.run("payment_methods.verify")
    stored = await world.check_of(str(asked["id"]))
    return {"id": asked["id"], "check": stored}


async def _deposits_sent(world: World) -> dict[str, object]:
    account = await _bank_account(world)
    await world.send("payment_methods.verify", {"id": account["id"]})
    check = await world.check_of(str(account["id"]))
    await world.send(
        "payment_methods.record_verification",
        {"id": account["id"], "check": check, "first_deposit": 32, "second_deposit": 45},
    )
    return {"id": account["id"]}


async def _own_credentials(world: World) -> dict[str, object]:
    # A right password forgives the wrong ones that some test has tried.
    await sign_in(world.stack, world.person.email, world.person.password)
    return {"email": world.person.email, "password": world.person.password}


async def _own_address(world: World) -> dict[str, object]:
    return {"email": world.person.email}


async def _same_password(world: World) -> dict[str, object]:
    # The same one again, so that the world's person can go on signing in.
    await world.send("sessions.revoke_others", {})
    return {"current_password": world.person.password, "new_password": world.person.password}


async def _present_account(world: World) -> dict[str, object]:
    present = await world.run("account.get")
    return {
        "expected_version": present["version"],
        "name": f"Inês Duarte {uuid4().hex[:8]}",
        "preferences": {"at": f"at-{uuid4().hex[:12]}"},
    }


async def _new_wallet(_: World) -> dict[str, object]:
    return {"address": f"0x{uuid4().hex}{uuid4().hex[:8]}"}


async def _new_identity(_: World) -> dict[str, object]:
    return {"subject": f"subject-{uuid4().hex[:12]}"}


async def _linked_identity(world: World) -> dict[str, object]:
    return {"id": (await world.run("account.link_identity"))["id"]}


async def _unverified_person(world: World) -> dict[str, object]:
    registration = await world.run("users.register")
    user_id = await user_id_of(world.stack, str(registration["email"]))
    return {"token": await mailed_token(world.stack, VERIFY_EMAIL, user_id)}


async def _forgetful_person(world: World) -> dict[str, object]:
    user_id = await registered(world.stack)
    return {"token": await mailed_token(world.stack, RECOVER_PASSWORD, user_id)}


async def _other_session(world: World) -> dict[str, object]:
    # Always as many, so that the answers of all faces are the same.
    await world.send("sessions.revoke_others", {})
    await world.fresh(SessionId)
    return {}


async def _suspended_user(world: World) -> dict[str, object]:
    return {"id": (await world.run("users.suspend"))["id"]}


async def _tokenless_person(world: World) -> dict[str, object]:
    return {"user_id": (await world.fresh(UserId))["id"], "hash": uuid4().hex * 2}


async def _invited(world: World, name: str) -> dict[str, object]:
    """Have another organization invite the world's person."""
    other = await world.stack.organization()
    world.homes[name] = other.organization_id
    invited = await world.stack.run("invitations.create", other, email=world.person.email, role="member")
    return {"id": invited["id"]}


async def _invited_to_accept(world: World) -> dict[str, object]:
    return await _invited(world, "account.accept_invitation")


async def _invited_to_decline(world: World) -> dict[str, object]:
    return await _invited(world, "account.decline_invitation")


async def _invited_by_mail(world: World) -> dict[str, object]:
    name = "account.redeem_invitation"
    invited, secret = await _invited(world, name), SingleUseTokens(PEPPER).issue()
    actor = operator(world.homes[name])
    await world.stack.run("invitations.issue_token", actor, id=invited["id"], hash=secret.hash)
    return {"token": f"{invited['id']}.{secret.secret}"}


async def _joined(world: World, name: str, role: str) -> tuple[dict[str, object], Actor]:
    """Make the world's person a member of another organization."""
    other = await world.stack.organization(f"org-{uuid4().hex[:12]}")
    world.homes[name] = other.organization_id
    await join(world.stack, world.person, other, role)
    return {"organization_id": encode_id("org", other.organization_id)}, other


async def _to_leave(world: World) -> dict[str, object]:
    return (await _joined(world, "account.leave_organization", "member"))[0]


async def _to_hand_over(world: World) -> dict[str, object]:
    given, other = await _joined(world, "account.transfer_ownership", "owner")
    owners = await world.stack.run("members.list", other, sort="created_at")
    return {**given, "membership_id": _first(owners)["id"]}


async def _to_close(world: World) -> dict[str, object]:
    given, other = await _joined(world, "account.close_organization", "owner")
    return {**given, "slug": (await world.stack.run("organizations.get", other))["slug"]}


async def _slug_of_world(world: World) -> dict[str, object]:
    return {"slug": (await world.run("organizations.get"))["slug"]}


async def _suspended_organization(world: World) -> dict[str, object]:
    return {"id": (await world.run("organizations.suspend"))["id"]}


async def _key_to_rotate(world: World) -> dict[str, object]:
    # Only who holds all of a key's scopes may rotate it, so that this one has the least that opens the use-case.
    return {"id": (await world.run("api_keys.create", scopes=["api_keys:write"]))["id"]}


async def _disabled_endpoint(world: World) -> dict[str, object]:
    disabled = await world.run("webhook_endpoints.disable")
    return {"id": disabled["id"], "expected_version": disabled["version"]}


async def _delivery(world: World) -> dict[str, object]:
    # Whatever became of it, it may be sent again.
    return {"id": world.ids[WebhookDeliveryId]}


PREPARATIONS: dict[str, Prepare] = {
    "webhook_endpoints.enable": _disabled_endpoint,
    "webhook_deliveries.redeliver": _delivery,
    "account.accept_invitation": _invited_to_accept,
    "account.close_organization": _to_close,
    "account.decline_invitation": _invited_to_decline,
    "account.leave_organization": _to_leave,
    "account.redeem_invitation": _invited_by_mail,
    "account.transfer_ownership": _to_hand_over,
    "api_keys.rotate": _key_to_rotate,
    "organizations.get_by_slug": _slug_of_world,
    "organizations.reactivate": _suspended_organization,
    "account.change_password": _same_password,
    "account.issue_token": _tokenless_person,
    "account.link_identity": _new_identity,
    "account.recover_password": _forgetful_person,
    "account.request_recovery": _own_address,
    "account.request_verification": _own_address,
    "account.set_primary_wallet": _new_wallet,
    "account.unlink_identity": _linked_identity,
    "account.update": _present_account,
    "account.verify_email": _unverified_person,
    "sessions.create": _own_credentials,
    "sessions.revoke_others": _other_session,
    "users.reactivate": _suspended_user,
    "customers.expire_kyc": _expired_approval,
    "customers.get_by_email": _known_customer,
    "customers.get_by_external_id": _known_external_id,
    "customers.import": _new_customers,
    "customers.purge": _deleted_customer,
    "customers.record_kyc_outcome": _checked_customer,
    "customers.restore": _deleted_customer,
    "customers.review_kyc": _customer_in_question,
    "payment_methods.add": _customer_with_room,
    "payment_methods.confirm_deposits": _deposits_sent,
    "payment_methods.record_verification": _method_being_verified,
    "checkouts.get": _checkout,
    "checkouts.quote": _open_link,
    "checkouts.retry": _declined_checkout,
    "checkouts.submit": _checkout_form,
    "organizations.update": _present_organization,
    "payment_links.open": _open_link,
    "payment_orders.reconcile": _order_in_flight,
    "payment_orders.record_outcome": _charge_that_succeeds,
    "payment_orders.retry": _failed_order,
    "refunds.create": _paid_order,
    "products.restore": _archived_product,
    "provider_notices.receive": _notice,
}
