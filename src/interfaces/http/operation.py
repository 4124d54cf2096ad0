"""What the table and the registry say together about one operation."""

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus

from application.kernel.use_case import DeclarationError, UseCase
from interfaces.http.route_row import RouteRow
from interfaces.schema.command import CommandSchema
from interfaces.schema.shapes import Field

VERSION_FIELD = "expected_version"
"""The field of a command that ``If-Match`` fills."""
PAYMENT_FIELD = "payment_signature"
"""The field of a command that ``PAYMENT-SIGNATURE`` may fill."""

_PARAMETER = re.compile(r"{([a-z_]+)}")
_CREATING = (".create", ".add")


class Operation:
    """A use-case at a method and a path.

    Attributes:
        path_fields: fields that the path names, in its order.
        versioned: the command takes ``If-Match``; ``version_required`` refuses to do without.
        payable: the command takes a payment in a token, from its header or as a field.
        idempotent: ``Idempotency-Key`` is read.
        has_body: the other fields come as JSON; else they come in the query.
        item_path: where a created resource will be found, with ``{id}``.
    """

    def __init__(self, row: RouteRow, use_case: UseCase, item_path: str | None) -> None:
        """Read both.

        Raises:
            DeclarationError: the path names a field that the command does not have.
            TypeError: the command has a field without a schema.
        """
        self.method, self.path = row.method, row.path
        self.use_case = use_case
        self.schema = CommandSchema(use_case.command, use_case.name)
        self.path_fields: tuple[str, ...] = tuple(_PARAMETER.findall(row.path))
        fields = {field.name: field for field in self.schema.record.fields}
        for name in self.path_fields:
            if name not in fields:
                raise DeclarationError(f"{use_case.name}: the path names {name}, which is no field of the command")
        self.versioned = VERSION_FIELD in fields
        self.version_required = self.versioned and fields[VERSION_FIELD].required
        self.payable = PAYMENT_FIELD in fields
        self.idempotent = not (use_case.read_only or use_case.keyless)
        self.has_body = row.method in {"POST", "PATCH"}
        creates = row.method == "POST" and use_case.name.endswith(_CREATING)
        self.status = HTTPStatus.CREATED if creates else HTTPStatus.OK
        self.item_path = item_path if creates else None

    @property
    def reserved(self) -> frozenset[str]:
        """Fields that come by path or header."""
        return frozenset(self.path_fields) | ({VERSION_FIELD} if self.versioned else frozenset())

    @property
    def fields(self) -> tuple[Field, ...]:
        """Fields that come by query or body."""
        return tuple(field for field in self.schema.record.fields if field.name not in self.reserved)

    def location(self, identity: object) -> str | None:
        """Return the path of what was created, when it was and has one."""
        if self.item_path is None or not isinstance(identity, str):
            return None
        return self.item_path.replace("{id}", identity)


def read_operations(rows: Iterable[RouteRow], registry: Mapping[str, UseCase]) -> list[Operation]:
    """Join the table with the registry.

    Raises:
        DeclarationError: a row names no use-case or an internal one, or a use-case that is not internal has no row.
    """
    rows = list(rows)
    items = {row.use_case: row.path for row in rows}
    routed = {row.use_case for row in rows}
    expected = {name for name, use_case in registry.items() if use_case.internal is None}
    if routed != expected:
        raise DeclarationError(f"routes and use-cases differ: {sorted(routed ^ expected)}")
    return [Operation(row, registry[row.use_case], items.get(f"{registry[row.use_case].resource}.get")) for row in rows]
