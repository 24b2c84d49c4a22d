"""The report in a browser: what it asks for, how it fits each screen, and that nothing breaks out of it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from spapi_rotation_cli.report_page import page
from tests.browser.chromium import DESKTOP, PHONE, Page, Screen, running
from tests.browser.program import find
from tests.cli.report_example import HOSTILE, Documents, example, hostile

FULL, NOW = example()
SCREENS = [PHONE, replace(PHONE, scheme="dark"), DESKTOP, replace(DESKTOP, scheme="dark")]

CONTRAST = """
(() => {
  const channel = (c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b)
  const parsed = (text) => text.match(/[\\d.]+/g).map(Number)
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const colour = parsed(getComputedStyle(node).backgroundColor)
      if (colour.length < 4 || colour[3] > 0) return colour
    }
    return [255, 255, 255]
  }
  const worst = []
  for (const node of document.querySelectorAll("body *:not(title)")) {
    if (![...node.childNodes].some((each) => each.nodeType === 3 && each.data.trim())) continue
    const style = getComputedStyle(node)
    const colour = parsed(node.closest("svg") ? style.fill : style.color)
    const [a, b] = [light(colour), light(behind(node))].sort((x, y) => y - x)
    worst.push([(a + 0.05) / (b + 0.05), node.textContent.slice(0, 40)])
  }
  return worst.sort((x, y) => x[0] - y[0])[0]
})()
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Page]:
    program = find()
    if program is None:
        pytest.skip("no Chromium on PATH, and the package that carries one is for Linux on x86_64")
    with running(program) as page:
        yield page


def shown(browser: Page, folder: Path, documents: Documents, screen: Screen = DESKTOP) -> str:
    """Show the page; returns its address."""
    file = folder / "report.html"
    file.write_text(page(*documents, NOW), encoding="utf-8")
    browser.requested.clear()
    browser.complaints.clear()
    browser.show(file.as_uri(), screen)
    return file.as_uri()


@pytest.mark.parametrize("screen", SCREENS, ids=lambda each: f"{each.width}-{each.scheme}")
def test_it_asks_for_nothing_but_itself_and_fits_the_screen(browser: Page, tmp_path: Path, screen: Screen) -> None:
    address = shown(browser, tmp_path, FULL, screen)
    assert browser.requested == [address]
    assert browser.complaints == []
    assert browser.ask("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    # Nothing is written smaller than a phone can show, in the picture neither.
    sizes = "[...document.querySelectorAll('body *')].map((each) => parseFloat(getComputedStyle(each).fontSize))"
    assert browser.ask(f"Math.min(...{sizes})") >= 12
    assert browser.ask("document.querySelector('.timeline').getBoundingClientRect().width") > screen.width * 0.7


@pytest.mark.parametrize("screen", SCREENS, ids=lambda each: f"{each.width}-{each.scheme}")
def test_every_text_can_be_read_against_what_is_behind_it(browser: Page, tmp_path: Path, screen: Screen) -> None:
    """At least 4.5 to 1. Source: WCAG 2.2, success criterion 1.4.3."""
    shown(browser, tmp_path, FULL, screen)
    contrast, text = browser.ask(CONTRAST)
    assert contrast >= 4.5, text


def test_dark_is_dark_and_light_is_light(browser: Page, tmp_path: Path) -> None:
    back = "getComputedStyle(document.body).backgroundColor"
    shown(browser, tmp_path, FULL)
    light = browser.ask(back)
    browser.media("screen", "dark")
    assert (light, browser.ask(back)) == ("rgb(245, 246, 248)", "rgb(18, 22, 28)")


def test_printed_it_is_white_and_nothing_is_folded_away(browser: Page, tmp_path: Path) -> None:
    shown(browser, tmp_path, FULL)
    height = "document.querySelector('details').getBoundingClientRect().height"
    folded = browser.ask(height)
    browser.media("print", "dark")
    assert browser.ask(height) > 3 * folded
    assert browser.ask("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert browser.pdf().startswith(b"%PDF")


def test_nothing_breaks_out_of_it(browser: Page, tmp_path: Path) -> None:
    """Markup in every text of every answer is shown as it is written, and no script runs."""
    documents = hostile(FULL)
    address = shown(browser, tmp_path, documents)
    assert browser.ask("document.querySelectorAll('script, img, b').length") == 0
    assert browser.ask("globalThis.broken") is None
    assert browser.ask(f"document.body.textContent.split({HOSTILE!r}).length") > 20
    assert browser.requested == [address]


def test_a_page_that_is_not_escaped_is_noticed(browser: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: the same texts unescaped do make elements. What may run or be asked for, the page's policy says."""
    monkeypatch.setattr("spapi_rotation_cli.markup.escape", lambda text, quote: text)
    shown(browser, tmp_path, hostile(FULL))
    assert browser.ask("document.querySelectorAll('script, img, b').length") > 20
    assert browser.ask("globalThis.broken") is None
    assert [each for each in browser.complaints if "Content Security Policy" in each]
