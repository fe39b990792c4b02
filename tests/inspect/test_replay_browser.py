"""The replay page in a real Chromium, from a file on disk."""

from __future__ import annotations

import html
import time

import pytest

import minigrad as mg
from minigrad import inspect, nn

pytestmark = pytest.mark.slow

STATE = """
    const all = document.querySelectorAll('.box,.edge,.arc,.ledger td');
    return [...all].map((e) => [e.getAttribute('class'), e.textContent]);"""
BARE = """
    const named = (e) => e.hidden || e.getAttribute('aria-label') || e.textContent.trim();
    return [...document.querySelectorAll('button,input,svg')].filter((e) => !named(e)).length;"""


@pytest.fixture(scope="module")
def page():
    mg.manual_seed(3)
    blocks = [nn.Residual(nn.Sequential(nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 6))) for _ in range(3)]
    net = nn.Sequential(nn.Linear(4, 6), *blocks, nn.Linear(6, 3))
    loss = (net(mg.randn(5, 4)) * mg.randn(5, 3)).sum()
    return inspect.replay(loss, stop=lambda step: step.kind == "Tanh")


@pytest.fixture
def opened(browser, asked_for, page, tmp_path):
    page.save(tmp_path / "replay.html")
    address = (tmp_path / "replay.html").as_uri()
    browser.get("about:blank")
    browser.get_log("browser")
    asked_for()

    def open_at(fragment=""):
        browser.get("about:blank")
        browser.get(address + fragment)
        wait_until(lambda: browser.execute_script("return document.documentElement.dataset.ready") == "yes")
        return browser

    yield open_at
    assert browser.get_log("browser") == []
    assert asked_for() <= {address, "about:blank"}


