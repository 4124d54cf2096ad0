"""Specifications about two attributes or about parts: how long something took, and how many parts there are.

Like every leaf they have two values: a span of which an end is absent is False, and ``~`` is the exact complement.
"""

from collections.abc import Sized
from datetime import datetime, timedelta
from typing import cast, override

import attrs
from attrs import frozen

from domain.shared.specification import Spec
from domain.shared.specification_values import InvalidSpecification, field_path


def _span(given: timedelta) -> timedelta:
    if given < timedelta():
        raise InvalidSpecification
    return given


def _count(given: int) -> int:
    if given < 0:
        raise InvalidSpecification
    return given


@frozen
class LongerThan(Spec[object]):
    """From the moment ``start`` to the moment ``end`` more than ``span`` went by; both are attribute names.

    A span that runs backwards is not longer than anything.
    """

    start: str = attrs.field(converter=field_path)
    end: str = attrs.field(converter=field_path)
    span: timedelta = attrs.field(converter=_span)

    @override
    def is_satisfied_by(self, entity: object, /) -> bool:
        start = cast("datetime | None", getattr(entity, self.start))
        end = cast("datetime | None", getattr(entity, self.end))
        return start is not None and end is not None and end - start > self.span


@frozen
class HasAtLeast(Spec[object]):
    """The aggregate has that many parts of one kind; ``parts`` is the attribute that lists them."""

    parts: str = attrs.field(converter=field_path)
    count: int = attrs.field(converter=_count)

    @override
    def is_satisfied_by(self, entity: object, /) -> bool:
        return len(cast("Sized", getattr(entity, self.parts))) >= self.count
