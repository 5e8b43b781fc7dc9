"""The charts say what the forecast says. Places are read off the drawn axis, as a reader does."""

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass, replace

import pytest

from operations.plan.document import Rehearsal
from operations.plan.forecast import LIMIT_SECONDS, Forecast, Step
from operations.rehearsal.page.timeline import LONG_SECONDS, timeline

SVG = "{http://www.w3.org/2000/svg}"
LINK = "{http://www.w3.org/1999/xlink}href"
CRITICAL = "var(--cardholder)"
CASES = ("median", "worst")


@dataclass(frozen=True)
class Bar:
    """One row of a chart; times in seconds by the chart's own axis."""

    link: str
    description: str
    label: str
    bold: bool
    start: float
    end: float
    fill: str
    stroke: str


@dataclass(frozen=True)
class Chart:
    bars: tuple[Bar, ...]
    limit: float
    """Where the dashed line stands, in seconds."""
    last: float
    """Where the grid ends on the right, in seconds."""
    words: tuple[str, ...]


def read_chart(svg: str) -> Chart:
    root = ET.fromstring(svg)  # noqa: S314 (our own drawing)
    axis = {int(text.text or ""): along(text) for text in marks(root, "role-axis-label")}
    seconds_a_pixel = 60 * max(axis) / (axis[max(axis)] - axis[0])
    (limit,) = marks(root, "limit_marks")
    width = re.match(r"M0,0h([\d.]+)v", next(root.iter(f"{SVG}path")).attrib["d"])
    assert width
    rows = zip(marks(root, "rows_marks"), marks(root, "bars_marks"), marks(root, "labels_marks"), strict=True)
    return Chart(
        bars=tuple(read_bar(*row, seconds_a_pixel) for row in rows),
        limit=along(limit) * seconds_a_pixel,
        last=float(width[1]) * seconds_a_pixel,
        words=tuple(text.text or "" for text in root.iter(f"{SVG}text")),
    )


def read_bar(link: ET.Element, bar: ET.Element, label: ET.Element, seconds_a_pixel: float) -> Bar:
    place = re.match(r"M([\d.]+),[\d.]+h([\d.]+)v", bar.attrib["d"])
    assert place
    start, length = (float(pixels) * seconds_a_pixel for pixels in place.groups())
    return Bar(
        link=link.attrib[LINK],
        description=link[0].attrib["aria-label"],
        label=label.text or "",
        bold=label.get("font-weight") == "bold",
        start=start,
        end=start + length,
        fill=bar.attrib["fill"],
        stroke=bar.attrib["stroke"],
    )


def marks(root: ET.Element, name: str) -> list[ET.Element]:
    """What Vega drew for one layer, or for one part of the axis."""
    return [mark for group in root.iter(f"{SVG}g") if name in group.get("class", "").split() for mark in group]


def along(mark: ET.Element) -> float:
    """Pixels from the left."""
    place = re.match(r"translate\(([\d.]+),", mark.attrib["transform"])
    assert place
    return float(place[1])


@pytest.fixture(scope="module")
def charts(page: str) -> dict[tuple[str, str], Chart]:
    """The charts of the page, by case and by what is shown."""
    found = re.findall(r'data-case="(\w+)" data-shown="(\w+)"[^>]*>(<svg.*?</svg>)', page, re.DOTALL)
    return {(case, shown): read_chart(svg) for case, shown, svg in found}


@pytest.fixture(scope="module")
def late(rehearsal: Rehearsal) -> list[str]:
    """The charts, as SVG, of a deployment that takes too long, with names that would break a page which trusts them."""
    some = rehearsal.recording.resources[:3]
    names = ("early", "<script>alert('\"&')</script>", "x" * 70)
    resources = tuple(replace(resource, urn=f"urn::{name}") for resource, name in zip(some, names, strict=True))
    first, second, third = (resource.urn for resource in resources)
    steps = (
        Step(first, 0, 90, assumed=False, waited_for=""),
        Step(second, 90, 1410, assumed=False, waited_for=first),
        Step(third, 1490, 2, assumed=True, waited_for=first),
    )
    forecast = Forecast("median", {step.urn: step for step in steps})
    recording = replace(rehearsal.recording, resources=resources)
    index = {urn: position for position, urn in enumerate(forecast.steps)}
    drawn = timeline(replace(rehearsal, recording=recording, forecast=forecast, worst_case=forecast), index)["charts"]
    return [str(chart["svg"]) for chart in drawn]


def forecast_of(rehearsal: Rehearsal, case: str) -> Forecast:
    return {"median": rehearsal.forecast, "worst": rehearsal.worst_case}[case]


