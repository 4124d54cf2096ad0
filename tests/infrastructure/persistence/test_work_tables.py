"""Jobs as handlers write them."""

from uuid import UUID, uuid4

from sqlalchemy import select

from application.kernel.actor import Actor
from infrastructure.persistence.models.technical import JobRow
from tests.infrastructure.persistence.samples import unit
from tests.support.stack import Stack

KIND = "tests.idle"


async def test_a_job_that_is_made_again_is_another_one(stack: Stack) -> None:
    """Its fencing token is new, so that a worker that slept through the end of the first cannot end the second."""
    actor, subject = await stack.organization(), uuid4()
    tokens = {await _made_again(stack, actor, subject) for _ in range(8)}
    assert len(tokens) == 8


async def _made_again(stack: Stack, actor: Actor, subject: UUID) -> object:
    async with unit(stack, actor) as uow:
        await uow.jobs.finish(KIND, subject)
        await uow.jobs.schedule(KIND, subject)
        await uow.commit()
    async with unit(stack, actor) as uow:
        token = select(JobRow.token).where(JobRow.subject_id == subject)
        (row,) = await uow.session.rows(uow.session.prepare(("token", subject), lambda: token), {})
        await uow.jobs.finish(KIND, subject)
        await uow.commit()
        return row[0]
