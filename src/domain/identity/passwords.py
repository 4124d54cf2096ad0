"""Which passwords may be chosen: long enough, and none of the few that everybody tries first."""

import unicodedata

from domain.shared.errors import ValidationError

SHORTEST, LONGEST = 8, 256  # characters; 256 characters are at most 1 KiB, so nobody makes us hash megabytes

# No rules of composition: they make passwords worse. What guessers try first is refused, in any capitals.
_COMMON = frozenset(
    {
        *("password", "password1", "password12", "password123", "passw0rd", "p@ssw0rd", "p@ssword", "iloveyou"),
        *("12345678", "123456789", "1234567890", "0123456789", "87654321", "987654321", "11111111", "00000000"),
        *("qwertyui", "qwertyuiop", "qwerty123", "1q2w3e4r", "1q2w3e4r5t", "zaq12wsx", "asdfghjk", "asdfghjkl"),
        *("abcd1234", "abc12345", "a1b2c3d4", "letmein1", "welcome1", "welcome123", "admin123", "administrator"),
        *("football", "baseball", "basketball", "superman", "princess", "sunshine", "starwars", "trustno1"),
        *("whatever", "computer", "internet", "michelle", "jennifer", "changeme", "secret123", "qazwsxedc"),
    }
)


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
    if folded in _COMMON or len(set(folded)) == 1:
        raise InvalidPassword(path="password", reason="common")
    if folded in (email.casefold(), email.partition("@")[0].casefold()):
        raise InvalidPassword(path="password", reason="address")
    return password