def wait_until(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it did not come about in 20 s"
        time.sleep(0.02)


def text(browser, name):
    return browser.find_element("id", name).text


def press(browser, key):
    browser.find_element("tag name", "body").send_keys(key)


def move(browser, step):
    slider = "const s = document.getElementById('slider'); s.value = arguments[0]; s.dispatchEvent(new Event('input'))"
    browser.execute_script(slider, step)


def here(browser):
    return [box.get_attribute("data-node") for box in browser.find_elements("css selector", ".box.here")]


def test_the_slider_at_k_shows_step_k(opened, page):
    browser = opened()
    for k, step in enumerate(page.trace.steps, 1):
        move(browser, k)
        assert text(browser, "step") == f"{k} of {len(page.trace)}"
        assert text(browser, "node") == step.name
        assert here(browser) == [step.name]
        done = [box.get_attribute("data-node") for box in browser.find_elements("css selector", ".box.done")]
        assert sorted(done) == sorted(s.name for s in page.trace.steps[:k])
        norms = [cell.text for cell in browser.find_elements("css selector", ".panel table td:nth-child(3)")]
        assert f"{step.norms_out[0]:.4g}" in norms
    assert browser.execute_script("return location.hash") == f"#step={len(page.trace)}"


def test_arcs_are_the_ledgers_rows_and_cells_fill_as_gradients_come(opened, page):
    browser = opened()
    arcs = browser.find_elements("css selector", ".arc")
    assert sorted(int(arc.get_attribute("data-row")) for arc in arcs) == list(range(len(page.trace.ledger())))

    def rows():
        found = browser.find_elements("css selector", ".ledger tbody tr")
        return [[cell.text for cell in row.find_elements("tag name", "td")] for row in found]

    assert all(row[1:] == ["", "", "", ""] for row in rows())
    move(browser, len(page.trace))
    for shown, row in zip(rows(), page.trace.ledger(), strict=True):
        assert shown[0] == row.name
        assert shown[1:4] == [f"{n:.4g}" for n in (row.norm_skip, row.norm_branch, row.norm_in)]
    assert len(browser.find_elements("css selector", ".arc.lit")) == len(arcs)
    assert len(browser.find_elements("css selector", ".edge.lit")) == len(
        browser.find_elements("css selector", ".edge")
    )


def test_going_back_undoes(opened, page):
    browser = opened("#step=7")
    before = browser.execute_script(STATE)
    move(browser, 18)
    assert browser.execute_script(STATE) != before
    move(browser, 7)
    assert browser.execute_script(STATE) == before
    move(browser, 12)
    browser.back()
    wait_until(lambda: text(browser, "step").startswith("7 "))
    assert browser.execute_script(STATE) == before


def test_keys_and_the_address(opened, page):
    keys = pytest.importorskip("selenium.webdriver.common.keys").Keys
    browser = opened("#step=5")
    assert text(browser, "node") == page.trace.steps[4].name
    press(browser, keys.ARROW_RIGHT)
    assert text(browser, "step") == f"6 of {len(page.trace)}"
    press(browser, keys.ARROW_LEFT)
    press(browser, keys.ARROW_LEFT)
    assert text(browser, "step") == f"4 of {len(page.trace)}"
    press(browser, keys.END)
    press(browser, keys.ARROW_RIGHT)
    assert text(browser, "node") == page.trace.steps[-1].name
    press(browser, keys.HOME)
    assert text(browser, "step").startswith("1 ")
    press(browser, keys.SPACE)  # it plays, up to the first stop
    stop = next(n for n, step in enumerate(page.trace, 1) if step.kind == "Tanh")
    wait_until(lambda: text(browser, "play") == "Play")
    assert text(browser, "step") == f"{stop} of {len(page.trace)}"


def test_one_step_redraws_two_boxes(opened):
    browser = opened("#step=4")
    watch = """
        window.touched = new Set();
        window.observer = new MutationObserver((all) => all.forEach((m) => window.touched.add(m.target)));
        const what = {subtree: true, attributes: true, childList: true};
        window.observer.observe(document.querySelector('.graph'), what);"""
    browser.execute_script(watch)
    move(browser, 5)
    boxes = "window.observer.takeRecords().forEach((m) => touched.add(m.target)); return [...touched].length"
    assert browser.execute_script(boxes) <= 6  # two boxes, and the edges that lit up


def test_the_fork_shows_both_parts_before_and_after(opened, page):
    row = page.trace.ledger()[0]
    merged = next(n for n, step in enumerate(page.trace, 1) if step.name == row.fork)
    browser = opened(f"#step={merged}")
    shown = browser.find_element("css selector", ".panel").text
    for part in f"{row.norm_skip:.4g}", f"{row.norm_branch:.4g}", f"norm {row.norm_in:.4g}", row.sentence():
        assert part in shown
    assert "def backward(self" in shown
    assert "test_replay_browser.py:" in shown  # the user's line
    assert len(browser.find_elements("css selector", ".panel figure")) == 4


def test_labels_for_screen_readers(opened):
    browser = opened()
    assert browser.execute_script(BARE) == 0
    assert browser.find_element("css selector", "[aria-live]").text


def test_it_fits_a_narrow_window_and_follows_the_dark_mode(opened):
    browser = opened("#step=9")
    try:
        browser.set_window_size(500, 800)
        assert browser.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
        paper = "return getComputedStyle(document.body).backgroundColor"
        light = browser.execute_script(paper)
        dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
        assert browser.execute_script(paper) != light
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
        browser.set_window_size(1200, 900)


def test_without_javascript_there_is_a_summary(browser, opened, page, tmp_path):
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.get("about:blank")
        browser.get((tmp_path / "replay.html").as_uri())
        shown = browser.find_element("tag name", "body").text
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert page.trace.ledger()[0].sentence() in shown
    assert page.trace[0].name in shown


def test_a_notebooks_frame_plays_it(browser, page, tmp_path):
    (tmp_path / "notebook.html").write_text(f"<!doctype html><title>n</title>{page._repr_html_()}", encoding="utf-8")
    browser.get((tmp_path / "notebook.html").as_uri())
    browser.switch_to.frame(0)
    try:
        wait_until(lambda: browser.execute_script("return document.documentElement.dataset.ready") == "yes")
        move(browser, 3)
        assert text(browser, "node") == page.trace.steps[2].name
    finally:
        browser.switch_to.default_content()
    assert browser.get_log("browser") == []
    assert html.escape("<script>") in page._repr_html_()


def test_139_steps_are_a_small_page_that_opens_fast(browser, tmp_path):
    y = mg.tensor([0.1, 0.2], requires_grad=True)
    for _ in range(46):
        s, b = mg.skip.fork(y)
        y = mg.skip.residual_add(s, b * 0.5)
    page = inspect.replay(y.sum())
    assert len(page.trace) == 139
    assert len(page.html.encode()) < 200_000
    page.save(tmp_path / "many.html")
    browser.get((tmp_path / "many.html").as_uri() + "#step=17")
    wait_until(lambda: browser.execute_script("return document.documentElement.dataset.ready") == "yes")
    assert text(browser, "step") == "17 of 139"
