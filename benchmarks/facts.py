"""The event and the audit entry that a contestant writes by hand: the same content as Stoa's, built directly."""

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID, uuid4

import msgspec

from domain.catalog.product import Product, ProductCreatedEvent
from domain.shared.ids import OrganizationId, ProductId, encode_id
from infrastructure.system import UuidV7Ids

IDS = UuidV7Ids()
REQUEST_ID = str(uuid4())
AUTHOR = "operator"
METADATA: dict[str, str | int | bool] = {"origin": "Huila", "grams": 1000}
DESCRIPTION = "Dark roast, whole beans."
EVENT_COLUMNS = (
    "organization_id", "event_id", "type", "schema_version", "occurred_at", "aggregate_type", "aggregate_id",
    "aggregate_version", "traceparent", "payload",
)  # fmt: skip
ENTRY_COLUMNS = (
    "organization_id", "id", "actor", "action", "operation", "subject_type", "subject_id", "subject_version",
    "changes", "request_id",
)  # fmt: skip
_TRACE = UUID(REQUEST_ID).hex


def new_product(organization_id: OrganizationId) -> Product:
    """Return a product nobody has seen before, with the authors that the unit of work would fill in."""
    id_, now = ProductId(IDS.new()), datetime.now(UTC)
    return Product(
        id=id_, organization_id=organization_id, created_at=now, updated_at=now, name="Espresso blend",
        sku=new_sku(id_), description=DESCRIPTION, metadata=METADATA, created_by=AUTHOR, updated_by=AUTHOR, version=1,
    )  # fmt: skip


def recorded(organization_id: OrganizationId) -> Product:
    """Return a new product that has its event yet to be written."""
    product = new_product(organization_id)
    product.version = 0
    product.record(ProductCreatedEvent(name=product.name), product.updated_at)
    return product


def new_sku(id_: UUID | None = None) -> str:
    """Return a SKU that is in use nowhere."""
    return f"SKU-{(id_ or IDS.new()).hex.upper()}"


def event(product: Product, verb: str, data: Mapping[str, object]) -> tuple[object, ...]:
    """Return the values of ``EVENT_COLUMNS``."""
    event_id = IDS.new()
    payload = {
        "event_id": encode_id("evt", event_id), "type": f"product.{verb}", "schema_version": 1,
        "occurred_at": product.updated_at, "organization_id": encode_id("org", product.organization_id),
        "actor": AUTHOR,
        "aggregate": {"type": "product", "id": encode_id("prod", product.id), "version": product.version},
        "correlation_id": REQUEST_ID, "causation_id": None, "data": data,
    }  # fmt: skip
    return (
        product.organization_id, event_id, f"product.{verb}", 1, product.updated_at, "product", product.id,
        product.version, f"00-{_TRACE}-{event_id.hex[-16:]}-01", msgspec.json.encode(payload).decode(),
    )  # fmt: skip


def entry(product: Product, action: str, operation: str, changes: Mapping[str, object]) -> tuple[object, ...]:
    """Return the values of ``ENTRY_COLUMNS``."""
    return (
        product.organization_id, IDS.new(), AUTHOR, action, operation, "product", encode_id("prod", product.id),
        product.version, msgspec.json.encode(changes, order="sorted").decode(), REQUEST_ID,
    )  # fmt: skip


def created(product: Product) -> dict[str, object]:
    """Return what the audit entry of a new product tells."""
    return {
        "name": product.name, "sku": product.sku, "description": product.description,
        "metadata": msgspec.json.encode(product.metadata).decode(), "deleted_at": None, "deleted_by": None,
    }  # fmt: skip
