"""The words of a text, by which messages are found: the same ones whichever database keeps them.

A word is a run of letters and digits, marks included, without regard to case: ``Straße`` and ``STRASSE`` are one word,
``Äpfel`` and ``äpfel`` too, ``Apfel`` is another. Everything else separates words, so that ``e-mail`` is two.
"""

import unicodedata
from collections.abc import Iterable, Sequence

from attrs import frozen

from domain.shared.errors import ValidationError

LONGEST_WORD = 64
MAX_WORDS = 20
_PREFIX = "*"


class InvalidSearch(ValidationError):
    """The text to search for has no word in it, or too many."""

    code = "search_invalid"
    summary = f"A search has 1 to {MAX_WORDS} words of letters and digits; a word may end in * for any ending."


def words_of(text: str) -> tuple[str, ...]:
    """Return the distinct words of a text, in the order in which they first occur; of long ones their beginnings."""
    return tuple(dict.fromkeys(word[:LONGEST_WORD] for word in _folded(text).split()))


@frozen
class Wanted:
    """One word of a search; with ``prefix``, any word that begins so."""

    word: str
    prefix: bool = False

    def occurs_in(self, words: Iterable[str]) -> bool:
        """Say whether one of the words is this one."""
        return any(each.startswith(self.word) if self.prefix else each == self.word for each in words)


def read_search(text: str) -> tuple[Wanted, ...]:
    """Return what a search asks for: all of its words, wherever and in whichever order they occur.

    Raises:
        InvalidSearch: there is no word in the text, or more than 20.
    """
    wanted = dict.fromkeys(each for chunk in text.split() for each in _read(chunk))
    if not 0 < len(wanted) <= MAX_WORDS:
        raise InvalidSearch(path="text")
    return tuple(wanted)


def _read(chunk: str) -> Iterable[Wanted]:
    words = words_of(chunk)
    last = len(words) - 1 if chunk.endswith(_PREFIX) else None
    return (Wanted(word, prefix=at == last) for at, word in enumerate(words))


def says_all(wanted: Sequence[Wanted], text: str) -> bool:
    """Say whether a text has all the words that are asked for: what every search of the databases must agree with."""
    words = words_of(text)
    return all(each.occurs_in(words) for each in wanted)


def _folded(text: str) -> str:
    # Folding can take a text out of its normal form, and normalising can bring capitals back.
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).casefold()
    return "".join(character if _is_of_a_word(character) else " " for character in folded)


def _is_of_a_word(character: str) -> bool:
    if character.isascii():
        return character.isalnum()
    return unicodedata.category(character)[0] in "LNM"
