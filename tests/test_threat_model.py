"""The page on threats lists every way out of production, and no other."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

from tests.recorded import recorded

PAGE = Path(__file__).parents[1] / "docs/threat-model.md"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"


def test_every_way_out_of_the_vpc_is_listed_and_justified() -> None:
    production = recorded("prod")
    [vpc] = production.of("aws:ec2/vpc:Vpc")
    inside = ip_network(vpc.inputs["cidrBlock"])
    ways = {
        (one.name, one.inputs["cidrIpv4"], str(one.inputs["fromPort"]))
        for one in production.of(EGRESS)
        if "cidrIpv4" in one.inputs and not ip_network(one.inputs["cidrIpv4"]).subnet_of(inside)
    }
    section = PAGE.read_text(encoding="utf-8").partition("## Ways out of each tier")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in section.splitlines() if line.startswith("| `")]
    assert {(row[0].strip("`"), row[1], row[2]) for row in rows} == ways
    assert all(len(row[3]) > 10 for row in rows)
    assert not [one for one in production.of(EGRESS) if "cidrIpv6" in one.inputs or "prefixListId" in one.inputs]
