"""Who we are to AWS."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import boto3
import botocore.exceptions

from command_line.exits import BAD_INPUT, FAILED, REFUSED, Stop
from operations.environments import lifetimes


def caller_account(region: str) -> str:
    """The account that we are logged in to.

    Raises:
        Stop: when we are logged in to none.
    """
    try:
        return boto3.client("sts", region_name=region).get_caller_identity()["Account"]
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        raise Stop(
            BAD_INPUT,
            f"AWS: you are not logged in ({' '.join(str(error).split())}); run `aws sso login` or export credentials.",
        ) from None


def clock(region: str) -> Callable[[], datetime]:
    """AWS's time: this machine's clock, put right by what AWS says the time is.

    A machine whose clock is a day ahead would see every environment expired.

    Raises:
        Stop: when AWS does not say its time.
    """
    try:
        answer = boto3.client("sts", region_name=region).get_caller_identity()
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        raise Stop(FAILED, f"AWS: its time cannot be read ({' '.join(str(error).split())}).") from None
    said = answer["ResponseMetadata"]["HTTPHeaders"].get("date", "")
    try:
        ahead = lifetimes.now() - parsedate_to_datetime(said).astimezone(UTC)
    except ValueError:
        raise Stop(FAILED, f"AWS: {said!r} is no time; run the command again.") from None
    return lambda: lifetimes.now() - ahead


def must_be_in(account: str, region: str) -> str:
    """The account that we are logged in to, which must be `account`.

    Raises:
        Stop: when it is another.
    """
    caller = caller_account(region)
    if caller != account:
        raise Stop(
            BAD_INPUT,
            f"AWS: you are logged in to account {caller}; allowed: {account}, where environments live; log in there.",
        )
    return caller


def zone_id(zone_name: str, region: str) -> str:
    """The id of the account's public hosted zone of this name.

    Raises:
        Stop: when there is none, or more than one.
    """
    route53 = boto3.client("route53", region_name=region)
    try:
        found = route53.list_hosted_zones_by_name(DNSName=zone_name)["HostedZones"]
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        raise Stop(FAILED, f"Route 53: its zones cannot be read ({' '.join(str(error).split())}).") from None
    public = [
        zone for zone in found if zone["Name"] == f"{zone_name}." and not zone.get("Config", {}).get("PrivateZone")
    ]
    if len(public) != 1:
        raise Stop(
            REFUSED,
            f"softpos:edgeZoneName: {len(public)} public zones are called {zone_name}; allowed: one, in which "
            "environments get their names; deploy the stack that they come from, or set softpos:edgeZoneId.",
        )
    return public[0]["Id"].rpartition("/")[2]
