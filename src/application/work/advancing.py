"""How an execution advances: in the transaction that ends one of its steps, and by no more than what that changes.

Everybody who changes steps locks the execution's row first, so that two steps that end at once count each other; who
ends the task of a step locks the execution before the task. Whoever cancels an execution so waits in the same line, and
nobody who has a task waits for somebody who wants it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from application.kernel.ports import IIds
from application.kernel.unit_of_work import IUnitOfWork
from domain.shared.errors import StoaError
from domain.shared.ids import TaskId, WorkflowExecutionId, WorkflowStepId
from domain.work.task import Task
from domain.work.task_plan import TaskPlan, TaskStatus
from domain.work.workflow_definition import StepDefinition, StepKind
from domain.work.workflow_execution import ExecutionStatus, WorkflowExecution
from domain.work.workflow_references import resolve, steps_in
from domain.work.workflow_step import StepStatus, WorkflowStep, steps_of

ATTEND = "workflows.attend"
"""The job that looks at an execution's waiting steps when their time has come; one for each execution."""

TASK_TYPE = "workflow_step"


type Executions = Mapping[TaskId, WorkflowExecutionId]
"""Executions by the tasks that are steps of theirs."""


async def hold_execution(uow: IUnitOfWork, task_id: TaskId) -> Executions:
    """Lock the execution that a task is a step of, if it is one; the task itself comes after that."""
    executions = await uow.workflow_steps.executions_of([task_id])
    for execution_id in executions.values():
        await uow.workflow_executions.get(execution_id, lock=True)
    return executions


async def hold_free_executions(uow: IUnitOfWork, tasks: Sequence[Task]) -> tuple[list[Task], Executions]:
    """Lock executions that nobody has, and return the tasks that are theirs or no steps at all.

    The tasks are locked already, so there must be no waiting; the others are looked at again soon.
    """
    executions = await uow.workflow_steps.executions_of([task.id for task in tasks])
    free = await uow.workflow_executions.lock_free(set(executions.values()))
    ours = [task for task in tasks if task.id not in executions or executions[task.id] in free]
    return ours, {task.id: executions[task.id] for task in ours if task.id in executions}


async def tasks_ended(
    uow: IUnitOfWork, tasks: Iterable[Task], executions: Executions, *, now: datetime, ids: IIds
) -> None:
    """Advance the executions that these tasks are steps of, if any; tasks that are not over change nothing.

    Whoever ends tasks calls this once in the same transaction, with executions and tasks locked. It flushes.
    """
    over = {task.id: task for task in tasks if task.is_over}
    for task_id, execution_id in sorted(executions.items(), key=lambda pair: (pair[1], pair[0])):
        if task_id in over:
            await _task_ended(uow, over[task_id], execution_id, now=now, ids=ids)


async def _task_ended(
    uow: IUnitOfWork, task: Task, execution_id: WorkflowExecutionId, *, now: datetime, ids: IIds
) -> None:
    execution = await uow.workflow_executions.get(execution_id, lock=True)
    step = await uow.workflow_steps.of_task(task.id)
    if step is None or step.status is not StepStatus.RUNNING:
        return
    now = execution.moment(now)
    if task.status is TaskStatus.COMPLETED:
        step.complete(task.output or {}, now, uow.actor.id)
    else:
        step.fail(task.error or {"code": f"task_{task.status.value}"}, now, uow.actor.id)
    await step_ended(uow, execution, step, StepStatus.RUNNING, now=now, ids=ids)


async def step_ended(
    uow: IUnitOfWork, execution: WorkflowExecution, step: WorkflowStep, was: StepStatus, *, now: datetime, ids: IIds
) -> None:
    """Begin what waited for a step that has just ended; ``was`` is how it was open, and the execution is locked."""
    now = execution.moment(now)
    execution.concluded(step, was, now)
    ready: list[WorkflowStep] = []
    if step.status is StepStatus.COMPLETED:
        # Also of an execution that has failed: retrying it begins whatever waits for nothing any more.
        ready = await uow.workflow_steps.release(execution.id, step.dependents)
    begun = ready if execution.is_under_way else []
    await _begin(uow, execution, begun, ended=step, now=now, ids=ids)
    await uow.flush()
    await uow.workflow_steps.write([step, *begun])
    await _wake(uow, execution, begun, now)


