"""Which events an endpoint wants."""

import pytest

from domain.webhooks.event_filters import InvalidEventFilter, check_filters, matches


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        (["*"], True),
        (["payment_order.*"], True),
        (["payment_order.completed"], True),
        (["payment_order.failed", "customer.*"], False),
        (["payment.*"], False),
        (["payment_order.complete"], False),
    ],
)
def test_a_filter_is_everything_a_kind_or_one_type(filters: list[str], wanted: bool) -> None:
    """A kind is a whole word before the dot, not a beginning of one."""
    assert matches(filters, "payment_order.completed") is wanted


@pytest.mark.parametrize(
    "bad", ["", "**", "order", "order.", ".*", "*.created", "a.b.c", "Order.*", "a.%", "a.b*", "x" * 90]
)
def test_a_malformed_filter_is_refused(bad: str) -> None:
    """No other wildcards, no patterns."""
    with pytest.raises(InvalidEventFilter):
        check_filters(["customer.created", bad])


def test_filters_are_kept_in_one_form() -> None:
    """Sorted, without repetitions, and a star alone says it all; none at all is refused."""
    assert check_filters(["b.x", "a.*", "b.x"]) == ["a.*", "b.x"]
    assert check_filters(["a.*", "*"]) == ["*"]
    with pytest.raises(InvalidEventFilter):
        check_filters([])
