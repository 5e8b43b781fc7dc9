"""What must be true before a step, asked of AWS with reads only: insights, add-ons, targets, addresses, snapshots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from components.cluster.addon_versions import known_versions
from operations.account.answers import Answer, failed, passed, warned
from operations.upgrade.steps import Step
from settings import Settings

FREE_ADDRESSES = 5
"""EKS needs up to five free addresses in the cluster's subnets to upgrade a control plane (EKS user guide)."""
FRESH_BACKUP = timedelta(hours=1)


def conditions(session: boto3.Session, settings: Settings, step: Step) -> list[Answer]:
    """Every condition of a step. What AWS does not answer is a warning: nobody knows then."""
    answers: list[Answer] = []
    for key, ask in _CONDITIONS.items():
        if key in step.settings:
            try:
                answers += ask(session, settings, step.settings)
            except (BotoCoreError, ClientError) as error:
                reason = " ".join(str(error).split())
                answers.append(warned(key, f"AWS did not answer: {reason}", "look by hand before the step"))
    return answers


def _control_plane(session: boto3.Session, settings: Settings, wanted: Mapping[str, str]) -> Iterator[Answer]:
    eks, name, version = session.client("eks"), f"softpos-{settings.stack}", wanted["clusterVersion"]
    cluster = eks.describe_cluster(name=name)["cluster"]
    if cluster["version"] == version:
        return
    pages = eks.get_paginator("list_insights").paginate(
        clusterName=name, filter={"categories": ["UPGRADE_READINESS"], "kubernetesVersions": [version]}
    )
    insights = [insight for page in pages for insight in page["insights"]]
    open_ = [one["name"] for one in insights if one["insightStatus"]["status"] in ("ERROR", "WARNING", "UNKNOWN")]
    if open_:
        yield failed("upgrade insights", ", ".join(open_), "mend what EKS names there, then refresh the insights")
    elif insights:
        yield passed("upgrade insights", f"{len(insights)} of {len(insights)} are passing")
    else:
        yield warned("upgrade insights", f"EKS has none for {version}", "refresh them, or read the release notes")
    yield from _addons(eks, name, version)
    subnets = session.client("ec2").describe_subnets(SubnetIds=cluster["resourcesVpcConfig"]["subnetIds"])["Subnets"]
    short = [one["SubnetId"] for one in subnets if one["AvailableIpAddressCount"] < FREE_ADDRESSES]
    if short:
        yield failed(
            "free addresses", f"fewer than {FREE_ADDRESSES} in {', '.join(short)}", "lower the number of pods first"
        )
    else:
        yield passed("free addresses", f"{FREE_ADDRESSES} or more in each of {len(subnets)} subnets")


def _addons(eks: Any, cluster: str, version: str) -> Iterator[Answer]:
    """The add-ons that run must be valid for the new version already: they move after the control plane."""
    for name in eks.list_addons(clusterName=cluster)["addons"]:
        running = eks.describe_addon(clusterName=cluster, addonName=name)["addon"]["addonVersion"]
        pages = eks.get_paginator("describe_addon_versions").paginate(addonName=name, kubernetesVersion=version)
        offered = {one["addonVersion"] for page in pages for addon in page["addons"] for one in addon["addonVersions"]}
        row = known_versions().get((version, name))
        if name != "kube-proxy" and running not in offered:
            yield failed(
                f"add-on {name}",
                f"{running} is not valid for {version}",
                "update it first to a version that is valid for both",
            )
        elif row and row.version not in offered:
            yield failed(
                f"add-on {name}",
                f"the table's {row.version} is not offered for {version}",
                "correct its row in components/cluster/addon_versions.csv",
            )
        else:
            yield passed(f"add-on {name}", f"{running}; then {row.version if row else 'what EKS gives by default'}")


def _database(session: boto3.Session, settings: Settings, wanted: Mapping[str, str]) -> Iterator[Answer]:
    rds, version = session.client("rds"), wanted["databaseEngineVersion"]
    [cluster] = rds.describe_db_clusters(DBClusterIdentifier=f"softpos-{settings.stack}-database")["DBClusters"]
    versions = rds.describe_db_engine_versions(Engine=cluster["Engine"], EngineVersion=cluster["EngineVersion"])
    targets = {one["EngineVersion"] for found in versions["DBEngineVersions"] for one in found["ValidUpgradeTarget"]}
    if version in targets:
        yield passed("upgrade target", f"RDS takes {cluster['EngineVersion']} to {version}")
    else:
        offered = ", ".join(sorted(targets)) or "nothing"
        yield failed("upgrade target", f"RDS does not take it to {version}", f"choose one of {offered}")
    if cluster["Status"] != "available":
        yield failed("database", f"it is {cluster['Status']}", "wait until it is available")
    restorable = cluster.get("LatestRestorableTime")
    if restorable and datetime.now(UTC) - restorable < FRESH_BACKUP:
        yield passed("backup", f"restorable to {restorable:%Y-%m-%d %H:%M} UTC")
    else:
        yield failed("backup", f"restorable to {restorable}", "find out why the continuous backup is late")
    if wanted.get("databaseMajorUpgrade") == "true":
        yield warned(
            "prechecks",
            "RDS runs them inside the upgrade, and stops it when one fails",
            "upgrade a clone first, and read upgrade-prechecks.log there",
        )


def _cache(session: boto3.Session, settings: Settings, wanted: Mapping[str, str]) -> Iterator[Answer]:
    cache, (engine, _, version) = session.client("elasticache"), wanted["cacheEngineVersion"].rpartition("-")
    found = cache.describe_cache_engine_versions(Engine=engine or "redis")["CacheEngineVersions"]
    if any(one["EngineVersion"].startswith(version) for one in found):
        yield passed("cache version", f"{engine or 'redis'} {version} is offered")
    else:
        yield failed("cache version", f"{engine or 'redis'} {version} is not offered here", "choose another version")
    [group] = cache.describe_replication_groups(ReplicationGroupId=f"softpos-{settings.stack}-cache")[
        "ReplicationGroups"
    ]
    if group["Status"] == "available":
        yield passed("cache", "it is available")
    else:
        yield failed("cache", f"it is {group['Status']}", "wait until it is available")


def _image(session: boto3.Session, settings: Settings, wanted: Mapping[str, str]) -> Iterator[Answer]:
    release = wanted["clusterNodeReleaseVersion"]
    if not release:
        return
    name = f"softpos-{settings.stack}"
    eks = session.client("eks")
    busy = [
        group
        for group in eks.list_nodegroups(clusterName=name)["nodegroups"]
        if eks.describe_nodegroup(clusterName=name, nodegroupName=group)["nodegroup"]["status"] != "ACTIVE"
    ]
    if busy:
        yield failed("node groups", f"{', '.join(busy)} are not active", "wait until they are")
    else:
        yield passed("node groups", "all are active")


_CONDITIONS = {
    "clusterVersion": _control_plane,
    "databaseEngineVersion": _database,
    "cacheEngineVersion": _cache,
    "clusterNodeReleaseVersion": _image,
}
