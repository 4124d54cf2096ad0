"""The named questions about orders and users select in SQL exactly what they hold for in Python, on both databases."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from application.kernel.actor import PLATFORM, operator
from domain.identity import user_specifications as u
from domain.identity.user import User, UserStatus
from domain.payments import specifications as s
from domain.payments.payment_order import PaymentOrder
from domain.payments.payment_order_status import PaymentOrderStatus
from domain.shared.ids import UserId
from domain.shared.money import Money
from domain.shared.specification import Equal, Everything, Spec
from domain.shared.specification_spans import HasAtLeast, LongerThan
from tests.infrastructure.persistence.reporting.histories import AMOUNTS, CURRENCIES, MOMENTS, STEPS, Step, live
from tests.infrastructure.persistence.samples import Shop, a_shop, outbox, unit
from tests.infrastructure.persistence.test_specification_sql import specs
from tests.support.stack import Stack

IN_SQL = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow],
    phases=set(Phase) - {Phase.explain},
)  # fmt: skip
MONEY = st.builds(Money, AMOUNTS, CURRENCIES)
STATUSES = st.lists(st.sampled_from(PaymentOrderStatus), max_size=3).map(tuple)
SPANS = st.sampled_from([timedelta(), timedelta(microseconds=1), timedelta(hours=1), timedelta(days=4000)])
METADATA = st.dictionaries(st.just("n"), st.integers(0, 5) | st.just("1"), max_size=1)
WITHOUT: list[Spec[PaymentOrder]] = [
    s.orders_open(), s.RefundPendingPaymentOrdersSpec(), s.RefundedPaymentOrdersSpec(),
    s.PartiallyRefundedPaymentOrdersSpec(), s.RetryablePaymentOrdersSpec(), s.PermanentlyFailedPaymentOrdersSpec(),
    s.AwaitingReconciliationPaymentOrdersSpec(), s.PaymentOrdersNeedingAttentionSpec(),
]  # fmt: skip
ORDERS: st.SearchStrategy[Spec[Any]] = st.one_of(
    st.sampled_from(WITHOUT),
    st.builds(s.PaymentOrdersWithMetadataSpec, METADATA),
    st.builds(s.PaymentOrdersWithTextSpec, st.sampled_from(["declined", "a", "%"])),
    st.builds(s.HighValuePaymentOrdersSpec, MONEY),
    st.builds(lambda low, high, code: s.PaymentOrdersAmountBetweenSpec(Money(low, code), Money(high, code)),
              AMOUNTS, AMOUNTS, CURRENCIES),
    st.builds(s.LargeRefundsSpec, MONEY),
    STATUSES.map(lambda statuses: s.PaymentOrdersInStatusSpec(*statuses)),
    st.builds(s.RetryDuePaymentOrdersSpec, MOMENTS),
    st.builds(s.PaymentOrdersFailedWithSpec, st.sampled_from(["declined", "stolen_card"])),
    st.builds(s.StuckPaymentOrdersSpec, MOMENTS),
    st.builds(s.ExpiredUnpaidPaymentOrdersSpec, MOMENTS.map(lambda at: at + timedelta(days=90))),
    st.builds(s.AttemptedPaymentOrdersSpec, st.integers(0, 3)),
    st.builds(s.PaymentOrdersByRiskSpec, st.integers(0, 1), st.none() | st.integers(0, 2)),
    st.just(s.PaymentOrdersByKycSpec("not_started", "verified")),
    st.builds(s.PaymentOrdersCreatedBetweenSpec, st.none() | MOMENTS, st.none() | MOMENTS),
    st.builds(s.PaymentOrdersCompletedBetweenSpec, st.none() | MOMENTS, st.none() | MOMENTS),
    st.builds(s.PaymentOrdersCreatedOnDaySpec, st.dates(date(2026, 3, 28), date(2026, 3, 31)),
              st.sampled_from(["Europe/Berlin", "Asia/Kathmandu", "Pacific/Apia"]).map(ZoneInfo)),
    st.builds(s.SlowPaymentOrdersSpec, SPANS),
    st.builds(LongerThan, st.sampled_from(["created_at", "failed_at"]), st.just("expires_at"), SPANS),
)  # fmt: skip


@pytest.fixture(scope="module")
async def shop(stack: Stack) -> Shop:
    """Sell in an organization of this file's own."""
    return await a_shop(stack)


