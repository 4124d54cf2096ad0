"""Importing customers."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Len

from application.customers.customers import CreateCustomer, customer_of
from application.kernel.actor import Scope
from application.kernel.imports import MAX_ROWS, Checked, ImportCommand, ImportView, import_rows
from application.kernel.ports import IClock, IIds
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from domain.customers.customer import CustomerEmailTaken, ExternalIdTaken


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportCustomers(ImportCommand):
    """Customers as `customers.create` takes them, and what a bad row means for the good ones."""

    rows: Annotated[list[Checked[CreateCustomer]], Len(1, MAX_ROWS)]


@use_case(
    "customers.import",
    scope=Scope.CUSTOMERS_WRITE,
    example={"rows": [{"email": "ines.duarte@example.org", "name": "Inês Duarte"}], "on_error": "skip"},
    statements=6,
)
async def import_customers(cmd: ImportCustomers, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> ImportView:
    """Create many customers at once; a bad row means none (`abort`) or all the others (`skip`).

    On the command line `stoa run customers.import --json @FILE` takes a JSON array or JSON Lines of any length.

    Errors: `rows_refused` names each bad row; per row those of `customers.create`.
    """
    return await import_rows(
        cmd,
        cmd.rows,
        uow.customers,
        lambda row: customer_of(row, uow, clock, ids),
        {"email": CustomerEmailTaken, "external_id": ExternalIdTaken},
    )
