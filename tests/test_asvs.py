"""The map of OWASP's requirements is complete, fresh, and names tests that there are."""

from collections import Counter

from scripts.asvs import PAGE, PUBLISHED, Requirement, page, requirements, share_with_tests
from scripts.coverage_of_features import every_test

LISTED = requirements()
LEAST_TESTED = 0.95


def test_every_published_requirement_of_both_levels_is_listed_once() -> None:
    """Nothing is left out to make the share look better."""
    assert Counter(each.level for each in LISTED) == PUBLISHED
    assert len({each.id for each in LISTED}) == len(LISTED)
    assert all(each.chapter.startswith(f"V{each.id.partition('.')[0]} ") for each in LISTED)


def test_every_named_test_exists() -> None:
    """A requirement has tests that are there, or says why not."""
    found = every_test()
    assert [complaint for each in LISTED for complaint in each.complaints(found)] == []


def test_nineteen_of_twenty_that_apply_have_a_test() -> None:
    """What is missing is few, and named."""
    assert share_with_tests(LISTED) >= LEAST_TESTED


def test_the_page_is_what_would_be_written() -> None:
    """``python -m scripts.asvs`` writes it."""
    assert PAGE.read_text("utf-8") == page(LISTED)


def test_a_test_that_is_gone_is_noticed() -> None:
    """A pattern without a match, and a requirement without evidence, are complaints."""
    lost = Requirement(chapter="V1", level="L1", id="1.1.1", about="x", patterns=("nowhere.py::*",))
    bare = Requirement(chapter="V1", level="L1", id="1.1.1", about="x")
    assert [len(list(each.complaints(every_test()))) for each in (lost, bare)] == [1, 1]
