"""Prices: what products cost, once or every period, by the unit or in tiers."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

from annotated_types import Interval, Len

from application.kernel.actor import Scope
from application.kernel.fields import Version
from application.kernel.patch import UNSET, Maybe, given
from application.kernel.ports import IClock, IIds
from application.kernel.reads import get_use_case
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.kernel.view import View
from domain.catalog.price import Price
from domain.catalog.price_terms import BillingInterval, PriceTerms, PriceType, PricingModel
from domain.catalog.specifications import prices_of
from domain.catalog.tiers import MAX_QUANTITY, Tier
from domain.shared.ids import PriceId, ProductId
from domain.shared.money import Money
from domain.shared.text import NAME

Quantity = Annotated[int, Interval(ge=1, le=MAX_QUANTITY)]
Intervals = Annotated[int, Interval(ge=1, le=1095)]
TrialDays = Annotated[int, Interval(ge=0, le=730)]
Nickname = Annotated[str, NAME]


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceTier:
    """What units cost up to a quantity, which belongs to the tier. The last tier has no `up_to`.

    `flat_amount` is due once, however many units of the tier are bought.
    """

    up_to: Quantity | None = None
    unit_amount: Money
    flat_amount: Money | None = None


Tiers = Annotated[list[PriceTier], Len(0, 100)]


@dataclass(frozen=True, slots=True, kw_only=True)
class TierView(View[Tier]):
    """What units cost up to a quantity, which belongs to the tier."""

    up_to: int | None
    unit_amount: Money
    flat_amount: Money | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceView(View[Price]):
    """A price. Per unit it has a `unit_amount`, else `tiers`; `interval_count` intervals are one billing period."""

    id: PriceId
    version: int
    product_id: ProductId
    nickname: str | None
    currency: str
    model: PricingModel
    unit_amount: Money | None
    tiers: list[TierView]
    type: PriceType
    interval: BillingInterval | None
    interval_count: int | None
    trial_days: int
    min_quantity: int
    max_quantity: int | None
    metadata: dict[str, str | int | bool]
    archived_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePrice:
    """What a product costs, and for which quantities.

    Per unit: `unit_amount`. `graduated`: every unit costs what its own tier says. `volume`: all units cost what the
    tier of their number says. With an `interval` the price is due every `interval_count` of them, first after
    `trial_days`.
    """

    product_id: ProductId
    model: PricingModel = PricingModel.PER_UNIT
    unit_amount: Money | None = None
    tiers: Tiers = field(default_factory=list)
    interval: BillingInterval | None = None
    interval_count: Intervals | None = None
    trial_days: TrialDays = 0
    min_quantity: Quantity = 1
    max_quantity: Quantity | None = None
    nickname: Nickname | None = None
    metadata: dict[str, str | int | bool] = field(default_factory=dict)

    def terms(self) -> PriceTerms:
        """Return what is never to change."""
        return PriceTerms(
            model=self.model, unit_amount=self.unit_amount, tiers=read_tiers(self.tiers), interval=self.interval,
            interval_count=self.interval_count, trial_days=self.trial_days, min_quantity=self.min_quantity,
            max_quantity=self.max_quantity,
        )  # fmt: skip


def read_tiers(tiers: list[PriceTier]) -> tuple[Tier, ...]:
    """Return tiers as the domain has them."""
    return tuple(Tier(up_to=tier.up_to, unit_amount=tier.unit_amount, flat_amount=tier.flat_amount) for tier in tiers)


@use_case(
    "prices.create",
    scope=Scope.PRICES_WRITE,
    example={"unit_amount": {"amount": 1250, "currency": "EUR"}, "min_quantity": 1, "max_quantity": 100},
    statements=8,
)
async def create_price(cmd: CreatePrice, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> PriceView:
    """Give a product a price. What it charges never changes: archive it and create another, or duplicate it.

    Errors: `not_found` for the product, `price_limit` when 200 are on sale, `pricing_invalid`, `amount_invalid`,
    `currency_invalid`,
    `quantity_range_invalid`, `recurrence_invalid`, `text_invalid`, `metadata_invalid`, and for tiers `tiers_missing`,
    `tiers_gap`, `tiers_overlap`, `tiers_descending`, `tiers_unbounded`, `tiers_currency_mixed`, `tiers_free`.
    """
    now = clock.now()
    # Locked, so that the product is not archived meanwhile and left with a price on sale.
    product = await uow.products.get(cmd.product_id, lock=True)
    price = Price.create(
        id=PriceId(ids.new()), organization_id=product.organization_id, product_id=product.id, terms=cmd.terms(),
        nickname=cmd.nickname, metadata=cmd.metadata, now=now,
    )  # fmt: skip
    product.add_price(price, now, others=await uow.prices.count(prices_of(product.id)))
    uow.prices.add(price)
    return PriceView.of(price)


get_use_case(
    "prices.get", lambda uow: uow.prices, PriceView, "Return one price that is not archived.", scope=Scope.PRICES_READ
)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdatePrice:
    """New values for what is mentioned; the rest stays."""

    id: PriceId
    expected_version: Version
    nickname: Maybe[Nickname | None] = UNSET
    metadata: Maybe[dict[str, str | int | bool]] = UNSET


@use_case(
    "prices.update",
    scope=Scope.PRICES_WRITE,
    example={"expected_version": 1, "nickname": "Spring 2031", "metadata": {"campaign": "spring"}},
    statements=6,
)
async def update_price(cmd: UpdatePrice, uow: IUnitOfWork, *, clock: IClock) -> PriceView:
    """Change how a price is described; fields left out stay, metadata is replaced as a whole, amounts never change.

    Errors: `not_found`, `version_stale`, `text_invalid`, `metadata_invalid`.
    """
    price = await uow.prices.get(cmd.id)
    price.expect_version(cmd.expected_version)
    price.edit(clock.now(), nickname=given(cmd.nickname, price.nickname), metadata=given(cmd.metadata, price.metadata))
    return PriceView.of(price)


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicatePrice:
    """Which price, and what is to be different; what is not mentioned is taken over."""

    id: PriceId
    model: Maybe[PricingModel] = UNSET
    unit_amount: Maybe[Money | None] = UNSET
    tiers: Maybe[Tiers] = UNSET
    interval: Maybe[BillingInterval | None] = UNSET
    interval_count: Maybe[Intervals | None] = UNSET
    trial_days: Maybe[TrialDays] = UNSET
    min_quantity: Maybe[Quantity] = UNSET
    max_quantity: Maybe[Quantity | None] = UNSET
    nickname: Maybe[Nickname | None] = UNSET
    metadata: Maybe[dict[str, str | int | bool]] = UNSET

    def terms(self, original: PriceTerms) -> PriceTerms:
        """Return the original's terms with the changes in them."""
        return PriceTerms(
            model=given(self.model, original.model),
            unit_amount=given(self.unit_amount, original.unit_amount),
            tiers=original.tiers if self.tiers is UNSET else read_tiers(self.tiers),
            interval=given(self.interval, original.interval),
            interval_count=given(self.interval_count, original.interval_count),
            trial_days=given(self.trial_days, original.trial_days),
            min_quantity=given(self.min_quantity, original.min_quantity),
            max_quantity=given(self.max_quantity, original.max_quantity),
        )


