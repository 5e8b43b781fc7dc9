"""The page as people meet it: in a browser, by keyboard, in the dark, on paper, on a phone."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from operations.diagram.styles import PALETTE
from operations.evidence.assessment import Outcome, assess
from operations.plan.document import Rehearsal, as_document
from operations.rehearsal.page.page import render_page
from operations.rehearsal.page.prices import estimate
from recording.program import Recording
from tests.accessible import violations
from tests.operations.rehearsal.page.conftest import PROVENANCE, rehearse
from tests.operations.sample import SECRET

LIGHT, DARK = 0, 1
A4_PIXELS = 688
"""Between the margins of the style sheet."""
TEXT_HEIGHT = """() => {
    const text = document.querySelector(".chart text");
    return parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a;
}"""
"""Pixels of the screen that the timeline's text is high."""
LABELS_OUTSIDE = """() => {
    document.querySelectorAll(".chart").forEach(chart => { chart.hidden = false; });
    return [...document.querySelectorAll(".chart text")].filter(text => {
        const chart = text.ownerSVGElement.getBoundingClientRect();
        const { left, right, top, bottom } = text.getBoundingClientRect();
        return left < chart.left || right > chart.right || top < chart.top || bottom > chart.bottom;
    }).map(text => text.textContent);
}"""
"""Texts of the charts that are cut off."""


@pytest.fixture(scope="module")
def window(browser: Any) -> tuple[Any, list[str]]:
    """A window of the browser, and what its pages complain about or ask the network for."""
    opened = browser.new_page()
    noise: list[str] = []
    opened.on("console", lambda message: noise.append(message.text))
    opened.on("pageerror", lambda error: noise.append(str(error)))
    opened.on(
        "request", lambda request: None if request.url.startswith(("file:", "data:")) else noise.append(request.url)
    )
    return opened, noise


@pytest.fixture
def tab(window: tuple[Any, list[str]], page_file: Path) -> Iterator[Any]:
    """The page, opened anew from disk; a console message or a failed script fails the test."""
    opened, noise = window
    opened.set_viewport_size({"width": 1360, "height": 900})
    opened.emulate_media(media="screen", color_scheme="light", reduced_motion="reduce")
    noise.clear()
    opened.goto(page_file.as_uri())
    yield opened
    assert noise == []


def shown_rules(tab: Any) -> list[str]:
    names: list[str] = tab.eval_on_selector_all(
        ".rule:not([hidden])", "rules => rules.map(rule => rule.dataset.outcome)"
    )
    return names


def test_violations_come_first_then_the_undetermined_then_exceptions(page: str) -> None:
    order = re.findall(r'<li class="rule [a-z-]+" data-outcome="([a-z ]+)"', page)
    assert order
    assert order == sorted(order, key=list(Outcome).index)
    assert order[0] == "fail"


def test_no_secret_reaches_the_page(page: str) -> None:
    assert SECRET not in page
    assert "[secret]" in page


def test_the_page_asks_for_nothing_from_elsewhere(page: str) -> None:
    markup = page[: page.index('<script type="application/json"')]
    links = re.findall(r'(?:src|href|action)="([^"]*)"', markup)
    assert links
    assert [link for link in links if not link.startswith(("#", "data:"))] == []
    assert "url(" not in markup


def test_every_verdict_of_the_assessment_is_in_the_page(page: str, recording: Recording) -> None:
    assessment = assess(recording.stack, recording.resources)
    assert page.count('<li class="rule ') == len(assessment.rules)


