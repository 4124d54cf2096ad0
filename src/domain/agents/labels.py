"""What agents and tools are found by: capabilities, an agent's role and metrics, a tool's category."""

import re
from collections.abc import Collection

from domain.shared.errors import ValidationError
from domain.shared.text import TextRule, canonical_label

MAX_CAPABILITIES = 50

CAPABILITY = TextRule(max_length=64)
ROLE = TextRule(max_length=100)
CATEGORY = TextRule(max_length=100)
METRIC = CAPABILITY
_WORDS = re.compile("[a-z0-9]+(?:[._:-][a-z0-9]+)*")


class InvalidCapability(ValidationError):
    """No capability can be read from the text."""

    code = "capability_invalid"
    summary = "A capability has 1 to 64 letters a-z and digits, in groups joined by single dots, colons, _ or -."


class InvalidMetric(ValidationError):
    """No name of a metric can be read from the text."""

    code = "metric_invalid"
    summary = "A metric has 1 to 64 letters a-z and digits, in groups joined by single dots, colons, _ or -."


class TooManyCapabilities(ValidationError):
    """An agent or a tool has at most 50 different capabilities."""

    code = "too_many_capabilities"
    summary = f"An agent or a tool has at most {MAX_CAPABILITIES} capabilities."


def check_capability(value: str) -> str:
    """Return the capability as identity, in lower case (``web.search``).

    Raises:
        InvalidCapability: it is none.
    """
    return _words(value, InvalidCapability(path="capabilities"))


def check_metric(value: str) -> str:
    """Return the name of a metric, in lower case (``quality.score``).

    Raises:
        InvalidMetric: it is none.
    """
    return _words(value, InvalidMetric(path="metric"))


def check_capabilities(values: Collection[str]) -> tuple[str, ...]:
    """Return the capabilities sorted, each once.

    Raises:
        InvalidCapability: one of them is none.
        TooManyCapabilities: there are more than 50 different ones.
    """
    capabilities = {check_capability(value) for value in values}
    if len(capabilities) > MAX_CAPABILITIES:
        raise TooManyCapabilities(path="capabilities", max=MAX_CAPABILITIES)
    return tuple(sorted(capabilities))


def check_role(value: str) -> str:
    """Return the role as identity: in lower case, with single spaces.

    Raises:
        InvalidText: it is empty, longer than 100 characters, or not acceptable as a name.
    """
    return canonical_label(ROLE, value)


def check_category(value: str) -> str:
    """Return the category as identity: in lower case, with single spaces.

    Raises:
        InvalidText: it is empty, longer than 100 characters, or not acceptable as a name.
    """
    return canonical_label(CATEGORY, value)


def _words(value: str, otherwise: ValidationError) -> str:
    lowered = value.strip().lower()
    if len(lowered) > CAPABILITY.max_length or _WORDS.fullmatch(lowered) is None:
        raise otherwise
    return lowered
