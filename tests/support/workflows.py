"""An organization in which workflows run, and an agent that does their tasks."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from application.kernel.actor import Actor
from application.work.workflow_attendance import Attendance
from domain.shared.ids import AgentId, WorkflowExecutionId, decode_id
from tests.support.stack import Body, Stack


@dataclass(kw_only=True)
class Bench:
    """One agent, one workflow, and the execution that was begun last; ``earlier`` are those before it."""

    stack: Stack
    actor: Actor
    agent: str
    workflow: str = ""
    current: str = ""
    earlier: list[str] = field(default_factory=list)

    def task(self, key: str, *depends_on: str, **fields: object) -> Body:
        """Return a step of the agent's."""
        return {"key": key, "kind": "agent_task", "depends_on": list(depends_on), "agent_id": self.agent, **fields}

    def approval(self, key: str, *depends_on: str, **fields: object) -> Body:
        """Return a step that a person decides."""
        return {"key": key, "kind": "approval", "depends_on": list(depends_on), **fields}

    def as_agent(self) -> Actor:
        """Return the agent as a caller who has every scope."""
        return replace(self.actor, agent_id=AgentId(decode_id("agt", self.agent)), id=self.agent)

    async def publish(self, steps: Sequence[Body], **fields: object) -> Body:
        """Publish a version."""
        return await self.stack.run("workflows.publish_version", self.actor, id=self.workflow, steps=steps, **fields)

    async def start(
        self, steps: Sequence[Body], *, input: Body | None = None, activate: bool = True, **fields: object  # noqa: A002 - the field's name
    ) -> Body:  # fmt: skip
        """Make a workflow of these steps, and begin an execution of it."""
        made = await self.stack.run("workflows.create", self.actor, name="Bench")
        self.workflow = str(made["id"])
        await self.publish(steps, **fields)
        if activate:
            await self.stack.run("workflows.activate", self.actor, id=self.workflow)
        return await self.again(input=input or {})

    async def again(self, **fields: object) -> Body:
        """Begin another execution."""
        begun = await self.stack.run("workflow_executions.start", self.actor, workflow_id=self.workflow, **fields)
        if self.current:
            self.earlier.append(self.current)
        self.current = str(begun["id"])
        return begun

    async def run(self, name: str, actor: Actor | None = None, /, **fields: object) -> Body:
        """Run a use-case about the execution."""
        return await self.stack.run(name, actor or self.actor, id=self.current, **fields)

    async def execution(self) -> Body:
        """Return the execution."""
        return await self.run("workflow_executions.get")

    async def steps(self) -> list[Body]:
        """Return its steps, at most a hundred."""
        return self.data(await self.run("workflow_executions.list_steps", limit=100))

    async def step(self, key: str) -> Body:
        """Return one step."""
        return next(each for each in await self.steps() if each["key"] == key)

    async def states(self) -> dict[str, str]:
        """Return every step's status by key."""
        return {str(each["key"]): str(each["status"]) for each in await self.steps()}

    async def tasks(self) -> list[Body]:
        """Return the organization's tasks."""
        return self.data(await self.stack.run("tasks.list", self.actor, limit=100))

    async def claim(self) -> Body | None:
        """Let the agent take a task, if there is one."""
        claims = self.data(await self.stack.run("tasks.claim", self.actor, agent_id=self.agent))
        return claims[0] if claims else None

    async def complete(self, claim: Body | None, output: Body) -> Body:
        """Let the agent be done with a task."""
        assert claim is not None
        task = cast("Body", claim["task"])
        return await self.stack.run("tasks.complete", self.actor, id=task["id"], token=claim["token"], output=output)

    async def work(self, output: Body | None = None) -> Body | None:
        """Let the agent do one task, and return its input; None when there is none."""
        claim = await self.claim()
        if claim is None:
            return None
        await self.complete(claim, output or {})
        return cast("Body", cast("Body", claim["task"])["input"])

    async def fail(self, *, step: str) -> None:
        """Let the agent give the task of a step up for good, after giving others back."""
        wanted = (await self.step(step))["task_id"]
        claims = self.data(await self.stack.run("tasks.claim", self.actor, agent_id=self.agent, limit=50))
        for claim in claims:
            task = cast("Body", claim["task"])
            about = {"id": task["id"], "token": claim["token"]}
            if task["id"] == wanted:
                await self.stack.run("tasks.fail", self.actor, **about, error={"code": "no_idea"}, retry=False)
            else:
                await self.stack.run("tasks.release", self.actor, **about)

    async def attend(self) -> None:
        """Let the worker look at the execution."""
        execution = WorkflowExecutionId(decode_id("wfx", self.current))
        await Attendance(self.stack.units, self.stack.dispatcher, self.stack.clock).attend(
            self.actor.organization_id, execution
        )

    @staticmethod
    def data(listed: Body) -> list[Body]:
        """Return what a list answered."""
        return cast("list[Body]", listed["data"])


async def bench(stack: Stack, of: Actor | None = None) -> Bench:
    """Make an active agent, in an organization of its own unless there is one."""
    actor = of or await stack.organization()
    made = await stack.run("agents.create", actor, name="Ada", type="worker", capabilities=["sums"])
    await stack.run("agents.activate", actor, id=made["id"])
    return Bench(stack=stack, actor=actor, agent=str(made["id"]))
