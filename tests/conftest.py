"""What all tests share: seeded generators, and a way to run Python as a user does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

import minigrad as mg


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture(autouse=True)
def _usual_width(monkeypatch):
    """Tables are as wide as the terminal, whatever it is that the tests are run in."""
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture(autouse=True)
def _seeded():
    mg.manual_seed(7)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A headless Chromium, with logs of its console and its requests; skipped where there is none."""
    webdriver = pytest.importorskip(
        "selenium.webdriver", reason="selenium is not installed: pip install -e '.[browser]'"
    )
    chromium, driver = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("no chromium and chromedriver here: apt-get install chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    for flag in (*flags, "--window-size=1200,900", f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    opened = webdriver.Chrome(options, webdriver.ChromeService(driver))
    yield opened
    opened.quit()


@pytest.fixture
def asked_for(browser):
    """The addresses that the browser asked for since the last call, without what is behind a #."""

    def addresses():
        asked = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
        urls = [m["params"]["request"]["url"] for m in asked if m["method"] == "Network.requestWillBeSent"]
        return {url.partition("#")[0] for url in urls}

    return addresses


@pytest.fixture
def run_python(tmp_path):
    """Run code in a Python of its own, in an empty directory: ``run_python(code, *arguments, **environment)``."""

    def run(code, *arguments, cwd=None, **environment):
        return subprocess.run(
            [sys.executable, "-c", code, *arguments],
            cwd=cwd or tmp_path,
            env={**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(mg.__file__)), **environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run
