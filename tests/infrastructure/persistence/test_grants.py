"""What the application's role may not do, since nothing of ours does it."""

import asyncpg
import pytest

from tests.support.stack import Stack


@pytest.mark.parametrize("table", ["refunds", "checkouts", "provider_notices"])
async def test_what_is_about_money_is_never_deleted(table: str, pg_stack: Stack) -> None:
    """Not by a mistake, and not by whoever gets hold of the application's connection."""
    connection = await asyncpg.connect(pg_stack.urls.app)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(f"DELETE FROM {table}")
    finally:
        await connection.close()
