"""Numbers about the catalog that one statement counts."""

from attrs import frozen

from domain.shared.money import Money


@frozen(kw_only=True)
class LabelCount:
    """A category or tag, and how many products that are not archived bear it."""

    name: str
    products: int


@frozen(kw_only=True)
class PriceSummary:
    """The prices of one currency that are not archived.

    ``lowest`` and ``highest`` are amounts per unit; tiered prices, which have none, are counted only.
    """

    currency: str
    prices: int
    recurring: int
    tiered: int
    lowest: Money | None
    highest: Money | None
