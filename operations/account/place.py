"""Is it the right account, and is the Region there: identity, opt-in, zones, and what they offer."""

from __future__ import annotations

from collections.abc import Iterator

from operations.account.answers import Answer, Question, failed, passed, warned


def identity(asked: Question) -> Iterator[Answer]:
    """The credentials belong to the account that the settings name."""
    caller = asked.session.client("sts").get_caller_identity()
    wanted = asked.settings.account_id
    if caller["Account"] == wanted:
        yield passed("account", f"{wanted}, as {caller['Arn']}")
    else:
        yield failed(
            "account", f"the credentials belong to {caller['Account']}, the settings name {wanted}", "log in to it"
        )


def region(asked: Question) -> Iterator[Answer]:
    """The Region is switched on, and has the zones of the settings."""
    ec2, name = asked.session.client("ec2"), asked.settings.region
    [found] = ec2.describe_regions(RegionNames=[name], AllRegions=True)["Regions"]
    state = found.get("OptInStatus", "opt-in-not-required")
    if state == "not-opted-in":
        yield failed("Region", f"{name} is not switched on in this account", "enable it in the account's settings")
        return
    yield passed("Region", f"{name}: {state}")
    zones = {one["ZoneName"] for one in ec2.describe_availability_zones()["AvailabilityZones"]}
    for zone in asked.settings.network.availability_zones:
        if zone in zones:
            yield passed("zone", zone)
        else:
            yield failed(
                "zone", f"{zone} is not offered to this account", f"choose three of {', '.join(sorted(zones))}"
            )


def instance_types(asked: Question) -> Iterator[Answer]:
    """Each zone that runs machines offers the types of the settings."""
    ec2, settings = asked.session.client("ec2"), asked.settings
    zones = settings.network.availability_zones
    wanted = {settings.cluster.node_instance_type: zones, settings.bastion.instance_type: zones[:1]}
    for type_, needed in wanted.items():
        pages = ec2.get_paginator("describe_instance_type_offerings").paginate(
            LocationType="availability-zone", Filters=[{"Name": "instance-type", "Values": [type_]}]
        )
        offered = {one["Location"] for page in pages for one in page["InstanceTypeOfferings"]}
        lacking = [zone for zone in needed if zone not in offered]
        if lacking:
            yield failed("instance type", f"{type_} is not offered in {', '.join(lacking)}", "choose another type")
        else:
            yield passed("instance type", f"{type_} in {', '.join(needed)}")


def database(asked: Question) -> Iterator[Answer]:
    """The Region offers the database's version and, of it, the instance class."""
    rds, settings = asked.session.client("rds"), asked.settings.database
    version = f"{settings.engine} {settings.engine_version}"
    found = rds.describe_db_engine_versions(Engine=settings.engine, EngineVersion=settings.engine_version)
    if not found["DBEngineVersions"]:
        yield failed("database version", f"{version} is not offered here", "choose a version that RDS lists")
        return
    yield passed("database version", version)
    options = rds.describe_orderable_db_instance_options(
        Engine=settings.engine, EngineVersion=settings.engine_version, DBInstanceClass=settings.instance_class
    )["OrderableDBInstanceOptions"]
    if options:
        yield passed("database class", settings.instance_class)
    else:
        yield failed(
            "database class", f"{settings.instance_class} is not offered for {version}", "choose another class"
        )


def cluster(asked: Question) -> Iterator[Answer]:
    """EKS offers the Kubernetes version under standard support."""
    version = asked.settings.cluster.version
    found = asked.session.client("eks").describe_cluster_versions(clusterVersions=[version])["clusterVersions"]
    if not found:
        yield failed("Kubernetes version", f"EKS does not offer {version} here", "choose a version that EKS lists")
    elif found[0].get("versionStatus", "STANDARD_SUPPORT") == "STANDARD_SUPPORT":
        yield passed(
            "Kubernetes version", f"{version}, standard support until {found[0].get('endOfStandardSupportDate')}"
        )
    else:
        yield warned("Kubernetes version", f"{version} is no longer under standard support", "plan the upgrade")
