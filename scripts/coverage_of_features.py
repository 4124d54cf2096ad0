"""Writes ``docs/coverage-of-features.md``: what was asked for, and the tests that show it.

``docs/features.toml`` lists what was asked. Each entry names tests by patterns over ``path::function``; a pattern that
matches nothing is an error, so a renamed or deleted test cannot leave its feature uncovered unnoticed.

Usage: ``python scripts/coverage_of_features.py [--check]``; with ``--check`` nothing is written and a stale page fails.
"""

import ast
import sys
import tomllib
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE, PAGE = ROOT / "docs" / "features.toml", ROOT / "docs" / "coverage-of-features.md"
SHOWN = 6
HEADER = """# What was asked for, and where it is tested

Made by `python scripts/coverage_of_features.py` from `docs/features.toml` and the names of the tests; the suite fails
when it is stale or when a feature has no test. Generated tests (`tests/contracts`, `tests/faults`) run once per
use-case, table or cut point, so one line here can stand for hundreds of runs.
"""


def tests() -> list[str]:
    """Return every test function as ``path::name``, sorted."""
    return sorted(f"{path.relative_to(ROOT).as_posix()}::{name}" for path in _files() for name in _functions(path))


def _files() -> Iterator[Path]:
    return (ROOT / "tests").rglob("test_*.py")


def _functions(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node.name
        elif isinstance(node, ast.Assign) and ast.unparse(node.value).endswith(".TestCase"):
            # A state machine of hypothesis is collected under the name its case is bound to.
            yield ast.unparse(node.targets[0])


def page(found: list[str]) -> tuple[str, list[str]]:
    """Return the page's text, and one complaint for each feature that nothing tests."""
    complaints: list[str] = []
    lines = [HEADER]
    for section in tomllib.loads(SOURCE.read_text())["section"]:
        lines += [f"## {section['title']}", "", "| asked | tested by |", "|---|---|"]
        for feature in section["features"]:
            shown, missing = _matches(feature, found)
            complaints += [f"{section['title']}: {feature['asked']}: no test matches {p!r}" for p in missing]
            lines.append(f"| {feature['asked']} | {shown} |")
        lines.append("")
    return "\n".join(lines), complaints


def _matches(feature: Mapping[str, list[str]], found: list[str]) -> tuple[str, list[str]]:
    """Return the cell with the matching tests, and the patterns that match none."""
    by_pattern = {
        pattern: [test for test in found if fnmatchcase(test, f"tests/{pattern}")] for pattern in feature["tests"]
    }
    matching = sorted({test for tests in by_pattern.values() for test in tests})
    cells = [_link(test) for test in matching[:SHOWN]]
    rest = len(matching) - SHOWN
    if rest > 0:
        cells.append(f"and {rest} more")
    return "<br>".join(cells), [pattern for pattern, hits in by_pattern.items() if not hits]


def _link(test: str) -> str:
    path, _, name = test.partition("::")
    return f"[{name.removeprefix('test_').replace('_', ' ')}](../{path})"


def main() -> int:
    """Write the page, or check that it is what would be written."""
    text, complaints = page(tests())
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(text)
    elif PAGE.read_text() != text:
        complaints.append("docs/coverage-of-features.md is stale: run scripts/coverage_of_features.py")
        print(complaints[-1], file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    raise SystemExit(main())
