"""Leaves about lists, mappings and two attributes at once."""

from collections.abc import Mapping, Sequence

import pytest
from attrs import frozen

from domain.shared.money import Money
from domain.shared.specification_fields import JsonHas, LessThanField
from domain.shared.specification_values import InvalidSpecification


@frozen
class Bag:
    items: Sequence[str] | Mapping[str, object] | str | None = None
    used: int | None = None
    limit: int | None = None
    price: Money | None = None
    label: str | None = None


def test_a_list_has_its_items_and_a_mapping_its_keys() -> None:
    """Whole ones, in their own letter case; a text has no items."""
    assert JsonHas("items", "a").is_satisfied_by(Bag(items=["a", "b"]))
    assert JsonHas("items", "a").is_satisfied_by(Bag(items=("a",)))
    assert JsonHas("items", "a").is_satisfied_by(Bag(items={"a": 1}))
    for other in (None, [], ["A"], ["ab"], {"b": "a"}, "a"):
        assert not JsonHas("items", "a").is_satisfied_by(Bag(items=other))
        assert (~JsonHas("items", "a")).is_satisfied_by(Bag(items=other))


def test_two_attributes_are_compared_when_both_are_there() -> None:
    """Strictly; and the complement holds whenever one is absent."""
    below = LessThanField("used", "limit")
    assert below.is_satisfied_by(Bag(used=1, limit=2))
    for bag in (Bag(used=2, limit=2), Bag(used=3, limit=2), Bag(used=1), Bag(limit=1), Bag()):
        assert not below.is_satisfied_by(bag)
        assert (~below).is_satisfied_by(bag)
    assert LessThanField("price.minor", "limit").is_satisfied_by(Bag(price=Money(1, "EUR"), limit=2))


def test_what_has_no_order_or_no_name_is_a_mistake() -> None:
    """Comparing a number with a text, or asking for what is no field, is refused."""
    with pytest.raises(TypeError):
        LessThanField("used", "label").is_satisfied_by(Bag(used=1, label="a"))
    with pytest.raises(InvalidSpecification):
        LessThanField("used", "a b")
    with pytest.raises(InvalidSpecification):
        JsonHas("items", "\x00")
    with pytest.raises(AttributeError):
        LessThanField("nothing", "used").is_satisfied_by(Bag())
