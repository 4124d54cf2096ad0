"""LIKE in Python answers as the databases do."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.shared.like import InvalidPattern, ascii_fold, ilike_matches, like_escape, like_matches

texts = st.text(alphabet="aAbé%_\\\n.*[", max_size=8)
patterns = st.lists(st.sampled_from(["a", "A", "b", "é", "%", "_", "\n", ".", "\\%", "\\_", "\\\\"]), max_size=8).map(
    "".join
)


@pytest.fixture(scope="module")
def sqlite() -> Iterator[sqlite3.Connection]:
    """An SQLite whose own LIKE is case-sensitive, as an independent opinion."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("PRAGMA case_sensitive_like = ON")
        yield connection


@given(pattern=patterns, text=texts)
def test_sqlite_agrees(sqlite: sqlite3.Connection, pattern: str, text: str) -> None:
    """Both say the same for random patterns with wildcards, escapes and line breaks."""
    (theirs,) = sqlite.execute(r"SELECT ? LIKE ? ESCAPE '\'", (text, pattern)).fetchone()
    assert like_matches(pattern, text) == bool(theirs)


@given(texts, texts, texts)
def test_escaped_text_is_found_literally(before: str, text: str, after: str) -> None:
    """Escaping takes the meaning from every wildcard."""
    assert like_matches(like_escape(text), text)
    assert like_matches(f"%{like_escape(text)}%", before + text + after)
    assert like_matches(like_escape(text), before) == (text == before)


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("", "", True),
        ("", "a", False),
        ("%", "", True),
        ("_", "", False),
        ("_", "😀", True),
        ("a", "A", False),
        ("a", "ab", False),
        ("a%", "a\nb\n", True),
        ("a_b", "a\nb", True),
        ("a", "a\n", False),
        ("%ab%ab%", "aab", False),
        ("%ab%ab", "abxab", True),
        ("a%a", "a", False),
        ("\\a", "a", True),
    ],
)
def test_the_whole_text_is_matched(pattern: str, text: str, matches: bool) -> None:
    """Wildcards match line breaks, segments do not overlap, case counts."""
    assert like_matches(pattern, text) is matches


@pytest.mark.parametrize("pattern", ["\\", "a\\", "%\\\\\\"])
def test_a_lone_escape_at_the_end_is_refused(pattern: str) -> None:
    """The databases disagree about it."""
    with pytest.raises(InvalidPattern) as refused:
        like_matches(pattern, "a")
    assert refused.value.code == "pattern_invalid"


def test_folding_knows_ascii_letters_only() -> None:
    """Python's own folding would match letters that the databases keep apart."""
    assert ilike_matches("%BC_", "abcd")
    assert not ilike_matches("é", "É")
    assert not ilike_matches("k", "\N{KELVIN SIGN}")
    assert ascii_fold("AZÉİ") == "azÉİ"


def test_many_wildcards_cost_no_backtracking() -> None:
    """A pattern from outside cannot stop the process."""
    started = time.perf_counter()
    assert not like_matches("%a" * 200 + "b", "a" * 5_000)
    assert time.perf_counter() - started < 1
