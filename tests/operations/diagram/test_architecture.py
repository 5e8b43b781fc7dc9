"""The drawing says what the program says: nothing in it is made up, and nothing that matters is left out."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations, pairwise, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from operations.diagram.architecture import Architecture, read_architecture
from operations.diagram.data_flow import data_flow
from operations.diagram.drawing import draw
from operations.diagram.layout import Box, Plan, Point, detail_lines, lay_out
from operations.diagram.outside import DATA_CENTRE, WHOLE_VPC
from operations.diagram.paths import Path
from operations.diagram.topology import Tier
from operations.plan.stack_recording import record_stack
from recording.program import Recording

SVG = "{http://www.w3.org/2000/svg}"
IMAGE = (
    "123456789012.dkr.ecr.eu-central-1.amazonaws.com/{}@sha256:"
    + "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
)
ACQUIRER = {"name": "acquirer", "cidrs": ["203.0.113.80/29"], "ports": [443], "because": "authorisation"}
SERVICES = {
    "serviceImage": "",
    "services": json.dumps(
        {
            "payments": {
                "image": IMAGE.format("payments"),
                "paths": ["/"],
                "uses": ["database"],
                "outside": [ACQUIRER],
            },
            "ledger": {"image": IMAGE.format("ledger"), "callers": ["payments"], "uses": ["database"]},
        }
    ),
}


@pytest.fixture(scope="module")
def architecture(recording: Recording) -> Architecture:
    return read_architecture(recording.stack, recording.resources)


def between(architecture: Architecture, source: str, target: str) -> tuple[str, bool] | None:
    titles = {key: actor.title for key, actor in architecture.actors.items()}
    found = [
        path for path in architecture.paths if (titles.get(path.source), titles.get(path.target)) == (source, target)
    ]
    assert len(found) <= 1
    return (found[0].label, found[0].whole) if found else None


def test_an_arrow_is_a_security_group_path_with_its_ports(architecture: Architecture) -> None:
    assert between(architecture, "Phones", "Load balancer") == ("443", True)
    assert between(architecture, "Load balancer", "EKS nodes") == ("30443", True)
    assert between(architecture, "EKS nodes", "MySQL database") == ("3306", True)
    assert between(architecture, "Administrators", "Bastion") == ("22", True)
    assert between(architecture, "Data centre", "MySQL database") == ("3306", True)


def test_what_no_group_lets_through_has_no_arrow(architecture: Architecture) -> None:
    assert between(architecture, "Phones", "MySQL database") is None
    assert between(architecture, "Load balancer", "MySQL database") is None
    assert between(architecture, "Bastion", "MySQL database") is None


def test_a_path_that_the_sender_may_not_use_is_told_apart(architecture: Architecture) -> None:
    assert between(architecture, "Bastion", "EKS nodes") == ("22", False)


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
    assert scope["Bastion"] == "connected"
    assert scope["Phones"] == "other"


def test_zones_are_those_of_the_subnets(architecture: Architecture) -> None:
    zones = {actor.title: len(actor.zones) for actor in architecture.actors.values()}
    assert (zones["Load balancer"], zones["Bastion"]) == (3, 1)


@pytest.fixture(scope="module")
def program(production: Recording) -> Architecture:
    return read_architecture("prod", production.resources)


@pytest.fixture(scope="module", params=["sample", "program", "data flow"])
def drawn(request: pytest.FixtureRequest, architecture: Architecture, program: Architecture) -> Architecture:
    return {"sample": architecture, "program": program, "data flow": data_flow(program)}[request.param]


@pytest.fixture(scope="module")
def plan(drawn: Architecture) -> Plan:
    laid_out = lay_out(drawn)
    assert len(laid_out.boxes) > 5
    assert laid_out.arrows
    return laid_out


def test_boxes_do_not_overlap(plan: Plan) -> None:
    placed = {**plan.boxes, **{tier.title: box for tier, box in plan.tiers.items()}}
    assert [(one, other) for one, other in combinations(placed, 2) if placed[one].overlaps(placed[other])] == []


def test_no_arrow_crosses_a_box(plan: Plan) -> None:
    assert [
        (arrow.path.source, arrow.path.target, key)
        for arrow in plan.arrows
        for stretch in stretches(arrow.points)
        for key, box in plan.boxes.items()
        if stretch.overlaps(within(box))
    ] == []


def test_an_arrow_runs_from_its_source_to_its_target(plan: Plan) -> None:
    def place(key: str) -> Box | None:
        return plan.gateway if key == DATA_CENTRE else plan.boxes[key]

    for arrow in plan.arrows:
        assert touches(arrow.points[0], place(arrow.path.source)), arrow
        assert touches(arrow.points[-1], place(arrow.path.target)), arrow


def test_every_path_is_drawn(plan: Plan, drawn: Architecture) -> None:
    assert [arrow.path for arrow in plan.arrows] == [path for path in drawn.paths if path.source != WHOLE_VPC]


def test_no_label_hides_another_or_a_name(plan: Plan) -> None:
    labels = [arrow.label for arrow in plan.arrows]
    assert [pair for pair in combinations(labels, 2) if pair[0].overlaps(pair[1])] == []
    names = {key: Box(box.x + 12, box.y + 8, box.width - 24, box.height - 16) for key, box in plan.boxes.items()}
    assert [
        (arrow.text, key) for arrow in plan.arrows for key, name in names.items() if arrow.label.overlaps(name)
    ] == []


def test_labels_find_room_where_many_arrows_are(program: Architecture) -> None:
    keys = sorted(program.actors)[:12]
    pairs = [(keys[i], keys[j]) for i, j in permutations(range(len(keys)), 2) if (i + j) % 4 == 0]
    crowded = replace(program, paths=tuple(Path(*pair, ("443",), (), whole=True) for pair in pairs))
    plan = lay_out(crowded)
    assert len(plan.arrows) >= 30
    test_no_label_hides_another_or_a_name(plan)


def test_a_row_is_a_tier_and_the_vpc_holds_all_but_what_is_outside(plan: Plan, drawn: Architecture) -> None:
    for key, box in plan.boxes.items():
        tier = drawn.actors[key].tier
        inside = plan.vpc.y < box.y and box.bottom < plan.vpc.bottom and plan.vpc.x < box.x < plan.vpc.right
        assert inside is (tier is not Tier.OUTSIDE), key
        assert tier is Tier.OUTSIDE or plan.tiers[tier].y <= box.y <= box.bottom <= plan.tiers[tier].bottom, key


def test_the_boundary_holds_the_cardholder_data_environment_and_nothing_else(plan: Plan, drawn: Architecture) -> None:
    root = ET.fromstring(draw(drawn, alone=True))  # noqa: S314 (our own drawing)
    outlines = [path.attrib["d"] for path in root.iter(f"{SVG}path") if path.get("class") == "boundary"]
    assert outlines
    corners = [[tuple(map(float, corner.split())) for corner in line[1:-2].split(" L")] for line in outlines]
    for key, box in plan.boxes.items():
        middle = (box.x + box.width / 2, box.y + box.height / 2)
        assert any(inside(middle, outline) for outline in corners) is (drawn.scope[key] == "cardholder"), key


@settings(max_examples=40, deadline=None)
@given(data=some.data())
def test_whatever_the_program_declares_can_be_drawn(program: Architecture, data: some.DataObject) -> None:
    keys = sorted(data.draw(some.sets(some.sampled_from(sorted(program.actors)), min_size=1)))
    pairs = data.draw(some.sets(some.tuples(some.sampled_from(keys), some.sampled_from(keys)), max_size=25))
    paths = tuple(Path(one, other, ("443",), (), whole=True) for one, other in sorted(pairs) if one != other)
    shown = replace(program, actors={key: program.actors[key] for key in keys}, paths=paths)
    plan = lay_out(shown)
    test_boxes_do_not_overlap(plan)
    test_no_arrow_crosses_a_box(plan)
    test_an_arrow_runs_from_its_source_to_its_target(plan)
    test_every_path_is_drawn(plan, shown)


def stretches(points: Sequence[Point]) -> list[Box]:
    return [
        Box(min(one[0], other[0]), min(one[1], other[1]), abs(one[0] - other[0]), abs(one[1] - other[1]))
        for one, other in pairwise(points)
    ]


def within(box: Box) -> Box:
    """A box without its edge, which is where an arrow arrives."""
    return Box(box.x + 1, box.y + 1, box.width - 2, box.height - 2)


def touches(point: Point, box: Box | None) -> bool:
    assert box is not None
    x, y = point
    on_side = min(abs(x - box.x), abs(x - box.right)) <= 1 and box.y <= y <= box.bottom
    return on_side or (min(abs(y - box.y), abs(y - box.bottom)) <= 1 and box.x <= x <= box.right)


def inside(point: Point, outline: Sequence[Point]) -> bool:
    """Whether a ray to the left meets the outline an odd number of times."""
    x, y = point
    sides = pairwise((*outline, outline[0]))
    return sum(one[0] < x and min(one[1], other[1]) <= y < max(one[1], other[1]) for one, other in sides) % 2 == 1


def test_the_program_has_every_system_of_the_case_study_in_its_drawing(program: Architecture) -> None:
    titles = {actor.title for actor in program.actors.values()}
    assert titles >= {
        "Internet",
        "Administrators",
        "Data centre",
        "Load balancer",
        "Bastion",
        "NAT gateways",
        "EKS nodes",
        "EKS control plane",
        "MySQL database",
        "Redis cache",
        "DMS migration",
    }
    assert [path for path in program.paths if not path.whole] == []
    assert {"KMS keys", "CloudTrail", "Config", "Inspector", "WAF"} <= set(program.services)
    assert {"Phones", "Trend Micro tenant", "Image registry"} <= titles


@pytest.fixture(scope="module")
def shifting() -> Architecture:
    """Production while traffic shifts, with two services, of which one calls an acquirer."""
    return read_architecture("prod", record_stack("prod", {"migrationPhase": "shifting", **SERVICES}).resources)


def test_the_data_centre_says_its_parts(shifting: Architecture) -> None:
    assert {"MySQL 10.80.16.10", "router 10.80.8.10", "router 10.80.8.11"} <= set(
        detail_lines(shifting.actors[DATA_CENTRE])
    )


def test_each_service_is_in_the_box_of_the_nodes(shifting: Architecture) -> None:
    (nodes,) = (actor for actor in shifting.actors.values() if actor.title == "EKS nodes")
    assert nodes.contents == ("runs ledger", "runs payments")


def test_the_agents_tenant_the_registry_and_the_acquirer_are_outside_with_their_ways(shifting: Architecture) -> None:
    assert between(shifting, "NAT gateways", "Trend Micro tenant") == ("443", True)
    assert between(shifting, "Service endpoints", "Image registry") == ("443", True)
    assert between(shifting, "NAT gateways", "Acquirer and partners") == ("443", True)
    assert between(shifting, "Administrators", "Acquirer and partners") is None


def test_the_data_flow_has_every_way_of_card_data_to_the_outside_and_no_other(shifting: Architecture) -> None:
    flow = data_flow(shifting)
    titles = {actor.title for actor in flow.actors.values()}
    assert {"Phones", "NAT gateways", "Acquirer and partners", "Data centre"} <= titles
    assert not {"Bastion", "Administrators", "Image registry", "Trend Micro tenant"} & titles
    assert between(flow, "EKS nodes", "NAT gateways") == ("443", True)
    assert between(flow, "NAT gateways", "Acquirer and partners") == ("443", True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("phase", "ways"),
    [
        ("none", set()),
        ("beside", {("EKS nodes", "Data centre"), ("DMS migration", "Data centre")}),
        (
            "shifting",
            {("EKS nodes", "Data centre"), ("DMS migration", "Data centre"), ("Load balancer", "Data centre")},
        ),
        ("after", set()),
    ],
)
def test_a_phase_is_drawn_as_it_is(phase: str, ways: set[tuple[str, str]]) -> None:
    drawn = read_architecture("prod", record_stack("prod", {"migrationPhase": phase}).resources)
    titles = {key: actor.title for key, actor in drawn.actors.items()}
    found = {(titles[path.source], titles[path.target]) for path in drawn.paths if path.target == DATA_CENTRE}
    assert found - {("Bastion", "Data centre")} == ways


def test_a_service_is_counted_by_what_it_is_named_by(program: Architecture, production: Recording) -> None:
    assert program.services["KMS keys"].count == len(production.of("aws:kms/key:Key"))
    assert program.services["IAM roles"].count == len(production.of("aws:iam/role:Role"))


def test_the_drawing_is_well_formed_and_says_in_words_what_it_shows(architecture: Architecture) -> None:
    root = ET.fromstring(draw(architecture, alone=True))  # noqa: S314 (our own drawing)
    assert root.find(f"{SVG}title").text == "Architecture of sample"  # type: ignore[union-attr]
    words = " ".join(title.text or "" for title in root.iter(f"{SVG}title"))
    assert "Phones to Load balancer: 443" in words
    assert "Bastion to EKS nodes: 22; the other end does not allow it" in words
    assert len([path for path in root.iter(f"{SVG}path") if path.get("class") == "boundary"]) == 1


def test_the_drawing_repeats_itself(architecture: Architecture) -> None:
    assert draw(architecture, alone=True) == draw(architecture, alone=True)
