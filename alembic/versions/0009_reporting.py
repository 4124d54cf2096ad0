"""Figures of payments by the hour, durations by the day, and the indexes of the order search.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

from infrastructure.persistence import revision_parts, tenancy
from infrastructure.persistence.types import UtcDateTime, text

revision = "0009"
down_revision = "0008"

STATES = (
    "pending", "processing", "unknown", "completed", "failed", "cancelled", "expired", "refunded",
    "partially_refunded",
)  # fmt: skip
AMOUNTS = ("captured", "fees", "refunded")
FIGURES = (
    *(f"orders_{state}" for state in STATES), "captures", "refunds",
    *(f"{name}_{part}" for name in AMOUNTS for part in ("high", "low")),
)  # fmt: skip
TABLES = ("payment_figures", "payment_durations")
SOURCES = ("payment_orders", "refunds")
INDEXES = {
    "payment_orders": ("completed_at", ("status", "created_at"), "amount_minor"),
    "refunds": ("succeeded_at",),
}
SUMMED = ("amount_currency", "captured_minor", "fee_minor")
PAID = "completed_at is not null"
LOST_FEES = "completed_at is null and fee_minor > 0"


def upgrade() -> None:
    op.create_table(
        "payment_figures",
        *_key("payment_figures", ("hour", UtcDateTime()), ("currency", text(3))),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in FIGURES),
    )
    op.create_table(
        "payment_durations",
        *_key("payment_durations", ("day", UtcDateTime()), ("bin", sa.Integer())),
        sa.Column("payments", sa.BigInteger(), nullable=False),
    )
    for table, indexes in INDEXES.items():
        for columns in indexes:
            names = (columns,) if isinstance(columns, str) else columns
            wider = {"postgresql_include": list(SUMMED)} if columns == "completed_at" else {}
            op.create_index(f"ix_{table}_{'_'.join(names)}", table, ["organization_id", *names, "id"], **wider)
    op.create_index(
        "ix_payment_orders_lost_fees", "payment_orders", ["organization_id", "created_at"],
        postgresql_where=sa.text(LOST_FEES), sqlite_where=sa.text(LOST_FEES),
    )  # fmt: skip
    postgres = op.get_bind().dialect.name == "postgresql"
    with tenancy.past_the_walls(op, *SOURCES):
        _backfill(postgres=postgres)
    if postgres:
        for table in TABLES:
            for statement in tenancy.policy_statements(table):
                op.execute(statement)
            op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {tenancy.APP}")


def _key(table: str, *columns: tuple[str, sa.types.TypeEngine[object]]) -> list[sa.schema.SchemaItem]:
    names = ["organization_id", *(name for name, _ in columns)]
    return [
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        *(sa.Column(name, kind, nullable=False, autoincrement=False) for name, kind in columns),
        sa.PrimaryKeyConstraint(*names, name=f"pk_{table}"),
        revision_parts.of_organization(table),
    ]


def _bounds() -> list[int]:
    """Return where the bins of the histogram begin, in milliseconds, as they were when this was written."""
    bounds = [1]
    while bounds[-1] < 30 * 24 * 3600 * 1000:
        bounds.append(bounds[-1] + max(1, bounds[-1] // 10))
    return bounds


def _backfill(*, postgres: bool) -> None:
    """Count what is there: an order where it was opened and where it was paid, a refund where it succeeded."""
    opened = {f"orders_{state}": f"CASE WHEN status = '{state}' THEN 1 ELSE 0 END" for state in STATES}
    lost = f"CASE WHEN {PAID} THEN 0 ELSE fee_minor END"
    parts = [
        ("payment_orders", "created_at", {**opened, **_halves("fees", lost)}, "1 = 1"),
        (
            "payment_orders", "completed_at",
            {"captures": "1", **_halves("captured", "captured_minor"), **_halves("fees", "fee_minor")}, PAID,
        ),
        (
            "refunds", "succeeded_at", {"refunds": "1", **_halves("refunded", "amount_minor")},
            "succeeded_at is not null and status = 'succeeded' and not surplus",
        ),
    ]  # fmt: skip
    selects = " UNION ALL ".join(
        f"SELECT organization_id, {_start(at, 'hour', postgres=postgres)} AS hour, amount_currency AS currency, "  # noqa: S608 - all names are this file's own
        f"{', '.join(f'{adds.get(name, 0)} AS {name}' for name in FIGURES)} FROM {table} WHERE {where}"
        for table, at, adds, where in parts
    )
    _run(
        f"INSERT INTO payment_figures (organization_id, hour, currency, {', '.join(FIGURES)}) "  # noqa: S608 - as above
        f"SELECT organization_id, hour, currency, {', '.join(f'sum({name})' for name in FIGURES)} "
        f"FROM ({selects}) AS parts GROUP BY 1, 2, 3"
    )
    _run(
        "INSERT INTO payment_durations (organization_id, day, bin, payments) "  # noqa: S608 - as above
        "SELECT organization_id, day, bin, count(*) "
        f"FROM (SELECT organization_id, {_start('completed_at', 'day', postgres=postgres)} AS day, "
        f"{_bin(postgres=postgres)} AS bin FROM payment_orders WHERE {PAID} AND processing_at IS NOT NULL) AS paid "
        "GROUP BY 1, 2, 3"
    )


def _run(sql: str) -> None:
    """Send a statement as it is; in others a colon would begin a parameter."""
    op.get_bind().exec_driver_sql(sql)


def _halves(name: str, minor: str) -> dict[str, str]:
    return {f"{name}_high": f"({minor}) / 1000000000", f"{name}_low": f"({minor}) % 1000000000"}


def _start(moment: str, grain: str, *, postgres: bool) -> str:
    if postgres:
        return f"date_trunc('{grain}', {moment}, 'UTC')"
    kept, rest = (10, "T00:00:00.000000Z") if grain == "day" else (13, ":00:00.000000Z")
    return f"substr({moment}, 1, {kept}) || '{rest}'"


def _bin(*, postgres: bool) -> str:
    bounds = ",".join(f"{bound}000" for bound in _bounds())
    if postgres:
        micros = "CAST(extract(epoch FROM completed_at - processing_at) * 1000000 AS bigint)"
        return f"width_bucket({micros}, CAST('{{{bounds}}}' AS bigint[]))"

    def micros_of(moment: str) -> str:
        seconds = f"CAST(strftime('%s', substr({moment}, 1, 19)) AS INTEGER)"
        return f"({seconds} * 1000000 + CAST(substr({moment}, 21, 6) AS INTEGER))"

    took = f"{micros_of('completed_at')} - {micros_of('processing_at')}"
    return f"(SELECT count(*) FROM json_each('[{bounds}]') WHERE value <= {took})"  # noqa: S608 - as above


def downgrade() -> None:
    op.drop_index("ix_payment_orders_lost_fees", "payment_orders")
    for table, indexes in INDEXES.items():
        for columns in indexes:
            names = (columns,) if isinstance(columns, str) else columns
            op.drop_index(f"ix_{table}_{'_'.join(names)}", table)
    for table in TABLES:
        op.drop_table(table)
