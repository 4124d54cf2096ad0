"""JSON text, read more strictly than the standard library does."""

import json
import math
import re
from typing import NoReturn

from domain.shared.errors import MalformedInput

MAX_DEPTH = 32
MAX_DIGITS = 40
MAX_VALUES = 100_000
MAX_MEMBERS = 20_000

_WITHOUT_MEANING = bytes(set(range(256)) - set(b'",'))
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


class MalformedJson(MalformedInput):
    """The text is not JSON."""

    code = "json_malformed"
    summary = "The body is not valid JSON."


class MalformedEncoding(MalformedJson):
    """The bytes are not UTF-8, or an escape names half a character."""

    code = "json_encoding"
    summary = "The body is not valid UTF-8."


class DuplicateKey(MalformedJson):
    """An object has a key twice, and readers disagree about which one counts."""

    code = "json_duplicate_key"
    summary = "An object has the same key twice."


class NumberOutOfRange(MalformedJson):
    """A number is not finite or has absurdly many digits."""

    code = "json_number"
    summary = "A number is not finite or has too many digits."


class TooDeep(MalformedJson):
    """Objects and lists are nested too deeply."""

    code = "json_depth"
    summary = f"Objects and lists may be nested {MAX_DEPTH} levels deep."


class TooManyValues(MalformedJson):
    """Everything together has more values than anything that is asked for needs."""

    code = "json_values"
    summary = f"A body has at most {MAX_VALUES} values, and an object {MAX_MEMBERS} members."


def decode_json(body: bytes) -> object:
    """Read one JSON value; numbers with a fraction or an exponent become floats, which no field accepts.

    Raises:
        MalformedJson: or one of its kinds, when anything about the text is doubtful.
    """
    try:
        _check_values(body)
        text = body.decode()
        value = _DECODER.decode(text)
        _check_depth(value)
        # Lone surrogates can only come from escapes, and only they fail to encode again.
        if _SURROGATE_ESCAPE.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeError:
        raise MalformedEncoding from None
    except RecursionError:
        raise TooDeep from None
    except ValueError:
        raise MalformedJson from None
    return value


def _check_values(body: bytes) -> None:
    """Count before anything is made of it: there is a comma between any two values, and text may have more of them."""
    if body.count(b",") <= MAX_VALUES:
        return
    # Without escapes every second quote ends a text; two that are side by side do so, or have nothing between them.
    marks = body.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, _WITHOUT_MEANING).replace(b'""', b"")
    if sum(map(len, marks.split(b'"')[::2])) > MAX_VALUES:
        raise TooManyValues


def _check_depth(value: object) -> None:
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(MAX_DEPTH):
        level = [
            child
            for container in level
            for child in (container.values() if isinstance(container, dict) else container)
            if isinstance(child, dict | list)
        ]
        if not level:
            return
    raise TooDeep


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(pairs) > MAX_MEMBERS:
        raise TooManyValues
    members = dict(pairs)
    if len(members) != len(pairs):
        raise DuplicateKey
    return members


def _integer(digits: str) -> int:
    # Python's own limit is 4,300 digits, and what it allows is quadratic to convert.
    if len(digits) > MAX_DIGITS:
        raise NumberOutOfRange
    return int(digits)


def _fraction(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise NumberOutOfRange
    return number


def _constant(_name: str) -> NoReturn:
    raise NumberOutOfRange


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_fraction, parse_constant=_constant
)
