"""SQL's LIKE in Python, with exactly the answers of the databases.

``%`` stands for any run of characters, ``_`` for one character, a backslash makes the next character literal. The
pattern covers the whole string, wildcards match line breaks as well, and letter case counts. Case-insensitive
matching folds the 26 ASCII letters and nothing else, because that is the only folding on which PostgreSQL (``lower``
under collation "C"), SQLite and Python agree.
"""

import re
from functools import lru_cache
from string import ascii_lowercase, ascii_uppercase

from domain.shared.errors import ValidationError

_ASCII_FOLD = str.maketrans(ascii_uppercase, ascii_lowercase)
_ESCAPES = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})


class InvalidPattern(ValidationError):
    """A LIKE pattern ends in a backslash that escapes nothing."""

    code = "pattern_invalid"
    summary = "The pattern ends in a lone escape character."


def ascii_fold(text: str) -> str:
    """Lower the letters A to Z and no other."""
    return text.translate(_ASCII_FOLD)


def like_escape(text: str) -> str:
    """Quote ``text`` so that a pattern matches it literally."""
    return text.translate(_ESCAPES)


def like_matches(pattern: str, value: str) -> bool:
    """Say whether ``value LIKE pattern`` holds with a backslash as escape character; SQLite calls this as a function.

    Raises:
        InvalidPattern: the pattern ends in a lone backslash.
    """
    return _compiled(pattern).fullmatch(value) is not None


def ilike_matches(pattern: str, value: str) -> bool:
    """``like_matches`` without regard to ASCII letter case."""
    return like_matches(ascii_fold(pattern), ascii_fold(value))


def check_like(pattern: str) -> str:
    """Return the pattern, or raise ``InvalidPattern``."""
    _compiled(pattern)
    return pattern


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    first, *rest = _segments(pattern)
    if not rest:
        return re.compile(first, re.DOTALL)
    # Taking the leftmost place for every segment but the last is always right, so the groups are atomic: a pattern
    # with many wildcards costs no backtracking.
    middle = "".join(f"(?>.*?{segment})" for segment in rest[:-1])
    return re.compile(f"{first}{middle}.*{rest[-1]}", re.DOTALL)


def _segments(pattern: str) -> list[str]:
    """Split at the wildcards ``%`` and translate what is between them to regular expressions of fixed width."""
    segments = [""]
    characters = iter(pattern)
    for character in characters:
        match character:
            case "%":
                segments.append("")
            case "_":
                segments[-1] += "."
            case "\\":
                literal = next(characters, None)
                if literal is None:
                    raise InvalidPattern
                segments[-1] += re.escape(literal)
            case _:
                segments[-1] += re.escape(character)
    return segments
