"""The built site in a real Chromium, from its files: ``MINIGRAD_SITE`` says in which folder they are."""

from __future__ import annotations

import json
import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from minigrad.classroom.catalogue import find

SITE = os.environ.get("MINIGRAD_SITE")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(SITE is None, reason="no built site: python -m sphinx docs out, and MINIGRAD_SITE=out"),
]
PAGES = [
    "index.html",
    "lessons.html",
    "lessons/07_residual_block.html",
    "lessons/13_concat.html",
    "inspect.html",
    "missing.html",
    "benchmarks.html",
    "glossary.html",
    "replays.html",
    "api/index.html",
    "api/skip.html",
    "api/tensor.html",
    "api/layers.html",
    "replays/unet.html",
]
WIDE = "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
BROKEN = "return [...document.images].filter((i) => i.complete && !i.naturalWidth).map((i) => i.src)"


@pytest.fixture
def at(browser, asked_for):
    """Open a page of the site at a width in pixels; afterwards nothing was complained of, or asked of the network."""

    def opened(page, width, scheme="light"):
        browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600},
        )
        scheme = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", scheme)
        browser.get((Path(SITE).resolve() / page).as_uri())
        return browser

    browser.get("about:blank")
    browser.get_log("browser")
    asked_for()
    yield opened
    assert browser.get_log("browser") == []
    asked = asked_for()
    assert {url.partition(":")[0] for url in asked} <= {"file", "about", "data"}, asked


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("width", [1280, 390])
def test_a_page_fits_and_asks_for_nothing(at, page, width):
    browser = at(page, width)
    needed, there = browser.execute_script(WIDE)
    assert needed <= there
    assert there <= width
    assert browser.execute_script(BROKEN) == []


def test_a_lesson_has_its_output_its_figures_and_its_downloads(at):
    browser = at("lessons/07_residual_block.html", 1280)
    assert "[4.0, 4.0]" in browser.find_element("css selector", ".sphx-glr-script-out").text
    outputs = [found.text for found in browser.find_elements("css selector", ".sphx-glr-script-out")]
    assert any("ResidualAdd#6 " in text for text in outputs)  # numbered as in a process of its own
    assert "Conclusion" in outputs[-1]
    assert not any("compiling kernels" in page.read_text("utf-8") for page in Path(SITE).glob("lessons/*.html"))
    assert len(browser.find_elements("css selector", "figure figcaption")) == 2
    links = [found.get_attribute("href") for found in browser.find_elements("css selector", "a.download")]
    files = {link.rpartition(".")[2]: Path(unquote(urlsplit(link).path)) for link in links}
    assert sorted(files) == ["ipynb", "py", "zip"]
    assert files["py"].read_text(encoding="utf-8") == find("7").path.read_text(encoding="utf-8")
    cells = json.loads(files["ipynb"].read_text(encoding="utf-8"))["cells"]
    assert any("".join(cell["source"]).startswith("## The ledger\n") for cell in cells)  # Markdown, as it was written


@pytest.mark.parametrize(("page", "frames"), [("index.html", 1), ("replays.html", 4)])
def test_replays_play_in_their_frames(at, page, frames):
    browser = at(page, 1280)
    browser.implicitly_wait(10)
    found = browser.find_elements("css selector", "iframe.replay")
    assert len(found) == frames
    for frame in found:
        browser.execute_script(
            "arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", frame
        )  # it loads when it is seen
        browser.switch_to.frame(frame)
        try:
            browser.find_element("css selector", "html[data-ready=yes]")
            browser.find_element("id", "forward").click()
            assert browser.find_element("id", "step").text.startswith("2 ")
        finally:
            browser.switch_to.default_content()


def test_the_page_follows_the_dark_mode(at):
    paper = "return getComputedStyle(document.body).backgroundColor"
    assert at("index.html", 390).execute_script(paper) != at("index.html", 390, "dark").execute_script(paper)