@IN_SQL
@given(steps=STEPS, asked=st.lists(specs(ORDERS), min_size=5, max_size=15))
async def test_orders_with_a_history_are_selected_alike(
    shop: Shop, steps: list[Step], asked: list[Spec[PaymentOrder]]
) -> None:
    """Orders in all states they can get into: what holds in Python is selected in SQL, and nothing else."""
    await live(shop, steps)
    async with unit(shop.stack, shop.actor, read_only=True) as uow:
        stored = await uow.payment_orders.find(Everything())
        for spec in asked:
            expected = {row.id for row in stored if spec.is_satisfied_by(row)}
            assert {row.id for row in await uow.payment_orders.find(spec)} == expected, spec
            assert await uow.payment_orders.count(spec) == len(expected)
            assert await uow.payment_orders.exists(spec) == bool(expected)
            first = await uow.payment_orders.find_one(spec)
            assert (first.id if first else None) == min(expected, default=None)


NOW = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
TIMES = st.sampled_from([NOW - timedelta(days=1), NOW, NOW + timedelta(microseconds=1)])
NAMES = st.sampled_from(["inês", "ana_1", "50%", "Ana", "sailor"])
USERS = st.lists(
    st.fixed_dictionaries({
        "id": st.uuids(version=4), "name": NAMES, "username": st.none() | NAMES,
        "wallet_address": st.booleans(), "status": st.sampled_from(UserStatus),
        "preferences": st.dictionaries(st.sampled_from(["dark", "n"]), st.booleans() | st.integers(0, 1), max_size=2),
        "email_verified_at": st.none() | TIMES, "last_login_at": st.none() | TIMES, "created_at": TIMES,
    }),
    max_size=6, unique_by=lambda fields: fields["id"],
)  # fmt: skip
PEOPLE: st.SearchStrategy[Spec[Any]] = st.one_of(
    st.sampled_from([
        u.ActiveUsersSpec(), u.SuspendedUsersSpec(), u.VerifiedUsersSpec(), u.UnverifiedUsersSpec(),
        u.UsersWithWalletSpec(), u.NeverSignedInUsersSpec(),
    ]),
    st.builds(u.UserSearchSpec, st.sampled_from(["INÊS", "A", "_1", "%", "@a"])),
    st.builds(u.UnverifiedUsersSpec, TIMES),
    st.builds(u.UsersOfDomainSpec, st.sampled_from(["a.example", "A.EXAMPLE", "b.example", "%"])),
    st.builds(u.UsersWithUsernamePrefixSpec, st.sampled_from(["A", "ana_", "5", ""])),
    st.builds(u.UsersRegisteredBetweenSpec, st.none() | TIMES, st.none() | TIMES),
    st.builds(u.SeenSinceUsersSpec, TIMES),
    st.builds(u.InactiveUsersSpec, TIMES),
    st.builds(u.UsersWithPreferencesSpec, st.dictionaries(st.just("dark"), st.booleans() | st.just(1), max_size=1)),
)  # fmt: skip


def people(drawn: list[dict[str, Any]]) -> list[User]:
    """Make users as no factory would allow them."""
    return [
        User(
            organization_id=PLATFORM, updated_at=NOW, version=1, email=f"{fields['id'].hex}@{'ab'[n % 2]}.example",
            **{
                **fields, "username": f"{fields['username']}{n}" if fields["username"] else None,
                "wallet_address": f"0x{fields['id'].hex:0>40}" if fields["wallet_address"] else None,
            },
        )
        for n, fields in enumerate(drawn)
    ]  # fmt: skip


