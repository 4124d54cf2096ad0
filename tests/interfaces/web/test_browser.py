"""Buying in a real browser: on a phone and on a desk, in daylight and at night, with and without scripts."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.async_api import Browser, Page, expect

from tests.interfaces.web.browser import SCREENS, Screen, chromium, faults, opened, reached_by_tab
from tests.interfaces.web.store import Store, open_store, serving
from tests.support.databases import TestDatabases
from tests.support.stack import open_stack

PHONE, DESK = Screen(360, "light", scripts=False), Screen(1280, "dark")


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as started:
        yield started


@pytest.fixture(scope="module")
async def store(test_databases: TestDatabases) -> AsyncIterator[Store]:
    # A database of its own, whose worker finds no jobs but those of this store.
    async with open_stack(test_databases.postgres()) as stack:
        yield await open_store(stack)


@pytest.fixture(scope="module")
async def address(store: Store, browser: Browser) -> AsyncIterator[str]:
    async with serving(store) as served:
        yield served


async def fill(page: Page, *, number: str = "4242 4242 4242 4242", person: bool = True) -> None:
    """Type what a buyer types."""
    if person:
        await page.fill("#email", f"mara-{uuid4().hex[:12]}@example.org")
        await page.fill("#name", "Mara Lind")
    await page.fill("#number", number)
    await page.fill("#expiry", "12/39")
    await page.fill("#cvc", "123")


async def pay(page: Page) -> None:
    """Press the button that pays."""
    await page.click("form[method=post] button")


async def picture(page: Page, folder: Path, name: str, screen: Screen) -> None:
    """Keep how the page looks, for a person to look at."""
    await page.screenshot(path=folder / f"{name}-{screen}.png", full_page=True)


@pytest.mark.parametrize("screen", SCREENS, ids=str)
async def test_a_complete_purchase(
    screen: Screen, browser: Browser, store: Store, address: str, tmp_path: Path
) -> None:
    """From the offer over another quantity to the receipt, while a worker collects the money; nothing is amiss."""
    slug = await store.link()
    async with opened(browser, screen) as page:
        await page.goto(f"{address}/pay/{slug}")
        await page.click("button[name=to]")
        await expect(page.locator("form[method=post] button")).to_have_text(re.compile(r"Pay €49\.80"))
        assert await faults(page) == []
        await picture(page, tmp_path, "offer", screen)
        await fill(page)
        await pay(page)
        # The page finds the outcome by itself.
        await expect(page.locator("h1")).to_have_text("Payment received", timeout=20_000)
        assert await faults(page) == []
        await picture(page, tmp_path, "paid", screen)
        assert "card=" not in page.url
    order = (await store.orders())[-1]
    assert (order["status"], store.charged(order)) == ("completed", [4980])


@pytest.mark.parametrize("screen", [PHONE, DESK], ids=str)
async def test_a_declined_card_and_another_one(
    screen: Screen, browser: Browser, store: Store, address: str, tmp_path: Path
) -> None:
    """The reason is told, a mistyped number as well, and the next card pays the same order."""
    slug = await store.link()
    async with opened(browser, screen) as page:
        await page.goto(f"{address}/pay/{slug}")
        await fill(page, number="4000 0000 0000 9995")
        await pay(page)
        await expect(page.locator("h1")).to_have_text("Your payment did not go through", timeout=20_000)
        await expect(page.locator("main")).to_contain_text("not enough money")
        assert await faults(page) == []
        await picture(page, tmp_path, "declined", screen)
        await fill(page, number="4242 4242 4242 4241", person=False)
        await pay(page)
        await expect(page.locator("[role=alert]")).to_contain_text("Check the card number")
        assert await faults(page) == []
        await fill(page, person=False)
        await pay(page)
        await expect(page.locator("h1")).to_have_text("Payment received", timeout=20_000)
    order = (await store.orders())[-1]
    assert store.charged(order) == [2490]


@pytest.mark.parametrize("screen", [PHONE, DESK], ids=str)
async def test_mistakes_keep_what_was_typed(screen: Screen, browser: Browser, store: Store, address: str) -> None:
    """The summary has the focus and leads to the field; the address stays, the card does not."""
    async with opened(browser, screen) as page:
        await page.goto(f"{address}/pay/{await store.link()}")
        await fill(page, number="4242 4242 4242 4241")
        await page.fill("#email", "mara.lind@example.org")
        await pay(page)
        summary = page.locator("[role=alert]")
        await expect(summary).to_be_focused()
        await expect(page).to_have_title("Error: Pay Harbour Coffee")
        await expect(page.locator("#email")).to_have_value("mara.lind@example.org")
        for field in ("#number", "#expiry", "#cvc"):
            await expect(page.locator(field)).to_have_value("")
        await expect(page.locator("#number")).to_have_attribute("aria-invalid", "true")
        await summary.get_by_role("link").click()
        await expect(page.locator("#number")).to_be_focused()
        assert await faults(page) == []


async def test_the_browser_keeps_an_empty_form_from_being_sent(browser: Browser, store: Store, address: str) -> None:
    """Required fields are known to the browser, so that nobody loses a typed card to a forgotten name."""
    async with opened(browser, DESK) as page:
        await page.goto(f"{address}/pay/{await store.link()}")
        before = page.url
        await pay(page)
        await expect(page.locator("#email")).to_be_focused()
        assert page.url == before


async def test_everything_is_reached_by_keyboard_in_the_order_of_the_page(
    browser: Browser, store: Store, address: str
) -> None:
    """Tab goes through the page as it is read, beginning with the way past the head; Enter pays."""
    async with opened(browser, DESK) as page:
        await page.goto(f"{address}/pay/{await store.link()}")
        assert await reached_by_tab(page, 10) == [
            "Skip to payment", "quantity", "+", "Update", "email", "name", "number", "expiry", "cvc", "Pay €24.90",
        ]  # fmt: skip
        await fill(page)
        await page.press("#cvc", "Enter")
        await expect(page.locator("h1")).to_have_text("Payment received", timeout=20_000)


@pytest.mark.parametrize("scripts", [True, False])
async def test_a_double_click_is_one_purchase(scripts: bool, browser: Browser, store: Store, address: str) -> None:
    """Two clicks are one order and one charge; after that, back and paying again follows the form that is shown."""
    slug = await store.link()
    before = len(await store.orders())
    async with opened(browser, Screen(1280, "light", scripts=scripts)) as page:
        await page.goto(f"{address}/pay/{slug}")
        secret = await page.locator("input[name=reference]").get_attribute("value")
        await fill(page)
        await page.locator("form[method=post] button").dblclick(no_wait_after=True)
        await expect(page.locator("h1")).to_have_text("Payment received", timeout=20_000)
        assert len(await store.orders()) == before + 1
        await page.go_back()
        kept = await page.locator("input[name=reference]").get_attribute("value") == secret
        await fill(page)
        await pay(page)
        await expect(page.locator("h1")).to_have_text("Payment received", timeout=20_000)
    orders = (await store.orders())[before:]
    # A page that the browser asked for anew is another form, and buying twice on purpose stays possible.
    assert [len(store.charged(order)) for order in orders] == [1] * (1 if kept else 2)


@pytest.mark.parametrize("screen", [PHONE, DESK], ids=str)
async def test_links_that_are_over(
    screen: Screen, browser: Browser, store: Store, address: str, tmp_path: Path
) -> None:
    """Sold out, expired, and never there: a page of its own each, without any form."""
    sold_out = await store.link(max_uses=1)
    expired = await store.link(expires_at=(datetime.now(UTC) + timedelta(hours=1)).isoformat())
    async with opened(browser, screen) as page:
        await page.goto(f"{address}/pay/{sold_out}")
        await fill(page)
        await pay(page)
        await expect(page.locator("h1")).to_have_text("Payment received", timeout=20_000)
        store.stack.clock.shift = timedelta(hours=2)
        try:
            for name, path, said in (
                ("sold-out", sold_out, "This offer is sold out"),
                ("expired", expired, "This payment link has expired"),
                ("missing", "nothing-here", "Page not found"),
            ):
                await page.goto(f"{address}/pay/{path}")
                await expect(page.locator("h1")).to_have_text(said)
                assert await page.locator("form").count() == 0
                assert await faults(page) == []
                await picture(page, tmp_path, name, screen)
        finally:
            store.stack.clock.shift = timedelta()


async def test_a_purchase_in_german(browser: Browser, store: Store, address: str, tmp_path: Path) -> None:
    """A German browser is spoken to in German to the end, and its reader can choose English."""
    screen = Screen(360, "light", scripts=False, locale="de-DE")
    async with opened(browser, screen) as page:
        await page.goto(f"{address}/pay/{await store.link()}")
        await expect(page.locator("html")).to_have_attribute("lang", "de")
        await expect(page.locator("form[method=post] button")).to_have_text(re.compile("24,90\xa0€ bezahlen"))
        assert await faults(page) == []
        await picture(page, tmp_path, "german", screen)
        await fill(page)
        await pay(page)
        await expect(page.locator("h1")).to_have_text("Zahlung erhalten", timeout=20_000)
        await page.get_by_role("link", name="English").click()
        await expect(page.locator("h1")).to_have_text("Payment received")


async def test_a_screen_reader_hears_a_form(browser: Browser, store: Store, address: str) -> None:
    """The tree of names and roles has the landmarks, the heading, every field by its label, and the button."""
    async with opened(browser, DESK) as page:
        await page.goto(f"{address}/pay/{await store.link()}")
        tree = await page.locator("body").aria_snapshot()
    for line in (
        "- banner", "- main", "- contentinfo", 'heading "Espresso blend, 1 kg" [level=1]', 'group "Your details"',
        'group "Card"', 'textbox "Email"', 'textbox "Full name"', 'textbox "Card number"', 'textbox "Expiry date"',
        'textbox "Security code"', 'button "Pay €24.90"', 'navigation "Language"', 'spinbutton "Quantity"',
    ):  # fmt: skip
        assert line in tree, tree


async def test_the_look_has_teeth(browser: Browser) -> None:
    """Pale text, a field without a label, a nameless button and a page without language are found."""
    async with opened(browser, DESK) as page:
        await page.set_content(
            "<p style='color:#999;background:#fff'>pale</p><input id='a'><button></button><a href='#gone'>x</a>"
            "<div style='width:5000px'>wide</div>"
        )
        found = "\n".join(await faults(page))
    for said in ("contrast 2.8", "no label: a", "no name", "leads nowhere", "not one h1", "no language", "wider"):
        assert said in found