@pytest.mark.parametrize("case", CASES)
def test_every_long_resource_has_one_bar_and_the_longest_is_first(
    case: str, charts: dict[tuple[str, str], Chart], rehearsal: Rehearsal
) -> None:
    steps = forecast_of(rehearsal, case).steps
    resources = rehearsal.recording.resources
    bars = charts[case, "long"].bars
    assert bars
    for bar in bars:
        resource = resources[int(bar.link.removeprefix("#resource-"))]
        step = steps[resource.urn]
        assert bar.label == f"{'≈ ' if step.assumed else ''}{step.seconds:g} s\N{EN SPACE}{resource.name}"
        assert (bar.start, bar.end) == pytest.approx((step.start, step.end), abs=0.01), bar.label
    lengths = [round(bar.end - bar.start, 3) for bar in bars]
    assert lengths == sorted(lengths, reverse=True)
    assert charts[case, "every"].bars[: len(bars)] == bars


@pytest.mark.parametrize("case", CASES)
def test_quick_resources_of_one_type_are_one_bar_from_the_first_to_the_last(
    case: str, charts: dict[tuple[str, str], Chart], rehearsal: Rehearsal
) -> None:
    steps = forecast_of(rehearsal, case).steps
    folded = charts[case, "every"].bars[len(charts[case, "long"].bars) :]
    shown = {int(bar.link.removeprefix("#resource-")) for bar in charts[case, "long"].bars}
    quick: dict[str, list[Step]] = {}
    for position, resource in enumerate(rehearsal.recording.resources):
        if steps[resource.urn].seconds and position not in shown:
            quick.setdefault(resource.type, []).append(steps[resource.urn])
    assert len(folded) == len(quick)
    assert any(len(alike) > 1 for alike in quick.values())
    for bar in folded:
        alike = quick[rehearsal.recording.resources[int(bar.link.removeprefix("#resource-"))].type]
        assert bar.start == pytest.approx(min(step.start for step in alike), abs=0.01)
        assert bar.end == pytest.approx(max(step.end for step in alike), abs=0.01)
        assert len(alike) == 1 or re.search(rf"\b{len(alike)} \w+$", bar.label)


@pytest.mark.parametrize("case", CASES)
def test_the_critical_path_is_told_by_colour_by_weight_and_in_words(
    case: str, charts: dict[tuple[str, str], Chart], rehearsal: Rehearsal
) -> None:
    path = {step.urn.rpartition("::")[2] for step in forecast_of(rehearsal, case).critical_path}
    bars = charts[case, "every"].bars
    assert path
    assert {bar.label.partition("\N{EN SPACE}")[2] for bar in bars if bar.stroke == CRITICAL} == path
    assert {bar.bold for bar in bars if bar.stroke == CRITICAL} == {True}
    assert all((bar.stroke == CRITICAL) == bar.bold == ("on the critical path" in bar.description) for bar in bars)


def test_an_assumed_time_is_a_hollow_bar(charts: dict[tuple[str, str], Chart]) -> None:
    bars = charts["worst", "every"].bars
    hollow = {bar.label for bar in bars if bar.fill == "var(--paper)"}
    assert hollow
    assert hollow == {bar.label for bar in bars if bar.label.startswith("≈ ")}
    assert hollow == {bar.label for bar in bars if ", assumed" in bar.description}


def test_a_screen_reader_hears_when_a_resource_is_made_and_after_what(charts: dict[tuple[str, str], Chart]) -> None:
    (writer,) = (bar for bar in charts["median", "long"].bars if "database-writer" in bar.label)
    assert re.fullmatch(
        r"database-writer: \d+ seconds from second \d+, after database, on the critical path", writer.description
    )


def test_at_first_only_what_takes_long_is_shown(charts: dict[tuple[str, str], Chart], rehearsal: Rehearsal) -> None:
    few, all_ = charts["median", "long"].bars, charts["median", "every"].bars
    assert set(few) < set(all_)
    assert [bar for bar in set(all_) - set(few) if bar.bold] == []
    steps = rehearsal.forecast.steps
    resources = rehearsal.recording.resources
    long = {one.name for one in resources if steps[one.urn].seconds >= LONG_SECONDS}
    assert long <= {bar.label.partition("\N{EN SPACE}")[2] for bar in few}


def test_the_limit_stands_at_20_minutes(charts: dict[tuple[str, str], Chart], late: list[str]) -> None:
    for chart in (*charts.values(), *map(read_chart, late)):
        assert chart.limit == pytest.approx(LIMIT_SECONDS, abs=0.1)
        assert "limit: 20 min" in chart.words


def test_a_bar_beyond_the_limit_is_drawn_to_its_end(late: list[str]) -> None:
    chart = read_chart(late[-1])
    assert [round(bar.end) for bar in chart.bars] == [1500, 90, 1492]
    assert chart.last == pytest.approx(1500, abs=0.1)


def test_a_name_cannot_bring_markup_into_the_page(late: list[str]) -> None:
    bar = read_chart(late[-1]).bars[0]
    assert bar.label.endswith("<script>alert('\"&')</script>")
    assert bar.description.startswith("<script>alert('\"&')</script>")
    assert "<script" not in late[-1]


def test_the_same_forecast_gives_the_same_bytes(late: list[str]) -> None:
    drawn = [svg[svg.index(" xmlns=") :] for svg in late]
    assert drawn[:2] == drawn[2:]
