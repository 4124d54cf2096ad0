"""Where a browser may be sent after a payment."""

import re

from domain.shared.errors import ValidationError

MAX_LENGTH = 2_000

_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# Printable ASCII without what browsers read in their own way: a backslash is a slash to them, so that the host could be
# another one than was checked here; quotes and angle brackets end attributes and addresses in text.
_REST = r"[!#-;=?-\[\]-~]*"
_HTTPS = re.compile(rf"https://{_LABEL}(?:\.{_LABEL})*(?::[0-9]{{1,5}})?(?:[/?#]{_REST})?")


class InvalidUrl(ValidationError):
    """The text is no plain https address. It is never repeated."""

    code = "url_invalid"
    summary = "The URL must be an absolute https address of at most 2000 ASCII characters, without user or password."


def check_success_url(value: str) -> str:
    """Return the URL as it was given.

    Raises:
        InvalidUrl: it is no ``https://host[:port][/path][?query][#fragment]``, has a user or password in it, white
            space, characters outside ASCII, a backslash, quotes or angle brackets, or more than 2,000 characters.
    """
    if len(value) > MAX_LENGTH or _HTTPS.fullmatch(value) is None:
        raise InvalidUrl(path="success_url")
    return value
