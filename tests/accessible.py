"""A page held against axe-core, in the operating system's Chromium, as people with other senses and screens meet it."""

from collections.abc import Iterator
from typing import Any

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
