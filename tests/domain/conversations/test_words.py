"""The words of a text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.conversations.words import InvalidSearch, Wanted, read_search, says_all, words_of

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The grinder, the GRINDER!", ("the", "grinder")),
        ("Äpfel und Straße", ("äpfel", "und", "strasse")),
        ("e-mail: ana@example.com", ("e", "mail", "ana", "example", "com")),
        ("naïve cafe\u0301", ("naïve", "café")),
        ("東京 2026", ("東京", "2026")),
        ("… — !?", ()),
        ("x" * 100, ("x" * 64,)),
    ],
)
def test_words_are_runs_of_letters_and_digits_whatever_their_case(text: str, words: tuple[str, ...]) -> None:
    """Everything else separates them, each is named once, and long ones are cut."""
    assert words_of(text) == words


@given(TEXTS)
def test_every_word_of_a_text_finds_it(text: str) -> None:
    """In upper and lower case, in any order, and by its beginning."""
    words = words_of(text)
    for word in words[:20]:
        assert says_all((Wanted(word),), text)
        assert says_all((Wanted(word[:1], prefix=True),), text)
    if words:
        assert says_all(read_search(" ".join(reversed(words[:20]))), text)


@given(TEXTS)
def test_the_words_of_words_are_themselves(text: str) -> None:
    """What is stored reads back as the same words, so that both databases may split it at its spaces."""
    words = words_of(text)
    assert " ".join(words).split(" ") == (list(words) or [""])
    assert all(word and word == word.strip() for word in words)


def test_a_star_stands_for_any_ending() -> None:
    """Only at the end of a word; anywhere else it separates, as every other sign does."""
    assert read_search("grind* broken") == (Wanted("grind", prefix=True), Wanted("broken"))
    assert read_search("gr*ind") == (Wanted("gr"), Wanted("ind"))
    assert says_all(read_search("grind*"), "Two grinders")
    assert not says_all(read_search("grind"), "Two grinders")


@pytest.mark.parametrize("text", ["", "  ", "*", "!?", " ".join(f"w{n}" for n in range(21))])
def test_a_search_has_one_to_twenty_words(text: str) -> None:
    """A search for nothing would find everything."""
    with pytest.raises(InvalidSearch):
        read_search(text)
