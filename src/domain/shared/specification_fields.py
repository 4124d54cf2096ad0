"""Two more leaves for specifications: what a list or mapping has, and how two attributes compare."""

from collections.abc import Mapping
from typing import override

import attrs
from attrs import frozen

from domain.shared import specification_values as values
from domain.shared.specification import FieldSpec, Spec


@frozen
class JsonHas(FieldSpec):
    """PostgreSQL's ``jsonb ?``: the list has this text as an item, or the mapping as a key."""

    text: str = attrs.field(converter=values.plain_text)

    @override
    def holds_for(self, found: object, /) -> bool:
        return isinstance(found, (list, tuple, Mapping)) and self.text in found


@frozen
class LessThanField(Spec[object]):
    """The attribute is strictly before another one of the same entity; False when either is absent."""

    field: str = attrs.field(converter=values.field_path)
    other: str = attrs.field(converter=values.field_path)

    @override
    def is_satisfied_by(self, entity: object, /) -> bool:
        left, right = values.attribute(entity, self.field), values.attribute(entity, self.other)
        # Two attributes of one type have an order; what cannot be ordered is a mistake in the specification.
        return left is not None and right is not None and values.order(left, right) < 0  # type: ignore[arg-type]  # reason: as above
