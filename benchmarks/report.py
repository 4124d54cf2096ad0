"""What was measured beside what was promised."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.table import Table

from benchmarks.measure import Ratio


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound for a ratio."""

    kind: Literal["at most", "at least"]
    bound: float

    def holds(self, value: float) -> bool:
        """Say whether a ratio keeps to it."""
        return value <= self.bound if self.kind == "at most" else value >= self.bound

    def __str__(self) -> str:
        return f"{'≤' if self.kind == 'at most' else '≥'} {self.bound:g}"


def at_most(bound: float) -> Goal:
    """Promise a cost of no more than so many times the limit."""
    return Goal("at most", bound)


def at_least(bound: float) -> Goal:
    """Promise to be so many times faster, or to reach such a share of the limit."""
    return Goal("at least", bound)


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured ratio, and what was promised of it, if anything was. ``cpu`` is the ratio of client CPU time."""

    value: float
    cpu: float | None = None
    goal: Goal | None = None

    @classmethod
    def of(cls, ratio: Ratio, goal: Goal | None = None) -> "Figure":
        """Take a ratio of a comparison."""
        return cls(ratio.wall, ratio.cpu, goal)

    @property
    def missed(self) -> bool:
        """Whether the promise is broken."""
        return self.goal is not None and not self.goal.holds(self.value)

    def __str__(self) -> str:
        shown = f"{self.value:.2f}" if self.value < 100 else f"{self.value:,.0f}"
        return shown if self.cpu is None else f"{shown} ({self.cpu:.2f})"


@dataclass(frozen=True, slots=True)
class Row:
    """One operation: Stoa's cost in units of the limit, and how many times faster than the peer it is."""

    operation: str
    raw: Figure | None = None
    peer: Figure | None = None
    micros: dict[str, float] | None = None

    @property
    def verdict(self) -> str:
        """Return PASS, MISS, or nothing where nothing was promised."""
        figures = [figure for figure in (self.raw, self.peer) if figure is not None and figure.goal is not None]
        if not figures:
            return ""
        return "MISS" if any(figure.missed for figure in figures) else "PASS"


def show(rows: Sequence[Row]) -> None:
    """Print the table, with client CPU ratios in brackets."""
    table = Table(title="Stoa against the limit (raw asyncpg) and the peer (advanced-alchemy + set_config)")
    for heading, align in (
        ("operation", "left"),
        ("vs raw", "right"),
        ("goal", "right"),
        ("peer / Stoa", "right"),
        ("goal", "right"),
        ("", "left"),
    ):
        table.add_column(heading, justify="right" if align == "right" else "left", no_wrap=heading != "operation")
    for row in rows:
        colour = {"PASS": "green", "MISS": "bold red"}.get(row.verdict, "")
        verdict = f"[{colour}]{row.verdict}[/]" if colour else ""
        table.add_row(row.operation, *_cells(row.raw), *_cells(row.peer), verdict)
    # A pipe has no width of its own, and a table folded to 80 columns cannot be read.
    console = Console()
    Console(width=max(console.width, 130)).print(table)
    missed = [row.operation for row in rows if row.verdict == "MISS"]
    kept = sum(row.verdict == "PASS" for row in rows)
    console.print(f"{kept} goals kept, {len(missed)} missed. Ratios are medians over interleaved rounds; (…) is CPU.")


def _cells(figure: Figure | None) -> tuple[str, str]:
    return ("", "") if figure is None else (str(figure), str(figure.goal or ""))


def save(rows: Sequence[Row], path: Path, conditions: dict[str, object]) -> None:
    """Write everything as JSON."""
    described = [{**asdict(row), "verdict": row.verdict} for row in rows]
    path.write_text(json.dumps({"conditions": conditions, "rows": described}, indent=2, ensure_ascii=False) + "\n")
