"""The page in a real browser: charts are drawn, clicks work, nothing is fetched, the console stays empty."""

from __future__ import annotations

import base64
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


HOSTILE = (
    "</script><script>document.body.dataset.owned = 1</script>",
    "<img src=x onerror='document.body.dataset.owned = 1'>",
    '<b onmouseover="document.body.dataset.owned = 1">',
    "{{ 7 * 7 }}\u2028\u202e",
    "__proto__",
)


def hostile_events(flow_event: Callable[..., dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Flows whose names, rules, reasons and files are what an attacker may choose, and some that are encrypted."""
    payload = {"class": "encrypted", "confidence": 0.9, "odds": 3.0, "bytes_seen": 900}
    for number, text in enumerate(HOSTILE):
        yield {"event_type": "tls", "flow_id": number, "tls": {"sni": text, "subject": text, text: text}}
        pywall = {"rule": text, "reason": text, "payload": payload}
        yield flow_event(number, app_proto="unknown", pywall=pywall, pcap_filename=text, src_port=number)
        yield flow_event(100 + number, app_proto=text, src_ip="2001:db8::1", proto=text)


def test_every_control_and_hostile_texts(
    browser: Any, tmp_path: Path, flow_event: Callable[..., dict[str, Any]]
) -> None:
    out = tmp_path / "r.html"
    out.write_text(render(summarize(hostile_events(flow_event)), [], HOSTILE[0], HOSTILE[1]), encoding="utf-8")
    opened(browser, out)
    rows = "return [...document.querySelectorAll('#body .row')].map((row) => row.innerText)"
    orders = set()
    for button in browser.find_elements("css selector", "#head button"):
        for _ in range(2):
            button.click()
            orders.add(str(browser.execute_script(rows)))
    assert len(orders) > 2, "sorted by columns, both ways"
    for link in browser.find_elements("css selector", "[data-flow]"):
        browser.execute_script("arguments[0].click()", link)
        assert "encrypted" in browser.find_element("id", "story").text
    for text in HOSTILE:
        browser.execute_script("document.querySelector('#body .row').click()")
        search = browser.find_element("id", "search")
        search.clear()
        search.send_keys(text.split("\u2028")[0])
    for chart in browser.find_elements("css selector", ".chart"):
        browser.execute_script("arguments[0].scrollIntoView()", chart)
        webdriver_actions(browser).move_to_element(chart).click().perform()
    assert browser.execute_script("return document.body.dataset.owned") is None
    assert browser.execute_script("return document.querySelectorAll('script').length") == 4
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert [entry for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")] == []


def webdriver_actions(browser: Any) -> Any:
    from selenium.webdriver import ActionChains

    return ActionChains(browser)


def test_print(browser: Any, tmp_path: Path, capture: Path, policy: Path) -> None:
    """On paper there is all but the table of flows, which scrolls; charts are as wide as the page at most."""
    out = tmp_path / "r.html"
    assert main(["report", "--config", str(policy), "-o", str(out), str(capture)]) == 0
    opened(browser, out)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    shown = "return getComputedStyle(document.getElementById(arguments[0])).display"
    try:
        assert browser.execute_script(shown, "flows") == "none"
        assert browser.execute_script(shown, "timeline") == "block"
        pdf = base64.b64decode(
            browser.execute_cdp_cmd("Page.printToPDF", {"paperWidth": 8.27, "paperHeight": 11.69})["data"]
        )
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert pdf.startswith(b"%PDF")
    assert 1 <= pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") <= 6
