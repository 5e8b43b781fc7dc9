"""The drawing says what the program says: nothing in it is made up, and nothing that matters is left out."""

import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from operations.page.architecture import Architecture, read_architecture
from operations.page.drawing import draw
from operations.page.layout import Box
from operations.page.routing import draw_arrows
from operations.page.topology import Tier
from operations.rehearsal.program import Recording

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def architecture(recording: Recording) -> Architecture:
    return read_architecture(recording.stack, recording.resources)


def between(architecture: Architecture, source: str, target: str) -> tuple[str, bool] | None:
    titles = {key: actor.title for key, actor in architecture.actors.items()}
    found = [path for path in architecture.paths if (titles[path.source], titles[path.target]) == (source, target)]
    assert len(found) <= 1
    return (found[0].label, found[0].whole) if found else None


def test_an_arrow_is_a_security_group_path_with_its_ports(architecture: Architecture) -> None:
    assert between(architecture, "Internet", "Load balancer") == ("443", True)
    assert between(architecture, "Load balancer", "EKS nodes") == ("30443", True)
    assert between(architecture, "EKS nodes", "MySQL database") == ("3306", True)
    assert between(architecture, "Administrators", "EC2 host") == ("22", True)
    assert between(architecture, "Data centre", "MySQL database") == ("3306", True)


def test_what_no_group_lets_through_has_no_arrow(architecture: Architecture) -> None:
    assert between(architecture, "Internet", "MySQL database") is None
    assert between(architecture, "Load balancer", "MySQL database") is None
    assert between(architecture, "EC2 host", "MySQL database") is None


def test_a_path_that_the_sender_may_not_use_is_told_apart(architecture: Architecture) -> None:
    assert between(architecture, "EC2 host", "EKS nodes") == ("22", False)


def test_the_application_tier_reaches_the_internet_through_nat(architecture: Architecture) -> None:
    assert between(architecture, "EKS nodes", "NAT gateways") == ("443", True)
    assert between(architecture, "NAT gateways", "Internet") == ("443", True)
    assert between(architecture, "EKS nodes", "Internet") is None


def test_a_tier_follows_the_routes_and_not_the_name(recording: Recording) -> None:
    moved = [
        replace(resource, inputs={**resource.inputs, "gatewayId": "igw-1", "natGatewayId": None})
        if resource.name == "application-default"
        else resource
        for resource in recording.resources
    ]
    tiers = {actor.title: actor.tier for actor in read_architecture("sample", moved).actors.values()}
    assert tiers["EKS nodes"] is Tier.PUBLIC
    assert tiers["MySQL database"] is Tier.DATA


def test_scope_follows_the_tags_and_the_paths(architecture: Architecture) -> None:
    scope = {architecture.actors[key].title: kind for key, kind in architecture.scope.items()}
    assert scope["MySQL database"] == scope["EKS nodes"] == scope["Load balancer"] == "cardholder"
    assert scope["EC2 host"] == "connected"
    assert scope["Internet"] == "other"


def test_zones_are_those_of_the_subnets(architecture: Architecture) -> None:
    zones = {actor.title: len(actor.zones) for actor in architecture.actors.values()}
    assert (zones["Load balancer"], zones["EC2 host"]) == (3, 1)


@pytest.mark.parametrize("drawn", ["sample", "program"])
def test_boxes_do_not_overlap_and_no_arrow_crosses_one(
    drawn: str, architecture: Architecture, production: Recording
) -> None:
    shown = architecture if drawn == "sample" else read_architecture("prod", production.resources)
    plan, arrows = draw_arrows(shown)
    boxes = list(plan.boxes.values())
    assert not [
        (one.key, other.key)
        for index, one in enumerate(boxes)
        for other in boxes[:index]
        if one.x < other.right and other.x < one.right and one.y < other.bottom and other.y < one.bottom
    ]
    assert not [
        (arrow.path.source, arrow.path.target, box.key)
        for arrow in arrows
        for start, end in zip(arrow.points, arrow.points[1:], strict=False)
        for box in boxes
        if crosses(start, end, box)
    ]


def crosses(start: tuple[float, float], end: tuple[float, float], box: Box) -> bool:
    """Whether a stretch runs through a box; touching its edge is how it arrives."""
    (left, right), (top, bottom) = sorted((start[0], end[0])), sorted((start[1], end[1]))
    return left < box.right - 1 and box.x + 1 < right + 1e-6 and top < box.bottom - 1 and box.y + 1 < bottom + 1e-6


def test_the_program_has_every_system_of_the_case_study_in_its_drawing(production: Recording) -> None:
    shown = read_architecture("prod", production.resources)
    titles = {actor.title for actor in shown.actors.values()}
    assert titles >= {
        "Internet",
        "Administrators",
        "Data centre",
        "Load balancer",
        "EC2 host",
        "NAT gateways",
        "EKS nodes",
        "EKS control plane",
        "MySQL database",
        "Redis cache",
        "DMS migration",
    }
    assert [path for path in shown.paths if not path.whole] == []
    assert {"KMS keys", "CloudTrail", "Config", "Inspector", "WAF"} <= set(shown.services)


def test_the_drawing_is_well_formed_and_says_in_words_what_it_shows(architecture: Architecture) -> None:
    root = ET.fromstring(draw(architecture, alone=True))  # noqa: S314 (our own drawing)
    assert root.find(f"{SVG}title").text == "Architecture of sample"  # type: ignore[union-attr]
    words = " ".join(title.text or "" for title in root.iter(f"{SVG}title"))
    assert "Internet to Load balancer: 443" in words
    assert "EC2 host to EKS nodes: 22; the other end does not allow it" in words
    assert len([path for path in root.iter(f"{SVG}path") if path.get("class") == "boundary"]) == 1


def test_the_drawing_repeats_itself(architecture: Architecture) -> None:
    assert draw(architecture, alone=True) == draw(architecture, alone=True)
