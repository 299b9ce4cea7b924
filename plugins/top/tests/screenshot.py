"""The picture in the manual: ``python plugins/top/tests/screenshot.py docs/top.svg``."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from pathlib import Path


def main(out: str) -> None:
    """Draw the program over the tests' firewall."""
    spec = importlib.util.spec_from_file_location("test_top", Path(__file__).with_name("test_top.py"))
    assert spec is not None
    assert spec.loader is not None
    tests = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tests)
    app = tests.TopApp(tests.FakeFirewall())

    async def draw() -> None:
        async with app.run_test(size=(100, 24)) as pilot:
            await app.workers.wait_for_complete()
            await pilot.pause()
            Path(out).write_text(app.export_screenshot(), encoding="utf-8")

    asyncio.run(draw())


if __name__ == "__main__":
    main(sys.argv[1])