@IN_SQL
@given(drawn=USERS, asked=st.lists(specs(PEOPLE), min_size=5, max_size=15))
async def test_people_are_selected_alike(shop: Shop, drawn: list[dict[str, Any]], asked: list[Spec[User]]) -> None:
    """Names, states, preferences and times of people: the two evaluations agree."""
    drawn = [
        {**fields, "username": f"{fields['username']}{n}" if fields["username"] else None}
        for n, fields in enumerate(drawn)
    ]
    async with unit(shop.stack, operator()) as uow:
        made = people(drawn)
        await uow.users.add_many(made)
        own = u.UsersAmongSpec([user.email for user in made])
        for spec in asked:
            expected = {user.id for user in made if spec.is_satisfied_by(user)}
            assert {user.id for user in await uow.users.find(spec & own)} == expected, spec
            assert await uow.users.count(own & spec) == len(expected)


async def test_bulk_changes_of_orders_keep_versions_audit_and_events(stack: Stack) -> None:
    """Relabelling and deleting by a named question leaves what single changes leave, and spares the others."""
    shop = await a_shop(stack)
    orders = [shop.order() for _ in range(5)]
    for order in orders[:3]:
        shop.attempt(order)
    async with unit(stack, shop.actor) as uow:
        await uow.payment_orders.add_many(orders)
        await uow.commit()
    stuck = s.StuckPaymentOrdersSpec(stack.clock.now() + timedelta(hours=1))
    async with unit(stack, shop.actor) as uow:
        assert await uow.payment_orders.update_where(stuck, {"metadata": {"seen": True}}) == 3
        assert await uow.payment_orders.delete_where(~stuck & s.orders_open()) == 2
        await uow.commit()
    async with unit(stack, shop.actor) as uow:
        left = await uow.payment_orders.find(Everything())
        assert [(order.version, order.metadata) for order in left] == [(2, {"seen": True})] * 3
        assert (
            await uow.audit_entries.count(Equal("subject_type", "payment_order") & Equal("operation", "updated")) == 3
        )
        assert (
            await uow.audit_entries.count(Equal("subject_type", "payment_order") & Equal("operation", "deleted")) == 2
        )
    events = await outbox(stack, shop.actor)
    assert events.count(("payment_order.updated", 2)) == 3
    assert events.count(("payment_order.deleted", 2)) == 2


async def test_bulk_changes_of_people_keep_versions(stack: Stack) -> None:
    """A campaign that marks dormant accounts changes each of them once and nobody else."""
    made = [
        User.register(
            id=UserId(stack.ids.new()), organization_id=PLATFORM, email=f"{stack.ids.new().hex}@a.example",
            name="Ana", now=NOW,
        )
        for _ in range(4)
    ]  # fmt: skip
    made[0].last_login_at = stack.clock.now()
    dormant = u.InactiveUsersSpec(NOW) & u.UsersAmongSpec([user.email for user in made])
    async with unit(stack, operator()) as uow:
        await uow.users.add_many(made)
        assert await uow.users.update_where(dormant, {"preferences": {"dormant": True}}) == 3
        assert sorted(user.version for user in made) == [1, 2, 2, 2]
        assert await uow.users.count(u.UsersWithPreferencesSpec({"dormant": True}) & dormant) == 3


@pytest.mark.parametrize(
    ("spec", "error"),
    [(LongerThan("status", "created_at", timedelta()), TypeError), (HasAtLeast("refunds", 1), AttributeError)],
)
async def test_spans_and_parts_that_are_none_are_mistakes(
    shop: Shop, spec: Spec[PaymentOrder], error: type[Exception]
) -> None:
    """A span needs two moments and a count the name of parts, whatever rows there are."""
    async with unit(shop.stack, shop.actor, read_only=True) as uow:
        with pytest.raises(error):
            await uow.payment_orders.find(spec)
