"""Make figures/replay.gif from a replay page, one frame a step: ``python tools/make_replay_picture.py PAGE.html``.

It needs the extra ``browser`` and Chromium. The README's picture is of the site's first replay, out/replays/block.html.
"""

import io
import shutil
import sys
import time
from pathlib import Path

from PIL import Image
from selenium import webdriver

WIDTH, HEIGHT = 820, 690
TARGET = Path(__file__).parents[1] / "figures" / "replay.gif"
#: Milliseconds a step, and at the end.
TURN, REST = 900, 3000


def frames(page):
    """A screenshot of each step."""
    options = webdriver.ChromeOptions()
    for flag in ("--headless=new", "--no-sandbox", "--hide-scrollbars"):
        options.add_argument(flag)
    options.binary_location = shutil.which("chromium") or shutil.which("google-chrome")
    browser = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        size = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.get(page.resolve().as_uri())
        browser.implicitly_wait(10)
        browser.find_element("css selector", "html[data-ready=yes]")
        steps = int(browser.find_element("id", "step").text.split()[-1])
        for _ in range(steps):
            time.sleep(0.5)  # it scrolls to the step
            yield Image.open(io.BytesIO(browser.get_screenshot_as_png())).convert("RGB")
            browser.find_element("id", "forward").click()
    finally:
        browser.quit()


if __name__ == "__main__":
    taken = list(frames(Path(sys.argv[1])))
    palette = taken[-1].quantize(32)  # the last frame has all colours
    first, *others = (frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in taken)
    pauses = [TURN] * len(others) + [REST]
    first.save(TARGET, save_all=True, append_images=others, duration=pauses, loop=0, optimize=True)
    print(TARGET, TARGET.stat().st_size, "bytes")
