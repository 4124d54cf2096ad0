"""What can be wrong with a workflow's definition, and with what is asked of its executions."""

from domain.shared.errors import BusinessRuleViolation, InvalidTransition, NotFound, ValidationError


class WorkflowTooLarge(ValidationError):
    """More steps or more dependencies than a definition may have."""

    code = "workflow_too_large"
    summary = "A workflow has 1 to 2,000 steps with at most 20,000 dependencies between them."


class WorkflowStepDuplicate(ValidationError):
    """Two steps share a key; ``step`` names it."""

    code = "workflow_step_duplicate"
    summary = "Every step of a workflow has a key of its own."


class InvalidStep(ValidationError):
    """A step does not say what its kind needs; ``reason`` tells."""

    code = "workflow_step_invalid"
    summary = "The step is not acceptable."


class DependencyUnknown(ValidationError):
    """A step depends on one that is not there."""

    code = "workflow_dependency_unknown"
    summary = "A step depends on a step that the workflow does not have."


class DependencyDuplicate(ValidationError):
    """A step names the same dependency twice."""

    code = "workflow_dependency_duplicate"
    summary = "A step names every dependency once."


class WorkflowCycle(ValidationError):
    """Steps wait for each other; ``step`` is one of them."""

    code = "workflow_cycle"
    summary = "The steps of a workflow must not wait for each other in a circle."


class InvalidStepReference(ValidationError):
    """A reference cannot be read, or names neither a parameter nor a step; ``step`` says where it stands."""

    code = "workflow_reference_invalid"
    summary = 'A reference is {"from": "params.name"} or {"from": "step.output.path"}.'


class ReferenceNotUpstream(ValidationError):
    """A step refers to the output of one that need not be done before it."""

    code = "workflow_reference_not_upstream"
    summary = "A step can only refer to the outputs of steps that it depends on, directly or through others."


class InvalidParameter(ValidationError):
    """A parameter's declaration, or its value, breaks a rule; ``parameter`` names it and ``reason`` the rule."""

    code = "parameter_invalid"
    summary = "A parameter is not acceptable."


class ParameterMissing(ValidationError):
    """A required parameter without a default was not given."""

    code = "parameter_missing"
    summary = "A required parameter is missing."


class ParameterUnknown(ValidationError):
    """A value was given for a parameter that there is not."""

    code = "parameter_unknown"
    summary = "There is no such parameter."


class WorkflowNotActive(BusinessRuleViolation):
    """Only active workflows are started."""

    code = "workflow_not_active"
    summary = "The workflow is not active."


class WorkflowArchived(BusinessRuleViolation):
    """An archived workflow gets no new versions."""

    code = "workflow_archived"
    summary = "The workflow is archived."


class WorkflowUnpublished(BusinessRuleViolation):
    """There is no version to activate or to run."""

    code = "workflow_unpublished"
    summary = "The workflow has no version yet."


class WorkflowVersionNotFound(NotFound):
    """The workflow has no version of this number."""

    code = "workflow_version_not_found"
    summary = "The workflow has no such version."


class WorkflowStepNotFound(NotFound):
    """The execution has no step of this key."""

    code = "workflow_step_not_found"
    summary = "The execution has no such step."


class StepNotOpen(InvalidTransition):
    """The step is not waiting for anybody: it has not begun, or is over."""

    code = "workflow_step_not_open"
    summary = "The step is not waiting for this."


class StepNotExternal(BusinessRuleViolation):
    """Tasks conclude agents' steps, people approvals, and payments themselves."""

    code = "workflow_step_not_external"
    summary = "A step of this kind is not concluded from outside."


class WorkflowNotRunning(BusinessRuleViolation):
    """The workflow has no execution under way."""

    code = "workflow_not_running"
    summary = "No execution of the workflow is under way."


class ExecutionAmbiguous(BusinessRuleViolation):
    """Several executions are under way, so the workflow alone does not say which one is meant."""

    code = "workflow_execution_ambiguous"
    summary = "Several executions of the workflow are under way; name one."
