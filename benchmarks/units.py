"""One unit of work at a time: get, create, change, list."""

from functools import partial

from benchmarks.arena import Arena, Renaming, of_random
from benchmarks.measure import compare
from benchmarks.report import Figure, Row, at_least, at_most

_NUMBER = 25
_ROUNDS = 48


async def units(arena: Arena) -> list[Row]:
    """Measure all of them."""
    return [*await _gets(arena), *await _creates(arena), *await _changes(arena), *await _lists(arena)]


async def _gets(arena: Arena) -> list[Row]:
    raw, peer, stoa, seeded = arena.raw, arena.peer, arena.stoa, arena.ground.seeded
    products = {
        "raw": of_random(raw.get_product, seeded.products),
        "peer": of_random(peer.get_product, seeded.products),
        "Stoa": of_random(stoa.get_product, seeded.products),
    }
    orders = {
        "raw": of_random(raw.get_order, seeded.orders),
        "peer": of_random(peer.get_order, seeded.orders),
        "Stoa": of_random(stoa.get_order, seeded.orders),
    }
    rounds = arena.scale.rounds(_ROUNDS)
    one = await compare("get a product", products, rounds=rounds, number=_NUMBER)
    two = await compare("get an order with its attempts", orders, rounds=rounds, number=_NUMBER)
    return [
        Row(
            "get by id",
            Figure.of(one.ratio("Stoa", "raw"), at_most(1.35)),
            Figure.of(one.ratio("peer", "Stoa"), at_least(4)),
            one.micros(),
        ),
        Row(
            "get an order with its parts (2 statements each)",
            Figure.of(two.ratio("Stoa", "raw")),
            Figure.of(two.ratio("peer", "Stoa")),
            two.micros(),
        ),
    ]


async def _creates(arena: Arena) -> list[Row]:
    raw = arena.raw
    series = await compare(
        "create a product",
        {
            "raw row": partial(raw.create, with_event=False),
            "raw": raw.create,
            "raw in one": partial(raw.create, at_once=True),
            "raw with entry": partial(raw.create, with_entry=True),
            "peer": arena.peer.create,
            "Stoa": arena.stoa.create,
        },
        rounds=arena.scale.rounds(_ROUNDS),
        number=_NUMBER,
    )
    return [
        Row(
            "create + 1 event (Stoa: + audit entry)",
            Figure.of(series.ratio("Stoa", "raw"), at_most(1.35)),
            Figure.of(series.ratio("peer", "Stoa"), at_least(4)),
            series.micros(),
        ),
        Row("… vs raw row + event + audit entry", Figure.of(series.ratio("Stoa", "raw with entry"))),
        Row("… vs raw row + event in one statement", Figure.of(series.ratio("Stoa", "raw in one"))),
        Row("… vs raw row alone", Figure.of(series.ratio("Stoa", "raw row"))),
    ]


async def _changes(arena: Arena) -> list[Row]:
    ids = arena.ground.seeded.products
    quarter = len(ids) // 4
    mine = [ids[n * quarter : (n + 1) * quarter] for n in range(4)]
    series = await compare(
        "load, change and save a product",
        {
            "raw": Renaming(arena.raw.rename, mine[0]),
            "raw with entry": Renaming(partial(arena.raw.rename, with_entry=True), mine[1]),
            "peer": Renaming(arena.peer.rename, mine[2]),
            "Stoa": Renaming(arena.stoa.rename, mine[3]),
        },
        rounds=arena.scale.rounds(_ROUNDS),
        number=_NUMBER,
    )
    return [
        Row(
            "load, change, save + 1 event (Stoa: + audit entry)",
            Figure.of(series.ratio("Stoa", "raw"), at_most(1.3)),
            Figure.of(series.ratio("peer", "Stoa"), at_least(5)),
            series.micros(),
        ),
        Row("… vs raw with event + audit entry", Figure.of(series.ratio("Stoa", "raw with entry"))),
    ]


async def _lists(arena: Arena) -> list[Row]:
    raw, peer, stoa = arena.raw, arena.peer, arena.stoa
    rounds = arena.scale.rounds(_ROUNDS)
    products = await compare(
        "list 100 products",
        {
            "raw": partial(raw.list_products, 100),
            "peer": partial(peer.list_products, 100),
            "peer counted": partial(peer.list_products, 100, counted=True),
            "Stoa": partial(stoa.list_products, 100),
        },
        rounds=rounds,
        number=5,
    )
    orders = await compare(
        "list 100 orders with their attempts",
        {
            "raw": partial(raw.list_orders, 100),
            "peer": partial(peer.list_orders, 100),
            "Stoa": partial(stoa.list_orders, 100),
        },
        rounds=rounds,
        number=3,
    )
    return [
        Row(
            "list 100 (keyset)",
            Figure.of(products.ratio("Stoa", "raw"), at_most(1.15)),
            Figure.of(products.ratio("peer", "Stoa"), at_least(2.8)),
            products.micros(),
        ),
        Row("… vs the peer's list_and_count", None, Figure.of(products.ratio("peer counted", "Stoa"), at_least(6))),
        Row(
            "list 100 orders with their parts",
            Figure.of(orders.ratio("Stoa", "raw")),
            Figure.of(orders.ratio("peer", "Stoa")),
            orders.micros(),
        ),
    ]