def test_text_can_be_read_and_bars_be_seen_on_every_background() -> None:
    """WCAG 2.2 AA, in both themes: 4.5 to 1 for text, 3 to 1 for shapes."""
    palette = dict(re.findall(r"--([a-z-]+): light-dark\((#[0-9a-f]{6}, #[0-9a-f]{6})\)", PALETTE))
    surfaces = ["paper", "sheet", "raised"]
    pairs = [(text, surface) for text in ("ink", "quiet", "link", "cardholder", "fail", "pass") for surface in surfaces]
    pairs += [(text, f"{text}-tint") for text in ("pass", "fail", "unknown", "excepted", "cardholder")]
    pairs += [("ink", f"{tint}-tint") for tint in ("fail", "unknown", "cardholder")]
    wanted = [*((*pair, 4.5) for pair in pairs), *((shape, "paper", 3.0) for shape in ("strong-line", "cardholder"))]
    for theme in (LIGHT, DARK):
        for one, surface, enough in wanted:
            ratio = contrast(*(palette[name].split(", ")[theme] for name in (one, surface)))
            assert ratio >= enough, (one, surface, theme, round(ratio, 2))


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    channels = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    red, green, blue = (
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4 for channel in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_search_and_filters_narrow_the_verdicts_and_say_how_many_are_left(tab: Any) -> None:
    before = shown_rules(tab)
    assert {"fail", "pass"} <= set(before)
    tab.keyboard.press("/")
    tab.keyboard.type("imdsv2 bastion")
    assert shown_rules(tab) == ["fail"]
    assert tab.inner_text("#shown").startswith("1 of ")
    tab.fill("#search", "")
    tab.uncheck("[name=outcome][value=pass]")
    assert set(shown_rules(tab)) == {"fail"}
    tab.select_option("#chapter", "2")
    assert 0 < len(shown_rules(tab)) < before.count("fail")


def test_a_thing_of_the_drawing_tells_its_settings_and_controls_by_keyboard_alone(tab: Any) -> None:
    tab.focus('[data-actor="rds-database"]')
    tab.keyboard.press("Enter")
    assert tab.inner_text("#detail-title") == "MySQL database"
    detail = tab.inner_text("#detail-body")
    assert "is reached by EKS nodes: 3306" in detail
    tab.press("#detail details summary", "Enter")
    tab.wait_for_function("document.querySelector('#detail-body').innerText.includes('storageEncrypted')")
    detail = tab.inner_text("#detail-body")
    assert "masterPassword" in detail
    assert SECRET not in detail
    tab.keyboard.press("Escape")
    assert tab.is_hidden("#detail")
    assert tab.evaluate("document.activeElement.dataset.actor") == "rds-database"


def test_a_resource_named_in_a_verdict_opens_its_details(tab: Any) -> None:
    tab.click(".rule.fail .thing >> nth=0")
    assert tab.is_visible("#detail")
    assert tab.locator("#detail .controls li").count() > 0


def test_the_timeline_shows_the_quick_ones_when_asked_and_the_slowest_case(tab: Any, rehearsal: Rehearsal) -> None:
    def shown() -> tuple[int, str]:
        chart = tab.locator(".chart:visible svg")
        assert chart.count() == 1
        assert tab.locator(".chain:visible").count() == 1
        return chart.locator("a").count(), chart.get_attribute("aria-label")

    few, title = shown()
    assert "median" in title
    tab.check("#every")
    every, _ = shown()
    assert few < every < sum(step.seconds > 0 for step in rehearsal.forecast.steps.values())
    tab.check("[name=case][value=worst]")
    slowest, title = shown()
    assert slowest == every
    assert "slowest" in title


def test_a_bar_tells_its_resource_by_keyboard_and_by_mouse(tab: Any) -> None:
    bar = tab.locator(".chart:visible a:has([aria-label^='database-writer: '])")
    bar.focus()
    tab.keyboard.press("Enter")
    assert tab.inner_text("#detail-title") == "database-writer"
    assert 0 < bar.bounding_box()["y"] < tab.viewport_size["height"]  # though what stands above it is taller now
    assert "on the critical path" in tab.inner_text("#detail-body")
    assert "#" not in tab.url
    tab.keyboard.press("Escape")
    assert bar.evaluate("one => one === document.activeElement")
    name = tab.locator(".chart:visible .labels_marks text", has_text="nat-a").bounding_box()
    tab.mouse.click(name["x"] + 5, name["y"] + 5)
    assert tab.inner_text("#detail-title") == "nat-a"


def test_a_screen_reader_meets_a_bar_as_a_link_with_its_times(tab: Any) -> None:
    session = tab.context.new_cdp_session(tab)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    named = [(node["role"]["value"], node["name"]["value"]) for node in nodes if node.get("name")]
    assert [role for role, name in named if name.startswith("database-writer: ")] == ["link", "graphics-symbol"]
    assert [role for role, name in named if name.startswith("Resources, the longest first, ")] == ["group"]
    assert max(len(name) for role, name in named if role.startswith("graphics-")) < 200


def test_the_theme_can_be_chosen_and_follows_the_system_otherwise(tab: Any) -> None:
    def colours() -> tuple[str, ...]:
        return tuple(
            tab.eval_on_selector(selector, f"one => getComputedStyle(one).{what}")
            for selector, what in (
                ("body", "backgroundColor"),
                (".chart .bars_marks [stroke='var(--cardholder)']", "stroke"),
                (".chart .labels_marks text[fill='var(--link)']", "fill"),
                (".chart .limit_marks line", "stroke"),
            )
        )

    tab.emulate_media(color_scheme="dark")
    assert colours() == ("rgb(17, 21, 28)", "rgb(201, 166, 255)", "rgb(141, 180, 255)", "rgb(255, 155, 152)")
    tab.select_option("#theme", "light")
    assert colours() == ("rgb(255, 255, 255)", "rgb(107, 47, 181)", "rgb(29, 79, 196)", "rgb(179, 19, 31)")


@pytest.mark.parametrize("width", [320, 768, 1360])
def test_nothing_but_the_drawings_and_tables_scrolls_sideways(tab: Any, width: int) -> None:
    tab.set_viewport_size({"width": width, "height": 800})
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.evaluate(TEXT_HEIGHT) >= 12


def test_on_paper_every_rule_is_there_whatever_was_filtered(tab: Any) -> None:
    tab.fill("#search", "no rule has such a text")
    assert shown_rules(tab) == []
    tab.emulate_media(media="print")
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert "pass" in shown_rules(tab)
    assert tab.is_hidden(".filters >> nth=0")
    tab.set_viewport_size({"width": A4_PIXELS, "height": 1000})
    assert tab.evaluate("document.documentElement.scrollWidth") <= A4_PIXELS


def test_every_control_has_a_name_for_a_screen_reader(tab: Any) -> None:
    nameless = tab.evaluate(
        """() => [...document.querySelectorAll('button, a, input, select, [role=button], [tabindex="0"], summary')]
        .filter(one => !`${one.textContent}${one.ariaLabel ?? ""}${one.labels?.length || ""}`.trim())
        .filter(one => !one.querySelector("[aria-label]"))
        .map(one => one.outerHTML.slice(0, 80))"""
    )
    assert nameless == []
    assert tab.evaluate("document.documentElement.lang") == "en"
    ids = tab.eval_on_selector_all("[id]", "all => all.map(one => one.id)")
    assert len(ids) == len(set(ids))


def test_the_page_of_production_is_smaller_than_2_mb_and_works(
    browser: Any, production: Recording, tmp_path: Path
) -> None:
    shown = rehearse(production)
    text = render_page(shown, PROVENANCE, as_document(shown))
    assert len(text.encode()) < 2_000_000
    (tmp_path / "prod.html").write_text(text, encoding="utf-8")
    tab = browser.new_page()
    tab.goto((tmp_path / "prod.html").as_uri())
    assert tab.get_attribute("html", "data-ready")
    assert "Nothing differs" in tab.inner_text("#changes")
    assert tab.evaluate(LABELS_OUTSIDE) == []
    tab.close()


def test_prices_count_what_is_billed_and_name_what_they_do_not_know(rehearsal: Rehearsal) -> None:
    lines = {(line.type.rpartition(":")[2], line.what): line for line in estimate(rehearsal.recording.resources).lines}
    assert lines["NodeGroup", "m7i.large"].amount == 3
    assert round(lines["ClusterInstance", "db.r7g.large"].usd, 2) == 201.48
    huge = [
        resource
        for resource in rehearsal.recording.resources
        if resource.type == "aws:rds/clusterInstance:ClusterInstance"
    ]
    huge[0].inputs["instanceClass"] = "db.unheard-of"  # type: ignore[index]
    try:
        assert [line.what for line in estimate(huge).unpriced] == ["db.unheard-of"]
        assert "db.unheard-of</strong>, whose price is not in the table" in render_page(rehearsal, PROVENANCE)
    finally:
        huge[0].inputs["instanceClass"] = "db.r7g.large"  # type: ignore[index]


def test_axe_finds_nothing_on_the_page(tab: Any, page_file: Path) -> None:
    pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed; run make setup")
    assert list(violations(tab, page_file.as_uri(), (390,))) == []


@pytest.mark.slow
def test_axe_finds_nothing_on_wider_screens_and_on_paper(tab: Any, page_file: Path) -> None:
    pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed; run make setup")
    assert list(violations(tab, page_file.as_uri(), (1024, 1440))) == []


@pytest.mark.parametrize("width", [390, 1440])
def test_the_first_screen_is_the_answer(tab: Any, rehearsal: Rehearsal, width: int) -> None:
    tab.set_viewport_size({"width": width, "height": 900})
    answers = tab.inner_text(".answers")
    assert [word for word in ("Data", "Change", "Time", "Cost", "Critical path") if word not in answers] == []
    assert re.search(r"month, .\$[\d,]+ against before", answers)
    broken = tab.inner_text(".broken")
    assert "key: broken" in broken
    assert "tests/operations/sample.py:" in broken
    last = rehearsal.forecast.critical_path[0].urn.rpartition("::")[2]
    path = tab.locator(".answers .path .thing", has_text=last).first.bounding_box()
    assert path["y"] + path["height"] <= 900
    assert tab.locator(".hero").bounding_box()["y"] < 120
