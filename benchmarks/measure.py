"""Comparing contestants fairly on a machine that is busy with other things too."""

import gc
import random
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

type Contestant = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Scale:
    """How long to measure: ``quick`` trades certainty for a minute."""

    quick: bool

    def rounds(self, full: int) -> int:
        """Return how many rounds to run instead of ``full``."""
        return max(2, full // 8) if self.quick else full


@dataclass(frozen=True, slots=True)
class Ratio:
    """One contestant's cost in units of another's: elapsed time, and CPU time of this process."""

    wall: float
    cpu: float


@dataclass(slots=True)
class Series:
    """Seconds per operation of every contestant, round by round."""

    wall: dict[str, list[float]] = field(default_factory=dict)
    cpu: dict[str, list[float]] = field(default_factory=dict)

    def note(self, name: str, wall: float, cpu: float) -> None:
        """Add one contestant's share of a round."""
        self.wall.setdefault(name, []).append(wall)
        self.cpu.setdefault(name, []).append(cpu)

    def ratio(self, name: str, to: str) -> Ratio:
        """Return the median over the rounds of one contestant's cost by another's in the same round."""
        return Ratio(_ratio(self.wall[name], self.wall[to]), _ratio(self.cpu[name], self.cpu[to]))

    def micros(self) -> dict[str, float]:
        """Return the median microseconds per operation."""
        return {name: round(statistics.median(values) * 1e6, 1) for name, values in self.wall.items()}


def _ratio(these: list[float], those: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(these, those, strict=True) if b)


async def compare(
    title: str,
    contestants: Mapping[str, Contestant],
    *,
    rounds: int,
    number: int,
    before: Mapping[str, Contestant] | None = None,
) -> Series:
    """Run everybody ``number`` times in each round, in a new order each time, after one round to warm up.

    What a contestant needs ``before`` its turn is not measured.
    """
    progress(f"{title} …")
    series = Series()
    order = list(contestants)
    for turn in range(rounds + 1):
        random.shuffle(order)
        for name in order:
            if before and name in before:
                await before[name]()
            wall, cpu = await _timed(contestants[name], number)
            if turn:
                series.note(name, wall, cpu)
    progress(f"{title}: " + ", ".join(f"{name} {micros:,.0f} µs" for name, micros in series.micros().items()))
    return series


async def _timed(contestant: Contestant, number: int) -> tuple[float, float]:
    # What the others left behind is not this one's to clean up.
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(number):
        await contestant()
    return (time.perf_counter() - wall) / number, (time.process_time() - cpu) / number


def progress(line: str) -> None:
    """Tell whoever waits what is going on."""
    print(line, file=sys.stderr, flush=True)
