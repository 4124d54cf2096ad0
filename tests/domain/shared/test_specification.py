"""Specifications: an algebra with two truth values over the attributes of an entity."""

import doctest
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from itertools import pairwise
from uuid import UUID

import attrs
import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from domain.shared import specification
from domain.shared.money import Money
from domain.shared.specification import (
    And,
    Between,
    Contains,
    Equal,
    Everything,
    FieldSpec,
    GreaterOrEqual,
    GreaterThan,
    ILike,
    In,
    IsNotNull,
    IsNull,
    JsonContains,
    LessOrEqual,
    LessThan,
    Like,
    Not,
    NotEqual,
    Or,
    Spec,
    StartsWith,
)
from domain.shared.specification_values import InvalidSpecification

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Status(StrEnum):
    OPEN = "open"
    PAID = "paid"


@frozen
class Order:
    status: str | None = None
    score: int | None = None
    live: bool | None = None
    amount: Money | None = None
    paid_at: datetime | None = None
    labels: Mapping[str, str | int | bool] | None = None


orders = st.builds(
    Order,
    status=st.none() | st.sampled_from(["open", "paid", "", "Z", "a", "é", "😀"]),
    score=st.none() | st.integers(-3, 3),
    live=st.none() | st.booleans(),
    amount=st.none() | st.builds(Money, st.integers(-3, 3), st.just("EUR")),
)
leaves: st.SearchStrategy[Spec[Order]] = st.one_of(
    st.builds(Equal, st.just("status"), st.sampled_from([None, "open", "a"])),
    st.builds(NotEqual, st.just("score"), st.none() | st.integers(-3, 3)),
    st.builds(GreaterThan, st.just("amount.minor"), st.integers(-3, 3)),
    st.builds(LessOrEqual, st.just("score"), st.integers(-3, 3)),
    st.builds(Between, st.just("status"), st.just("Z"), st.sampled_from(["a", "é", "A"])),
    st.builds(In, st.just("live"), st.lists(st.booleans(), max_size=2)),
    st.builds(IsNull, st.just("amount")),
    st.builds(ILike, st.just("status"), st.sampled_from(["%", "OP%", "_"])),
)


@given(leaves, leaves, orders)
def test_operators_are_those_of_boolean_algebra(one: Spec[Order], other: Spec[Order], order: Order) -> None:
    """And, or and not combine answers, and De Morgan's law holds since no answer is unknown."""
    a, b = one.is_satisfied_by(order), other.is_satisfied_by(order)
    assert (one & other).is_satisfied_by(order) == (a and b)
    assert (one | other).is_satisfied_by(order) == (a or b)
    assert (~one).is_satisfied_by(order) == (not a)
    assert (~(one & other)).is_satisfied_by(order) == (~one | ~other).is_satisfied_by(order)


@given(st.none() | st.integers(-3, 3), orders)
def test_not_equal_is_exactly_the_complement_of_equal(value: int | None, order: Order) -> None:
    """For absent attributes and absent values too."""
    equal, not_equal = Equal("score", value), NotEqual("score", value)
    assert not_equal.is_satisfied_by(order) == (~equal).is_satisfied_by(order)


@pytest.mark.parametrize(
    "spec",
    [
        Equal("score", 1),
        GreaterThan("score", 1),
        GreaterOrEqual("score", 1),
        LessThan("score", 1),
        LessOrEqual("score", 1),
        Between("score", 1, 2),
        In("score", [1]),
        Like("score", "%"),
        ILike("score", "%"),
        IsNotNull("score"),
        JsonContains("score", {}),
    ],
)
def test_a_comparison_with_an_absent_value_is_false_and_its_complement_true(spec: FieldSpec) -> None:
    """Nothing is unknown."""
    assert not spec.is_satisfied_by(Order())
    assert (~spec).is_satisfied_by(Order())


def test_equality_with_none_asks_for_absence() -> None:
    """Equal to None is IsNull, and not equal to a value holds for an absent one."""
    assert Equal("score", None).is_satisfied_by(Order())
    assert not Equal("score", None).is_satisfied_by(Order(score=1))
    assert NotEqual("score", 1).is_satisfied_by(Order())
    assert not NotEqual("score", None).is_satisfied_by(Order())