@use_case(
    "prices.duplicate",
    scope=Scope.PRICES_WRITE,
    example={"unit_amount": {"amount": 1350, "currency": "EUR"}, "nickname": "From 2031"},
    statements=9,
)
async def duplicate_price(cmd: DuplicatePrice, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> PriceView:
    """Give the same product another price like this one, with changes. The original stays on sale.

    Errors: `not_found`, and those of `prices.create`.
    """
    now = clock.now()
    product = await uow.products.get_by_price(cmd.id, lock=True)
    original = await uow.prices.get(cmd.id)
    price = Price.create(
        id=PriceId(ids.new()), organization_id=product.organization_id, product_id=product.id,
        terms=cmd.terms(original.terms), nickname=given(cmd.nickname, original.nickname),
        metadata=given(cmd.metadata, original.metadata), now=now,
    )  # fmt: skip
    product.add_price(price, now, others=await uow.prices.count(prices_of(product.id)))
    uow.prices.add(price)
    return PriceView.of(price)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivePrice:
    """Which price, and optionally the version the caller read."""

    id: PriceId
    expected_version: Version | None = None


@use_case("prices.archive", scope=Scope.PRICES_WRITE, example={}, destructive=True, statements=8)
async def archive_price(cmd: ArchivePrice, uow: IUnitOfWork, *, clock: IClock) -> PriceView:
    """Take a price off sale; payment links with it stop selling, orders made before keep their amount.

    Errors: `not_found`, `version_stale`.
    """
    # The product first, as everybody does who changes its prices, so that two of them never wait for each other.
    product = await uow.products.get_by_price(cmd.id, lock=True)
    price = await uow.prices.get(cmd.id, lock=True)
    price.expect_version(cmd.expected_version)
    product.archive_price(price, clock.now(), uow.actor.id)
    return PriceView.of(price)
