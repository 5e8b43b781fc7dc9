"""Whether a name of the data centre is known inside the VPC: the layer that is neither address nor port."""

from __future__ import annotations

from ipaddress import IPv4Address

from operations.journeys.recorded import Recorded
from operations.journeys.spans import Spans


def obstacle(program: Recorded, host: str, addresses: Spans) -> str:
    """Why the VPC's resolver does not answer `host` with `addresses`; empty when it does. An address needs no answer.

    A private zone that holds the name, on the VPC, is the one way that the program itself can prove.
    """
    try:
        found = Spans.addresses([str(IPv4Address(host))])
    except ValueError:
        found = _records(program, host)
    if not found:
        return f"the name {host}, which no private zone of the VPC holds"
    return "" if found.within(addresses) else f"the name {host}, which leads to {found.as_addresses()}"


def _records(program: Recorded, host: str) -> Spans:
    vpcs = {vpc.id for vpc in program.of("aws:ec2/vpc:Vpc") if vpc.inputs.get("enableDnsSupport", True)}
    zones = {
        zone.id: zone.inputs["name"].rstrip(".")
        for zone in program.of("aws:route53/zone:Zone")
        if vpcs & {one["vpcId"] for one in zone.inputs.get("vpcs") or ()}
    }
    return Spans.addresses(
        address
        for record in program.of("aws:route53/record:Record")
        if record.inputs["zoneId"] in zones
        and record.inputs["type"] == "A"
        and record.inputs["name"].rstrip(".") == host
        and f".{host}".endswith(f".{zones[record.inputs['zoneId']]}")
        for address in record.inputs.get("records") or ()
    )