async def launch(
    uow: IUnitOfWork, execution: WorkflowExecution, definition: Sequence[StepDefinition], *, now: datetime, ids: IIds
) -> None:
    """Make the steps of a new execution, and begin those that wait for nothing."""
    uow.workflow_executions.add(execution)
    fresh = [WorkflowStepId(ids.new()) for _ in definition]
    steps = steps_of(definition, execution.id, execution.organization_id, fresh)
    roots = [step for step in steps if not step.open_dependencies]
    await _begin(uow, execution, roots, now=now, ids=ids)
    await uow.flush()
    await uow.workflow_steps.insert(steps)
    await _wake(uow, execution, roots, now)


async def relaunch(uow: IUnitOfWork, execution: WorkflowExecution, *, now: datetime, ids: IIds) -> None:
    """Begin the failed steps of a locked execution again, and those that could not begin because of them."""
    steps = await uow.workflow_steps.to_begin(execution.id)
    await _begin(uow, execution, steps, now=now, ids=ids)
    await uow.flush()
    await uow.workflow_steps.write(steps)
    await _wake(uow, execution, steps, now)


async def attend_later(uow: IUnitOfWork, execution: WorkflowExecution, now: datetime) -> None:
    """Have a worker look at the execution when its next waiting step is due, if there is one."""
    due = await uow.workflow_steps.next_due(execution.id)
    if due is None:
        await uow.jobs.finish(ATTEND, execution.id)
    else:
        await uow.jobs.schedule(ATTEND, execution.id, delay=max(due - now, timedelta()))


async def _wake(uow: IUnitOfWork, execution: WorkflowExecution, begun: Sequence[WorkflowStep], now: datetime) -> None:
    if any(step.due_at is not None for step in begun):
        await attend_later(uow, execution, now)


async def _begin(
    uow: IUnitOfWork, execution: WorkflowExecution, steps: Sequence[WorkflowStep], *,
    ended: WorkflowStep | None = None, now: datetime, ids: IIds,
) -> None:  # fmt: skip
    """Begin steps that wait for nothing any more, count them, and answer when the execution is complete."""
    outputs = await _outputs(uow, execution, {key for step in steps for key in steps_in(step.template)}, ended)
    for step in steps:
        _begin_one(uow, execution, step, outputs, now=now, ids=ids)
    execution.begun(steps, now)
    if execution.status is ExecutionStatus.COMPLETED:
        outputs = await _outputs(uow, execution, steps_in(execution.output_template), ended)
        execution.answer(resolve(execution.output_template, execution.input, outputs, strict=False))


async def _outputs(
    uow: IUnitOfWork, execution: WorkflowExecution, keys: set[str], ended: WorkflowStep | None
) -> dict[str, dict[str, object]]:
    """Return outputs by key; that of the step that is just ending is not stored yet."""
    known = {} if ended is None or ended.output is None else {ended.key: ended.output}
    return known | await uow.workflow_steps.outputs(execution.id, keys - known.keys())


def _begin_one(
    uow: IUnitOfWork, execution: WorkflowExecution, step: WorkflowStep, outputs: dict[str, dict[str, object]], *,
    now: datetime, ids: IIds,
) -> None:  # fmt: skip
    try:
        given = resolve(step.template, execution.input, outputs, strict=True)
    except StoaError as error:
        # The data does not fit: that is this step's failure, and not that of whoever finished the one before.
        step.begin(StepStatus.WAITING, {}, now)
        step.fail({"code": error.code, "message": error.message}, now, uow.actor.id)
        return
    step.begin(StepStatus.RUNNING if step.kind is StepKind.AGENT_TASK else StepStatus.WAITING, given, now)
    if step.kind is StepKind.AGENT_TASK:
        step.task_id = _ask_agent(uow, step, given, now=now, ids=ids)
    if step.kind in (StepKind.WAIT, StepKind.PAYMENT):
        step.due_at = now + timedelta(seconds=step.wait_seconds or 0)


def _ask_agent(uow: IUnitOfWork, step: WorkflowStep, given: dict[str, object], *, now: datetime, ids: IIds) -> TaskId:
    plan = TaskPlan(
        title=step.name or step.key, type=TASK_TYPE, agent_id=step.agent_id, capability=step.capability, input=given,
        max_attempts=step.max_attempts, metadata={},
    )  # fmt: skip
    task = Task.create(plan, id=TaskId(ids.new()), organization_id=step.organization_id, now=now)
    uow.tasks.add(task)
    return task.id
