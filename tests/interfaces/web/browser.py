"""A real Chromium, and what is measured on a page it shows."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal, cast

import pytest
from playwright.async_api import Browser, Page, async_playwright

_ARGUMENTS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
type Scheme = Literal["light", "dark"]


@dataclass(frozen=True, slots=True)
class Screen:
    """How a buyer looks at the page."""

    width: int = 1280
    scheme: Scheme = "light"
    scripts: bool = True
    locale: str = "en-GB"

    def __str__(self) -> str:
        """Read well in a test's name."""
        return f"{self.width}-{self.scheme}-{'scripts' if self.scripts else 'plain'}"


SCREENS = [
    Screen(width, scheme, scripts)
    for width in (360, 1280)
    for scheme in cast("tuple[Scheme, ...]", ("light", "dark"))
    for scripts in (True, False)
]


def find_chromium() -> str:
    """Return where Chromium is; without one these tests are skipped, except where they must run."""
    found = shutil.which("chromium")
    if found is not None:
        return found
    missing = "no chromium on this machine: `apt-get install chromium`, or scripts/ensure-chromium.sh as root"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(missing)
    pytest.skip(missing)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Start a headless browser that talks to nobody but us."""
    executable = find_chromium()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=_ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def opened(browser: Browser, screen: Screen) -> AsyncIterator[Page]:
    """Open a window; asking for anything but our own pages, and any error on a page, fails the test."""
    context = await browser.new_context(
        viewport={"width": screen.width, "height": 800}, color_scheme=screen.scheme,
        java_script_enabled=screen.scripts, locale=screen.locale,
    )  # fmt: skip
    page = await context.new_page()
    asked: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if "Content Security" in message.text else None)
    try:
        yield page
        assert [url for url in asked if not url.startswith(("http://127.0.0.1:", "data:"))] == []
        assert errors == []
    finally:
        await context.close()


_LOOK = """() => {
  const parse = text => {
    const found = text.match(/[\\d.]+/g).map(Number)
    return {r: found[0], g: found[1], b: found[2], a: found.length > 3 ? found[3] : 1}
  }
  const over = (top, under) => ({
    r: top.r * top.a + under.r * (1 - top.a), g: top.g * top.a + under.g * (1 - top.a),
    b: top.b * top.a + under.b * (1 - top.a), a: 1,
  })
  const behind = element => {
    const layers = []
    for (let each = element; each; each = each.parentElement) layers.push(parse(getComputedStyle(each).backgroundColor))
    return layers.reduceRight((under, top) => over(top, under), {r: 255, g: 255, b: 255, a: 1})
  }
  const light = color => {
    const part = value => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
    return 0.2126 * part(color.r) + 0.7152 * part(color.g) + 0.0722 * part(color.b)
  }
  const contrast = (one, other) => {
    const [dark, bright] = [light(one), light(other)].sort((a, b) => a - b)
    return (bright + 0.05) / (dark + 0.05)
  }
  const problems = []
  const shown = element => element.getClientRects().length > 0
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement
    if (!walker.currentNode.textContent.trim() || !shown(element)) continue
    const ground = behind(element)
    const ratio = contrast(over(parse(getComputedStyle(element).color), ground), ground)
    if (ratio < 4.5) problems.push(`contrast ${ratio.toFixed(2)}: ${walker.currentNode.textContent.trim()}`)
  }
  for (const input of document.querySelectorAll('input:not([type=hidden])')) {
    const ratio = contrast(parse(getComputedStyle(input).borderTopColor), behind(input.parentElement))
    if (ratio < 3) problems.push(`border ${ratio.toFixed(2)}: ${input.id}`)
    if (!input.labels.length || !input.labels[0].textContent.trim()) problems.push(`no label: ${input.id}`)
    for (const id of (input.getAttribute('aria-describedby') || '').split(' ').filter(Boolean))
      if (!document.getElementById(id)) problems.push(`${input.id} is described by nothing: ${id}`)
    if (input.getAttribute('aria-invalid') && !input.getAttribute('aria-describedby').includes('-error'))
      problems.push(`no message: ${input.id}`)
  }
  for (const each of document.querySelectorAll('button, a')) {
    const box = each.getBoundingClientRect()
    if (!(each.textContent.trim() || each.getAttribute('aria-label'))) problems.push(`no name: ${each.outerHTML}`)
    if (each.tagName === 'BUTTON' && (box.width < 44 || box.height < 44)) problems.push(`small: ${each.textContent}`)
  }
  const ids = [...document.querySelectorAll('[id]')].map(each => each.id)
  if (new Set(ids).size !== ids.length) problems.push('an id twice')
  for (const link of document.querySelectorAll('a[href^="#"]'))
    if (!document.getElementById(link.hash.slice(1))) problems.push(`leads nowhere: ${link.hash}`)
  for (const tag of ['header', 'main', 'footer', 'h1'])
    if (document.querySelectorAll(tag).length !== 1) problems.push(`not one ${tag}`)
  if (!document.documentElement.lang) problems.push('no language')
  if (!document.title) problems.push('no title')
  if (document.documentElement.scrollWidth > innerWidth) problems.push('wider than the screen')
  return problems
}"""


async def faults(page: Page) -> list[str]:
    """Return what is wrong with the page for somebody: contrast, names, labels, targets, landmarks, width."""
    found: Any = await page.evaluate(_LOOK)  # reason: whatever the script returns
    return [str(problem) for problem in found]


async def reached_by_tab(page: Page, steps: int) -> list[str]:
    """Press Tab so often and return what had the focus each time: its id, or else its text."""
    reached = []
    for _ in range(steps):
        await page.keyboard.press("Tab")
        reached.append(str(await page.evaluate("document.activeElement.id || document.activeElement.innerText.trim()")))
    return reached
