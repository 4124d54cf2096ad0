"""The page of what was asked for is fresh, and everything on it has a test or a reason why not."""

import re
from fnmatch import fnmatchcase

import pytest

from scripts.coverage_of_features import PAGE, Feature, every_test, features, page
from tests.support.use_cases import EVERY

ASKED = features()
TESTS = every_test()
RESOURCES = {name.partition(".")[0] for name in EVERY}
USE_CASES = {
    named
    for feature in ASKED
    for named in re.findall(r"`([a-z_]+\.(?:[a-z_]+|\*))`", feature.asked)
    if named.partition(".")[0] in RESOURCES
}
"""The use-cases that the page names; ``resource.*`` stands for all of a resource."""


def test_the_page_is_what_would_be_written() -> None:
    """``python scripts/coverage_of_features.py`` writes it."""
    assert PAGE.read_text("utf-8") == page(ASKED, TESTS)


def test_every_feature_has_tests_or_a_reason() -> None:
    """Each pattern matches a test that there is, and a reason says whether it is code or test that is missing."""
    assert [complaint for feature in ASKED for complaint in feature.complaints(TESTS)] == []


def test_nothing_is_asked_twice() -> None:
    """One line for one feature."""
    asked = [feature.asked for feature in ASKED]
    assert len(asked) == len(set(asked))


def test_every_resource_is_named_and_every_use_case_that_is_named_exists() -> None:
    """A new aggregate cannot be forgotten, and a renamed use-case is noticed."""
    assert {name.partition(".")[0] for name in USE_CASES} == RESOURCES
    assert [named for named in USE_CASES if not any(fnmatchcase(name, named) for name in EVERY)] == []


@pytest.mark.parametrize(
    ("evidence", "complaint"),
    [
        ({}, "neither tests nor a reason"),
        ({"patterns": ("test_features.py::*",), "missing": "not built: for two reasons"}, "or both"),
        ({"missing": "later"}, "begins with one of"),
        ({"patterns": ("test_features.py::*", "test_features.py::test_nowhere")}, "no test matches"),
    ],
)
def test_what_is_wrong_with_a_feature_is_told(evidence: dict[str, str], complaint: str) -> None:
    """Each way to have no evidence is found."""
    feature = Feature(section="Teeth", asked="Something", **evidence)  # type: ignore[arg-type]  # reason: by name
    assert complaint in " ".join(feature.complaints(TESTS))


def test_a_row_shows_the_first_tests_and_counts_the_others() -> None:
    """A feature that hundreds of tests show keeps the page readable, and a bar in its text does not end its cell."""
    feature = Feature(section="Teeth", asked="`|`", patterns=("contracts/*",))
    row = page([feature], TESTS).splitlines()[-1]
    assert row.startswith(r"| `\|` | [")
    assert row.count("](../tests/contracts/") == 6
    assert re.search(r"and \d+ more \|$", row)
