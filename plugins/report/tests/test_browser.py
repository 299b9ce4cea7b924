"""The page in a real browser: charts are drawn, clicks work, nothing is fetched, the console stays empty."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pywall_report.html import render
from pywall_report.summary import summarize

from pywall_core.cli import main

pytestmark = pytest.mark.skipif(
    shutil.which("chromium") is None or shutil.which("chromedriver") is None,
    reason="needs chromium and chromedriver (Debian: chromium, chromium-driver)",
)
OPTIONS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --window-size=1100,900"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for option in OPTIONS.split():
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    driver.set_page_load_timeout(60)
    yield driver
    driver.quit()


def opened(browser: Any, path: Path) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    browser.get(path.as_uri())
    WebDriverWait(browser, 60).until(lambda b: b.find_elements("css selector", "body[data-ready] .row"))


def test_search_sort_and_story(browser: Any, tmp_path: Path, capture: Path, policy: Path) -> None:
    out = tmp_path / "r.html"
    assert main(["report", "--config", str(policy), "-o", str(out), str(capture)]) == 0
    opened(browser, out)
    assert len(browser.find_elements("css selector", ".chart svg.main-svg")) >= 2
    assert len(browser.find_elements("css selector", "#body .row")) == 3
    search = browser.find_element("id", "search")
    search.send_keys("ssh drop")
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(browser, 10).until(lambda b: "1 of 3" in b.find_element("id", "found").text)
    # a click by script: rows are drawn anew at each frame of scrolling
    browser.execute_script("document.querySelector('#body .row').click()")
    story = browser.find_element("id", "story")
    WebDriverWait(browser, 10).until(lambda b: story.is_displayed())
    assert "drop by INPUT[0]" in story.text
    assert "known: app_proto = ssh" in story.text
    assert "YES" in story.text
    resources = browser.execute_script("return performance.getEntriesByType('resource').length")
    assert resources == 0
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_100_000_flows(browser: Any, tmp_path: Path, flow_event: Callable[..., dict[str, Any]]) -> None:
    """At most 20 MB, and usable: the flows that the page holds can be searched."""
    events = (
        flow_event(n, src_ip=f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}", app_proto=("tls", "http", "dns")[n % 3])
        for n in range(100_000)
    )
    out = tmp_path / "large.html"
    out.write_text(render(summarize(events), [], "large", ""))
    assert out.stat().st_size < 20_000_000
    opened(browser, out)
    assert "100,000 of 100,000" in browser.find_element("id", "found").text
    assert len(browser.find_elements("css selector", "#body .row")) < 200


def test_a_phone(browser: Any, tmp_path: Path, capture: Path, policy: Path) -> None:
    """Nothing but the table of flows is wider than a small screen."""
    out = tmp_path / "r.html"
    assert main(["report", "--config", str(policy), "-o", str(out), str(capture)]) == 0
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 390, "height": 800, "deviceScaleFactor": 2, "mobile": True}
    )
    opened(browser, out)
    width = browser.execute_script("return document.documentElement.scrollWidth")
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert width <= 400, json.dumps(width)
