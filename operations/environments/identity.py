"""Who we are to AWS."""

from __future__ import annotations

import boto3
import botocore.exceptions

from operations.exits import BAD_INPUT, Stop


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
