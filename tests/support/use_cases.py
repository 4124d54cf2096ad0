"""All use-cases, the kinds of them that tests ask for, and the places in their commands that take an id."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from types import NoneType
from typing import Annotated, Literal, TypeAliasType, cast, get_args, get_origin, get_type_hints
from uuid import uuid4

import application
from application.kernel.actor import PERSONAL_SCOPES
from application.kernel.dispatcher import SecretOnce
from application.kernel.use_case import load_registry
from domain.shared.ids import ID_PREFIXES, encode_id

REGISTRY = load_registry(application)
EVERY = sorted(REGISTRY)
READS = [name for name in EVERY if REGISTRY[name].read_only]
WRITES = [name for name in EVERY if not REGISTRY[name].read_only]
ROUTED = [name for name in EVERY if REGISTRY[name].internal is None]

ABOVE_TENANTS = frozenset(
    {
        *("account.issue_token", "members.add", "organizations.create", "organizations.get_by_slug"),
        *("organizations.suspend", "organizations.reactivate", "provider_notices.receive"),
        *("users.create", "users.finish_sign_up", "users.link_identity", "users.reactivate", "users.suspend"),
    }
)
"""Use-cases of the platform's operator, who belongs to no organization."""

SILENT = frozenset(
    {
        *("account.request_recovery", "account.request_verification", "payment_orders.recount_statistics"),
        *("tasks.heartbeat", "wallet_transactions.put_off", "token_settlements.hear", "token_settlements.wait"),
        "wallets.conclude_deployment",
    }
)  # fmt: skip
"""Writes that leave no version: nobody could tell from a mail's traces whether anybody has the address, and a recount
makes figures what they are already; a heartbeat moves the end of a lease, and what is put off is looked at later."""


def is_personal(name: str) -> bool:
    """Say whether a use-case is about a person and not about an organization: it leaves its traces above those."""
    use_case = REGISTRY[name]
    of_people = use_case.resource in ("account", "sessions", "users") and use_case.public
    return use_case.scope in PERSONAL_SCOPES or of_people


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


def as_kept(name: str, answer: Mapping[str, object]) -> dict[str, object]:
    """Return an answer as it is stored: what is secret is shown once only."""
    result = REGISTRY[name].result
    secret = {result.once_only: None} if isinstance(result, type) and issubclass(result, SecretOnce) else {}
    return {**answer, **secret}


def absent_id(id_type: object) -> str:
    """Return an id of the right kind that nobody has."""
    return encode_id(ID_PREFIXES[id_type], uuid4())


def creators() -> dict[object, str]:
    """Return for each id type the use-case that makes one."""
    found: dict[object, str] = {}
    for name in EVERY:
        result = REGISTRY[name].result
        if name.endswith((".create", ".add", ".grant")) and is_dataclass(result):
            found[get_type_hints(result)["id"]] = name
    return found


CREATORS = creators()
