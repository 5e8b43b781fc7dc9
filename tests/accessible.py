"""A page held against axe-core, in the operating system's Chromium, as people with other senses and screens meet it."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

WIDTHS = (390, 1024, 1440)
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(tab: Any, address: str, widths: tuple[int, ...] = WIDTHS) -> Iterator[str]:
    """What axe-core finds at each width, in light and dark, and on paper at the last width; a line each."""
    axe = __import__("axe_playwright_python.sync_playwright", fromlist=["Axe"]).Axe()
    for width in widths:
        for scheme in ("light", "dark"):
            for medium in ("screen", "print") if (width, scheme) == (widths[-1], "light") else ("screen",):
                tab.set_viewport_size({"width": width, "height": 900})
                tab.emulate_media(media=medium, color_scheme=scheme, reduced_motion="reduce")
                tab.goto(address)
                found = axe.run(tab, options={"runOnly": {"type": "tag", "values": STANDARDS}})
                for one in found.response["violations"]:
                    nodes = one["nodes"]
                    places = [node["html"][:110] for node in nodes[:3]]
                    yield f"{width} {scheme} {medium}: {one['id']} ({one['impact']}) at {len(nodes)}: {places}"


CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def started_browser() -> Iterator[Any]:
    """The operating system's Chromium, until the generator is closed; without it the test is skipped with a reason."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed; run make setup")
    if CHROMIUM is None:
        pytest.skip("no Chromium on PATH; install the operating system's package (Debian: chromium)")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield started
        started.close()
