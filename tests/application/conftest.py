"""What tests of use-cases need besides an organization."""

import pytest
from sqlalchemy import delete

from infrastructure.persistence.models.technical import JobRow
from tests.support.stack import Stack


@pytest.fixture
async def no_other_jobs(stack: Stack) -> None:
    """Forget the jobs that other tests left: whoever takes jobs from the database would take those as well."""
    async with stack.relay_database.engine.begin() as connection:
        await connection.execute(delete(JobRow))
