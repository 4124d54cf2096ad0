"""Writes ``docs/asvs.md``: each requirement of OWASP ASVS 5.0 at levels 1 and 2, with its tests or why there are none.

``docs/asvs.toml`` holds the ids as OWASP publishes them and, in our own words, what each is about. A pattern over
``path::test`` that matches nothing is a complaint, so that a renamed test cannot leave its requirement uncovered.

Usage: ``python -m scripts.asvs``
"""

import tomllib
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from attrs import frozen

from scripts.coverage_of_features import every_test

ROOT = Path(__file__).resolve().parents[1]
SOURCE, PAGE = ROOT / "docs" / "asvs.toml", ROOT / "docs" / "asvs.md"
PUBLISHED = {"L1": 70, "L2": 183}
"""How many requirements of each level the published list has (5.0.0)."""
HEADER = """# OWASP ASVS 5.0, level 2

Made by `python -m scripts.asvs` from `docs/asvs.toml` and the names of the tests; the suite fails when it is stale. The
ids are those of version 5.0.0; what they are about is said in our words, the requirements themselves are at
[OWASP](https://github.com/OWASP/ASVS/tree/v5.0.0). A test named here shows what Stoa does about the requirement; no
auditor has judged whether that is enough.
"""


@frozen(kw_only=True)
class Requirement:
    """One id, and its evidence: tests, why it does not apply, or what is missing."""

    chapter: str
    level: str
    id: str
    about: str
    patterns: tuple[str, ...] = ()
    no: str = ""
    missing: str = ""

    @property
    def applies(self) -> bool:
        """Whether it is about anything that Stoa has."""
        return not self.no

    def complaints(self, found: Sequence[str]) -> Iterator[str]:
        """Say what is wrong with its evidence."""
        if [bool(self.patterns), bool(self.no), bool(self.missing)].count(True) != 1:
            yield f"{self.id}: neither tests nor a reason, or both"
        yield from (f"{self.id}: no test matches {each!r}" for each in self.patterns if not _matching(each, found))

    def __str__(self) -> str:
        """Return its row."""
        tests = "<br>".join(f"`{each}`" for each in self.patterns)
        evidence = tests or (f"does not apply: {self.no}" if self.no else f"**missing: {self.missing}**")
        return f"| {self.id} | {self.level[1]} | {self.about} | {evidence} |"


def requirements() -> list[Requirement]:
    """Read all of them, in order."""
    return [
        _requirement(chapter, key, evidence)
        for chapter, listed in tomllib.loads(SOURCE.read_text("utf-8")).items()
        for key, evidence in listed.items()
    ]


def _requirement(chapter: str, key: str, evidence: list[str] | dict[str, str]) -> Requirement:
    level, id_, about = key.split(" ", 2)
    if isinstance(evidence, list):
        return Requirement(chapter=chapter, level=level, id=id_, about=about, patterns=tuple(evidence))
    no, missing = evidence.get("no", ""), evidence.get("missing", "")
    return Requirement(chapter=chapter, level=level, id=id_, about=about, no=no, missing=missing)


def _matching(pattern: str, found: Sequence[str]) -> bool:
    return any(fnmatchcase(test, f"tests/{pattern}") for test in found)


def share_with_tests(listed: Sequence[Requirement]) -> float:
    """Return the share of those that apply which have a test."""
    applying = [each for each in listed if each.applies]
    return sum(bool(each.patterns) for each in applying) / len(applying)


def page(listed: Sequence[Requirement]) -> str:
    """Return the page's text."""
    applying = [each for each in listed if each.applies]
    shown = sum(bool(each.patterns) for each in applying)
    share = f"{share_with_tests(listed):.1%}"
    counted = f"{len(listed)} requirements, {len(applying)} apply, {shown} of these have tests ({share})."
    lines, chapter = [HEADER, counted], ""
    for each in listed:
        if each.chapter != chapter:
            chapter = each.chapter
            lines += ["", f"## {chapter}", "", "| id | level | about | shown by |", "|---|---|---|---|"]
        lines.append(str(each))
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the page, and complain."""
    listed, found = requirements(), every_test()
    PAGE.write_text(page(listed), "utf-8")
    complaints = [complaint for each in listed for complaint in each.complaints(found)]
    print("\n".join(complaints))
    return 1 if complaints else 0


if __name__ == "__main__":
    raise SystemExit(main())
