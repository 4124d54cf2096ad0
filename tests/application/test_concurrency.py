"""Real races on both databases: effects are counted in the tables, never believed from answers."""

import re
from collections import Counter
from uuid import uuid4

import pytest

from domain.shared.ids import CustomerId, PaymentLinkId, PaymentMethodId, PaymentOrderId, ProductId, decode_id
from infrastructure.persistence import database
from tests.support.http import HttpFace
from tests.support.races import race
from tests.support.rows import Rows
from tests.support.stack import Body, Stack
from tests.support.world import World

ROUNDS = 10
ROUNDS_AT_FULL_LENGTH = 1_000


async def about(rows: Rows, world: World, table: str, column: str, subject: Body) -> list[Body]:
    """Return an organization's rows of one table that name a subject in a column."""
    uuid = decode_id(str(subject["id"]).partition("_")[0], str(subject["id"]))
    wanted = {uuid, uuid.hex, str(uuid)}
    return [dict(row) for row in await rows.of(table, world.actor.organization_id) if row[column] in wanted]


async def test_fifty_buyers_of_a_single_use_link_make_one_order(world: World, rows: Rows) -> None:
    """One order, one event, one audit entry and one use: the other 49 hear that the link is used up."""
    link = await world.fresh(PaymentLinkId, max_uses=1)
    order = {**await world.fields("payment_orders.create"), "payment_link_id": link["id"]}
    raced = await race(world.send("payment_orders.create", order) for _ in range(50))

    assert len(raced.won) == 1
    assert raced.lost == {"payment_link_used_up": 49}
    orders = await about(rows, world, "payment_orders", "payment_link_id", link)
    assert len(orders) == 1
    events = await about(rows, world, "outbox", "aggregate_id", raced.won[0])
    assert len(events) == 1
    entries = await rows.of("audit_entries", world.actor.organization_id)
    assert Counter(entry["action"] for entry in entries if entry["subject_id"] == raced.won[0]["id"]) == {
        "payment_orders.create": 1
    }
    assert (await world.run("payment_links.get", id=link["id"]))["uses"] == 1


async def test_eight_changes_of_one_version_have_one_winner(
    world: World, http: HttpFace, rows: Rows, pytestconfig: pytest.Config
) -> None:
    """Of eight simultaneous PATCHes of one version one is 200, the others 412, and the version grows by one."""
    for _ in range(ROUNDS_AT_FULL_LENGTH if pytestconfig.getoption("--faults") else ROUNDS):
        fields = await world.fields("products.update")
        answers = await race(
            http.send("products.update", {**fields, "name": f"Blend {n}"}, key=world.key) for n in range(8)
        )  # fmt: skip
        assert Counter(answer.status_code for answer in answers.won) == {200: 1, 412: 7}
        winner = next(answer.json() for answer in answers.won if answer.status_code == 200)
        present = await world.run("products.get", id=fields["id"])
        assert (present["version"], present["name"]) == (2, winner["name"])
        assert (await rows.query(entries_of(str(fields["id"]))))[0]["n"] == 2


def entries_of(subject: str) -> str:
    """Return SQL that counts the audit entries about something; reading all of them grows with every round."""
    assert re.fullmatch(r"[a-z]+_[a-z0-9]+", subject)
    return f"SELECT count(*) AS n FROM audit_entries WHERE subject_id = '{subject}'"


