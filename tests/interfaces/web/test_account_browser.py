"""From the mail to the last word in a real browser, by day and by night, with and without scripts."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from application.identity.person_mails import RECOVER_PASSWORD, VERIFY_EMAIL
from tests.interfaces.web.browser import Screen, chromium, faults, opened, reached_by_tab
from tests.interfaces.web.reader import OTHER, WRONG, Reader, invited_link
from tests.interfaces.web.shop import visiting
from tests.interfaces.web.store import Store, open_store, serving
from tests.support.databases import TestDatabases
from tests.support.persons import PASSWORD, finish_sign_ups, new_address, user_id_of
from tests.support.stack import open_stack

SCREENS = [
    Screen(360, "light", scripts=False),
    Screen(1280, "dark"),
    Screen(360, "dark", scripts=False, locale="de-DE"),
]


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as started:
        yield started


@pytest.fixture(scope="module")
async def store(test_databases: TestDatabases) -> AsyncIterator[Store]:
    async with open_stack(test_databases.postgres()) as stack:
        yield await open_store(stack)


async def shown(page: Page, folder: Path, name: str, screen: Screen) -> None:
    """Look for what is wrong with a page, and keep how it looks for a person to look at."""
    assert await faults(page) == []
    await page.screenshot(path=folder / f"{name}-{screen}-{screen.locale}.png", full_page=True)


async def typed(page: Page, **fields: str) -> None:
    """Fill a form and send it."""
    for name, text in fields.items():
        await page.fill(f"#{name}", text)
    await page.click("form button")


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: f"{screen}-{screen.locale}")
async def test_an_invited_stranger_becomes_a_member(
    screen: Screen, browser: Browser, store: Store, tmp_path: Path
) -> None:
    """Invitation, sign-up, verification, a forgotten password, and the invitation again, all by the links of mails."""
    email, stack = new_address(), store.stack
    async with (
        serving(store) as address, opened(browser, screen) as page, visiting(store.app) as client,
    ):  # fmt: skip
        reader = Reader(stack, client)
        invitation = address + await invited_link(reader, store.seller)
        await page.goto(invitation)
        await shown(page, tmp_path, "invitation", screen)
        await page.click("a[href^='/sign-up']")
        await shown(page, tmp_path, "sign-up", screen)
        await typed(page, name="Ada Lind", email=email, password="x" * 12)
        await expect(page.locator("[role=alert]")).to_be_focused()
        await shown(page, tmp_path, "sign-up-mistake", screen)
        await typed(page, password=PASSWORD)
        await shown(page, tmp_path, "signed-up", screen)
        await finish_sign_ups(stack)
        person = await user_id_of(stack, email)
        await page.goto(address + await reader.link(VERIFY_EMAIL, person))
        await shown(page, tmp_path, "verify", screen)
        await typed(page, password=WRONG)
        await shown(page, tmp_path, "verify-mistake", screen)
        await typed(page, password=PASSWORD)
        await shown(page, tmp_path, "verified", screen)
        await page.goto(f"{address}/recover-password")
        await typed(page, email=email)
        await shown(page, tmp_path, "mailed", screen)
        recovery = address + await reader.link(RECOVER_PASSWORD, person)
        await page.goto(recovery)
        await shown(page, tmp_path, "recover", screen)
        await typed(page, password=OTHER, repeated=OTHER)
        await shown(page, tmp_path, "recovered", screen)
        await page.goto(recovery)
        await typed(page, password=WRONG, repeated=WRONG)
        await shown(page, tmp_path, "link-over", screen)
        await page.goto(invitation)
        await typed(page, email=email, password=OTHER)
        await shown(page, tmp_path, "joined", screen)
        assert "token=" not in page.url
    members = await store.run("members.list", limit=100)
    assert email in str(members)


async def test_a_form_of_a_mail_is_filled_by_keyboard(browser: Browser, store: Store) -> None:
    """Tab goes through the page as it is read."""
    async with serving(store) as address, opened(browser, Screen()) as page:
        await page.goto(f"{address}/recover-password?token=any")
        assert await reached_by_tab(page, 4) == ["Skip to content", "password", "repeated", "Set new password"]
