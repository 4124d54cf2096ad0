"""Writes ``docs/coverage-of-features.md``: what was asked for, and the tests that show it.

``docs/features.toml`` lists what was asked, section by section. Each feature has one of three kinds of evidence:
patterns over ``path::function`` of tests, ``{ elsewhere = … }`` for what another check than a test keeps true, or
``{ missing = … }`` with a reason that begins with "not built: " or "not tested: ". A pattern that matches nothing is a
complaint, so that a renamed or deleted test cannot leave its feature uncovered unnoticed.

Usage: ``python scripts/coverage_of_features.py [--check]``; with ``--check`` nothing is written and a stale page fails.
"""

import ast
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from attrs import frozen

ROOT = Path(__file__).resolve().parents[1]
SOURCE, PAGE = ROOT / "docs" / "features.toml", ROOT / "docs" / "coverage-of-features.md"
SHOWN = 6
REASONS = ("not built", "not tested")
HEADER = """# What was asked for, and where it is tested

Made by `python scripts/coverage_of_features.py` from `docs/features.toml` and the names of the tests; the suite fails
when it is stale, or when a feature has neither a test nor a reason why not. Generated tests (`tests/contracts`,
`tests/faults`) run once per use-case, table or cut point, so one line here can stand for hundreds of runs.
"""


@frozen(kw_only=True)
class Feature:
    """One thing that was asked for, and either its tests' patterns or what there is to say in place of tests."""

    section: str
    asked: str
    patterns: tuple[str, ...] = ()
    elsewhere: str = ""
    missing: str = ""

    def tests(self, found: Sequence[str]) -> list[str]:
        """Return the tests that show it, sorted."""
        return sorted({test for pattern in self.patterns for test in _matching(pattern, found)})

    def complaints(self, found: Sequence[str]) -> Iterator[str]:
        """Say what is wrong with its evidence."""
        where = f"{self.section}: {self.asked}"
        if [bool(self.patterns), bool(self.elsewhere), bool(self.missing)].count(True) != 1:
            yield f"{where}: neither tests nor a reason, or both"
        if self.missing and self.missing.partition(": ")[0] not in REASONS:
            yield f"{where}: a reason begins with one of {', '.join(REASONS)}"
        yield from (f"{where}: no test matches {each!r}" for each in self.patterns if not _matching(each, found))

    def evidence(self, found: Sequence[str]) -> str:
        """Return the right cell of its row."""
        if self.missing:
            return f"**{self.missing}**"
        if self.elsewhere:
            return self.elsewhere
        tests = self.tests(found)
        rest = [f"and {len(tests) - SHOWN} more"] if len(tests) > SHOWN else []
        return "<br>".join([*map(_link, tests[:SHOWN]), *rest])


def features() -> list[Feature]:
    """Read what was asked, in order."""
    return [
        _feature(section["title"], asked, evidence)
        for section in tomllib.loads(SOURCE.read_text("utf-8"))["section"]
        for asked, evidence in section["features"].items()
    ]


def _feature(section: str, asked: str, evidence: list[str] | dict[str, str]) -> Feature:
    if isinstance(evidence, list):
        return Feature(section=section, asked=asked, patterns=tuple(evidence))
    return Feature(
        section=section, asked=asked, elsewhere=evidence.get("elsewhere", ""), missing=evidence.get("missing", "")
    )


def every_test() -> list[str]:
    """Return every test function as ``path::name``, sorted."""
    files = (ROOT / "tests").rglob("test_*.py")
    return sorted(f"{path.relative_to(ROOT).as_posix()}::{name}" for path in files for name in _functions(path))


def _functions(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node.name
        elif isinstance(node, ast.Assign) and ast.unparse(node.value).endswith(".TestCase"):
            # A state machine of hypothesis is collected under the name its case is bound to.
            yield ast.unparse(node.targets[0])


def _matching(pattern: str, found: Sequence[str]) -> list[str]:
    return [test for test in found if fnmatchcase(test, f"tests/{pattern}")]


def _link(test: str) -> str:
    path, _, name = test.partition("::")
    return f"[{name.removeprefix('test_').replace('_', ' ')}](../{path})"


def page(asked: Sequence[Feature], found: Sequence[str]) -> str:
    """Return the page's text."""
    lines, title = [HEADER, _summary(asked), ""], ""
    for feature in asked:
        if feature.section != title:
            title = feature.section
            lines += ["", f"## {title}", "", "| asked | shown by |", "|---|---|"]
        lines.append(f"| {_cell(feature.asked)} | {_cell(feature.evidence(found))} |")
    return "\n".join(lines) + "\n"


def _summary(asked: Sequence[Feature]) -> str:
    kinds = Counter(
        feature.missing.partition(":")[0] or ("elsewhere" if feature.elsewhere else "tests") for feature in asked
    )
    return (
        f"{len(asked)} features: {kinds['tests']} shown by tests, {kinds['elsewhere']} by other checks, "
        f"{kinds['not tested']} not tested, {kinds['not built']} not built."
    )


def _cell(text: str) -> str:
    """Return text that does not end its cell."""
    return text.replace("|", r"\|")


def main() -> int:
    """Write the page, or check that it is what would be written."""
    asked, found = features(), every_test()
    text = page(asked, found)
    complaints = [complaint for feature in asked for complaint in feature.complaints(found)]
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(text, "utf-8")
    elif not PAGE.exists() or PAGE.read_text("utf-8") != text:
        complaints.append(f"docs/{PAGE.name} is stale: run scripts/coverage_of_features.py")
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    raise SystemExit(main())