async def test_a_burst_of_orders_is_numbered_without_gaps(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """500 orders at once, through links and by customers that share nothing, get distinct consecutive numbers."""
    world = await World.create(stack)
    taken = [str(order["number"]) for order in await listed(world, "payment_orders.list")]
    pairs = []
    for _ in range(10):
        link, customer = await world.fresh(PaymentLinkId), await world.fresh(CustomerId)
        pairs.append({"payment_link_id": link["id"], "customer_id": customer["id"]})
    # The first of each asks for more than the price allows, and must not take a number with it.
    orders = [{**pair, "quantity": 101 if n == 0 else 1} for n in range(51) for pair in pairs]
    # Numbers are the question here, not how long somebody waits for one of ten connections, or for their turn.
    monkeypatch.setattr(stack.database._pool, "_timeout", 300)
    monkeypatch.setattr(database, "SQLITE_TURN_SECONDS", 300)
    raced = await race(world.send("payment_orders.create", order) for order in orders)
    assert (len(raced.won), raced.lost.total()) == (500, 10)
    numbers = sorted([*taken, *(str(each["number"]) for each in raced.won)])
    for day in {number.partition("-")[0] for number in numbers}:
        of_day = [int(number.partition("-")[2]) for number in numbers if number.startswith(day)]
        assert of_day == list(range(1, len(of_day) + 1))


async def listed(world: World, name: str) -> list[Body]:
    """Return the first hundred of a list."""
    page = await world.send(name, {"limit": 100})
    return page["data"]  # type: ignore[return-value]  # reason: a list's data are bodies


async def test_two_first_payment_methods_make_one_default(world: World) -> None:
    """Methods added at once to a customer without any leave exactly one default."""
    for _ in range(ROUNDS):
        customer = await world.fresh(CustomerId)
        method = {**await world.fields("payment_methods.add"), "customer_id": customer["id"]}
        raced = await race(world.send("payment_methods.add", method) for _ in range(4))
        assert len(raced.won) == 4
        methods = await world.send("payment_methods.list", {"customer_id": customer["id"]})
        assert sum(bool(each["is_default"]) for each in methods["data"]) == 1  # type: ignore[attr-defined]  # reason: a list


async def test_removing_methods_at_once_keeps_one_default(world: World) -> None:
    """Two of four methods removed at once, the default among them, leave exactly one default."""
    for _ in range(ROUNDS):
        customer = await world.fresh(CustomerId)
        methods = [await world.fresh(PaymentMethodId, customer_id=customer["id"]) for _ in range(4)]
        raced = await race(world.send("payment_methods.remove", {"id": each["id"]}) for each in methods[:2])
        assert len(raced.won) + raced.lost["version_stale"] == 2
        left = await world.send("payment_methods.list", {"customer_id": customer["id"]})
        assert sum(bool(each["is_default"]) for each in left["data"]) == 1  # type: ignore[attr-defined]  # reason: a list


async def test_a_customer_is_never_deleted_with_an_open_order(world: World, rows: Rows) -> None:
    """Deleting a customer while they order ends with one of the two: the customer gone, or the order there."""
    outcomes: Counter[str] = Counter()
    for n in range(2 * ROUNDS):
        customer = await world.fresh(CustomerId)
        order = {**await world.fields("payment_orders.create"), "customer_id": customer["id"]}
        both = [world.send("payment_orders.create", order), world.send("customers.delete", {"id": customer["id"]})]
        raced = await race(both if n % 2 else reversed(both))
        assert len(raced.won) == 1, raced
        assert set(raced.lost) <= {"customer_has_open_orders", "not_found"}
        orders = await about(rows, world, "payment_orders", "customer_id", customer)
        deleted = (await about(rows, world, "customers", "id", customer))[0]["deleted_at"] is not None
        assert len(orders) == (0 if deleted else 1)
        outcomes["deleted" if deleted else "ordered"] += 1
    assert sum(outcomes.values()) == 2 * ROUNDS


async def test_a_product_is_never_archived_with_a_price_on_sale(world: World, rows: Rows) -> None:
    """Pricing a product while it is archived ends with no live price on an archived product."""
    for n in range(ROUNDS):
        product = await world.fresh(ProductId)
        price = {**await world.fields("prices.create"), "product_id": product["id"]}
        both = [world.send("prices.create", price), world.send("products.archive", {"id": product["id"]})]
        raced = await race(both if n % 2 else reversed(both))
        assert raced.lost.keys() <= {"not_found"}
        prices = await about(rows, world, "prices", "product_id", product)
        assert all(each["deleted_at"] is not None for each in prices)


async def test_paying_and_cancelling_at_once_has_one_winner(world: World) -> None:
    """A pending order is paid or cancelled, whichever came first, and the other is told so."""
    for _ in range(ROUNDS):
        order = await world.fresh(PaymentOrderId)
        pay = {"id": order["id"], "payment_method_id": world.ids[PaymentMethodId]}
        raced = await race(
            [
                world.send("payment_orders.pay", pay),
                world.send("payment_orders.cancel", {"id": order["id"]}),
                world.send("payment_orders.pay", pay),
            ]
        )
        assert len(raced.won) == 1, raced
        assert raced.lost.keys() <= {"payment_in_progress", "transition_invalid"}
        present = await world.run("payment_orders.get", id=order["id"])
        assert present["version"] == 2
        assert len(present["attempts"]) == (1 if present["status"] == "processing" else 0)  # type: ignore[arg-type]  # reason: a list


async def test_one_value_that_must_be_unique_is_taken_once(world: World) -> None:
    """Of ten customers created at once with one address exactly one exists."""
    fields = await world.fields("customers.create")
    fields["external_id"] = None
    raced = await race(world.send("customers.create", fields) for _ in range(10))
    assert (len(raced.won), raced.lost) == (1, {"customer_email_taken": 9})
    slug = {**await world.fields("payment_links.create"), "slug": f"spring-{uuid4().hex[:12]}"}
    links = await race(world.send("payment_links.create", slug) for _ in range(10))
    assert (len(links.won), links.lost) == (1, {"slug_taken": 9})
