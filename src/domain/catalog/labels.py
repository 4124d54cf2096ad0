"""Categories and tags: short words that products are sorted by, in one spelling each."""

from collections.abc import Collection

from domain.shared.errors import ValidationError
from domain.shared.text import TextRule, canonical_label

MAX_TAGS = 20

CATEGORY = TextRule(max_length=100)
TAG = TextRule(max_length=50)


class TooManyTags(ValidationError):
    """A product bears at most 20 different tags."""

    code = "too_many_tags"
    summary = f"A product has at most {MAX_TAGS} tags."


def check_category(value: str) -> str:
    """Return the category as identity: NFC, in lower case, with single spaces.

    Raises:
        InvalidText: it is empty, longer than 100 characters, or not acceptable as a name.
    """
    return canonical_label(CATEGORY, value)


def check_tag(value: str) -> str:
    """Return the tag as identity, like a category, of at most 50 characters.

    Raises:
        InvalidText: it is empty, too long, or not acceptable as a name.
    """
    return canonical_label(TAG, value)


def check_tags(values: Collection[str]) -> tuple[str, ...]:
    """Return the tags sorted, each once.

    Raises:
        InvalidText: one of them is not acceptable.
        TooManyTags: there are more than 20 different ones.
    """
    tags = {check_tag(value) for value in values}
    if len(tags) > MAX_TAGS:
        raise TooManyTags(path="tags", max=MAX_TAGS)
    return tuple(sorted(tags))
