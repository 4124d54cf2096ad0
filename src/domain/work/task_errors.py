"""What can be wrong with a task, and with whoever works on it."""

from domain.shared.errors import BusinessRuleViolation, Conflict, DuplicateError, ValidationError


class AgentExecutionError(Conflict):
    """An agent could not do its work, or may not go on with it."""

    code = "agent_execution"
    summary = "The agent's work on the task has failed."


class AgentTimeoutError(AgentExecutionError):
    """The time for one attempt is over; runs that end so keep this code as their error."""

    code = "agent_timeout"
    summary = "The agent did not finish the task, or give a sign of life, in time."


class TaskLeaseLost(AgentExecutionError):
    """The token is not the one of the present claim: somebody else has the task, or nobody, or it is over."""

    code = "lease_lost"
    summary = "The task is no longer claimed under this token; stop working on it."


class AgentNotActive(Conflict):
    """Only an active agent is given work."""

    code = "agent_not_active"
    summary = "The agent is not active."


class TaskFinished(BusinessRuleViolation):
    """Nothing about a task changes once it is over."""

    code = "task_finished"
    summary = "The task is finished."


class TaskClaimed(BusinessRuleViolation):
    """An agent is working on the task just now."""

    code = "task_claimed"
    summary = "An agent is working on the task."


class DependencyCycle(BusinessRuleViolation):
    """A task would have to wait for itself."""

    code = "dependency_cycle"
    summary = "The dependency would make a task wait for itself."


class DependencyExists(DuplicateError):
    """The task waits for the other one already."""

    code = "dependency_exists"
    summary = "The task depends on the other one already."


class TooManyDependencies(ValidationError):
    """A task waits for at most 100 others."""

    code = "dependency_limit"
    summary = "A task depends on at most 100 others."


class InvalidSchedule(ValidationError):
    """A task cannot be due before it may be begun."""

    code = "schedule_invalid"
    summary = "A task is due after it may be begun."
