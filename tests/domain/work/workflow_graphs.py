"""Random definitions for tests: what waits for what, and nothing else."""

from hypothesis import strategies as st

from domain.work.workflow_definition import StepDefinition, StepKind


def step(key: str, *depends_on: str, kind: StepKind = StepKind.AGENT_TASK, **fields: object) -> StepDefinition:
    """Return one step that is fine unless ``fields`` say otherwise."""
    return StepDefinition(key=key, kind=kind, depends_on=depends_on, **{"input": {}, **fields})  # type: ignore[arg-type]  # reason: fields by name


@st.composite
def graphs(draw: st.DrawFn, *, most: int = 12) -> list[StepDefinition]:
    """Return the steps of a random graph without cycles, in a random order."""
    count = draw(st.integers(1, most))
    steps = [
        step(
            f"s{n}", *draw(st.lists(st.sampled_from([f"s{m}" for m in range(n)]), unique=True, max_size=4)) if n else ()
        )
        for n in range(count)
    ]
    return draw(st.permutations(steps))