@pytest.mark.parametrize(
    ("spec", "selected"),
    [
        (Equal("score", 2), [2]),
        (NotEqual("score", 2), [1, 3]),
        (GreaterThan("score", 2), [3]),
        (GreaterOrEqual("score", 2), [2, 3]),
        (LessThan("score", 2), [1]),
        (LessOrEqual("score", 2), [1, 2]),
        (Between("score", 1, 2), [1, 2]),
        (Between("score", 2, 1), []),
        (In("score", (1, 3)), [1, 3]),
        (In("score", ()), []),
        (Everything(), [1, 2, 3]),
        (~Everything(), []),
    ],
)
def test_each_comparison_selects_what_its_name_says(spec: Spec[object], selected: list[int]) -> None:
    """Three orders scored one to three."""
    assert [score for score in (1, 2, 3) if spec.is_satisfied_by(Order(score=score))] == selected


def test_paths_reach_into_value_objects_and_stop_at_absent_ones() -> None:
    """A part of nothing is nothing."""
    spec = GreaterThan("amount.minor", 100)
    assert spec.is_satisfied_by(Order(amount=Money(101, "EUR")))
    assert not spec.is_satisfied_by(Order())
    assert IsNull("amount.minor").is_satisfied_by(Order())


def test_a_misspelt_field_is_an_error_and_not_an_absent_value() -> None:
    """A typing mistake must not select everything."""
    with pytest.raises(AttributeError):
        IsNull("scroe").is_satisfied_by(Order())


@pytest.mark.parametrize("field", ["", "a.", ".a", "a b", "a;drop", "a-b", "1a"])
def test_fields_are_attribute_paths(field: str) -> None:
    """Whatever is no dotted path of names is refused before anything compiles it."""
    with pytest.raises(InvalidSpecification):
        IsNull(field)


def test_true_is_not_one() -> None:
    """Neither when entities are asked nor when specifications are compared."""
    assert not Equal("live", 1).is_satisfied_by(Order(live=True))
    assert not In("live", [1]).is_satisfied_by(Order(live=True))
    assert Equal("live", True) != Equal("live", 1)
    assert In("live", [True]) != In("live", [1])


def test_enum_members_and_their_text_are_the_same_value() -> None:
    """Compilers see plain text, entities may hold either."""
    assert Equal("status", Status.PAID) == Equal("status", "paid")
    assert type(Equal("status", Status.PAID).value) is str
    assert Equal("status", "paid").is_satisfied_by(Order(status=Status.PAID))
    assert In("status", list(Status)).values == ("open", "paid")


def test_text_is_ordered_by_code_point() -> None:
    """Upper case before lower case before accents before emoji, as in collation "C"."""
    words = ["Z", "a", "é", "😀"]
    for lower, higher in pairwise(words):
        assert LessThan("status", higher).is_satisfied_by(Order(status=lower))


def test_moments_are_compared_in_utc() -> None:
    """The zone in which a moment was written does not matter; a moment without zone is refused."""
    elsewhere = NOON.astimezone(timezone(timedelta(hours=5)))
    assert Equal("paid_at", elsewhere) == Equal("paid_at", NOON)
    assert GreaterOrEqual("paid_at", elsewhere).is_satisfied_by(Order(paid_at=NOON))
    with pytest.raises(InvalidSpecification):
        Equal("paid_at", NOON.replace(tzinfo=None))


@pytest.mark.parametrize(
    "build",
    [
        lambda: Equal("status", 1.5),  # type: ignore[arg-type]  # reason: wrong types are tested
        lambda: Equal("status", ["a"]),  # type: ignore[arg-type]  # reason: wrong types are tested
        lambda: Equal("status", "a\x00"),
        lambda: Equal("status", "\ud800"),
        lambda: GreaterThan("status", None),  # type: ignore[arg-type]  # reason: wrong types are tested
        lambda: GreaterThan("live", True),
        lambda: Between("score", 1, None),  # type: ignore[arg-type]  # reason: wrong types are tested
        lambda: In("status", ["a", None]),  # type: ignore[list-item]  # reason: wrong types are tested
        lambda: In("status", "abc"),
        lambda: JsonContains("labels", {"a": None}),  # type: ignore[dict-item]  # reason: wrong types are tested
        lambda: JsonContains("labels", {"a": 1.0}),  # type: ignore[dict-item]  # reason: wrong types are tested
        lambda: JsonContains("labels", {"a\x00": 1}),
        lambda: Like("status", "\x00"),
    ],
)
def test_values_that_cannot_be_compared_are_refused(build: Callable[[], FieldSpec]) -> None:
    """The specification does not come into being."""
    with pytest.raises(InvalidSpecification) as refused:
        build()
    assert refused.value.code == "specification_invalid"


