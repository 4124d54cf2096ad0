"""Searching over everything: within one organization, and within what the caller may read."""

from dataclasses import replace
from typing import cast

import pytest

from application.kernel.actor import Actor, Scope
from application.search.everything import UnknownSearchKind
from application.search.kinds import EXCERPT, KINDS
from tests.support.stack import Body, Stack


async def filled(stack: Stack, word: str) -> Actor:
    """Return the operator of an organization in which several things are called alike."""
    actor = await stack.organization()
    await stack.run("customers.create", actor, email=f"{word}@example.org", name="Mara Lind")
    product = await stack.run("products.create", actor, name=f"{word.upper()} deluxe", description="Grinds beans.")
    await stack.run("conversations.create", actor, title=f"About the {word}")
    await stack.run("agents.create", actor, name=f"{word} expert", type="assistant")
    await stack.run("tools.create", actor, name=f"{word} tester", category="testing", parameters={})
    await stack.run("tasks.create", actor, title=f"Repair the {word}")
    await stack.run("workflows.create", actor, name=f"Replace a {word}")
    example = stack.registry["playbooks.create"].example
    await stack.run("playbooks.create", actor, **{**example, "name": f"Sell a {word}"})
    price = {"product_id": product["id"], "unit_amount": {"amount": 1250, "currency": "EUR"}}
    bought = await stack.run("prices.create", actor, **price)
    await stack.run("payment_links.create", actor, price_id=bought["id"], title=f"Buy the {word}")
    return actor


def hits(answer: Body) -> list[tuple[object, object]]:
    return [(hit["kind"], hit["title"]) for hit in cast("list[Body]", answer["data"])]


async def test_everything_is_found_by_what_it_is_called(stack: Stack) -> None:
    """Whatever the case and the place of the text, with the beginning of an id that its kind has."""
    actor = await filled(stack, "grinder")
    answer = await stack.run("search.everything", actor, text="GRIND")
    assert hits(answer) == [
        ("customer", "Mara Lind"),
        ("product", "GRINDER deluxe"),
        ("payment_link", "Buy the grinder"),
        ("agent", "grinder expert"),
        ("tool", "grinder tester"),
        ("task", "Repair the grinder"),
        ("workflow", "Replace a grinder"),
        ("playbook", "Sell a grinder"),
        ("conversation", "About the grinder"),
    ]
    found = cast("list[Body]", answer["data"])
    assert found[0]["snippet"] == "grinder@example.org"
    assert [str(hit["id"]).split("_")[0] for hit in found] == [
        "cus",
        "prod",
        "plink",
        "agt",
        "tool",
        "task",
        "wf",
        "pbk",
        "conv",
    ]
    assert answer["searched"] == [kind.name for kind in KINDS]


async def test_nothing_of_another_organization_is_found(stack: Stack) -> None:
    """Each finds its own, though both call theirs alike."""
    mine, theirs = await filled(stack, "walled"), await filled(stack, "walled")
    for actor in (mine, theirs):
        assert len(hits(await stack.run("search.everything", actor, text="walled", per_kind=20))) == 9


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
async def test_a_kind_without_its_scope_is_left_out(stack: Stack, kind: object) -> None:
    """Whoever may search and not read a kind hears nothing of it, not even that it was left out."""
    assert kind in KINDS
    left = next(each for each in KINDS if each is kind)
    actor = await filled(stack, "secretive")
    limited = replace(actor, scopes=frozenset(Scope) - {left.scope})
    for given in ({}, {"kinds": [left.name]}):
        answer = await stack.run("search.everything", limited, text="secretive", **given)
        assert left.name not in {name for name, _ in hits(answer)}
        assert left.name not in cast("list[str]", answer["searched"])


async def test_each_kind_has_a_limit_of_its_own(stack: Stack) -> None:
    """The newest of a kind are shown, and that there are more is said."""
    actor = await stack.organization()
    for n in range(4):
        await stack.run("products.create", actor, name=f"Mug {n}")
    answer = await stack.run("search.everything", actor, text="mug", per_kind=3)
    assert hits(answer) == [("product", "Mug 3"), ("product", "Mug 2"), ("product", "Mug 1")]
    assert answer["truncated"] == ["product"]


async def test_wildcards_are_text(stack: Stack) -> None:
    """Per cent signs, underscores and backslashes find themselves alone."""
    actor = await stack.organization()
    for name in ("100%_sure\\", "100 sure"):
        await stack.run("products.create", actor, name=name)
    for text in ("0%_", "e\\"):
        assert hits(await stack.run("search.everything", actor, text=text)) == [("product", "100%_sure\\")]


async def test_a_long_text_is_shown_around_what_was_found(stack: Stack) -> None:
    """A snippet is short and has the text in it."""
    actor = await stack.organization()
    await stack.run("products.create", actor, name="Mug", description=f"{'x ' * 400}needle{' y' * 400}")
    answer = await stack.run("search.everything", actor, text="Needle")
    snippet = str(cast("list[Body]", answer["data"])[0]["snippet"])
    assert "needle" in snippet
    assert len(snippet) == EXCERPT


async def test_an_unknown_kind_is_refused(stack: Stack) -> None:
    """Rather than found empty."""
    actor = await stack.organization()
    with pytest.raises(UnknownSearchKind):
        await stack.run("search.everything", actor, text="mug", kinds=["secret"])
