"""Which passwords may be chosen: long enough, and none of the few that everybody tries first."""

import string
import unicodedata

from domain.shared.errors import ValidationError

SHORTEST, LONGEST = 12, 128  # characters; 128 characters are at most 512 bytes, so nobody makes us hash megabytes

# No rules of composition: they make passwords worse. What guessers try first is refused, in any capitals: these words,
# however often, with digits and signs before and after them, and digits or letters as they stand in a row.
_COMMON = frozenset(
    {
        *("password", "passwort", "passw0rd", "p@ssw0rd", "p@ssword", "iloveyou", "administrator", "admin", "changeme"),
        *("welcome", "letmein", "secret", "sunshine", "princess", "football", "baseball", "basketball", "superman"),
        *("starwars", "trustno", "whatever", "computer", "internet", "michelle", "jennifer", "dragon", "monkey"),
        *("qwertyuiop", "qwerty", "qwertz", "qwertzuiop", "asdfghjkl", "zxcvbnm", "qazwsxedc", "zaq12wsx", "1q2w3e4r"),
        *("1q2w3e4r5t", "1q2w3e4r5t6y", "1qaz2wsx3edc", "abcd", "abc", "correcthorsebatterystaple", "thisisapassword"),
    }
)
_ROWS = ("0123456789" * 13, "9876543210" * 13, string.ascii_lowercase * 5, "qwertyuiopasdfghjklzxcvbnm" * 5)
_AROUND = string.digits + string.punctuation + " "


class InvalidPassword(ValidationError):
    """The password may not be chosen; ``reason`` says why: length, common, address or unreadable."""

    code = "password_invalid"
    summary = f"A password has {SHORTEST} to {LONGEST} characters, is not among the most common, and not the address."


def check_password(password: str, email: str) -> str:
    """Let a new password pass, or say why not; ``email`` is its owner's canonical address.

    Raises:
        InvalidPassword: with ``reason`` length, unreadable, common or address.
    """
    # The length is looked at first: normalising is the expensive part.
    if not SHORTEST <= len(password) <= LONGEST:
        raise InvalidPassword(path="password", reason="length")
    if any(unicodedata.category(character) == "Cs" for character in password):
        raise InvalidPassword(path="password", reason="unreadable")
    folded = unicodedata.normalize("NFC", password).strip().casefold()
    if _is_common(folded):
        raise InvalidPassword(path="password", reason="common")
    if folded in (email.casefold(), email.partition("@")[0].casefold()):
        raise InvalidPassword(path="password", reason="address")
    return password


def _is_common(folded: str) -> bool:
    if len(set(folded)) <= 2 or any(folded in row for row in _ROWS):
        return True
    bare = folded.strip(_AROUND)
    return any(_repeats(each, word) for each in (folded, bare) for word in _COMMON)


def _repeats(text: str, word: str) -> bool:
    """Say whether a text is a word, once or several times, and nothing else."""
    return bool(text) and text == word * (len(text) // len(word))