def test_comparing_attributes_of_another_type_is_a_mistake() -> None:
    """A specification that orders numbers against text fails loudly."""
    with pytest.raises(TypeError, match="cannot order str and int"):
        GreaterThan("status", 1).is_satisfied_by(Order(status="1"))


@pytest.mark.parametrize(
    ("wanted", "contained"),
    [
        ({}, True),
        ({"tier": "gold"}, True),
        ({"tier": "gold", "seats": 1}, True),
        ({"tier": "silver"}, False),
        ({"absent": "gold"}, False),
        ({"seats": True}, False),
        ({"seats": "1"}, False),
        ({"vip": 1}, False),
        ({"vip": True}, True),
    ],
)
def test_json_containment_has_the_types_of_json(wanted: dict[str, str | int | bool], contained: bool) -> None:
    """Every pair is there, and true, 1 and "1" are three values."""
    order = Order(labels={"tier": "gold", "seats": 1, "vip": True})
    assert JsonContains("labels", wanted).is_satisfied_by(order) == contained


def test_json_containment_keeps_its_own_copy() -> None:
    """Changing the mapping afterwards does not change the question."""
    wanted: dict[str, str | int | bool] = {"tier": "gold"}
    spec = JsonContains("labels", wanted)
    wanted.clear()
    assert dict(spec.value) == {"tier": "gold"}


def test_specifications_are_values() -> None:
    """Equal questions are equal, hash alike and cannot be changed."""
    one = (Equal("status", "paid") & In("score", [1, 2])) | ~JsonContains("labels", {"a": 1, "b": 2})
    other = (Equal("status", "paid") & In("score", [2, 1])) | ~JsonContains("labels", {"b": 2, "a": 1})
    assert one == other
    assert hash(one) == hash(other)
    assert len({Equal("status", "a"), NotEqual("status", "a")}) == 2
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Equal("status", "a").field = "b"  # type: ignore[misc]  # reason: that it is frozen is what is tested


def test_a_compiler_can_walk_the_tree() -> None:
    """Nodes name their parts, leaves their field and values."""
    spec: Spec[Order] = Equal("status", "paid") & (Between("score", 1, 5) | ~IsNull("amount"))
    assert isinstance(spec, And)
    assert isinstance(spec.left, Equal)
    assert (spec.left.field, spec.left.value) == ("status", "paid")
    assert isinstance(spec.right, Or)
    assert isinstance(spec.right.left, Between)
    assert (spec.right.left.low, spec.right.left.high) == (1, 5)
    assert isinstance(spec.right.right, Not)
    assert spec.right.right.spec == IsNull("amount")


def test_conveniences_quote_the_text_they_look_for() -> None:
    """Wildcards in what people type are letters."""
    assert Contains("status", "50%") == ILike("status", "%50\\%%")
    assert StartsWith("status", "a_") == Like("status", "a\\_%")
    assert Contains("status", "PA").is_satisfied_by(Order(status="paid"))
    assert not StartsWith("status", "PA").is_satisfied_by(Order(status="paid"))


def test_ids_are_values() -> None:
    """UUIDs compare like the column they are stored in."""

    @frozen
    class Row:
        id: UUID

    low, high = UUID(int=1), UUID(int=2)
    assert GreaterThan("id", low).is_satisfied_by(Row(high))
    assert In("id", [low]).is_satisfied_by(Row(low))


def test_the_guidance_in_the_docstring_runs() -> None:
    """The examples are true."""
    result = doctest.testmod(specification)
    assert result.attempted
    assert not result.failed
