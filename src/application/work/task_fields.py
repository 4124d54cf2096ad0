"""Types of fields that the commands about tasks share."""

from typing import Annotated

from annotated_types import Interval, Len

from domain.shared.ids import TaskId
from domain.shared.text import DESCRIPTION, NAME
from domain.work.lanes import CAPABILITY, HIGHEST_PRIORITY, LOWEST_PRIORITY
from domain.work.task_plan import MAX_ATTEMPTS, MAX_DEPENDENCIES
from domain.work.task_run import LONGEST_LEASE, SHORTEST_LEASE

Title = Annotated[str, NAME]
Description = Annotated[str, DESCRIPTION]
Label = Annotated[str, CAPABILITY]
Priority = Annotated[int, Interval(ge=LOWEST_PRIORITY, le=HIGHEST_PRIORITY)]
Timeout = Annotated[int, Interval(ge=1, le=7 * 24 * 3600)]
Attempts = Annotated[int, Interval(ge=1, le=MAX_ATTEMPTS)]
Dependencies = Annotated[list[TaskId], Len(0, MAX_DEPENDENCIES)]
SearchTerm = Annotated[str, Len(1, 200)]
Token = Annotated[str, Len(1, 64)]
Worker = Annotated[str, NAME]
LeaseSeconds = Annotated[
    int, Interval(ge=round(SHORTEST_LEASE.total_seconds()), le=round(LONGEST_LEASE.total_seconds()))
]
Batch = Annotated[int, Interval(ge=1, le=100)]
